"""The care coordination team. Carl is on it, Gus has left; Olga and Otto are customers, Dora's data was deleted."""

from tests.integration.permissions.attempts import Attempts, insert, update
from tests.integration.permissions.people import CARL, DORA, GAIL, GUS, NOBODY, OLGA, PIA, id_of

CCT = Attempts("cct")
_try = CCT.add

# Profiles

_try("corrects an address", CARL, update("public.customer", OLGA, city="Bonn"), rows=1)
_try("corrects a deleted profile", CARL, update("public.customer", DORA, city="Bonn"), rows=0)
_try("corrects an address after leaving", GUS, update("public.customer", OLGA, city="Bonn"), rows=0)
for _column, _value in (
    ("email", "x@x"),
    ("lifetime_value", 1),
    ("chargebee_customer_id", "x"),
    ("deleted_at", "now"),
    ("date_of_birth", "2000-01-01"),
):
    _changed = update("public.customer", OLGA, **{_column: _value})
    _try(f"changes {_column}", CARL, _changed, code="validation-failed")

# Messages

_THREAD, _MESSAGE = "public.message_thread", "public.message"
_try(
    "begins a thread",
    CARL,
    insert(_THREAD, customer_id=OLGA, subject="Delivery", staff_id=PIA, messages={"data": [{"body": "soon"}]}),
    rows=2,
    then=f"EXISTS (SELECT FROM {_MESSAGE} WHERE body = 'soon' AND sender_staff_id = '{CARL}' AND sender_role = 'cct')",
)
_try("begins a thread for the team", CARL, insert(_THREAD, customer_id=OLGA, subject="Delivery"), rows=1)
for _says, _me, _row in (
    ("begins a thread with a deleted customer", CARL, {"customer_id": DORA}),
    ("begins a thread with nobody", CARL, {"customer_id": NOBODY}),
    ("begins a thread after leaving", GUS, {}),
    ("begins a thread for somebody who has left", CARL, {"staff_id": GAIL}),
):
    _try(_says, _me, insert(_THREAD, {"customer_id": OLGA, "subject": "x"} | _row), code="permission-error")
_try("closes a thread", CARL, update(_THREAD, id_of("a", "0004"), status="closed"), rows=1)
_try("hands a thread over", CARL, update(_THREAD, id_of("a", "0004"), staff_id=PIA), rows=1)
_try("hands a thread to the team", CARL, update(_THREAD, id_of("a", "0004"), staff_id=None), rows=1)
_try(
    "hands a thread to somebody who has left",
    CARL,
    update(_THREAD, id_of("a", "0004"), staff_id=GAIL),
    code="permission-error",
)
_try("closes a deleted customer's thread", CARL, update(_THREAD, id_of("d", "0004"), status="closed"), rows=0)
_try("closes a thread after leaving", GUS, update(_THREAD, id_of("a", "0004"), status="closed"), rows=0)
_try("gives a thread to another", CARL, update(_THREAD, id_of("a", "0004"), customer_id=OLGA), code="validation-failed")
_try("writes a message", CARL, insert(_MESSAGE, thread_id=id_of("a", "0004"), body="x"), rows=1)
for _says, _me, _thread in (
    ("writes into a closed thread", CARL, id_of("a", "0007")),
    ("writes into a deleted customer's thread", CARL, id_of("d", "0004")),
    ("writes into no thread", CARL, NOBODY),
    ("writes a message after leaving", GUS, id_of("a", "0004")),
):
    _try(_says, _me, insert(_MESSAGE, thread_id=_thread, body="x"), code="permission-error")
_try(
    "writes in the customer's name",
    CARL,
    insert(_MESSAGE, thread_id=id_of("a", "0004"), body="x", sender_customer_id=OLGA),
    code="validation-failed",
)
_try("reads a message", CARL, update(_MESSAGE, id_of("a", "0005"), read_at="now"), rows=1)
_try("reads a deleted customer's message", CARL, update(_MESSAGE, id_of("d", "0005"), read_at="now"), rows=0)
_try(
    "reads a message once more",
    CARL,
    update(_MESSAGE, id_of("a", "0005"), read_at="now"),
    rows=0,
    before=f"UPDATE public.message SET read_at = '2026-01-01' WHERE id = '{id_of('a', '0005')}'",  # noqa: S608
)
_try("reads for the customer", CARL, update(_MESSAGE, id_of("a", "0006"), read_at="now"), rows=0)
_try("reads a message after leaving", GUS, update(_MESSAGE, id_of("a", "0005"), read_at="now"), rows=0)

# Tickets

_TICKET = "public.support_ticket"
_ROW = {"customer_id": OLGA, "subject": "new"}
_try(
    "opens a ticket about an invoice",
    CARL,
    insert(_TICKET, _ROW | {"invoice_id": "inv-a", "assignee_id": CARL}),
    rows=1,
    then=f"EXISTS (SELECT FROM {_TICKET} WHERE subject = 'new' AND status = 'new' AND zendesk_ticket_id IS NULL)",
)
_try("opens a ticket about nothing in particular", CARL, insert(_TICKET, _ROW), rows=1)
_try("puts a ticket back", CARL, update(_TICKET, id_of("a", "000a"), status="open", assignee_id=None), rows=1)
for _says, _me, _changed_row in (
    ("opens a ticket about another's invoice", CARL, {"invoice_id": "inv-b"}),
    ("opens a ticket about no invoice", CARL, {"invoice_id": "inv-none"}),
    ("opens a ticket for somebody who has left", CARL, {"assignee_id": GUS}),
    ("opens a ticket of a deleted customer", CARL, {"customer_id": DORA}),
    ("opens a ticket after leaving", GUS, {}),
):
    _try(_says, _me, insert(_TICKET, _ROW | _changed_row), code="permission-error")
_try("opens a solved ticket", CARL, insert(_TICKET, _ROW | {"status": "solved"}), code="validation-failed")
_try("takes another's Zendesk ticket", CARL, insert(_TICKET, _ROW | {"zendesk_ticket_id": 1}), code="validation-failed")
_try("works on a ticket", CARL, update(_TICKET, id_of("a", "000a"), status="open", assignee_id=CARL), rows=1)
_try(
    "gives a ticket to somebody who has left",
    CARL,
    update(_TICKET, id_of("a", "000a"), assignee_id=GUS),
    code="permission-error",
)
_try("works on a deleted customer's ticket", CARL, update(_TICKET, id_of("d", "000a"), status="open"), rows=0)

_COMMENT = "public.support_ticket_comment"
_SAID = {"ticket_id": id_of("a", "000a"), "body": "Called back", "public": True}
_try(
    "comments on a ticket",
    CARL,
    insert(_COMMENT, _SAID),
    rows=1,
    then=f"EXISTS (SELECT FROM {_COMMENT} WHERE public AND author = 'cct' AND author_staff_id = '{CARL}')",
)
_try("comments as another", CARL, insert(_COMMENT, _SAID | {"author_staff_id": GUS}), code="validation-failed")
_try("comments as the customer", CARL, insert(_COMMENT, _SAID | {"author": "customer"}), code="validation-failed")
_try("comments after leaving", GUS, insert(_COMMENT, _SAID), code="permission-error")
_try("comments on a deleted customer's ticket", CARL, insert(_COMMENT, _SAID | {"ticket_id": id_of("d", "000a")}),
     code="permission-error")  # fmt: skip
_try(
    "comments on a closed ticket",
    CARL,
    insert(_COMMENT, _SAID),
    code="permission-error",
    before=f"UPDATE public.support_ticket SET status = 'closed' WHERE id = '{id_of('a', '000a')}'",  # noqa: S608
)
_try("works on a ticket after leaving", GUS, update(_TICKET, id_of("a", "000a"), status="open"), rows=0)
