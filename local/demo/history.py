"""What operators see: published events and what became of them, notifications, tasks to come, and the audit.

It is past: every event is published and handled, so that loading it sets nothing in motion.
"""

import datetime
import uuid
from typing import Any

from local.demo.billing import Subscribed
from local.demo.chance import Chance
from local.demo.dates import at, days
from local.demo.people import Customer
from local.demo.rows import Row, Rows
from schema.tables import audit, chargebee, events, healthcare, public

_PHI_TABLES = ("healthcare.patient", "healthcare.observation", "healthcare.prescription", "healthcare.clinical_note")


def add_history(rows: Rows, chance: Chance, subscribed: list[Subscribed]) -> None:
    """Events, deliveries, notifications, dead letters, scheduled tasks, the ETL's cursors and audit rows."""
    history = _History(rows, chance)
    for one in subscribed:
        history.add_contracts(one)
        history.add_failed_payments(one)
    history.add_shipments()
    history.add_dead_letters()
    _add_tasks(rows, subscribed)
    _add_cursors(rows)
    _add_audit(rows, chance, subscribed)


class _History:
    """Makes events with what followed from them."""

    def __init__(self, rows: Rows, chance: Chance) -> None:
        self._rows = rows
        self._chance = chance

    def add_contracts(self, one: Subscribed) -> None:
        """contract.inserted and what the contract agent published, with the e-mail that it led to."""
        for contract in one.contracts:
            time = contract["created_at"]
            data = {
                "contract_id": str(contract["id"]),
                "customer_id": str(contract["customer_id"]),
                "subscription_id": contract["subscription_id"],
                "treatment_id": str(contract["treatment_id"]),
                "status": "future",
                "start_date": contract["start_date"].isoformat(),
                "end_date": contract["end_date"].isoformat(),
            }
            new = {**data, "id": data["contract_id"]}
            del new["contract_id"]
            change = {
                "op": "INSERT",
                "table": {"schema": "public", "name": "contract"},
                "data": {"old": None, "new": new},
                "session_variables": None,
            }
            inserted = self._event("contract.inserted", "contract-events", contract["id"], change, time)
            link = {"system": "chargebee", "action": "update_subscription_contract", "id": contract["subscription_id"]}
            self._deliver(inserted, "contract", [link])
            created = self._event("contract.created", "contract-events", contract["id"], data, time + _seconds(0.4))
            self._deliver(created, "zendesk", [{"system": "zendesk", "action": "create_requester"}])
            renewal = contract["renewed_from_id"] is not None
            self._notify(created, one.customer, "contract_renewed" if renewal else "welcome", "email")

    def add_failed_payments(self, one: Subscribed) -> None:
        """invoice.payment_failed for what is in dunning, told by e-mail and text message."""
        for invoice in self._rows.all(chargebee.invoice):
            if invoice["subscription_id"] != one.subscription["id"] or not invoice["dunning_status"]:
                continue
            data = {
                "invoice_id": invoice["id"],
                "customer_id": str(one.customer.id),
                "amount_due": invoice["total"],
                "currency_code": invoice["currency_code"],
            }
            failed = self._event("invoice.payment_failed", "invoice-events", invoice["id"], data, invoice["date"])
            self._notify(failed, one.customer, "payment_failed", "email")
            self._notify(failed, one.customer, "payment_failed", "sms")

    def add_shipments(self) -> None:
        """prescription.shipped for the latest fills, shown in the portal."""
        owner = {row["id"]: row["customer_id"] for row in self._rows.all(healthcare.patient)}
        patient = {row["id"]: row["patient_id"] for row in self._rows.all(healthcare.prescription)}
        for fill in self._rows.all(healthcare.prescription_fill):
            if fill["status"] != "shipped":
                continue
            customer_id = owner[patient[fill["prescription_id"]]]
            data = {
                "prescription_id": str(fill["prescription_id"]),
                "customer_id": str(customer_id),
                "fill_id": str(fill["id"]),
            }
            shipped = self._event(
                "prescription.shipped", "prescription-events", fill["prescription_id"], data, fill["shipped_at"]
            )
            self._deliver(shipped, "notification", [])
            self._add_notification(shipped, customer_id, "prescription_shipped", "portal", "delivered", None)

    def add_dead_letters(self) -> None:
        """One event that an agent gave up and nobody has looked at, one replayed, one discarded."""
        chosen = [row for row in self._rows.all(events.outbox) if row["type"] == "contract.created"][-3:]
        for event, resolution in zip(chosen, (None, "replayed", "discarded"), strict=True):
            time = event["created_at"] + _seconds(600)
            self._add_delivery(event, "notification", "dead_letter", "Iterable answered 400: unknown campaign.", [], 5)
            self._rows.add(
                events.dead_letter,
                event_id=event["id"],
                agent="notification",
                reason="Iterable answered 400: unknown campaign.",
                attempts=5,
                event={"type": event["type"], "subject": event["subject"], "data": event["data"]},
                created_at=min(time, self._rows.now),
                resolved_at=min(time + days(0.1), self._rows.now) if resolution else None,
                resolution=resolution,
            )

    def _event(self, type_: str, topic: str, subject: object, data: dict[str, Any], time: datetime.datetime) -> Row:
        time = min(time, self._rows.now - days(0.001))
        return self._rows.add(
            events.outbox,
            type=type_,
            topic=topic,
            ordering_key=str(subject),
            subject=str(subject),
            source="/caregraph/development",
            data=data,
            created_at=time,
        )

    def _notify(self, event: Row, customer: Customer, template: str, channel: str) -> None:
        """A delivery of the notification agent, with the row that it wrote."""
        opted_out = customer.row[f"{channel}_opt_out"] and template == "welcome"
        reason = "the customer opted out of e-mail" if opted_out else None
        address = customer.row["email" if channel == "email" else "phone"]
        if address is None:
            reason = "the customer's data was deleted"
        status = "suppressed" if reason else self._chance.spread({"delivered": 20, "sent": 8, "failed": 1, "queued": 1})
        action = {"system": "iterable", "action": f"send_{channel}"}
        if channel == "email":
            self._deliver(event, "notification", [{**action, "skipped": reason} if reason else action])
        self._add_notification(event, customer.id, template, channel, status, address, reason)

    def _add_notification(
        self,
        event: Row,
        customer_id: uuid.UUID,
        template: str,
        channel: str,
        status: str,
        recipient: str | None,
        reason: str | None = None,
    ) -> None:
        time = event["created_at"] + _seconds(0.8)
        sent = status in {"sent", "delivered"}
        self._rows.add(
            public.notification,
            event_id=event["id"],
            customer_id=customer_id,
            channel=channel,
            template=template,
            recipient=recipient,
            data=event["data"],
            status=status,
            status_reason="The mailbox is full." if status == "failed" else reason,
            provider_message_id=self._chance.token(22) if sent and channel != "portal" else None,
            sent_at=time if sent else None,
            delivered_at=time + _seconds(4) if status == "delivered" else None,
            read_at=time + days(0.2) if channel == "portal" and self._chance.happens(0.5) else None,
            created_at=time,
        )

    def _deliver(self, event: Row, agent: str, effects: list[dict[str, Any]]) -> None:
        """An event that an agent has done, now and then at the second attempt or twice."""
        attempt = 1
        if self._chance.happens(0.04):
            self._add_delivery(event, agent, "retry", "503 Service Unavailable", [], attempt)
            attempt += 1
        skipped = bool(effects) and "skipped" in effects[0]
        self._add_delivery(event, agent, "skipped" if skipped else "done", None, effects, attempt)
        self._rows.add(
            events.inbox, agent=agent, event_id=event["id"], processed_at=event["created_at"] + _seconds(0.5)
        )
        if self._chance.happens(0.02):
            self._add_delivery(event, agent, "duplicate", None, [], attempt + 1)

    def _add_delivery(
        self, event: Row, agent: str, outcome: str, error: str | None, effects: list[dict[str, Any]], attempt: int
    ) -> None:
        started = event["created_at"] + _seconds(0.1 + 2 * (attempt - 1))
        self._rows.add(
            events.delivery,
            event_id=event["id"],
            agent=agent,
            attempt=attempt,
            outcome=outcome,
            error=error,
            effects=effects,
            started_at=started,
            finished_at=started + _seconds(0.3),
        )


def _add_tasks(rows: Rows, subscribed: list[Subscribed]) -> None:
    """The renewal of every contract that had or has one to come, as the contract agent plans it."""
    failed = False
    for one in subscribed:
        for contract in one.contracts:
            due_at = at(contract["end_date"] - days(1), 0)
            over = contract["status"] in {"renewed", "completed"}
            status = "done" if over else "cancelled" if contract["status"] == "cancelled" else "scheduled"
            if over and not failed:
                status, failed = "failed", True
            finished_at = due_at + _seconds(2) if over else contract["cancelled_at"]
            rows.add(
                events.scheduled_task,
                name=f"contract-renewal-{contract['id']}",
                kind="contract.renewal",
                target="contract",
                payload={"contract_id": str(contract["id"])},
                due_at=due_at,
                status=status,
                attempts=5 if status == "failed" else 1 if over else 0,
                last_error="Chargebee answered 500; renewed by hand." if status == "failed" else None,
                handed_over_at=due_at - days(2) if over else None,
                finished_at=finished_at,
                created_at=contract["created_at"] + _seconds(0.5),
                updated_at=finished_at or contract["created_at"] + _seconds(0.5),
            )


def _add_cursors(rows: Rows) -> None:
    for resource in ("customer", "subscription", "item_price", "invoice", "transaction", "credit_note"):
        rows.add(
            chargebee.sync_cursor,
            resource=resource,
            updated_after=rows.now,
            started_at=rows.now - _seconds(3),
            finished_at=rows.now,
            rows_read=len(rows.all(getattr(chargebee, resource))),
            created_at=rows.now - days(700),
            updated_at=rows.now,
        )


def _add_audit(rows: Rows, chance: Chance, subscribed: list[Subscribed]) -> None:
    """Changes of contracts and of an allergy that was entered twice; reads of charts by providers."""
    for one in subscribed:
        for contract in one.contracts:
            by = {"role": "user", "user_id": str(contract["customer_id"]), "database_user": "caregraph"}
            place = {"table_schema": "public", "table_name": "contract", "row_id": str(contract["id"])}
            status = {"status": "future"}
            rows.add(audit.change, **place, **by, op="INSERT", new=status, created_at=contract["created_at"])
            if contract["status"] != "future":
                by = {"role": "service", "user_id": "contract", "database_user": "caregraph"}
                new = {"status": contract["status"]}
                time = contract["updated_at"]
                rows.add(audit.change, **place, **by, op="UPDATE", old=status, new=new, created_at=time)
    providers = [row for row in rows.all(public.staff) if row["role"] == "provider"]
    rows.add(
        audit.change,
        table_schema="healthcare",
        table_name="allergy_intolerance",
        row_id=str(uuid.UUID(int=7)),
        op="DELETE",
        old={"code_display": "Allergy to peanut"},
        role="admin",
        database_user="caregraph",
        created_at=rows.now - days(12),
    )
    for _ in range(80):
        rows.add(
            audit.access,
            role="provider",
            user_id=str(chance.pick(providers)["id"]),
            operation=chance.pick(("Chart", "PatientQueue", "Prescriptions")),
            tables=sorted(chance.sample(_PHI_TABLES, 2)),
            row_count=chance.integer(1, 60),
            request_id=chance.token(20),
            created_at=rows.now - days(chance.number(0.1, 30, 3)),
        )


def _seconds(count: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=count)
