"""Terms: what a subscription is made of, when it is charged, and what becomes of it when time passes."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from local.chargebee.billing import Billing, Line
from local.chargebee.replies import not_found
from local.chargebee.site import Site
from local.standin.service import Refusal

_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}

#: Terms that one turn of the clock may bring for one subscription; a clock turned by ten years stays bearable.
_MOST_STEPS = 600


def term_end(start: int, period: int, unit: str) -> int:
    """When a term that starts then ends: months keep the day, or take the month's last."""
    moment = datetime.fromtimestamp(start, UTC)
    if unit in _DAYS:
        return int((moment + timedelta(days=_DAYS[unit] * period)).timestamp())
    year, month = divmod(moment.year * 12 + moment.month - 1 + _MONTHS[unit] * period, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return int(moment.replace(year=year, month=month + 1, day=day).timestamp())


class Terms:
    """Begins, changes and ends the terms of one site's subscriptions. Subscriptions given are brought up to date."""

    def __init__(self, site: Site, billing: Billing) -> None:
        self._site = site
        self._billing = billing

    def items(self, wanted: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
        """Subscription items for rows of ``item_price_id``, ``quantity``, ``unit_price``; refuses unknown prices."""
        return [self._item(row) for row in wanted]

    def _item(self, row: Mapping[str, str]) -> dict[str, Any]:
        price = self._site.find("item_price", row.get("item_price_id", ""))
        if price is None or price.get("status", "active") != "active":
            raise Refusal(not_found("item_price", row.get("item_price_id", "")))
        quantity = int(row.get("quantity") or 1)
        unit_price = int(row.get("unit_price") or price.get("price") or 0)
        flat = price.get("pricing_model") == "flat_fee"
        return {
            "item_price_id": price["id"],
            "item_type": price.get("item_type", "plan"),
            "quantity": quantity,
            "unit_price": unit_price,
            "amount": unit_price if flat else unit_price * quantity,
            "free_quantity": 0,
            "object": "subscription_item",
        }

    def set_items(self, subscription: dict[str, Any], items: list[dict[str, Any]]) -> None:
        """Give a subscription its items; the plan's price says how long a term is and in which currency."""
        plan = next((item for item in items if item["item_type"] == "plan"), items[0])
        price = self._site.need("item_price", plan["item_price_id"])
        subscription["subscription_items"] = items
        subscription["billing_period"] = price.get("period") or 1
        subscription["billing_period_unit"] = price.get("period_unit") or "month"
        subscription["currency_code"] = price["currency_code"]
        months = _MONTHS.get(subscription["billing_period_unit"], 0) * subscription["billing_period"] or 1
        subscription["mrr"] = _amount(items) // months

    def begin(self, subscription: dict[str, Any], at: int, *, first: bool = True) -> dict[str, Any] | None:
        """Start a term then and charge it; returns the invoice, None when there is nothing to charge."""
        subscription["status"] = "active"
        subscription.setdefault("started_at", at)
        subscription.setdefault("activated_at", at)
        subscription["current_term_start"] = at
        subscription["current_term_end"] = term_end(
            at, subscription["billing_period"], subscription["billing_period_unit"]
        )
        subscription["next_billing_at"] = subscription["current_term_end"]
        self._site.save("subscription", subscription)
        invoice = self._billing.charge(subscription, _lines(subscription), at=at, first=first)
        self._refresh(subscription)
        return invoice

    def change_items(
        self, subscription: dict[str, Any], items: list[dict[str, Any]], at: int
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Change items in the middle of a term: the unused part is credited, the new is charged for what is left.

        Another length of the term starts a new one. Returns invoice and credit note, where there are any.
        """
        old_amount = _amount(subscription["subscription_items"])
        old_period = (subscription["billing_period"], subscription["billing_period_unit"])
        start, end = subscription["current_term_start"], subscription["current_term_end"]
        left = max(end - at, 0) / (end - start)
        self.set_items(subscription, items)
        note = self._billing.credit(subscription, round(old_amount * left), at)
        if (subscription["billing_period"], subscription["billing_period_unit"]) != old_period:
            return self.begin(subscription, at, first=False), note
        self._site.save("subscription", subscription)
        lines = [
            Line(
                item_price_id=line.item_price_id,
                item_type=line.item_type,
                description=f"{line.description} - Prorated Charges",
                quantity=line.quantity,
                unit_amount=round(line.unit_amount * left),
                amount=round(line.amount * left),
                date_from=at,
                date_to=end,
            )
            for line in _lines(subscription)
        ]
        invoice = self._billing.charge(subscription, lines, at=at, first=False)
        self._refresh(subscription)
        return invoice, note

    def renew(self, subscription: dict[str, Any]) -> dict[str, Any] | None:
        """Begin the next term, with what was scheduled for it; returns the invoice."""
        at = subscription["current_term_end"]
        scheduled = self._site.store.find("scheduled_change", subscription["id"])
        if scheduled is not None:
            self.drop_scheduled_change(subscription)
            self.set_items(subscription, scheduled["items"])
        invoice = self.begin(subscription, at, first=False)
        self._tell("subscription_changed" if scheduled else "subscription_renewed", subscription, invoice=invoice)
        return invoice

    def schedule_change(self, subscription: dict[str, Any], items: list[dict[str, Any]]) -> None:
        """Change the items when the term ends."""
        now = self._site.now()
        self._site.store.put("scheduled_change", subscription["id"], {"items": items}, created_at=now, updated_at=now)
        subscription["has_scheduled_changes"] = True
        subscription["changes_scheduled_at"] = subscription["current_term_end"]

    def drop_scheduled_change(self, subscription: dict[str, Any]) -> None:
        """Forget what was scheduled."""
        self._site.store.execute(
            "DELETE FROM document WHERE kind = 'scheduled_change' AND id = ?", (subscription["id"],)
        )
        subscription["has_scheduled_changes"] = False
        subscription.pop("changes_scheduled_at", None)

    def run_due(self) -> int:
        """Do for every subscription what has fallen due by the site's clock; returns how many steps that were."""
        steps = 0
        for subscription in self._site.store.all("subscription"):
            for _ in range(_MOST_STEPS):
                if not self._step(subscription):
                    break
                steps += 1
        return steps

    def _step(self, subscription: dict[str, Any]) -> bool:
        now = self._site.now()
        status = subscription["status"]
        ended = subscription.get("current_term_end", now + 1) <= now
        if status == "future" and subscription["start_date"] <= now:
            invoice = self.begin(subscription, subscription["start_date"])
            self._tell("subscription_activated", subscription, invoice=invoice)
        elif status == "active" and ended and subscription.get("pause_date", now + 1) <= now:
            self.pause(subscription)
        elif status == "active" and ended:
            self.renew(subscription)
        elif status == "non_renewing" and ended:
            self.cancel(subscription, subscription["current_term_end"])
        elif status == "paused" and subscription.get("resume_date", now + 1) <= now:
            self.resume(subscription, subscription["resume_date"])
        else:
            return False
        return True

    def pause(self, subscription: dict[str, Any]) -> None:
        """Pause now."""
        subscription["status"] = "paused"
        subscription["pause_date"] = min(subscription.get("pause_date", self._site.now()), self._site.now())
        subscription.pop("next_billing_at", None)
        self._site.save("subscription", subscription)
        self._tell("subscription_paused", subscription)

    def resume(self, subscription: dict[str, Any], at: int) -> dict[str, Any] | None:
        """Resume then: the old term goes on, or a new one begins when it is over; returns the invoice if one."""
        subscription.pop("pause_date", None)
        subscription.pop("resume_date", None)
        invoice = None
        if subscription["current_term_end"] <= at:
            invoice = self.begin(subscription, at, first=False)
        else:
            subscription["status"] = "active"
            subscription["next_billing_at"] = subscription["current_term_end"]
            self._site.save("subscription", subscription)
        self._tell("subscription_resumed", subscription, invoice=invoice)
        return invoice

    def cancel(self, subscription: dict[str, Any], at: int) -> None:
        """Cancel as of then."""
        subscription["status"] = "cancelled"
        subscription["cancelled_at"] = at
        subscription["current_term_end"] = min(subscription.get("current_term_end", at), at)
        subscription.pop("next_billing_at", None)
        self.drop_scheduled_change(subscription)
        self._site.save("subscription", subscription)
        self._tell("subscription_cancelled", subscription)

    def _refresh(self, subscription: dict[str, Any]) -> None:
        # Charging keeps a newer form of it: what is due.
        current = self._site.need("subscription", subscription["id"])
        subscription.clear()
        subscription.update(current)

    def _tell(self, event_type: str, subscription: dict[str, Any], **more: Mapping[str, Any] | None) -> None:
        self._billing.tell(event_type, subscription, **more)


def _lines(subscription: Mapping[str, Any]) -> list[Line]:
    return [
        Line(
            item_price_id=item["item_price_id"],
            item_type=item["item_type"],
            description=item["item_price_id"],
            quantity=item["quantity"],
            unit_amount=item["unit_price"],
            amount=item["amount"],
            date_from=subscription["current_term_start"],
            date_to=subscription["current_term_end"],
        )
        for item in subscription["subscription_items"]
    ]


def _amount(items: Sequence[Mapping[str, Any]]) -> int:
    return sum(item.get("amount") or 0 for item in items)
