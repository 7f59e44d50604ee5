"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import decimal
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query

_GET_PRESCRIPTION: Final = Document(
    name="GetPrescription",
    kind="query",
    text="""\
query GetPrescription($id: uuid!) {
  prescription: healthcare_prescription_by_pk(id: $id) {
    id
    status
    signed_at
    valid_until
    dosage_instruction
    quantity_unit
    quantity
    days_supply
    refills_allowed
    note
    pharmacy_id
    pharmacy {
      ncpdp_id
    }
    patient {
      id
      identifier
      gender
      birth_date
      customer {
        id
        first_name
        last_name
        email
        phone
        date_of_birth
        address_line1
        address_line2
        city
        state_code
        zip
        country
        zendesk_user_id
      }
    }
    requester {
      npi
      first_name
      last_name
    }
    medication {
      code_system
      code
      code_display
      form
      strength
    }
    fills(order_by: { fill_number: asc }) {
      id
      fill_number
      status
      status_reason
      quantity
      days_supply
      pharmacy_id
      pharmacy {
        ncpdp_id
      }
      pharmacy_order_id
    }
  }
}""",
)


class GetPrescription(Answer):
    """The answer of `get_prescription`."""

    class Prescription(Answer):
        """Of type `healthcare_prescription`."""

        class Pharmacy(Answer):
            """Of type `healthcare_pharmacy`."""

            ncpdp_id: str

        class Patient(Answer):
            """Of type `healthcare_patient`."""

            class Customer(Answer):
                """Of type `customer`."""

                id: uuid.UUID
                first_name: str | None
                last_name: str | None
                email: str | None
                phone: str | None
                date_of_birth: datetime.date | None
                address_line1: str | None
                address_line2: str | None
                city: str | None
                state_code: str | None
                zip: str | None
                country: str | None
                zendesk_user_id: int | None

            id: uuid.UUID
            identifier: str | None
            gender: str
            birth_date: datetime.date | None
            customer: Customer | None

        class Requester(Answer):
            """Of type `staff`."""

            npi: str | None
            first_name: str
            last_name: str

        class Medication(Answer):
            """Of type `healthcare_medication`."""

            code_system: str
            code: str
            code_display: str
            form: str
            strength: str

        class Fills(Answer):
            """Of type `healthcare_prescription_fill`."""

            class Pharmacy(Answer):
                """Of type `healthcare_pharmacy`."""

                ncpdp_id: str

            id: uuid.UUID
            fill_number: int
            status: str
            status_reason: str | None
            quantity: decimal.Decimal
            days_supply: int
            pharmacy_id: uuid.UUID
            pharmacy: Pharmacy
            pharmacy_order_id: str | None

        id: uuid.UUID
        status: str
        signed_at: datetime.datetime | None
        valid_until: datetime.date | None
        dosage_instruction: str
        quantity_unit: str
        quantity: decimal.Decimal
        days_supply: int
        refills_allowed: int
        note: str | None
        pharmacy_id: uuid.UUID | None
        pharmacy: Pharmacy | None
        patient: Patient | None
        requester: Requester
        medication: Medication
        fills: list[Fills]

    prescription: Prescription | None


def get_prescription(*, id: uuid.UUID) -> Query[GetPrescription]:
    """All that an order at the pharmacy needs, as it is now, and the fills so far."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_PRESCRIPTION, variables=variables, answer=GetPrescription)


_GET_COURSE: Final = Document(
    name="GetCourse",
    kind="query",
    text="""\
query GetCourse($id: uuid!) {
  prescription: healthcare_prescription_by_pk(id: $id) {
    id
    status
    valid_until
    refills_allowed
    refills_remaining
    refill_requested_at
    patient {
      customer {
        id
        first_name
        last_name
        email
        phone
        zendesk_user_id
      }
    }
    fills(order_by: { fill_number: asc }) {
      id
      fill_number
      status
      days_supply
      pharmacy_id
      pharmacy_order_id
      delivered_at
    }
  }
}""",
)


class GetCourse(Answer):
    """The answer of `get_course`."""

    class Prescription(Answer):
        """Of type `healthcare_prescription`."""

        class Patient(Answer):
            """Of type `healthcare_patient`."""

            class Customer(Answer):
                """Of type `customer`."""

                id: uuid.UUID
                first_name: str | None
                last_name: str | None
                email: str | None
                phone: str | None
                zendesk_user_id: int | None

            customer: Customer | None

        class Fills(Answer):
            """Of type `healthcare_prescription_fill`."""

            id: uuid.UUID
            fill_number: int
            status: str
            days_supply: int
            pharmacy_id: uuid.UUID
            pharmacy_order_id: str | None
            delivered_at: datetime.datetime | None

        id: uuid.UUID
        status: str
        valid_until: datetime.date | None
        refills_allowed: int
        refills_remaining: int
        refill_requested_at: datetime.datetime | None
        patient: Patient | None
        fills: list[Fills]

    prescription: Prescription | None


def get_course(*, id: uuid.UUID) -> Query[GetCourse]:
    """How a prescription and its fills stand, without anything clinical."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_COURSE, variables=variables, answer=GetCourse)


_LIST_STUCK_FILLS: Final = Document(
    name="ListStuckFills",
    kind="query",
    text="""\
query ListStuckFills($before: timestamptz!, $after: uuid!, $limit: Int!) {
  fills: healthcare_prescription_fill(
    where: {
      status: { _in: ["queued", "sent", "accepted", "filled", "shipped"] }
      updated_at: { _lt: $before }
      id: { _gt: $after }
    }
    order_by: { id: asc }
    limit: $limit
  ) {
    id
    prescription_id
    pharmacy_id
    fill_number
    status
    pharmacy_order_id
    prescription {
      status
      patient {
        customer_id
      }
    }
  }
}""",
)


class ListStuckFills(Answer):
    """The answer of `list_stuck_fills`."""

    class Fills(Answer):
        """Of type `healthcare_prescription_fill`."""

        class Prescription(Answer):
            """Of type `healthcare_prescription`."""

            class Patient(Answer):
                """Of type `healthcare_patient`."""

                customer_id: uuid.UUID

            status: str
            patient: Patient | None

        id: uuid.UUID
        prescription_id: uuid.UUID
        pharmacy_id: uuid.UUID
        fill_number: int
        status: str
        pharmacy_order_id: str | None
        prescription: Prescription | None

    fills: list[Fills]


def list_stuck_fills(*, before: datetime.datetime, after: uuid.UUID, limit: int) -> Query[ListStuckFills]:
    """Fills on their way that nothing was heard of since then, page by page."""
    variables: dict[str, Any] = {"before": before, "after": after, "limit": limit}
    return Query(document=_LIST_STUCK_FILLS, variables=variables, answer=ListStuckFills)


_LIST_UNSENT_PRESCRIPTIONS: Final = Document(
    name="ListUnsentPrescriptions",
    kind="query",
    text="""\
query ListUnsentPrescriptions($before: timestamptz!, $after: uuid!, $limit: Int!) {
  prescriptions: healthcare_prescription(
    where: {
      status: { _eq: "active" }
      signed_at: { _lt: $before }
      _not: { fills: {  } }
      id: { _gt: $after }
    }
    order_by: { id: asc }
    limit: $limit
  ) {
    id
  }
}""",
)


class ListUnsentPrescriptions(Answer):
    """The answer of `list_unsent_prescriptions`."""

    class Prescriptions(Answer):
        """Of type `healthcare_prescription`."""

        id: uuid.UUID

    prescriptions: list[Prescriptions]


def list_unsent_prescriptions(
    *, before: datetime.datetime, after: uuid.UUID, limit: int
) -> Query[ListUnsentPrescriptions]:
    """Signed prescriptions whose first fill was never ordered."""
    variables: dict[str, Any] = {"before": before, "after": after, "limit": limit}
    return Query(document=_LIST_UNSENT_PRESCRIPTIONS, variables=variables, answer=ListUnsentPrescriptions)


_QUEUE_FILL: Final = Document(
    name="QueueFill",
    kind="mutation",
    text="""\
mutation QueueFill($prescription_id: uuid!, $pharmacy_id: uuid!, $fill_number: Int!, $quantity: numeric!, $days_supply: Int!) {
  insert_healthcare_prescription_fill(
    objects: [
      {
        prescription_id: $prescription_id
        pharmacy_id: $pharmacy_id
        fill_number: $fill_number
        quantity: $quantity
        days_supply: $days_supply
        status: "queued"
      }
    ]
    on_conflict: {
      constraint: prescription_fill_prescription_id_fill_number_key
      update_columns: []
    }
  ) {
    affected_rows
  }
}""",
)


class QueueFill(Answer):
    """The answer of `queue_fill`."""

    class InsertHealthcarePrescriptionFill(Answer):
        """Of type `healthcare_prescription_fill_mutation_response`."""

        affected_rows: int

    insert_healthcare_prescription_fill: InsertHealthcarePrescriptionFill | None


def queue_fill(
    *, prescription_id: uuid.UUID, pharmacy_id: uuid.UUID, fill_number: int, quantity: decimal.Decimal, days_supply: int
) -> Mutation[QueueFill]:
    """A fill waits to be sent; one of that number that is there already stays."""
    variables: dict[str, Any] = {
        "prescription_id": prescription_id,
        "pharmacy_id": pharmacy_id,
        "fill_number": fill_number,
        "quantity": quantity,
        "days_supply": days_supply,
    }
    return Mutation(document=_QUEUE_FILL, variables=variables, answer=QueueFill)


_SEND_FILL: Final = Document(
    name="SendFill",
    kind="mutation",
    text="""\
mutation SendFill($prescription_id: uuid!, $fill_number: Int!, $order_id: String!, $sent_at: timestamptz!) {
  update_healthcare_prescription_fill(
    where: {
      prescription_id: { _eq: $prescription_id }
      fill_number: { _eq: $fill_number }
      status: { _eq: "queued" }
    }
    _set: {
      status: "sent"
      pharmacy_order_id: $order_id
      sent_at: $sent_at
      status_reason: null
    }
  ) {
    affected_rows
  }
}""",
)


class SendFill(Answer):
    """The answer of `send_fill`."""

    class UpdateHealthcarePrescriptionFill(Answer):
        """Of type `healthcare_prescription_fill_mutation_response`."""

        affected_rows: int

    update_healthcare_prescription_fill: UpdateHealthcarePrescriptionFill | None


def send_fill(
    *, prescription_id: uuid.UUID, fill_number: int, order_id: str, sent_at: datetime.datetime
) -> Mutation[SendFill]:
    """A fill that waited is with the pharmacy."""
    variables: dict[str, Any] = {
        "prescription_id": prescription_id,
        "fill_number": fill_number,
        "order_id": order_id,
        "sent_at": sent_at,
    }
    return Mutation(document=_SEND_FILL, variables=variables, answer=SendFill)


_HOLD_FILL: Final = Document(
    name="HoldFill",
    kind="mutation",
    text="""\
mutation HoldFill($prescription_id: uuid!, $fill_number: Int!, $reason: String!) {
  update_healthcare_prescription_fill(
    where: {
      prescription_id: { _eq: $prescription_id }
      fill_number: { _eq: $fill_number }
      status: { _eq: "queued" }
    }
    _set: { status_reason: $reason }
  ) {
    affected_rows
  }
}""",
)


class HoldFill(Answer):
    """The answer of `hold_fill`."""

    class UpdateHealthcarePrescriptionFill(Answer):
        """Of type `healthcare_prescription_fill_mutation_response`."""

        affected_rows: int

    update_healthcare_prescription_fill: UpdateHealthcarePrescriptionFill | None


def hold_fill(*, prescription_id: uuid.UUID, fill_number: int, reason: str) -> Mutation[HoldFill]:
    """A fill goes on waiting, and says what for."""
    variables: dict[str, Any] = {"prescription_id": prescription_id, "fill_number": fill_number, "reason": reason}
    return Mutation(document=_HOLD_FILL, variables=variables, answer=HoldFill)


_REFUSE_FILL: Final = Document(
    name="RefuseFill",
    kind="mutation",
    text="""\
mutation RefuseFill($prescription_id: uuid!, $fill_number: Int!, $reason: String!, $rejected_at: timestamptz!) {
  update_healthcare_prescription_fill(
    where: {
      prescription_id: { _eq: $prescription_id }
      fill_number: { _eq: $fill_number }
      status: { _eq: "queued" }
    }
    _set: { status: "rejected", status_reason: $reason, rejected_at: $rejected_at }
  ) {
    affected_rows
  }
}""",
)


class RefuseFill(Answer):
    """The answer of `refuse_fill`."""

    class UpdateHealthcarePrescriptionFill(Answer):
        """Of type `healthcare_prescription_fill_mutation_response`."""

        affected_rows: int

    update_healthcare_prescription_fill: UpdateHealthcarePrescriptionFill | None


def refuse_fill(
    *, prescription_id: uuid.UUID, fill_number: int, reason: str, rejected_at: datetime.datetime
) -> Mutation[RefuseFill]:
    """A fill that waited won't be dispensed."""
    variables: dict[str, Any] = {
        "prescription_id": prescription_id,
        "fill_number": fill_number,
        "reason": reason,
        "rejected_at": rejected_at,
    }
    return Mutation(document=_REFUSE_FILL, variables=variables, answer=RefuseFill)


_GIVE_REFILL_BACK: Final = Document(
    name="GiveRefillBack",
    kind="mutation",
    text="""\
mutation GiveRefillBack($id: uuid!, $refills_allowed: Int!) {
  update_healthcare_prescription(
    where: {
      id: { _eq: $id }
      status: { _eq: "active" }
      refills_remaining: { _lt: $refills_allowed }
    }
    _inc: { refills_remaining: 1 }
  ) {
    affected_rows
  }
}""",
)


class GiveRefillBack(Answer):
    """The answer of `give_refill_back`."""

    class UpdateHealthcarePrescription(Answer):
        """Of type `healthcare_prescription_mutation_response`."""

        affected_rows: int

    update_healthcare_prescription: UpdateHealthcarePrescription | None


def give_refill_back(*, id: uuid.UUID, refills_allowed: int) -> Mutation[GiveRefillBack]:
    """A refill that came to nothing can be asked for again."""
    variables: dict[str, Any] = {"id": id, "refills_allowed": refills_allowed}
    return Mutation(document=_GIVE_REFILL_BACK, variables=variables, answer=GiveRefillBack)


_SET_REFILL_DUE: Final = Document(
    name="SetRefillDue",
    kind="mutation",
    text="""\
mutation SetRefillDue($id: uuid!, $due_on: date!) {
  update_healthcare_prescription(
    where: { id: { _eq: $id }, status: { _eq: "active" } }
    _set: { refill_due_on: $due_on }
  ) {
    affected_rows
  }
}""",
)


class SetRefillDue(Answer):
    """The answer of `set_refill_due`."""

    class UpdateHealthcarePrescription(Answer):
        """Of type `healthcare_prescription_mutation_response`."""

        affected_rows: int

    update_healthcare_prescription: UpdateHealthcarePrescription | None


def set_refill_due(*, id: uuid.UUID, due_on: datetime.date) -> Mutation[SetRefillDue]:
    """The mutation `SetRefillDue`."""
    variables: dict[str, Any] = {"id": id, "due_on": due_on}
    return Mutation(document=_SET_REFILL_DUE, variables=variables, answer=SetRefillDue)


_SCHEDULE_REFILL_DUE: Final = Document(
    name="ScheduleRefillDue",
    kind="mutation",
    text="""\
mutation ScheduleRefillDue($name: String!, $due_at: timestamptz!, $payload: jsonb!) {
  insert_events_scheduled_task(
    objects: [
      {
        name: $name
        kind: "prescription.refill_due"
        target: "prescription"
        due_at: $due_at
        payload: $payload
      }
    ]
    on_conflict: { constraint: scheduled_task_name_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class ScheduleRefillDue(Answer):
    """The answer of `schedule_refill_due`."""

    class InsertEventsScheduledTask(Answer):
        """Of type `events_scheduled_task_mutation_response`."""

        affected_rows: int

    insert_events_scheduled_task: InsertEventsScheduledTask | None


def schedule_refill_due(*, name: str, due_at: datetime.datetime, payload: Any) -> Mutation[ScheduleRefillDue]:
    """Named after the fill that runs out, so that it is planned once however often this is written."""
    variables: dict[str, Any] = {"name": name, "due_at": due_at, "payload": payload}
    return Mutation(document=_SCHEDULE_REFILL_DUE, variables=variables, answer=ScheduleRefillDue)
