"""Subscriptions of product catalogue 2.0: made of item prices, with custom fields (``cf_contract_id``)."""

from __future__ import annotations

from typing import Any

import orjson

from local.chargebee.form import Params, set_custom_fields
from local.chargebee.listing import list_documents
from local.chargebee.replies import declined, duplicate, json_reply, wrong_state, wrong_value
from local.chargebee.site import Site
from local.chargebee.terms import Terms
from local.standin.service import Call, Refusal, Reply, Routes

_OPTIONS = ("immediately", "end_of_term", "specific_date")


class Subscriptions:
    """The site's subscriptions."""

    def __init__(self, site: Site, terms: Terms, routes: Routes) -> None:
        self._site = site
        self._terms = terms
        for method, path, handler in (
            ("POST", "/customers/{id}/subscription_for_items", self.create_with_items),
            ("GET", "/customers/{id}/subscriptions", self.of_customer),
            ("GET", "/subscriptions", self.listing),
            ("GET", "/subscriptions/{id}", self.retrieve),
            ("POST", "/subscriptions/{id}", self.update),
            ("POST", "/subscriptions/{id}/update_for_items", self.update_for_items),
            ("GET", "/subscriptions/{id}/retrieve_with_scheduled_changes", self.with_scheduled_changes),
            ("POST", "/subscriptions/{id}/remove_scheduled_changes", self.remove_scheduled_changes),
            ("POST", "/subscriptions/{id}/cancel_for_items", self.cancel),
            ("POST", "/subscriptions/{id}/cancel", self.cancel),
            ("POST", "/subscriptions/{id}/remove_scheduled_cancellation", self.remove_scheduled_cancellation),
            ("POST", "/subscriptions/{id}/pause", self.pause),
            ("POST", "/subscriptions/{id}/remove_scheduled_pause", self.remove_scheduled_pause),
            ("POST", "/subscriptions/{id}/resume", self.resume),
            ("POST", "/subscriptions/{id}/delete", self.delete),
        ):
            routes.add(method, f"/api/v2{path}", handler)

    def create_with_items(self, call: Call) -> Reply:
        """``POST /customers/{id}/subscription_for_items``."""
        params = Params(call.body.decode())
        customer = self._site.need("customer", call.params["id"])
        subscription_id = params.text("id") or self._site.new_id()
        if self._site.store.find("subscription", subscription_id) is not None:
            raise Refusal(duplicate("id", subscription_id))
        rows = params.rows("subscription_items")
        if not rows:
            raise Refusal(wrong_value("subscription_items[item_price_id][0]", "cannot be blank"))
        now = self._site.now()
        start = params.number("start_date") or now
        subscription: dict[str, Any] = {
            "id": subscription_id,
            "customer_id": customer["id"],
            "status": "future",
            "auto_collection": params.text("auto_collection") or customer.get("auto_collection", "on"),
            "created_at": now,
            "start_date": start,
            "has_scheduled_changes": False,
            "has_scheduled_advance_invoices": False,
            "due_invoices_count": 0,
            "channel": "web",
        }
        if params.text("meta_data"):
            subscription["meta_data"] = orjson.loads(params.need("meta_data"))
        set_custom_fields(subscription, params.custom_fields())
        self._terms.set_items(subscription, self._terms.items(rows))
        if start > now:
            subscription["next_billing_at"] = start
            self._site.save("subscription", subscription)
            self._tell("subscription_created", subscription)
            return self._answer(subscription)
        invoice = self._terms.begin(subscription, start)
        if invoice is not None and invoice.get("dunning_status") == "in_progress":
            # Chargebee makes no subscription whose first charge fails; the refusal undoes all of it.
            failure = self._site.need("transaction", invoice["linked_payments"][-1]["txn_id"])
            amount = f"{invoice['currency_code']} {invoice['amount_due']}"
            raise Refusal(declined(failure["error_code"], failure["error_text"], amount=amount))
        self._tell("subscription_created", subscription)
        return self._answer(subscription, invoice=invoice)

    def listing(self, call: Call) -> Reply:
        """``GET /subscriptions``, each with its customer."""
        return list_documents(self._site.store, call, "subscription", companion=self._customers)

    def of_customer(self, call: Call) -> Reply:
        """``GET /customers/{id}/subscriptions``."""
        return list_documents(self._site.store, call, "subscription", scope=("customer_id", call.params["id"]))

    def retrieve(self, call: Call) -> Reply:
        """``GET /subscriptions/{id}``."""
        return self._answer(self._site.need("subscription", call.params["id"]))

    def update(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}``: of catalogue 1.0; here it changes what both catalogues have."""
        subscription = self._site.need("subscription", call.params["id"])
        self._change_fields(subscription, Params(call.body.decode()))
        self._site.save("subscription", subscription)
        self._tell("subscription_changed", subscription)
        return self._answer(subscription)

    def update_for_items(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/update_for_items``."""
        subscription = self._site.need("subscription", call.params["id"])
        params = Params(call.body.decode())
        if subscription["status"] == "cancelled" and params.rows("subscription_items"):
            raise Refusal(wrong_state("The subscription is cancelled; its items cannot be changed"))
        self._change_fields(subscription, params)
        invoice = note = None
        rows = params.rows("subscription_items")
        if rows:
            items = self._terms.items(rows)
            if not params.flag("replace_items_list"):
                items = _merged(subscription["subscription_items"], items)
            if params.flag("end_of_term"):
                self._terms.schedule_change(subscription, items)
                self._site.save("subscription", subscription)
                self._tell("subscription_changes_scheduled", subscription)
                return self._answer(subscription)
            if subscription["status"] in ("active", "non_renewing"):
                invoice, note = self._terms.change_items(subscription, items, self._site.now())
            else:
                self._terms.set_items(subscription, items)
        self._site.save("subscription", subscription)
        self._tell("subscription_changed", subscription)
        return self._answer(subscription, invoice=invoice, credit_notes=[note] if note else None)

    def with_scheduled_changes(self, call: Call) -> Reply:
        """``GET /subscriptions/{id}/retrieve_with_scheduled_changes``: as it will be."""
        subscription = self._site.need("subscription", call.params["id"])
        scheduled = self._site.store.find("scheduled_change", subscription["id"])
        if scheduled is None:
            raise Refusal(wrong_state("The subscription has no scheduled changes"))
        return self._answer({**subscription, "subscription_items": scheduled["items"]})

    def remove_scheduled_changes(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/remove_scheduled_changes``."""
        subscription = self._site.need("subscription", call.params["id"])
        self._terms.drop_scheduled_change(subscription)
        self._site.save("subscription", subscription)
        self._tell("subscription_scheduled_changes_removed", subscription)
        return self._answer(subscription)

    def cancel(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/cancel_for_items``: by ``cancel_option``, or ``end_of_term``."""
        subscription = self._site.need("subscription", call.params["id"])
        params = Params(call.body.decode())
        if subscription["status"] == "cancelled":
            raise Refusal(wrong_state("The subscription is already cancelled"))
        default = "end_of_term" if params.flag("end_of_term") else "immediately"
        option = params.choice("cancel_option", _OPTIONS, default)
        if params.text("cancel_reason_code"):
            subscription["cancel_reason_code"] = params.text("cancel_reason_code")
        if option == "immediately" or subscription["status"] in ("future", "paused"):
            self._terms.cancel(subscription, self._site.now())
            return self._answer(subscription)
        end = subscription["current_term_end"]
        if option == "specific_date":
            end = params.number("cancel_at") or end
            subscription["current_term_end"] = end
        subscription["status"] = "non_renewing"
        subscription["cancelled_at"] = end
        subscription["cancel_schedule_created_at"] = self._site.now()
        subscription.pop("next_billing_at", None)
        self._site.save("subscription", subscription)
        self._tell("subscription_cancellation_scheduled", subscription)
        return self._answer(subscription)

    def remove_scheduled_cancellation(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/remove_scheduled_cancellation``."""
        subscription = self._site.need("subscription", call.params["id"])
        if subscription["status"] != "non_renewing":
            raise Refusal(wrong_state("The subscription has no scheduled cancellation"))
        subscription["status"] = "active"
        subscription["next_billing_at"] = subscription["current_term_end"]
        for field in ("cancelled_at", "cancel_schedule_created_at", "cancel_reason_code"):
            subscription.pop(field, None)
        self._site.save("subscription", subscription)
        self._tell("subscription_scheduled_cancellation_removed", subscription)
        return self._answer(subscription)

    def pause(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/pause``."""
        subscription = self._site.need("subscription", call.params["id"])
        params = Params(call.body.decode())
        if subscription["status"] != "active":
            raise Refusal(
                wrong_state(f"The subscription is {subscription['status']}; only an active one can be paused")
            )
        option = params.choice("pause_option", _OPTIONS, "immediately")
        resume = params.number("resume_date")
        if resume is not None:
            subscription["resume_date"] = resume
        if option == "immediately":
            self._terms.pause(subscription)
            return self._answer(subscription)
        end = subscription["current_term_end"]
        subscription["pause_date"] = end if option == "end_of_term" else params.number("pause_date") or end
        self._site.save("subscription", subscription)
        self._tell("subscription_pause_scheduled", subscription)
        return self._answer(subscription)

    def remove_scheduled_pause(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/remove_scheduled_pause``."""
        subscription = self._site.need("subscription", call.params["id"])
        if subscription["status"] != "active" or "pause_date" not in subscription:
            raise Refusal(wrong_state("The subscription has no scheduled pause"))
        for field in ("pause_date", "resume_date"):
            subscription.pop(field, None)
        self._site.save("subscription", subscription)
        self._tell("subscription_scheduled_pause_removed", subscription)
        return self._answer(subscription)

    def resume(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/resume``."""
        subscription = self._site.need("subscription", call.params["id"])
        params = Params(call.body.decode())
        if subscription["status"] != "paused":
            raise Refusal(
                wrong_state(f"The subscription is {subscription['status']}; only a paused one can be resumed")
            )
        if params.choice("resume_option", ("immediately", "specific_date"), "immediately") == "specific_date":
            subscription["resume_date"] = params.number("resume_date")
            self._site.save("subscription", subscription)
            self._tell("subscription_resumption_scheduled", subscription)
            return self._answer(subscription)
        invoice = self._terms.resume(subscription, self._site.now())
        return self._answer(subscription, invoice=invoice)

    def delete(self, call: Call) -> Reply:
        """``POST /subscriptions/{id}/delete``."""
        subscription = self._site.need("subscription", call.params["id"])
        subscription["deleted"] = True
        self._site.save("subscription", subscription)
        self._tell("subscription_deleted", subscription)
        return self._answer(subscription)

    def _change_fields(self, subscription: dict[str, Any], params: Params) -> None:
        set_custom_fields(subscription, params.custom_fields())
        if "auto_collection" in params:
            subscription["auto_collection"] = params.choice("auto_collection", ("on", "off"), "on")
        if params.text("meta_data"):
            subscription["meta_data"] = orjson.loads(params.need("meta_data"))

    def _answer(self, subscription: dict[str, Any], **more: Any) -> Reply:
        current = self._site.store.find("subscription", subscription["id"]) or subscription
        shown = {**current, "subscription_items": subscription["subscription_items"]}
        body = {
            "subscription": shown,
            "customer": self._site.store.find("customer", subscription["customer_id"]),
            **{name: value for name, value in more.items() if value is not None},
        }
        return json_reply(body)

    def _customers(self, subscriptions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        known: dict[str, Any] = {}
        for subscription in subscriptions:
            customer_id = subscription["customer_id"]
            if customer_id not in known:
                known[customer_id] = self._site.store.find("customer", customer_id)
        found = [known[subscription["customer_id"]] for subscription in subscriptions]
        return [{"customer": customer} if customer is not None else {} for customer in found]

    def _tell(self, event_type: str, subscription: dict[str, Any]) -> None:
        customer = self._site.find("customer", subscription["customer_id"])
        self._site.tell(event_type, subscription=subscription, customer=customer)


def _merged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The old items with the new ones added; a subscription has one plan, so a new plan replaces the old."""
    has_plan = any(item["item_type"] == "plan" for item in new)
    replaced = {item["item_price_id"] for item in new}
    kept = [
        item for item in old if item["item_price_id"] not in replaced and not (has_plan and item["item_type"] == "plan")
    ]
    return [*kept, *new]
