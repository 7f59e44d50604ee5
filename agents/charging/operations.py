"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation

_CONFIRM_CONTRACT: Final = Document(
    name="ConfirmContract",
    kind="mutation",
    text="""\
mutation ConfirmContract($id: uuid!) {
  confirmed: confirm_contract(id: $id) {
    status
    double_of
  }
}""",
)


class ConfirmContract(Answer):
    """The answer of `confirm_contract`."""

    class Confirmed(Answer):
        """Of type `confirmed_contract`."""

        status: str
        double_of: uuid.UUID | None

    confirmed: Confirmed


def confirm_contract(*, id: uuid.UUID) -> Mutation[ConfirmContract]:
    """A contract that was asked for twice at once counts once: the other one is cancelled."""
    variables: dict[str, Any] = {"id": id}
    return Mutation(document=_CONFIRM_CONTRACT, variables=variables, answer=ConfirmContract)


_HOLD_CONTRACT: Final = Document(
    name="HoldContract",
    kind="mutation",
    text="""\
mutation HoldContract($id: uuid!, $updated_at: timestamptz!) {
  hold_contract(id: $id, updated_at: $updated_at) {
    id
  }
}""",
)


class HoldContract(Answer):
    """The answer of `hold_contract`."""

    class HoldContract(Answer):
        """Of type `held_contract`."""

        id: uuid.UUID

    hold_contract: HoldContract


def hold_contract(*, id: uuid.UUID, updated_at: datetime.datetime) -> Mutation[HoldContract]:
    """What follows in the write-back holds only if the contract is as it was read."""
    variables: dict[str, Any] = {"id": id, "updated_at": updated_at}
    return Mutation(document=_HOLD_CONTRACT, variables=variables, answer=HoldContract)
