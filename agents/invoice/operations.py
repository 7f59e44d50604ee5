"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final, TypedDict

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query


class PaymentRecoveryInsertInput(TypedDict, total=False):
    """`payment_recovery_insert_input`: its scalar fields."""

    customer_id: uuid.UUID | None
    invoice_id: str | None
    contract_id: uuid.UUID | None
    subscription_id: str | None
    event_id: uuid.UUID | None
    amount: int | None
    currency_code: str | None
    retries: int | None
    next_retry_at: datetime.datetime | None
    last_decline_code: str | None
    needs_new_card: bool | None
    payment_source_id: str | None
    declined_at: datetime.datetime | None
    zendesk_ticket_id: int | None
    failed_at: datetime.datetime | None


class PaymentRecoverySetInput(TypedDict, total=False):
    """`payment_recovery_set_input`: its scalar fields."""

    status: str | None
    status_reason: str | None
    event_id: uuid.UUID | None
    amount: int | None
    currency_code: str | None
    retries: int | None
    attempts: int | None
    next_retry_at: datetime.datetime | None
    last_decline_code: str | None
    needs_new_card: bool | None
    payment_source_id: str | None
    declined_at: datetime.datetime | None
    zendesk_ticket_id: int | None
    failed_at: datetime.datetime | None
    closed_at: datetime.datetime | None


class EventsScheduledTaskInsertInput(TypedDict, total=False):
    """`events_scheduled_task_insert_input`: its scalar fields."""

    name: str | None
    kind: str | None
    target: str | None
    payload: Any
    due_at: datetime.datetime | None


_FIND_BILLED_CUSTOMER: Final = Document(
    name="FindBilledCustomer",
    kind="query",
    text="""\
query FindBilledCustomer($chargebee_customer_id: String!) {
  customers: customer(
    where: { chargebee_customer_id: { _eq: $chargebee_customer_id } }
  ) {
    id
    deleted_at
  }
}""",
)


class FindBilledCustomer(Answer):
    """The answer of `find_billed_customer`."""

    class Customers(Answer):
        """Of type `customer`."""

        id: uuid.UUID
        deleted_at: datetime.datetime | None

    customers: list[Customers]


def find_billed_customer(*, chargebee_customer_id: str) -> Query[FindBilledCustomer]:
    """The customer of ours who has a billing record in Chargebee."""
    variables: dict[str, Any] = {"chargebee_customer_id": chargebee_customer_id}
    return Query(document=_FIND_BILLED_CUSTOMER, variables=variables, answer=FindBilledCustomer)


_GET_CUSTOMER: Final = Document(
    name="GetCustomer",
    kind="query",
    text="""\
query GetCustomer($id: uuid!) {
  customer: customer_by_pk(id: $id) {
    id
    email
    first_name
    last_name
    phone
    zendesk_user_id
    currency_code
    deleted_at
  }
}""",
)


class GetCustomer(Answer):
    """The answer of `get_customer`."""

    class Customer(Answer):
        """Of type `customer`."""

        id: uuid.UUID
        email: str | None
        first_name: str | None
        last_name: str | None
        phone: str | None
        zendesk_user_id: int | None
        currency_code: str
        deleted_at: datetime.datetime | None

    customer: Customer | None


def get_customer(*, id: uuid.UUID) -> Query[GetCustomer]:
    """Whom a payment is about."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CUSTOMER, variables=variables, answer=GetCustomer)


_FIND_RECOVERY: Final = Document(
    name="FindRecovery",
    kind="query",
    text="""\
query FindRecovery($invoice_id: String!) {
  recoveries: payment_recovery(where: { invoice_id: { _eq: $invoice_id } }) {
    event_id
    customer_id
    subscription_id
    status
    amount
    currency_code
    retries
    attempts
    last_decline_code
    needs_new_card
    payment_source_id
    declined_at
    zendesk_ticket_id
  }
}""",
)


class FindRecovery(Answer):
    """The answer of `find_recovery`."""

    class Recoveries(Answer):
        """Of type `payment_recovery`."""

        event_id: uuid.UUID
        customer_id: uuid.UUID
        subscription_id: str | None
        status: str
        amount: int
        currency_code: str
        retries: int
        attempts: int
        last_decline_code: str | None
        needs_new_card: bool
        payment_source_id: str | None
        declined_at: datetime.datetime | None
        zendesk_ticket_id: int | None

    recoveries: list[Recoveries]


def find_recovery(*, invoice_id: str) -> Query[FindRecovery]:
    """How the recovery of an invoice's payment stands: one or none."""
    variables: dict[str, Any] = {"invoice_id": invoice_id}
    return Query(document=_FIND_RECOVERY, variables=variables, answer=FindRecovery)


_FIND_OPEN_RECOVERIES: Final = Document(
    name="FindOpenRecoveries",
    kind="query",
    text="""\
query FindOpenRecoveries($customer_id: uuid!) {
  recoveries: payment_recovery(
    where: {
      customer_id: { _eq: $customer_id }
      invoice_id: { _is_null: false }
      status: { _eq: "open" }
    }
    order_by: { invoice_id: asc }
  ) {
    invoice_id
    event_id
    payment_source_id
    declined_at
    customer {
      chargebee_customer_id
    }
  }
}""",
)


class FindOpenRecoveries(Answer):
    """The answer of `find_open_recoveries`."""

    class Recoveries(Answer):
        """Of type `payment_recovery`."""

        class Customer(Answer):
            """Of type `customer`."""

            chargebee_customer_id: str | None

        invoice_id: str | None
        event_id: uuid.UUID
        payment_source_id: str | None
        declined_at: datetime.datetime | None
        customer: Customer | None

    recoveries: list[Recoveries]


def find_open_recoveries(*, customer_id: uuid.UUID) -> Query[FindOpenRecoveries]:
    """What is being recovered of a customer's payments, and by what they were charged in vain."""
    variables: dict[str, Any] = {"customer_id": customer_id}
    return Query(document=_FIND_OPEN_RECOVERIES, variables=variables, answer=FindOpenRecoveries)


_ADD_TO_LIFETIME_VALUE: Final = Document(
    name="AddToLifetimeValue",
    kind="mutation",
    text="""\
mutation AddToLifetimeValue($id: uuid!, $amount: bigint!) {
  update_customer(where: { id: { _eq: $id } }, _inc: { lifetime_value: $amount }) {
    affected_rows
  }
}""",
)


class AddToLifetimeValue(Answer):
    """The answer of `add_to_lifetime_value`."""

    class UpdateCustomer(Answer):
        """Of type `customer_mutation_response`."""

        affected_rows: int

    update_customer: UpdateCustomer | None


def add_to_lifetime_value(*, id: uuid.UUID, amount: int) -> Mutation[AddToLifetimeValue]:
    """More was received, or less. In the customer's own currency."""
    variables: dict[str, Any] = {"id": id, "amount": amount}
    return Mutation(document=_ADD_TO_LIFETIME_VALUE, variables=variables, answer=AddToLifetimeValue)


_BEGIN_RECOVERY: Final = Document(
    name="BeginRecovery",
    kind="mutation",
    text="""\
mutation BeginRecovery($recovery: payment_recovery_insert_input!) {
  insert_payment_recovery(
    objects: [$recovery]
    on_conflict: {
      constraint: payment_recovery_invoice_id_key
      update_columns: [
        status
        status_reason
        event_id
        amount
        currency_code
        retries
        attempts
        next_retry_at
        last_decline_code
        needs_new_card
        payment_source_id
        declined_at
        zendesk_ticket_id
        failed_at
        closed_at
      ]
      where: { status: { _neq: "open" } }
    }
  ) {
    affected_rows
  }
}""",
)


class BeginRecovery(Answer):
    """The answer of `begin_recovery`."""

    class InsertPaymentRecovery(Answer):
        """Of type `payment_recovery_mutation_response`."""

        affected_rows: int

    insert_payment_recovery: InsertPaymentRecovery | None


def begin_recovery(*, recovery: PaymentRecoveryInsertInput) -> Mutation[BeginRecovery]:
    """A payment failed. One that is being recovered goes on as it is; one that had ended begins anew."""
    variables: dict[str, Any] = {"recovery": recovery}
    return Mutation(document=_BEGIN_RECOVERY, variables=variables, answer=BeginRecovery)


_MOVE_RECOVERY: Final = Document(
    name="MoveRecovery",
    kind="mutation",
    text="""\
mutation MoveRecovery($invoice_id: String!, $event_id: uuid!, $statuses: [String!]!, $set: payment_recovery_set_input!) {
  update_payment_recovery(
    where: {
      invoice_id: { _eq: $invoice_id }
      event_id: { _eq: $event_id }
      status: { _in: $statuses }
    }
    _set: $set
  ) {
    affected_rows
  }
}""",
)


class MoveRecovery(Answer):
    """The answer of `move_recovery`."""

    class UpdatePaymentRecovery(Answer):
        """Of type `payment_recovery_mutation_response`."""

        affected_rows: int

    update_payment_recovery: UpdatePaymentRecovery | None


def move_recovery(
    *, invoice_id: str, event_id: uuid.UUID, statuses: list[str], set: PaymentRecoverySetInput
) -> Mutation[MoveRecovery]:
    """The recovery that an event began moves on, unless it has left the given statuses meanwhile."""
    variables: dict[str, Any] = {"invoice_id": invoice_id, "event_id": event_id, "statuses": statuses, "set": set}
    return Mutation(document=_MOVE_RECOVERY, variables=variables, answer=MoveRecovery)


_PLAN_RETRIES: Final = Document(
    name="PlanRetries",
    kind="mutation",
    text="""\
mutation PlanRetries($tasks: [events_scheduled_task_insert_input!]!) {
  insert_events_scheduled_task(
    objects: $tasks
    on_conflict: { constraint: scheduled_task_name_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class PlanRetries(Answer):
    """The answer of `plan_retries`."""

    class InsertEventsScheduledTask(Answer):
        """Of type `events_scheduled_task_mutation_response`."""

        affected_rows: int

    insert_events_scheduled_task: InsertEventsScheduledTask | None


def plan_retries(*, tasks: list[EventsScheduledTaskInsertInput]) -> Mutation[PlanRetries]:
    """The further attempts, each under its name: what is planned already stays."""
    variables: dict[str, Any] = {"tasks": tasks}
    return Mutation(document=_PLAN_RETRIES, variables=variables, answer=PlanRetries)


_CANCEL_RETRY: Final = Document(
    name="CancelRetry",
    kind="mutation",
    text="""\
mutation CancelRetry($name: String!) {
  cancel_task(name: $name) {
    cancelled
  }
}""",
)


class CancelRetry(Answer):
    """The answer of `cancel_retry`."""

    class CancelTask(Answer):
        """Of type `cancelled_task`."""

        cancelled: bool

    cancel_task: CancelTask


def cancel_retry(*, name: str) -> Mutation[CancelRetry]:
    """The mutation `CancelRetry`."""
    variables: dict[str, Any] = {"name": name}
    return Mutation(document=_CANCEL_RETRY, variables=variables, answer=CancelRetry)


_FIND_OVERDUE_RECOVERIES: Final = Document(
    name="FindOverdueRecoveries",
    kind="query",
    text="""\
query FindOverdueRecoveries($before: timestamptz!, $limit: Int!) {
  recoveries: payment_recovery(
    where: {
      status: { _eq: "open" }
      invoice_id: { _is_null: false }
      next_retry_at: { _lt: $before }
    }
    order_by: { next_retry_at: asc }
    limit: $limit
  ) {
    invoice_id
    event_id
    attempts
  }
}""",
)


class FindOverdueRecoveries(Answer):
    """The answer of `find_overdue_recoveries`."""

    class Recoveries(Answer):
        """Of type `payment_recovery`."""

        invoice_id: str | None
        event_id: uuid.UUID
        attempts: int

    recoveries: list[Recoveries]


def find_overdue_recoveries(*, before: datetime.datetime, limit: int) -> Query[FindOverdueRecoveries]:
    """Recoveries whose next attempt should have been made long ago, the longest overdue first."""
    variables: dict[str, Any] = {"before": before, "limit": limit}
    return Query(document=_FIND_OVERDUE_RECOVERIES, variables=variables, answer=FindOverdueRecoveries)


_RESCHEDULE_RETRY: Final = Document(
    name="RescheduleRetry",
    kind="mutation",
    text="""\
mutation RescheduleRetry($name: String!, $due_at: timestamptz!) {
  reschedule_task(name: $name, due_at: $due_at) {
    generation
  }
}""",
)


class RescheduleRetry(Answer):
    """The answer of `reschedule_retry`."""

    class RescheduleTask(Answer):
        """Of type `rescheduled_task`."""

        generation: int

    reschedule_task: RescheduleTask


def reschedule_retry(*, name: str, due_at: datetime.datetime) -> Mutation[RescheduleRetry]:
    """Another time for an attempt that was lost or has failed."""
    variables: dict[str, Any] = {"name": name, "due_at": due_at}
    return Mutation(document=_RESCHEDULE_RETRY, variables=variables, answer=RescheduleRetry)
