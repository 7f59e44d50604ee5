"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final, TypedDict

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query


class HealthcarePrescriptionFillSetInput(TypedDict, total=False):
    """`healthcare_prescription_fill_set_input`: its scalar fields."""

    status: str | None
    status_reason: str | None
    pharmacy_order_id: str | None
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    sent_at: datetime.datetime | None
    accepted_at: datetime.datetime | None
    rejected_at: datetime.datetime | None
    filled_at: datetime.datetime | None
    shipped_at: datetime.datetime | None
    delivered_at: datetime.datetime | None


_FIND_FILL: Final = Document(
    name="FindFill",
    kind="query",
    text="""\
query FindFill($order_id: String!, $prescription_id: uuid!, $fill_number: Int!) {
  fills: healthcare_prescription_fill(
    where: {
      _or: [
        { pharmacy_order_id: { _eq: $order_id } }
        {
          prescription_id: { _eq: $prescription_id }
          fill_number: { _eq: $fill_number }
        }
      ]
    }
  ) {
    id
    prescription_id
    pharmacy_id
    fill_number
    status
    prescription {
      patient {
        customer_id
      }
    }
  }
}""",
)


class FindFill(Answer):
    """The answer of `find_fill`."""

    class Fills(Answer):
        """Of type `healthcare_prescription_fill`."""

        class Prescription(Answer):
            """Of type `healthcare_prescription`."""

            class Patient(Answer):
                """Of type `healthcare_patient`."""

                customer_id: uuid.UUID

            patient: Patient | None

        id: uuid.UUID
        prescription_id: uuid.UUID
        pharmacy_id: uuid.UUID
        fill_number: int
        status: str
        prescription: Prescription | None

    fills: list[Fills]


def find_fill(*, order_id: str, prescription_id: uuid.UUID, fill_number: int) -> Query[FindFill]:
    """The fill of an order, by the order's id or by prescription and number, which its reference names."""
    variables: dict[str, Any] = {"order_id": order_id, "prescription_id": prescription_id, "fill_number": fill_number}
    return Query(document=_FIND_FILL, variables=variables, answer=FindFill)


_MOVE_FILL: Final = Document(
    name="MoveFill",
    kind="mutation",
    text="""\
mutation MoveFill($id: uuid!, $statuses: [String!]!, $set: healthcare_prescription_fill_set_input!) {
  update_healthcare_prescription_fill(
    where: { id: { _eq: $id }, status: { _in: $statuses } }
    _set: $set
  ) {
    affected_rows
  }
}""",
)


class MoveFill(Answer):
    """The answer of `move_fill`."""

    class UpdateHealthcarePrescriptionFill(Answer):
        """Of type `healthcare_prescription_fill_mutation_response`."""

        affected_rows: int

    update_healthcare_prescription_fill: UpdateHealthcarePrescriptionFill | None


def move_fill(*, id: uuid.UUID, statuses: list[str], set: HealthcarePrescriptionFillSetInput) -> Mutation[MoveFill]:
    """The fill gets what is set, unless it has left the given statuses meanwhile."""
    variables: dict[str, Any] = {"id": id, "statuses": statuses, "set": set}
    return Mutation(document=_MOVE_FILL, variables=variables, answer=MoveFill)
