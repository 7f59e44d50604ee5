"""`confirm_contract`: whether a contract counts, or is the second of one that was asked for twice at once. For agents.

Whoever clicks twice has two contracts. They are of the same customer and treatment, begin on the same day, were written
within a minute of each other, and neither continues another or was given a subscription. Of these one counts: the one
that was decided on before, or that has the subscription that was made for it, or else the earlier one, as long as it
isn't over. The other is cancelled here, and no event but its `contract.updated` tells of it.

An agent asks before it charges for a contract or tells of it. It is decided once for each contract, one at a time for a
customer, whoever asks first; so all agents go by the same, whatever becomes of the other contract afterwards.
"""

from typing import Final

import strawberry

from resolvers.errors import GraphQLRequestError
from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import UUID_
from resolvers.operations.transaction import ask
from resolvers.role_schema import HandWritten

_NAME: Final = "confirm_contract"


@strawberry.type(name="confirmed_contract", description="A contract after it was decided whether it counts.")
class ConfirmedContract:
    """What `confirm_contract` answers."""

    id: UUID_
    status: str = strawberry.field(description="Cancelled when it doesn't count.")
    double_of: UUID_ | None = strawberry.field(
        description="The contract that counts in its place; null in an answer that decided nothing."
    )


async def _confirm_contract(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
) -> ConfirmedContract:
    context = info.context
    await ask(context, "lock_contracts_of", id)
    # After the lock, in a statement of its own: it sees what was decided while this one waited.
    found = await ask(context, _NAME, id)
    if found is None:
        raise GraphQLRequestError("not-found", f"there is no contract {id}", f"$.selectionSet.{_NAME}.args.id")
    return ConfirmedContract(id=id, status=found["status"], double_of=found["double_of"])


CONFIRM_CONTRACT: Final = HandWritten(
    field=strawberry.field(
        resolver=_confirm_contract,
        name=_NAME,
        description="Decide whether a contract counts; one that was asked for twice at once is cancelled but for the "
        "first. It is decided once.",
    ),
    kind="mutation",
    roles=frozenset({"service"}),
)
