"""`hold_contract`: what an agent writes about a contract holds only if that is as the agent read it. For agents.

An agent reads a contract, works outside for a while, and writes back. Meanwhile somebody may have cancelled it. As the
first field of the write-back, this locks the contract until the transaction ends; if it has changed since it was read,
it is refused with `contract-changed`, which undoes the whole mutation: the agent tries again with what is now.
"""

from typing import Final

import strawberry

from resolvers.errors import GraphQLRequestError
from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import TIMESTAMPTZ, UUID_
from resolvers.operations.statements import load_statement
from resolvers.role_schema import HandWritten


@strawberry.type(name="held_contract", description="A contract that nobody else changes until the mutation is over.")
class HeldContract:
    """What `hold_contract` answers."""

    id: UUID_


async def _hold_contract(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
    updated_at: TIMESTAMPTZ,
) -> HeldContract:
    rows = await info.context.transaction.rows(load_statement("hold_contract"), (id, updated_at))
    if not rows or not rows[0][0]:
        message = f"contract {id} has changed since it was read" if rows else f"there is no contract {id}"
        raise GraphQLRequestError("contract-changed", message, "$.selectionSet.hold_contract")
    return HeldContract(id=id)


HOLD_CONTRACT: Final = HandWritten(
    field=strawberry.field(
        resolver=_hold_contract,
        name="hold_contract",
        description="Keep a contract as it was read until the mutation is over; refused with `contract-changed` when "
        "its `updated_at` is another one.",
    ),
    kind="mutation",
    roles=frozenset({"service"}),
)
