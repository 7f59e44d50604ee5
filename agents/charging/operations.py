"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

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
