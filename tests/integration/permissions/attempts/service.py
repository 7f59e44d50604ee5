"""Agents. `contract` is one; Dora's data was deleted."""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

from typing import Any

from tests.integration.permissions.attempts import Attempts, insert, update
from tests.integration.permissions.people import DORA, NOBODY, OLGA, OTTO, PIA, id_of

SERVICE = Attempts("service")
_ME = "contract"
_EVENT = id_of("9", "0001")


def _try(says: str, write: Any, **outcome: Any) -> None:
    SERVICE.add(says, _ME, write, **outcome)


# People

_try("links a requester", update("public.customer", OLGA, zendesk_user_id=7), rows=1)
_try("renames a customer", update("public.customer", OLGA, first_name="x"), code="validation-failed")
_try("restores a customer", update("public.customer", DORA, deleted_at=None), code="validation-failed")
_try("links an account", update("public.staff", PIA, firebase_uid="x"), rows=1)
_try("promotes somebody", update("public.staff", PIA, role="admin"), code="validation-failed")

# Contracts

_CONTRACT = "public.contract"
_TERM = {"customer_id": OLGA, "treatment_id": id_of("f", "0001"), "status": "active"}
_try("makes a contract", insert(_CONTRACT, _TERM), rows=1)
_try("renews a contract", insert(_CONTRACT, _TERM | {"renewed_from_id": id_of("a", "0003")}), rows=1)
_try(
    "renews another's contract",
    insert(_CONTRACT, _TERM | {"renewed_from_id": id_of("b", "0003")}),
    code="permission-error",
)
_try("makes a contract for a deleted customer", insert(_CONTRACT, _TERM | {"customer_id": DORA}),
     code="permission-error")  # fmt: skip
_try("completes a contract", update(_CONTRACT, id_of("a", "0003"), status="completed", completed_at="now"), rows=1)
_try("completes a deleted customer's contract", update(_CONTRACT, id_of("d", "0003"), status="completed"), rows=0)
_try("gives a contract away", update(_CONTRACT, id_of("a", "0003"), customer_id=OTTO), code="validation-failed")

# Messages that left, tickets

_NOTIFICATION, _TICKET = "public.notification", "public.support_ticket"
_SENT = {"event_id": _EVENT, "customer_id": OLGA, "channel": "email", "template": "t", "status": "sent"}
_try("records a message", insert(_NOTIFICATION, _SENT), rows=1)
_try("records a message of nobody", insert(_NOTIFICATION, _SENT | {"customer_id": NOBODY}), code="constraint-violation")
_try("reads for the customer", insert(_NOTIFICATION, _SENT | {"read_at": "now"}), code="validation-failed")
_try("marks a message as delivered", update(_NOTIFICATION, id_of("a", "0009"), status="delivered"), rows=1)
_try("sends a message to another", update(_NOTIFICATION, id_of("a", "0009"), customer_id=OTTO),
     code="validation-failed")  # fmt: skip
_try("opens a ticket", insert(_TICKET, customer_id=OLGA, subject="x", zendesk_ticket_id=9), rows=1)
_try("assigns a ticket", insert(_TICKET, customer_id=OLGA, subject="x", assignee_id=PIA), code="validation-failed")
_try("solves a ticket", update(_TICKET, id_of("a", "000a"), status="solved", solved_at="now"), rows=1)
_try("gives a ticket to another", update(_TICKET, id_of("a", "000a"), customer_id=OTTO), code="validation-failed")

_COMMENT = "public.support_ticket_comment"
_SAID = {"ticket_id": id_of("a", "000a"), "author": "customer", "body": "x", "zendesk_comment_id": 9}
_try("passes a comment on", insert(_COMMENT, _SAID), rows=1)
_try("passes a comment on a deleted customer's ticket on", insert(_COMMENT, _SAID | {"ticket_id": id_of("d", "000a")}),
     code="permission-error")  # fmt: skip
_try("comments as somebody", insert(_COMMENT, _SAID | {"author_staff_id": PIA}), code="validation-failed")
_try("says where a comment is", update(_COMMENT, id_of("a", "0011"), zendesk_comment_id=10), rows=1)
_try("changes a comment", update(_COMMENT, id_of("a", "0011"), body="y"), code="validation-failed")
_try("takes a customer's messages off", update("public.customer", OLGA, email_opt_out=True, sms_opt_out=True), rows=1)

# Recovery of failed payments

_RECOVERY = "public.payment_recovery"
_FAILED = {"invoice_id": "inv-new", "event_id": _EVENT, "amount": 1, "currency_code": "USD", "retries": 4,
           "failed_at": "now"}  # fmt: skip
_try("begins a recovery", insert(_RECOVERY, _FAILED | {"customer_id": OLGA}), rows=1)
_try("begins a second one of an invoice", insert(_RECOVERY, _FAILED | {"customer_id": OLGA, "invoice_id": "inv-a"}),
     code="constraint-violation")  # fmt: skip
_try("begins a recovery of a deleted customer's", insert(_RECOVERY, _FAILED | {"customer_id": DORA}),
     code="permission-error")  # fmt: skip
_try("ends a recovery", update(_RECOVERY, id_of("a", "000e"), status="recovered", closed_at="now"), rows=1)
_try("ends a deleted customer's recovery", update(_RECOVERY, id_of("d", "000e"), status="recovered", closed_at="now"),
     rows=0)  # fmt: skip
_try("gives a recovery to another", update(_RECOVERY, id_of("a", "000e"), customer_id=OTTO), code="validation-failed")

# Referrals, deletion

_REWARD = {"referral_id": id_of("a", "000b"), "amount": 1, "customer_id": OLGA}
_OLGAS_REWARD = {"referral_id": {"_eq": id_of("a", "000b")}}
_OWED = f"DELETE FROM public.referral_reward WHERE id = '{id_of('a', '000c')}'"
_try("completes a referral", update("public.referral", id_of("a", "000b"), status="completed"), rows=1)
_try("changes a code", update("public.referral", id_of("a", "000b"), code="x"), code="validation-failed")
_try("owes a reward", insert("public.referral_reward", _REWARD), rows=1, before=_OWED)
_try(
    "owes the friend a reward",
    insert("public.referral_reward", _REWARD | {"customer_id": OTTO}),
    rows=1,
    before=f"UPDATE public.referral SET referred_id = '{OTTO}' WHERE id = '{id_of('a', '000b')}'",
)
_try("owes a stranger a reward", insert("public.referral_reward", _REWARD | {"customer_id": OTTO}),
     code="permission-error")  # fmt: skip
_try("grants a reward", update("public.referral_reward", _OLGAS_REWARD, status="granted"), rows=1)
_try("grants more", update("public.referral_reward", _OLGAS_REWARD, amount=10**6), code="validation-failed")
_try("proves a deletion", update("public.data_deletion_request", id_of("a", "000d"), proof={"all": "gone"}),
     code="validation-failed")  # fmt: skip
_try("deletes somebody else", update("public.data_deletion_request", id_of("a", "000d"), customer_id=OTTO),
     code="validation-failed")  # fmt: skip

# The mirror

_NOW = {"updated_at": "2026-01-01T00:00:00Z", "resource_version": 1}
_MIRRORED: dict[str, dict[str, Any]] = {
    "customer": {"created_at": "2026-01-01T00:00:00Z"},
    "item_price": {"name": "x", "item_id": "x", "item_type": "plan", "currency_code": "USD",
                   "created_at": "2026-01-01T00:00:00Z"},
    "subscription": {"customer_id": "x", "status": "active", "currency_code": "USD",
                     "created_at": "2026-01-01T00:00:00Z"},
    "invoice": {"customer_id": "x", "status": "paid", "date": "2026-01-01", "currency_code": "USD", "sub_total": 1,
                "total": 1},
    "invoice_line_item": {"invoice_id": "x", "customer_id": "x", "entity_type": "adhoc", "description": "x",
                          "unit_amount": 1, "amount": 1},
    "transaction": {"customer_id": "x", "type": "payment", "status": "success", "date": "2026-01-01",
                    "currency_code": "USD", "amount": 1},
    "credit_note": {"customer_id": "x", "type": "store", "status": "adjusted", "date": "2026-01-01",
                    "currency_code": "USD", "sub_total": 1, "total": 1},
}  # fmt: skip
_OLGAS = {"customer": "cust-a", "item_price": "price-gone", "subscription": "sub-a", "invoice": "inv-a",
          "invoice_line_item": "line-a", "transaction": "txn-a", "credit_note": "cn-a"}  # fmt: skip
for _name, _row in _MIRRORED.items():
    _table = f"chargebee.{_name}"
    _try(f"mirrors a new {_name}", insert(_table, {"id": "new"} | _row | _NOW), rows=1)
    _try(f"mirrors a {_name} twice", insert(_table, {"id": _OLGAS[_name]} | _row | _NOW), code="constraint-violation")
    _try(f"mirrors a change of a {_name}", update(_table, _OLGAS[_name], resource_version=9), rows=1)
    _try(f"gives a {_name} another id", update(_table, _OLGAS[_name], id="x"), code="validation-failed")

_INVOICE = {"id": "inv-a"} | _MIRRORED["invoice"] | {"updated_at": "2026-01-01", "total": 1}
for _says, _version, _rows in (("a newer", 6, 1), ("an older", 4, 0)):
    _conflict = {
        "constraint": "invoice_pkey",
        "update_columns": ["total", "resource_version"],
        "where": {"resource_version": {"_lt": _version}},
    }
    _mirrored = insert("chargebee.invoice", _INVOICE | {"resource_version": _version}, on_conflict=_conflict)
    _try(f"mirrors {_says} version over what is there", _mirrored, rows=_rows)
_try("keeps its place", insert("chargebee.sync_cursor", resource="new"), rows=1)
_try("keeps its place twice", insert("chargebee.sync_cursor", resource="invoice"), code="constraint-violation")

# Prescriptions

_PRESCRIPTION, _FILL = "healthcare.prescription", "healthcare.prescription_fill"
_FILLED = {"pharmacy_id": id_of("f", "0010"), "fill_number": 1, "quantity": 1, "days_supply": 1}
_try("plans a refill", update(_PRESCRIPTION, id_of("a", "0019"), refill_due_on="2026-01-01"), rows=1)
_try("plans a refill of a draft", update(_PRESCRIPTION, id_of("a", "001a"), refill_due_on="2026-01-01"), rows=0)
_try(
    "plans a refill of what was given up", update(_PRESCRIPTION, id_of("a", "001c"), refill_due_on="2026-01-01"), rows=0
)
_try("plans a refill of a signed draft", update(_PRESCRIPTION, id_of("a", "001d"), refill_due_on="2026-01-01"), rows=0)
_try("plans a deleted patient's refill", update(_PRESCRIPTION, id_of("d", "0019"), refill_due_on="2026-01-01"), rows=0)
_try("unsigns a prescription", update(_PRESCRIPTION, id_of("a", "0019"), status="draft"), code="validation-failed")
_try("signs a prescription", update(_PRESCRIPTION, id_of("a", "001a"), signed_at="now"), code="validation-failed")
_try("changes a dose", update(_PRESCRIPTION, id_of("a", "0019"), dose_quantity=9), code="validation-failed")
_try("orders a fill", insert(_FILL, _FILLED | {"prescription_id": id_of("a", "0019")}), rows=1)
for _says, _key in (
    ("orders a fill of a draft", id_of("a", "001a")),
    ("orders a fill of a signed draft", id_of("a", "001d")),
    ("orders a fill of what was given up", id_of("a", "001c")),
    ("orders a fill for a deleted patient", id_of("d", "0019")),
    ("orders a fill of nothing", NOBODY),
):
    _try(_says, insert(_FILL, _FILLED | {"prescription_id": _key}), code="permission-error")
_try(
    "orders a fill of what was stopped",
    insert(_FILL, _FILLED | {"prescription_id": id_of("a", "0019")}),
    code="permission-error",
    before=f"UPDATE healthcare.prescription SET status = 'stopped' WHERE id = '{id_of('a', '0019')}'",
)
_try("follows a fill", update(_FILL, id_of("a", "001b"), status="delivered", delivered_at="now"), rows=1)
_try("follows a deleted patient's fill", update(_FILL, id_of("d", "001b"), status="delivered"), rows=0)
_try("moves a fill", update(_FILL, id_of("a", "001b"), prescription_id=id_of("b", "0019")), code="validation-failed")
_try(
    "takes over a deleted patient's fill",
    insert(
        _FILL,
        _FILLED | {"prescription_id": id_of("d", "0019"), "fill_number": 0},
        on_conflict={
            "constraint": "prescription_fill_prescription_id_fill_number_key",
            "update_columns": ["status"],
        },
    ),
    rows=0,
)

# Events

_INBOX, _TASK = "events.inbox", "events.scheduled_task"
_PLANNED = {"name": "new", "kind": "contract.renewal", "target": _ME, "due_at": "2027-01-01", "payload": {}}
_try(
    "handles an event",
    insert(_INBOX, event_id=_EVENT),
    rows=1,
    then=f"EXISTS (SELECT FROM {_INBOX} WHERE agent = '{_ME}' AND event_id = '{_EVENT}')",
)
_try("handles an event twice", insert(_INBOX, {"event_id": _EVENT}, {"event_id": _EVENT}), code="constraint-violation")
_try("handles an event for another", insert(_INBOX, event_id=_EVENT, agent="zendesk"), code="validation-failed")
for _table, _row in (
    ("events.delivery", {"event_id": _EVENT, "attempt": 1, "outcome": "done"}),
    ("events.dead_letter", {"event_id": _EVENT, "reason": "x", "attempts": 5, "event": {}}),
):
    _name = _table.partition(".")[2]
    _done = f"EXISTS (SELECT FROM {_table} WHERE agent = '{_ME}' AND event_id = '{_EVENT}')"
    _try(f"records a {_name}", insert(_table, _row), rows=1, then=_done)
    _try(f"records a {_name} of another", insert(_table, _row | {"agent": "zendesk"}), code="validation-failed")
_try("plans work", insert(_TASK, _PLANNED), rows=1)
_try("plans another's work", insert(_TASK, _PLANNED | {"target": "zendesk"}), code="permission-error")
_try("plans work that is done", insert(_TASK, _PLANNED | {"status": "done"}), code="validation-failed")
