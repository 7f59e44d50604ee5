"""What every stand-in can be told: misbehave, turn the clock, send and withhold webhooks, begin anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from local.standin.faults import FIELDS as FAULT_FIELDS
from local.standin.faults import Faults, parse_fault
from local.standin.instruction import NUMBER, TEXT_OR_NULL, ControlError, Instruction, need
from local.standin.service import Service
from local.standin.webhooks import Order, Target


class Kit:
    """The instructions over one service."""

    def __init__(self, service: Service, faults: Faults) -> None:
        self._service = service
        self._faults = faults

    def instructions(self) -> Mapping[str, Instruction]:
        """Path below ``/_control`` to instruction."""
        wanted = self._service.kit
        return {name: one for name, one in self._all().items() if wanted is None or name in wanted}

    def _all(self) -> Mapping[str, Instruction]:
        return {
            "faults": Instruction(
                about="Fail the next requests that fit: answer with a status, late, or not at all (drop); with "
                "after_work only once the work is done. path is a regular expression. DELETE: behave again.",
                fields=FAULT_FIELDS,
                example={"status": 500, "times": 2, "method": "POST"},
                carry_out=self._add_fault,
                repeats=True,
            ),
            "clock": Instruction(
                about="Turn the clock here; what falls due then happens. Without a field: the machine's time again.",
                fields={"now": str, "advance_s": NUMBER},
                example={"advance_s": 86400},
                carry_out=self._turn_clock,
            ),
            "webhooks": Instruction(
                about="Where webhooks go; null: nowhere.",
                fields={"url": TEXT_OR_NULL, "username": TEXT_OR_NULL, "password": TEXT_OR_NULL},
                example={"url": "http://127.0.0.1:8109/webhooks/" + self._service.name},
                carry_out=self._aim_webhooks,
            ),
            "webhooks/send": Instruction(
                about="Send a webhook now: a new one, or with event_id an earlier one once more.",
                fields={"event_type": str, "content": dict, "event_id": str},
                example=self._service.webhook_example,
                carry_out=self._send_webhook,
            ),
            "webhooks/shape": Instruction(
                about="Send the next webhooks twice; hold new ones back until release.",
                fields={"twice": int, "hold": bool},
                example={"twice": 3, "hold": True},
                carry_out=self._shape_webhooks,
            ),
            "webhooks/release": Instruction(
                about=f"Let go what was held back, in an order: {', '.join(Order)}.",
                fields={"order": str},
                example={"order": "reverse"},
                carry_out=self._release_webhooks,
            ),
            "reset": Instruction(
                about="Empty everything, and fill in the demo data again unless seed is false.",
                fields={"seed": bool},
                example={},
                carry_out=self._reset,
            ),
        }

    def _add_fault(self, body: Mapping[str, Any]) -> Any:
        self._faults.add(parse_fault(body))
        return {"faults": [asdict(fault) for fault in self._faults.waiting()]}

    def _turn_clock(self, body: Mapping[str, Any]) -> Any:
        clock = self._service.clock
        try:
            if "now" in body:
                moment = datetime.fromisoformat(body["now"])
                clock.set(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            elif "advance_s" in body:
                clock.advance(timedelta(seconds=body["advance_s"]))
            else:
                clock.reset()
            now = clock.now()
        except (ValueError, OverflowError) as error:
            raise ControlError(f"the clock can't be turned there: {error}") from None
        self._service.time_passed()
        return {"now": now.isoformat()}

    def _aim_webhooks(self, body: Mapping[str, Any]) -> Any:
        url = need(body, "url")
        if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
            raise ControlError(f"'url' is an address like http://127.0.0.1:8109/webhooks; it can't be {url!r}")
        target = Target(url=url, username=body.get("username"), password=body.get("password")) if url else None
        self._service.webhooks.aim(target)
        return {"url": url}

    def _send_webhook(self, body: Mapping[str, Any]) -> Any:
        service = self._service
        if "event_id" in body:
            webhook = service.webhook_again(body["event_id"])
        elif "event_type" in body:
            webhook = service.webhook(body["event_type"], body.get("content", {}))
        else:
            raise ControlError('say which: {"event_type": …, "content": {…}} or {"event_id": …}')
        if not service.webhooks.add(webhook):
            raise ControlError("webhooks go nowhere: POST /_control/webhooks with a url first")
        return {"event_id": webhook.event_id, "event_type": webhook.event_type}

    def _shape_webhooks(self, body: Mapping[str, Any]) -> Any:
        if body.get("twice", 0) < 0:
            raise ControlError(f"'twice' is how many webhooks; it can't be {body['twice']}")
        self._service.webhooks.shape(twice=body.get("twice"), hold=body.get("hold"))
        return {"counts": self._service.webhooks.counts()}

    def _release_webhooks(self, body: Mapping[str, Any]) -> Any:
        wanted = body.get("order", Order.SAME)
        if wanted not in list(Order):
            raise ControlError(f"'order' is one of {', '.join(Order)}; it can't be {wanted!r}")
        return {"released": self._service.webhooks.release(Order(wanted))}

    def _reset(self, body: Mapping[str, Any]) -> Any:
        service = self._service
        self._faults.clear()
        service.webhooks.shape(twice=0, hold=False)
        target = service.webhooks.target
        service.store.wipe()
        service.clock.reset()
        # Where webhooks go belongs to the platform, not to the data.
        service.webhooks.aim(target)
        if body.get("seed", True):
            service.seed()
        service.store.set("seeded", value=True)
        return {"documents": service.store.counts()}
