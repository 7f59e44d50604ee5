"""What the data_deletion agent asks of our own data: four mutations, for role service and that agent alone.

`begin_data_deletion` locks the person's rows away and says by which ids other systems know them; the agent works
through those and notes each step with `record_data_deletion_step`; `erase_customer_data` clears our tables; and
`conclude_data_deletion`, when everyone has heard of it, forgets the events about the person and writes the proof. Each
may be repeated. They are not rules, because what they touch is hidden from every role by then. Errors: see
`DeletionCode`.
"""

from typing import Any, Final

import strawberry

from resolvers.exact_numbers import write_json
from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import DeletionCode
from resolvers.operations.scalars import JSONB, UUID_
from resolvers.operations.transaction import Refused, ask
from resolvers.role_schema import HandWritten

_AGENT: Final = "data_deletion"
_RECORDS: Final = "records"
_EVENTS: Final = "events"
_ROLES: Final = frozenset({"service"})


async def _begin(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
) -> JSONB:
    _check_agent(info.context, "begin_data_deletion")
    found = await ask(info.context, "begin_data_deletion", id)
    if found is None:
        raise Refused(DeletionCode.NOT_FOUND, "there is no such request", "begin_data_deletion", "id")
    return JSONB(found)


async def _record(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
    step: str,
    proof: JSONB,
) -> JSONB:
    context = info.context
    await _locked(context, "record_data_deletion_step", id)
    return JSONB(await _note(context, id, step, proof))


async def _erase(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
) -> JSONB:
    context = info.context
    customer_id = await _locked(context, "erase_customer_data", id)
    erased = await ask(context, "erase_customer", customer_id)
    return JSONB(await _note(context, id, _RECORDS, erased))


async def _conclude(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
) -> JSONB:
    context = info.context
    _check_agent(context, "conclude_data_deletion")
    # Whoever concluded it may have been killed before they could say so.
    proof = await ask(context, "find_data_deletion_proof", id)
    if proof is not None:
        return JSONB({"waiting": 0, "proof": proof})
    customer_id = await _locked(context, "conclude_data_deletion", id)
    forgotten = await ask(context, "forget_events_of_customer", customer_id)
    if forgotten["waiting"]:
        return JSONB({"waiting": forgotten["waiting"]})
    await _note(context, id, _EVENTS, {"deleted": forgotten["deleted"]})
    return JSONB({"waiting": 0, "proof": await ask(context, "conclude_data_deletion", id)})


def _check_agent(context: OperationContext, operation: str) -> None:
    if context.session.role != "admin" and context.session.user_id != _AGENT:
        raise Refused(DeletionCode.NOT_ALLOWED, f"this is for the {_AGENT} agent", operation)


async def _locked(context: OperationContext, operation: str, request_id: str) -> str:
    """The customer of a request in work; raises Refused."""
    _check_agent(context, operation)
    customer_id: str | None = await ask(context, "lock_data_deletion", request_id)
    if customer_id is None:
        raise Refused(DeletionCode.NOT_IN_WORK, "there is no such request in work", operation, "id")
    return customer_id


async def _note(context: OperationContext, request_id: str, step: str, proof: Any) -> Any:
    return await ask(context, "record_data_deletion_step", request_id, step, write_json(proof).decode())


BEGIN_DATA_DELETION: Final = HandWritten(
    field=strawberry.field(
        resolver=_begin,
        name="begin_data_deletion",
        description="Take a deletion request into work: lock the person's rows, tell by which ids they are known.",
    ),
    kind="mutation",
    roles=_ROLES,
    shows=("healthcare.prescription_fill",),
)
RECORD_DATA_DELETION_STEP: Final = HandWritten(
    field=strawberry.field(
        resolver=_record, name="record_data_deletion_step", description="Note that a step of a deletion is done."
    ),
    kind="mutation",
    roles=_ROLES,
)
ERASE_CUSTOMER_DATA: Final = HandWritten(
    field=strawberry.field(
        resolver=_erase,
        name="erase_customer_data",
        description="Clear the person out of our tables, but for what law keeps; note that as the step `records`.",
    ),
    kind="mutation",
    roles=_ROLES,
)
CONCLUDE_DATA_DELETION: Final = HandWritten(
    field=strawberry.field(
        resolver=_conclude,
        name="conclude_data_deletion",
        description="Forget the events about the person and write the proof; or say how many events still wait.",
    ),
    kind="mutation",
    roles=_ROLES,
)
