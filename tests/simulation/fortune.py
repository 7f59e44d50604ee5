"""What befalls cards, invoices and outside systems, by chance; the same for the same seed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

SOFT: Final = ("insufficient_funds", "card_declined", "processing_error", "incorrect_cvc")
HARD: Final = ("stolen_card", "lost_card", "expired_card")
#: Chances a day.
OFFICE: Final = 0.4
OUTAGE: Final = 0.15
#: Days that trouble with a card lasts; who doesn't care, never ends it.
LASTS: Final = (1, 14)
CARELESS: Final = 0.35


@dataclass(kw_only=True)
class Fortune:
    """Rolls the dice of one simulation."""

    #: Decides about cards alone, so that they fare the same whatever else happens when.
    chance: random.Random
    #: Decides about everything else.
    mood: random.Random
    #: The chance that a good card goes bad, a day.
    trouble: float
    customers: Sequence[str]
    #: Customer → the day on which their trouble ends (None: never), and whether another card is what ends it.
    troubled: dict[str, tuple[int | None, bool]] = field(default_factory=dict)

    def cards(self, day: int, *, trouble: bool) -> list[dict[str, Any]]:
        """What becomes of cards today, as the stand-in's control takes it; without `trouble`, only for the better."""
        changes: list[dict[str, Any]] = []
        for customer, (until, another) in list(self.troubled.items()):
            if until == day:
                del self.troubled[customer]
                change = {"replace": True} if another else {"decline": None}
                changes.append({"customer_id": customer, **change})
        for customer in self.customers if trouble else ():
            if customer in self.troubled or self.chance.random() >= self.trouble:
                continue
            hard = self.chance.random() < 0.3
            until = None if self.chance.random() < CARELESS else day + self.chance.randint(*LASTS)
            self.troubled[customer] = (until, hard)
            changes.append({"customer_id": customer, "decline": self.chance.choice(HARD if hard else SOFT)})
        return changes

    def faults(self) -> list[tuple[str, dict[str, Any]]]:
        """Outside systems that misbehave today: down for a while, or doing the work without saying so."""
        found: list[tuple[str, dict[str, Any]]] = []
        for service in ("chargebee", "iterable", "zendesk"):
            if self.mood.random() < OUTAGE:
                fault = self.mood.choice(
                    [{"status": 503}, {"status": 500, "after_work": True}, {"status": 429, "retry_after_s": 0}]
                )
                found.append((service, {**fault, "times": self.mood.randint(1, 12)}))
        return found

    async def office(self, client: httpx.AsyncClient, url: str) -> str | None:
        """Somebody in billing does something with an invoice that is due; what it was."""
        if self.mood.random() >= OFFICE:
            return None
        query = {"status[is]": "payment_due", "limit": "100"}
        answer = await client.get(f"{url}/api/v2/invoices", params=query, auth=("key", ""))
        due = [one["invoice"] for one in answer.json()["list"]]
        if not due:
            return None
        invoice = self.mood.choice(due)
        deed = self.mood.choice(["void", "write_off", "record_payment", "part", "refund"])
        path = f"{url}/api/v2/invoices/{invoice['id']}"
        if deed in {"part", "refund"}:
            part = max(invoice["amount_due"] // 3, 1)
            form: dict[str, Any] = {"transaction[amount]": part, "transaction[payment_method]": "bank_transfer"}
            await client.post(f"{path}/record_payment", data=form, auth=("key", ""))
            if deed == "refund":
                await client.post(f"{path}/refund", data={"refund_amount": part}, auth=("key", ""))
        else:
            form = {"transaction[payment_method]": "cash"} if deed == "record_payment" else {}
            await client.post(f"{path}/{deed}", data=form or None, auth=("key", ""))
        return deed
