"""A contract that was asked for twice at once, by a double click say, is charged for and told of once.

Which of the two counts is decided at the endpoint (`resolvers/operations/confirm_contract.py`), once, for all agents:
whoever asks first has it decided. So those that handle one contract, or both, at the same time don't contradict each
other. The one that doesn't count is cancelled there.
"""

from typing import Final, Protocol
from uuid import UUID

from agents.charging.operations import confirm_contract
from agents.graphql.client import GraphQLClient

#: Contracts in these have a term before them or in course; the others are over.
OPEN: Final = frozenset({"future", "active"})


class Wanted(Protocol):
    """A contract as an agent's own query has it."""

    @property
    def id(self) -> UUID:
        """Ours."""
        ...

    @property
    def subscription_id(self) -> str | None:
        """Chargebee's."""
        ...

    @property
    def renewed_from_id(self) -> UUID | None:
        """The contract that this one continues."""
        ...


async def why_not_wanted(contract: Wanted, *, graphql: GraphQLClient) -> str | None:
    """Why nothing is to be done for an open contract that was just read; None when it counts.

    To be asked before the first outside call: with the answer the contract counts, or is over. What has a subscription
    or continues another contract always counts.
    """
    if contract.subscription_id is not None or contract.renewed_from_id is not None:
        return None
    confirmed = (await graphql.query(confirm_contract(id=contract.id))).confirmed
    if confirmed.double_of is not None:
        return f"the contract was asked for twice at once: {confirmed.double_of} counts"
    return None if confirmed.status in OPEN else f"the contract is {confirmed.status}"
