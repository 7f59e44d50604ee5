"""Customers. Olga has everything, Otto is somebody else, Dora's data was deleted."""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

from tests.integration.permissions.attempts import Attempts, insert, update
from tests.integration.permissions.people import DORA, NOBODY, OLGA, OTTO, PIA, id_of

USER = Attempts("user")
_try = USER.add

OFFERED, NEVER_TAKEN, ONCE_TAKEN = id_of("f", "0001"), id_of("f", "0002"), id_of("f", "0003")
#: Offered, but not to be found among Olga's contracts; and among Otto's, but not offered.
NEW, OTTOS = id_of("f", "0004"), id_of("f", "0005")

# Profile

_try("changes their own name", OLGA, update("public.customer", OLGA, first_name="Olya"), rows=1)
_try("changes everybody's name and reaches only oneself", OLGA, update("public.customer", ..., first_name="X"), rows=1)
_try("changes another's name", OLGA, update("public.customer", OTTO, first_name="X"), rows=0)
_try("changes a deleted profile", DORA, update("public.customer", DORA, first_name="X"), rows=0)
_try("changes their e-mail address", OLGA, update("public.customer", OLGA, email="x@x"), code="validation-failed")
_try("gets rich", OLGA, update("public.customer", OLGA, lifetime_value=10**9), code="validation-failed")
_try("takes over a login", OLGA, update("public.customer", OLGA, firebase_uid="x"), code="validation-failed")
_try(
    "takes over a bill", OLGA, update("public.customer", OLGA, chargebee_customer_id="cust-b"), code="validation-failed"
)

# Contracts

_CONTRACT = "public.contract"
_MINE = f"customer_id = '{OLGA}' AND status = 'future' AND renewed_from_id IS NULL"

_try(
    "begins a contract",
    OLGA,
    insert(_CONTRACT, treatment_id=OFFERED),
    rows=1,
    then=f"EXISTS (SELECT FROM public.contract WHERE {_MINE} AND end_date = CURRENT_DATE + interval '6 months')",
)
_try(
    "begins a contract that their subscription pays for",
    OLGA,
    insert(_CONTRACT, treatment_id=OFFERED, subscription_id="sub-a", auto_renew=False),
    rows=1,
    then=f"EXISTS (SELECT FROM public.contract WHERE {_MINE} AND subscription_id = 'sub-a')",
)
_BAD_CONTRACTS: dict[str, dict[str, object]] = {
    "lets somebody else's subscription pay": {"subscription_id": "sub-b"},
    "lets a cancelled subscription pay": {"subscription_id": "sub-over-a"},
    "lets a deleted subscription pay": {"subscription_id": "sub-gone-a"},
    "lets a subscription pay that nobody knows": {"subscription_id": "sub-none"},
    "takes a treatment that is not offered": {"treatment_id": ONCE_TAKEN},
    "takes a treatment that does not exist": {"treatment_id": NOBODY},
    "begins a contract that is over": {"start_date": "2020-01-01"},
    "renews a contract by nesting": {"renewed_from": {"data": {"treatment_id": OFFERED}}},
    "has a contract renewed by nesting": {"renewed_by": {"data": {"treatment_id": OFFERED}}},
}
for _says, _changed in _BAD_CONTRACTS.items():
    _try(_says, OLGA, insert(_CONTRACT, {"treatment_id": OFFERED, **_changed}), code="permission-error")
_try(
    "slips one bad contract in among good ones",
    OLGA,
    insert(_CONTRACT, {"treatment_id": OFFERED}, {"treatment_id": NEVER_TAKEN}),
    code="permission-error",
)
for _says, _column, _value in (
    ("begins a contract for another", "customer_id", OTTO),
    ("begins a contract that runs already", "status", "active"),
    ("makes a contract end", "end_date", "2030-01-01"),
    ("continues another's contract", "renewed_from_id", id_of("b", "0003")),
):
    _try(_says, OLGA, insert(_CONTRACT, {"treatment_id": OFFERED, _column: _value}), code="validation-failed")
_try("begins a contract after deletion", DORA, insert(_CONTRACT, treatment_id=OFFERED), code="permission-error")
_try("begins a contract without being one", PIA, insert(_CONTRACT, treatment_id=OFFERED), code="permission-error")

# Messages

_THREAD, _MESSAGE = "public.message_thread", "public.message"
_FROM_OLGA = f"sender_customer_id = '{OLGA}' AND sender_role = 'customer' AND sender_staff_id IS NULL"

_try(
    "begins a thread",
    OLGA,
    insert(_THREAD, subject="Hello", category="clinical"),
    rows=1,
    then=f"EXISTS (SELECT FROM public.message_thread WHERE subject = 'Hello' AND customer_id = '{OLGA}'"
    " AND status = 'open' AND staff_id IS NULL)",
)
_try(
    "begins a thread with a message",
    OLGA,
    insert(_THREAD, subject="Hello", messages={"data": [{"body": "nested"}]}),
    rows=2,
    then=f"EXISTS (SELECT FROM public.message WHERE body = 'nested' AND {_FROM_OLGA})",
)
_try("begins a thread of another", OLGA, insert(_THREAD, subject="x", customer_id=OTTO), code="validation-failed")
_try("chooses who answers", OLGA, insert(_THREAD, subject="x", staff_id=PIA), code="validation-failed")
_try("begins a thread after deletion", DORA, insert(_THREAD, subject="x"), code="permission-error")
_try(
    "writes a message",
    OLGA,
    insert(_MESSAGE, thread_id=id_of("a", "0004"), body="said"),
    rows=1,
    then=f"EXISTS (SELECT FROM public.message WHERE body = 'said' AND {_FROM_OLGA})",
)
_try(
    "writes a message with its thread",
    OLGA,
    insert(_MESSAGE, body="said", thread={"data": {"subject": "upwards"}}),
    rows=2,
    then=f"EXISTS (SELECT FROM public.message_thread WHERE subject = 'upwards' AND customer_id = '{OLGA}')",
)
for _says, _thread in (
    ("writes into a closed thread", id_of("a", "0007")),
    ("writes into another's thread", id_of("b", "0004")),
    ("writes into another's closed thread", id_of("b", "0007")),
    ("writes into no thread", NOBODY),
):
    _try(_says, OLGA, insert(_MESSAGE, thread_id=_thread, body="x"), code="permission-error")
_try(
    "writes in the provider's name",
    OLGA,
    insert(_MESSAGE, thread_id=id_of("a", "0004"), body="x", sender_role="provider", sender_staff_id=PIA),
    code="validation-failed",
)
_try("writes after deletion", DORA, insert(_MESSAGE, thread_id=id_of("d", "0004"), body="x"), code="permission-error")
_try("reads a message", OLGA, update(_MESSAGE, id_of("a", "0006"), read_at="now"), rows=1)
_try(
    "reads everything and marks only what others wrote to them",
    OLGA,
    update(_MESSAGE, ..., read_at="now"),
    rows=1,
    then=f"(SELECT read_at = updated_at FROM public.message WHERE id = '{id_of('a', '0006')}')",
)
_try("marks what they wrote as read", OLGA, update(_MESSAGE, id_of("a", "0005"), read_at="now"), rows=0)
_try("reads a message after deletion", DORA, update(_MESSAGE, id_of("d", "0006"), read_at="now"), rows=0)
_try("reads another's message", OLGA, update(_MESSAGE, id_of("b", "0006"), read_at="now"), rows=0)
_try(
    "reads a message once more",
    OLGA,
    update(_MESSAGE, id_of("a", "0006"), read_at="now"),
    rows=0,
    before=f"UPDATE public.message SET read_at = '2026-01-01' WHERE id = '{id_of('a', '0006')}'",
)
_try("changes what was said", OLGA, update(_MESSAGE, id_of("a", "0005"), body="x"), code="validation-failed")

# Notifications

_NOTIFICATION = "public.notification"
_try("opens a notification", OLGA, update(_NOTIFICATION, id_of("a", "0008"), read_at="now"), rows=1)
_try("opens an e-mail", OLGA, update(_NOTIFICATION, id_of("a", "0009"), read_at="now"), rows=0)
_try("opens a notification after deletion", DORA, update(_NOTIFICATION, id_of("d", "0008"), read_at="now"), rows=0)
_try(
    "opens a notification once more",
    OLGA,
    update(_NOTIFICATION, id_of("a", "0008"), read_at="now"),
    rows=0,
    before=f"UPDATE public.notification SET read_at = '2026-01-01' WHERE id = '{id_of('a', '0008')}'",
)
_try("opens another's notification", OLGA, update(_NOTIFICATION, id_of("b", "0008"), read_at="now"), rows=0)
_try("unsends", OLGA, update(_NOTIFICATION, id_of("a", "0008"), status="failed"), code="validation-failed")

# Intake

_ANSWERS = "healthcare.questionnaire_response"
_INTAKE = {"patient_id": id_of("a", "0002"), "questionnaire": "intake/1", "item": [{"linkId": "goal"}]}

_try(
    "answers about a treatment",
    OLGA,
    insert(_ANSWERS, _INTAKE | {"treatment_id": OFFERED}),
    rows=1,
    then=f"EXISTS (SELECT FROM {_ANSWERS} WHERE item @> '[{{\"linkId\": \"goal\"}}]' AND status = 'completed'"
    f" AND patient_id = '{id_of('a', '0002')}' AND treatment_id = '{OFFERED}')",
)
_try("answers about no treatment", OLGA, insert(_ANSWERS, _INTAKE), rows=1)
_try(
    "answers about a treatment under way",
    OLGA,
    insert(_ANSWERS, _INTAKE | {"treatment_id": ONCE_TAKEN}),
    rows=1,
)
_try("answers about a treatment to be", OLGA, insert(_ANSWERS, _INTAKE | {"treatment_id": NEW}), rows=1)
for _says, _row in {
    "answers about a treatment that is not offered": {"treatment_id": NEVER_TAKEN},
    "answers about a treatment of another": {"treatment_id": OTTOS},
    "answers about a treatment that does not exist": {"treatment_id": NOBODY},
    "answers for another": {"patient_id": id_of("b", "0002")},
    "answers for nobody": {"patient_id": NOBODY},
}.items():
    _try(_says, OLGA, insert(_ANSWERS, _INTAKE | _row), code="permission-error")
_try("marks answers", OLGA, insert(_ANSWERS, _INTAKE | {"status": "amended"}), code="validation-failed")
_try(
    "ties answers to a visit",
    OLGA,
    insert(_ANSWERS, _INTAKE | {"encounter_id": id_of("a", "0012")}),
    code="validation-failed",
)
_try(
    "answers after deletion",
    DORA,
    insert(_ANSWERS, _INTAKE | {"patient_id": id_of("d", "0002")}),
    code="permission-error",
)

# Referrals and farewell

_try(
    "invites a friend",
    OLGA,
    insert("public.referral", referred_email="friend@x"),
    rows=1,
    then=f"EXISTS (SELECT FROM public.referral WHERE referrer_id = '{OLGA}' AND referred_email = 'friend@x'"
    " AND status = 'invited' AND referred_id IS NULL)",
)
for _says, _column, _value in (
    ("invites for another", "referrer_id", OTTO),
    ("invites who is here", "referred_id", OTTO),
    ("chooses a code", "code", "MINE"),
    ("completes an invitation", "status", "completed"),
):
    _try(_says, OLGA, insert("public.referral", {"referred_email": "x@x", _column: _value}), code="validation-failed")
_try("invites after deletion", DORA, insert("public.referral", referred_email="x@x"), code="permission-error")

_DELETION = "public.data_deletion_request"
_try(
    "asks to be forgotten",
    OLGA,
    insert(_DELETION, reason="private"),
    rows=1,
    then=f"EXISTS (SELECT FROM {_DELETION} WHERE customer_id = '{OLGA}' AND reason = 'private' AND status = 'pending')",
)
_try("asks twice", OLGA, insert(_DELETION, {"reason": "private"}, {"reason": "again"}), code="constraint-violation")
_try("has another forgotten", OLGA, insert(_DELETION, reason="x", customer_id=OTTO), code="validation-failed")
_try("is in a hurry", OLGA, insert(_DELETION, reason="x", scheduled_for="2020-01-01"), code="validation-failed")
_try("asks again when forgotten", DORA, insert(_DELETION, reason="x"), code="permission-error")
