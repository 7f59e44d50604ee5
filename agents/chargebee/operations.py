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


_GET_CUSTOMER: Final = Document(
    name="GetCustomer",
    kind="query",
    text="""\
query GetCustomer($id: uuid!) {
  customer: customer_by_pk(id: $id) {
    id
    chargebee_customer_id
    email
    first_name
    last_name
    phone
    deleted_at
  }
}""",
)


class GetCustomer(Answer):
    """The answer of `get_customer`."""

    class Customer(Answer):
        """Of type `customer`."""

        id: uuid.UUID
        chargebee_customer_id: str | None
        email: str | None
        first_name: str | None
        last_name: str | None
        phone: str | None
        deleted_at: datetime.datetime | None

    customer: Customer | None


def get_customer(*, id: uuid.UUID) -> Query[GetCustomer]:
    """A customer as Chargebee is to know them."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CUSTOMER, variables=variables, answer=GetCustomer)


_SET_CHARGEBEE_CUSTOMER: Final = Document(
    name="SetChargebeeCustomer",
    kind="mutation",
    text="""\
mutation SetChargebeeCustomer($id: uuid!, $chargebee_customer_id: String!) {
  update_customer(
    where: { id: { _eq: $id }, chargebee_customer_id: { _is_null: true } }
    _set: { chargebee_customer_id: $chargebee_customer_id }
  ) {
    affected_rows
  }
}""",
)


class SetChargebeeCustomer(Answer):
    """The answer of `set_chargebee_customer`."""

    class UpdateCustomer(Answer):
        """Of type `customer_mutation_response`."""

        affected_rows: int

    update_customer: UpdateCustomer | None


def set_chargebee_customer(*, id: uuid.UUID, chargebee_customer_id: str) -> Mutation[SetChargebeeCustomer]:
    """A customer gets their record in Chargebee; one that is there already stays."""
    variables: dict[str, Any] = {"id": id, "chargebee_customer_id": chargebee_customer_id}
    return Mutation(document=_SET_CHARGEBEE_CUSTOMER, variables=variables, answer=SetChargebeeCustomer)


_GET_CONTRACT: Final = Document(
    name="GetContract",
    kind="query",
    text="""\
query GetContract($id: uuid!) {
  contract: contract_by_pk(id: $id) {
    id
    customer_id
    subscription_id
    status
    start_date
    customer {
      id
      chargebee_customer_id
      email
      first_name
      last_name
      phone
      zendesk_user_id
      deleted_at
    }
    treatment_id
    end_date
    renewed_from_id
    updated_at
    treatment {
      has_upfront_payment_option
      monthly_item_price_id
      upfront_item_price_id
      monthly_price
      upfront_price
      currency_code
    }
  }
}""",
)


class GetContract(Answer):
    """The answer of `get_contract`."""

    class Contract(Answer):
        """Of type `contract`."""

        class Customer(Answer):
            """Of type `customer`."""

            id: uuid.UUID
            chargebee_customer_id: str | None
            email: str | None
            first_name: str | None
            last_name: str | None
            phone: str | None
            zendesk_user_id: int | None
            deleted_at: datetime.datetime | None

        class Treatment(Answer):
            """Of type `treatment`."""

            has_upfront_payment_option: bool
            monthly_item_price_id: str
            upfront_item_price_id: str | None
            monthly_price: int
            upfront_price: int | None
            currency_code: str

        id: uuid.UUID
        customer_id: uuid.UUID
        subscription_id: str | None
        status: str
        start_date: datetime.date
        customer: Customer | None
        treatment_id: uuid.UUID
        end_date: datetime.date
        renewed_from_id: uuid.UUID | None
        updated_at: datetime.datetime
        treatment: Treatment

    contract: Contract | None


def get_contract(*, id: uuid.UUID) -> Query[GetContract]:
    """A contract with what its subscription is made of."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CONTRACT, variables=variables, answer=GetContract)


_SET_CONTRACT_SUBSCRIPTION: Final = Document(
    name="SetContractSubscription",
    kind="mutation",
    text="""\
mutation SetContractSubscription($id: uuid!, $subscription_id: String!) {
  update_contract(
    where: { id: { _eq: $id }, subscription_id: { _is_null: true } }
    _set: { subscription_id: $subscription_id }
  ) {
    affected_rows
  }
}""",
)


class SetContractSubscription(Answer):
    """The answer of `set_contract_subscription`."""

    class UpdateContract(Answer):
        """Of type `contract_mutation_response`."""

        affected_rows: int

    update_contract: UpdateContract | None


def set_contract_subscription(*, id: uuid.UUID, subscription_id: str) -> Mutation[SetContractSubscription]:
    """A contract gets its subscription; one that is there already stays."""
    variables: dict[str, Any] = {"id": id, "subscription_id": subscription_id}
    return Mutation(document=_SET_CONTRACT_SUBSCRIPTION, variables=variables, answer=SetContractSubscription)


_FIND_FIRST_PAYMENT: Final = Document(
    name="FindFirstPayment",
    kind="query",
    text="""\
query FindFirstPayment($contract_id: uuid!) {
  recoveries: payment_recovery(where: { contract_id: { _eq: $contract_id } }) {
    contract_id
    event_id
    status
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


class FindFirstPayment(Answer):
    """The answer of `find_first_payment`."""

    class Recoveries(Answer):
        """Of type `payment_recovery`."""

        contract_id: uuid.UUID | None
        event_id: uuid.UUID
        status: str
        retries: int
        attempts: int
        last_decline_code: str | None
        needs_new_card: bool
        payment_source_id: str | None
        declined_at: datetime.datetime | None
        zendesk_ticket_id: int | None

    recoveries: list[Recoveries]


def find_first_payment(*, contract_id: uuid.UUID) -> Query[FindFirstPayment]:
    """How the recovery of a contract's first charge stands: one or none."""
    variables: dict[str, Any] = {"contract_id": contract_id}
    return Query(document=_FIND_FIRST_PAYMENT, variables=variables, answer=FindFirstPayment)


_FIND_PAID_CONTRACTS: Final = Document(
    name="FindPaidContracts",
    kind="query",
    text="""\
query FindPaidContracts($customer_id: uuid!, $treatment_id: uuid!) {
  contracts: contract(
    where: {
      customer_id: { _eq: $customer_id }
      treatment_id: { _eq: $treatment_id }
      status: { _in: ["future", "active"] }
      subscription_id: { _is_null: false }
    }
    limit: 1
  ) {
    id
  }
}""",
)


class FindPaidContracts(Answer):
    """The answer of `find_paid_contracts`."""

    class Contracts(Answer):
        """Of type `contract`."""

        id: uuid.UUID

    contracts: list[Contracts]


def find_paid_contracts(*, customer_id: uuid.UUID, treatment_id: uuid.UUID) -> Query[FindPaidContracts]:
    """Other contracts of a customer for the same treatment that something pays for."""
    variables: dict[str, Any] = {"customer_id": customer_id, "treatment_id": treatment_id}
    return Query(document=_FIND_PAID_CONTRACTS, variables=variables, answer=FindPaidContracts)


_FIND_UNPAID_CONTRACTS: Final = Document(
    name="FindUnpaidContracts",
    kind="query",
    text="""\
query FindUnpaidContracts($customer_id: uuid!) {
  recoveries: payment_recovery(
    where: {
      customer_id: { _eq: $customer_id }
      contract_id: { _is_null: false }
      status: { _in: ["open", "exhausted"] }
    }
    order_by: { contract_id: desc }
  ) {
    contract_id
    event_id
    payment_source_id
    declined_at
    contract {
      treatment_id
    }
    customer {
      chargebee_customer_id
    }
  }
}""",
)


class FindUnpaidContracts(Answer):
    """The answer of `find_unpaid_contracts`."""

    class Recoveries(Answer):
        """Of type `payment_recovery`."""

        class Contract(Answer):
            """Of type `contract`."""

            treatment_id: uuid.UUID

        class Customer(Answer):
            """Of type `customer`."""

            chargebee_customer_id: str | None

        contract_id: uuid.UUID | None
        event_id: uuid.UUID
        payment_source_id: str | None
        declined_at: datetime.datetime | None
        contract: Contract | None
        customer: Customer | None

    recoveries: list[Recoveries]


def find_unpaid_contracts(*, customer_id: uuid.UUID) -> Query[FindUnpaidContracts]:
    """Contracts of a customer whose first charge was declined and that still wait for it, the newest first."""
    variables: dict[str, Any] = {"customer_id": customer_id}
    return Query(document=_FIND_UNPAID_CONTRACTS, variables=variables, answer=FindUnpaidContracts)


_BEGIN_FIRST_PAYMENT: Final = Document(
    name="BeginFirstPayment",
    kind="mutation",
    text="""\
mutation BeginFirstPayment($recovery: payment_recovery_insert_input!) {
  insert_payment_recovery(
    objects: [$recovery]
    on_conflict: { constraint: payment_recovery_contract_id_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class BeginFirstPayment(Answer):
    """The answer of `begin_first_payment`."""

    class InsertPaymentRecovery(Answer):
        """Of type `payment_recovery_mutation_response`."""

        affected_rows: int

    insert_payment_recovery: InsertPaymentRecovery | None


def begin_first_payment(*, recovery: PaymentRecoveryInsertInput) -> Mutation[BeginFirstPayment]:
    """The first charge was declined. What is being recovered goes on as it is."""
    variables: dict[str, Any] = {"recovery": recovery}
    return Mutation(document=_BEGIN_FIRST_PAYMENT, variables=variables, answer=BeginFirstPayment)


_MOVE_FIRST_PAYMENT: Final = Document(
    name="MoveFirstPayment",
    kind="mutation",
    text="""\
mutation MoveFirstPayment($contract_id: uuid!, $event_id: uuid!, $statuses: [String!]!, $set: payment_recovery_set_input!) {
  update_payment_recovery(
    where: {
      contract_id: { _eq: $contract_id }
      event_id: { _eq: $event_id }
      status: { _in: $statuses }
    }
    _set: $set
  ) {
    affected_rows
  }
}""",
)


class MoveFirstPayment(Answer):
    """The answer of `move_first_payment`."""

    class UpdatePaymentRecovery(Answer):
        """Of type `payment_recovery_mutation_response`."""

        affected_rows: int

    update_payment_recovery: UpdatePaymentRecovery | None


def move_first_payment(
    *, contract_id: uuid.UUID, event_id: uuid.UUID, statuses: list[str], set: PaymentRecoverySetInput
) -> Mutation[MoveFirstPayment]:
    """The recovery that an event began moves on, unless it has left the given statuses meanwhile."""
    variables: dict[str, Any] = {"contract_id": contract_id, "event_id": event_id, "statuses": statuses, "set": set}
    return Mutation(document=_MOVE_FIRST_PAYMENT, variables=variables, answer=MoveFirstPayment)


_PLAN_FIRST_PAYMENTS: Final = Document(
    name="PlanFirstPayments",
    kind="mutation",
    text="""\
mutation PlanFirstPayments($tasks: [events_scheduled_task_insert_input!]!) {
  insert_events_scheduled_task(
    objects: $tasks
    on_conflict: { constraint: scheduled_task_name_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class PlanFirstPayments(Answer):
    """The answer of `plan_first_payments`."""

    class InsertEventsScheduledTask(Answer):
        """Of type `events_scheduled_task_mutation_response`."""

        affected_rows: int

    insert_events_scheduled_task: InsertEventsScheduledTask | None


def plan_first_payments(*, tasks: list[EventsScheduledTaskInsertInput]) -> Mutation[PlanFirstPayments]:
    """The further attempts, each under its name: what is planned already stays."""
    variables: dict[str, Any] = {"tasks": tasks}
    return Mutation(document=_PLAN_FIRST_PAYMENTS, variables=variables, answer=PlanFirstPayments)


_CANCEL_ATTEMPT: Final = Document(
    name="CancelAttempt",
    kind="mutation",
    text="""\
mutation CancelAttempt($name: String!) {
  cancel_task(name: $name) {
    cancelled
  }
}""",
)


class CancelAttempt(Answer):
    """The answer of `cancel_attempt`."""

    class CancelTask(Answer):
        """Of type `cancelled_task`."""

        cancelled: bool

    cancel_task: CancelTask


def cancel_attempt(*, name: str) -> Mutation[CancelAttempt]:
    """The mutation `CancelAttempt`."""
    variables: dict[str, Any] = {"name": name}
    return Mutation(document=_CANCEL_ATTEMPT, variables=variables, answer=CancelAttempt)


_TAKE_CURSOR: Final = Document(
    name="TakeCursor",
    kind="mutation",
    text="""\
mutation TakeCursor($resource: String!, $run_id: uuid!, $now: timestamptz!, $lease_until: timestamptz!) {
  insert_chargebee_sync_cursor(
    objects: [{ resource: $resource }]
    on_conflict: { constraint: sync_cursor_pkey, update_columns: [] }
  ) {
    affected_rows
  }
  taken: update_chargebee_sync_cursor(
    where: {
      resource: { _eq: $resource }
      _or: [
        { status: { _neq: "running" } }
        { lease_until: { _is_null: true } }
        { lease_until: { _lt: $now } }
        { run_id: { _eq: $run_id } }
      ]
    }
    _set: {
      status: "running"
      run_id: $run_id
      lease_until: $lease_until
      started_at: $now
    }
  ) {
    returning {
      resource
      updated_after
      next_offset
      read_after
      seen_until
      rows_read
    }
  }
}""",
)


class TakeCursor(Answer):
    """The answer of `take_cursor`."""

    class InsertChargebeeSyncCursor(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        affected_rows: int

    class Taken(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        class Returning(Answer):
            """Of type `chargebee_sync_cursor`."""

            resource: str
            updated_after: datetime.datetime | None
            next_offset: str | None
            read_after: datetime.datetime | None
            seen_until: datetime.datetime | None
            rows_read: int

        returning: list[Returning]

    insert_chargebee_sync_cursor: InsertChargebeeSyncCursor | None
    taken: Taken | None


def take_cursor(
    *, resource: str, run_id: uuid.UUID, now: datetime.datetime, lease_until: datetime.datetime
) -> Mutation[TakeCursor]:
    """Take a resource for one run, unless another one has it. `taken` is empty then. Asked twice, it is taken once."""
    variables: dict[str, Any] = {"resource": resource, "run_id": run_id, "now": now, "lease_until": lease_until}
    return Mutation(document=_TAKE_CURSOR, variables=variables, answer=TakeCursor)


_MOVE_CURSOR: Final = Document(
    name="MoveCursor",
    kind="mutation",
    text="""\
mutation MoveCursor($resource: String!, $run_id: uuid!, $read_after: timestamptz, $seen_until: timestamptz, $next_offset: String, $rows_read: bigint!, $lease_until: timestamptz!) {
  update_chargebee_sync_cursor(
    where: { resource: { _eq: $resource }, run_id: { _eq: $run_id } }
    _set: {
      read_after: $read_after
      seen_until: $seen_until
      next_offset: $next_offset
      rows_read: $rows_read
      lease_until: $lease_until
    }
  ) {
    affected_rows
  }
}""",
)


class MoveCursor(Answer):
    """The answer of `move_cursor`."""

    class UpdateChargebeeSyncCursor(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        affected_rows: int

    update_chargebee_sync_cursor: UpdateChargebeeSyncCursor | None


def move_cursor(
    *,
    resource: str,
    run_id: uuid.UUID,
    read_after: datetime.datetime | None,
    seen_until: datetime.datetime | None,
    next_offset: str | None,
    rows_read: int,
    lease_until: datetime.datetime,
) -> Mutation[MoveCursor]:
    """A page has been read and written: written with its rows."""
    variables: dict[str, Any] = {
        "resource": resource,
        "run_id": run_id,
        "read_after": read_after,
        "seen_until": seen_until,
        "next_offset": next_offset,
        "rows_read": rows_read,
        "lease_until": lease_until,
    }
    return Mutation(document=_MOVE_CURSOR, variables=variables, answer=MoveCursor)


_END_RUN: Final = Document(
    name="EndRun",
    kind="mutation",
    text="""\
mutation EndRun($resource: String!, $run_id: uuid!, $updated_after: timestamptz, $rows_read: bigint!, $finished_at: timestamptz!, $last_error: String) {
  update_chargebee_sync_cursor(
    where: { resource: { _eq: $resource }, run_id: { _eq: $run_id } }
    _set: {
      status: "idle"
      updated_after: $updated_after
      read_after: null
      seen_until: null
      next_offset: null
      lease_until: null
      rows_read: $rows_read
      finished_at: $finished_at
      last_error: $last_error
    }
  ) {
    affected_rows
  }
}""",
)


class EndRun(Answer):
    """The answer of `end_run`."""

    class UpdateChargebeeSyncCursor(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        affected_rows: int

    update_chargebee_sync_cursor: UpdateChargebeeSyncCursor | None


def end_run(
    *,
    resource: str,
    run_id: uuid.UUID,
    updated_after: datetime.datetime | None,
    rows_read: int,
    finished_at: datetime.datetime,
    last_error: str | None,
) -> Mutation[EndRun]:
    """The last page has been read and written: everything up to `updated_after` is here."""
    variables: dict[str, Any] = {
        "resource": resource,
        "run_id": run_id,
        "updated_after": updated_after,
        "rows_read": rows_read,
        "finished_at": finished_at,
        "last_error": last_error,
    }
    return Mutation(document=_END_RUN, variables=variables, answer=EndRun)


_BREAK_OFF_RUN: Final = Document(
    name="BreakOffRun",
    kind="mutation",
    text="""\
mutation BreakOffRun($resource: String!, $run_id: uuid!, $status: String!, $finished_at: timestamptz!, $last_error: String) {
  update_chargebee_sync_cursor(
    where: { resource: { _eq: $resource }, run_id: { _eq: $run_id } }
    _set: {
      status: $status
      lease_until: null
      finished_at: $finished_at
      last_error: $last_error
    }
  ) {
    affected_rows
  }
}""",
)


class BreakOffRun(Answer):
    """The answer of `break_off_run`."""

    class UpdateChargebeeSyncCursor(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        affected_rows: int

    update_chargebee_sync_cursor: UpdateChargebeeSyncCursor | None


def break_off_run(
    *, resource: str, run_id: uuid.UUID, status: str, finished_at: datetime.datetime, last_error: str | None
) -> Mutation[BreakOffRun]:
    """A run ends before the end of its pages; the next one goes on where this one was."""
    variables: dict[str, Any] = {
        "resource": resource,
        "run_id": run_id,
        "status": status,
        "finished_at": finished_at,
        "last_error": last_error,
    }
    return Mutation(document=_BREAK_OFF_RUN, variables=variables, answer=BreakOffRun)


_FORGET_PROGRESS: Final = Document(
    name="ForgetProgress",
    kind="mutation",
    text="""\
mutation ForgetProgress($resource: String!, $run_id: uuid!) {
  update_chargebee_sync_cursor(
    where: { resource: { _eq: $resource }, run_id: { _eq: $run_id } }
    _set: {
      updated_after: null
      read_after: null
      seen_until: null
      next_offset: null
      rows_read: 0
    }
  ) {
    affected_rows
  }
}""",
)


class ForgetProgress(Answer):
    """The answer of `forget_progress`."""

    class UpdateChargebeeSyncCursor(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        affected_rows: int

    update_chargebee_sync_cursor: UpdateChargebeeSyncCursor | None


def forget_progress(*, resource: str, run_id: uuid.UUID) -> Mutation[ForgetProgress]:
    """A back-fill begins anew: what an earlier one left is forgotten."""
    variables: dict[str, Any] = {"resource": resource, "run_id": run_id}
    return Mutation(document=_FORGET_PROGRESS, variables=variables, answer=ForgetProgress)


_START_CURSOR_AT: Final = Document(
    name="StartCursorAt",
    kind="mutation",
    text="""\
mutation StartCursorAt($resource: String!, $updated_after: timestamptz) {
  insert_chargebee_sync_cursor(
    objects: [{ resource: $resource, updated_after: $updated_after }]
    on_conflict: {
      constraint: sync_cursor_pkey
      update_columns: [updated_after]
      where: {
        updated_after: { _is_null: true }
        next_offset: { _is_null: true }
        status: { _neq: "running" }
      }
    }
  ) {
    affected_rows
  }
}""",
)


class StartCursorAt(Answer):
    """The answer of `start_cursor_at`."""

    class InsertChargebeeSyncCursor(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        affected_rows: int

    insert_chargebee_sync_cursor: InsertChargebeeSyncCursor | None


def start_cursor_at(*, resource: str, updated_after: datetime.datetime | None) -> Mutation[StartCursorAt]:
    """After a back-fill the ETL goes on where that began, unless it has a place of its own already."""
    variables: dict[str, Any] = {"resource": resource, "updated_after": updated_after}
    return Mutation(document=_START_CURSOR_AT, variables=variables, answer=StartCursorAt)


_EXTEND_LEASE: Final = Document(
    name="ExtendLease",
    kind="mutation",
    text="""\
mutation ExtendLease($resource: String!, $run_id: uuid!, $lease_until: timestamptz!) {
  update_chargebee_sync_cursor(
    where: { resource: { _eq: $resource }, run_id: { _eq: $run_id } }
    _set: { lease_until: $lease_until }
  ) {
    affected_rows
  }
}""",
)


class ExtendLease(Answer):
    """The answer of `extend_lease`."""

    class UpdateChargebeeSyncCursor(Answer):
        """Of type `chargebee_sync_cursor_mutation_response`."""

        affected_rows: int

    update_chargebee_sync_cursor: UpdateChargebeeSyncCursor | None


def extend_lease(*, resource: str, run_id: uuid.UUID, lease_until: datetime.datetime) -> Mutation[ExtendLease]:
    """A run is alive, and waits."""
    variables: dict[str, Any] = {"resource": resource, "run_id": run_id, "lease_until": lease_until}
    return Mutation(document=_EXTEND_LEASE, variables=variables, answer=ExtendLease)


_MIRRORED_CUSTOMERS: Final = Document(
    name="MirroredCustomers",
    kind="query",
    text="""\
query MirroredCustomers($ids: [String!]!) {
  rows: chargebee_customer(where: { id: { _in: $ids } }) {
    id
    email
    first_name
    last_name
    phone
    auto_collection
    net_term_days
    preferred_currency_code
    billing_address
    card_status
    primary_payment_source_id
    promotional_credits
    refundable_credits
    excess_payments
    unbilled_charges
    created_at
    updated_at
    resource_version
    deleted
  }
}""",
)


class MirroredCustomers(Answer):
    """The answer of `mirrored_customers`."""

    class Rows(Answer):
        """Of type `chargebee_customer`."""

        id: str
        email: str | None
        first_name: str | None
        last_name: str | None
        phone: str | None
        auto_collection: str
        net_term_days: int
        preferred_currency_code: str | None
        billing_address: Any
        card_status: str | None
        primary_payment_source_id: str | None
        promotional_credits: int
        refundable_credits: int
        excess_payments: int
        unbilled_charges: int
        created_at: datetime.datetime
        updated_at: datetime.datetime
        resource_version: int
        deleted: bool

    rows: list[Rows]


def mirrored_customers(*, ids: list[str]) -> Query[MirroredCustomers]:
    """The query `MirroredCustomers`."""
    variables: dict[str, Any] = {"ids": ids}
    return Query(document=_MIRRORED_CUSTOMERS, variables=variables, answer=MirroredCustomers)


_MIRRORED_CUSTOMER_IDS: Final = Document(
    name="MirroredCustomerIds",
    kind="query",
    text="""\
query MirroredCustomerIds($after: String!, $limit: Int!) {
  rows: chargebee_customer(
    where: { deleted: { _eq: false }, id: { _gt: $after } }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
  }
}""",
)


class MirroredCustomerIds(Answer):
    """The answer of `mirrored_customer_ids`."""

    class Rows(Answer):
        """Of type `chargebee_customer`."""

        id: str

    rows: list[Rows]


def mirrored_customer_ids(*, after: str, limit: int) -> Query[MirroredCustomerIds]:
    """The query `MirroredCustomerIds`."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_MIRRORED_CUSTOMER_IDS, variables=variables, answer=MirroredCustomerIds)


_MIRRORED_ITEM_PRICES: Final = Document(
    name="MirroredItemPrices",
    kind="query",
    text="""\
query MirroredItemPrices($ids: [String!]!) {
  rows: chargebee_item_price(where: { id: { _in: $ids } }) {
    id
    name
    external_name
    description
    item_id
    item_family_id
    item_type
    status
    pricing_model
    price
    currency_code
    period
    period_unit
    created_at
    updated_at
    resource_version
    deleted
  }
}""",
)


class MirroredItemPrices(Answer):
    """The answer of `mirrored_item_prices`."""

    class Rows(Answer):
        """Of type `chargebee_item_price`."""

        id: str
        name: str
        external_name: str | None
        description: str | None
        item_id: str
        item_family_id: str | None
        item_type: str
        status: str
        pricing_model: str
        price: int | None
        currency_code: str
        period: int | None
        period_unit: str | None
        created_at: datetime.datetime
        updated_at: datetime.datetime
        resource_version: int
        deleted: bool

    rows: list[Rows]


def mirrored_item_prices(*, ids: list[str]) -> Query[MirroredItemPrices]:
    """The query `MirroredItemPrices`."""
    variables: dict[str, Any] = {"ids": ids}
    return Query(document=_MIRRORED_ITEM_PRICES, variables=variables, answer=MirroredItemPrices)


_MIRRORED_ITEM_PRICE_IDS: Final = Document(
    name="MirroredItemPriceIds",
    kind="query",
    text="""\
query MirroredItemPriceIds($after: String!, $limit: Int!) {
  rows: chargebee_item_price(
    where: { deleted: { _eq: false }, id: { _gt: $after } }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
  }
}""",
)


class MirroredItemPriceIds(Answer):
    """The answer of `mirrored_item_price_ids`."""

    class Rows(Answer):
        """Of type `chargebee_item_price`."""

        id: str

    rows: list[Rows]


def mirrored_item_price_ids(*, after: str, limit: int) -> Query[MirroredItemPriceIds]:
    """The query `MirroredItemPriceIds`."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_MIRRORED_ITEM_PRICE_IDS, variables=variables, answer=MirroredItemPriceIds)


_MIRRORED_SUBSCRIPTIONS: Final = Document(
    name="MirroredSubscriptions",
    kind="query",
    text="""\
query MirroredSubscriptions($ids: [String!]!) {
  rows: chargebee_subscription(where: { id: { _in: $ids } }) {
    id
    customer_id
    plan_item_price_id
    plan_quantity
    plan_unit_price
    subscription_items
    currency_code
    billing_period
    billing_period_unit
    status
    auto_collection
    cf_contract_id
    remaining_billing_cycles
    start_date
    trial_start
    trial_end
    current_term_start
    current_term_end
    next_billing_at
    started_at
    activated_at
    pause_date
    resume_date
    cancelled_at
    cancel_reason
    cancel_reason_code
    due_invoices_count
    due_since
    total_dues
    mrr
    has_scheduled_changes
    created_at
    updated_at
    resource_version
    deleted
  }
}""",
)


class MirroredSubscriptions(Answer):
    """The answer of `mirrored_subscriptions`."""

    class Rows(Answer):
        """Of type `chargebee_subscription`."""

        id: str
        customer_id: str
        plan_item_price_id: str | None
        plan_quantity: int | None
        plan_unit_price: int | None
        subscription_items: Any
        currency_code: str
        billing_period: int | None
        billing_period_unit: str | None
        status: str
        auto_collection: str | None
        cf_contract_id: str | None
        remaining_billing_cycles: int | None
        start_date: datetime.datetime | None
        trial_start: datetime.datetime | None
        trial_end: datetime.datetime | None
        current_term_start: datetime.datetime | None
        current_term_end: datetime.datetime | None
        next_billing_at: datetime.datetime | None
        started_at: datetime.datetime | None
        activated_at: datetime.datetime | None
        pause_date: datetime.datetime | None
        resume_date: datetime.datetime | None
        cancelled_at: datetime.datetime | None
        cancel_reason: str | None
        cancel_reason_code: str | None
        due_invoices_count: int
        due_since: datetime.datetime | None
        total_dues: int
        mrr: int
        has_scheduled_changes: bool
        created_at: datetime.datetime
        updated_at: datetime.datetime
        resource_version: int
        deleted: bool

    rows: list[Rows]


def mirrored_subscriptions(*, ids: list[str]) -> Query[MirroredSubscriptions]:
    """The query `MirroredSubscriptions`."""
    variables: dict[str, Any] = {"ids": ids}
    return Query(document=_MIRRORED_SUBSCRIPTIONS, variables=variables, answer=MirroredSubscriptions)


_MIRRORED_SUBSCRIPTION_IDS: Final = Document(
    name="MirroredSubscriptionIds",
    kind="query",
    text="""\
query MirroredSubscriptionIds($after: String!, $limit: Int!) {
  rows: chargebee_subscription(
    where: { deleted: { _eq: false }, id: { _gt: $after } }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
  }
}""",
)


class MirroredSubscriptionIds(Answer):
    """The answer of `mirrored_subscription_ids`."""

    class Rows(Answer):
        """Of type `chargebee_subscription`."""

        id: str

    rows: list[Rows]


def mirrored_subscription_ids(*, after: str, limit: int) -> Query[MirroredSubscriptionIds]:
    """The query `MirroredSubscriptionIds`."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_MIRRORED_SUBSCRIPTION_IDS, variables=variables, answer=MirroredSubscriptionIds)


_MIRRORED_INVOICES: Final = Document(
    name="MirroredInvoices",
    kind="query",
    text="""\
query MirroredInvoices($ids: [String!]!) {
  rows: chargebee_invoice(where: { id: { _in: $ids } }) {
    id
    customer_id
    subscription_id
    status
    recurring
    first_invoice
    price_type
    date
    due_date
    net_term_days
    currency_code
    sub_total
    tax
    total
    amount_paid
    amount_adjusted
    credits_applied
    write_off_amount
    amount_due
    paid_at
    voided_at
    dunning_status
    next_retry_at
    issued_credit_notes
    generated_at
    updated_at
    resource_version
    deleted
  }
}""",
)


class MirroredInvoices(Answer):
    """The answer of `mirrored_invoices`."""

    class Rows(Answer):
        """Of type `chargebee_invoice`."""

        id: str
        customer_id: str
        subscription_id: str | None
        status: str
        recurring: bool
        first_invoice: bool
        price_type: str
        date: datetime.datetime
        due_date: datetime.datetime | None
        net_term_days: int
        currency_code: str
        sub_total: int
        tax: int
        total: int
        amount_paid: int
        amount_adjusted: int
        credits_applied: int
        write_off_amount: int
        amount_due: int
        paid_at: datetime.datetime | None
        voided_at: datetime.datetime | None
        dunning_status: str | None
        next_retry_at: datetime.datetime | None
        issued_credit_notes: Any
        generated_at: datetime.datetime | None
        updated_at: datetime.datetime
        resource_version: int
        deleted: bool

    rows: list[Rows]


def mirrored_invoices(*, ids: list[str]) -> Query[MirroredInvoices]:
    """The query `MirroredInvoices`."""
    variables: dict[str, Any] = {"ids": ids}
    return Query(document=_MIRRORED_INVOICES, variables=variables, answer=MirroredInvoices)


_MIRRORED_INVOICE_IDS: Final = Document(
    name="MirroredInvoiceIds",
    kind="query",
    text="""\
query MirroredInvoiceIds($after: String!, $limit: Int!) {
  rows: chargebee_invoice(
    where: { deleted: { _eq: false }, id: { _gt: $after } }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
  }
}""",
)


class MirroredInvoiceIds(Answer):
    """The answer of `mirrored_invoice_ids`."""

    class Rows(Answer):
        """Of type `chargebee_invoice`."""

        id: str

    rows: list[Rows]


def mirrored_invoice_ids(*, after: str, limit: int) -> Query[MirroredInvoiceIds]:
    """The query `MirroredInvoiceIds`."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_MIRRORED_INVOICE_IDS, variables=variables, answer=MirroredInvoiceIds)


_MIRRORED_INVOICE_LINE_ITEMS: Final = Document(
    name="MirroredInvoiceLineItems",
    kind="query",
    text="""\
query MirroredInvoiceLineItems($ids: [String!]!) {
  rows: chargebee_invoice_line_item(where: { id: { _in: $ids } }) {
    id
    invoice_id
    customer_id
    subscription_id
    entity_type
    entity_id
    description
    date_from
    date_to
    quantity
    unit_amount
    amount
    discount_amount
    tax_amount
    updated_at
    resource_version
    deleted
  }
}""",
)


class MirroredInvoiceLineItems(Answer):
    """The answer of `mirrored_invoice_line_items`."""

    class Rows(Answer):
        """Of type `chargebee_invoice_line_item`."""

        id: str
        invoice_id: str
        customer_id: str
        subscription_id: str | None
        entity_type: str
        entity_id: str | None
        description: str
        date_from: datetime.datetime | None
        date_to: datetime.datetime | None
        quantity: int
        unit_amount: int
        amount: int
        discount_amount: int
        tax_amount: int
        updated_at: datetime.datetime
        resource_version: int
        deleted: bool

    rows: list[Rows]


def mirrored_invoice_line_items(*, ids: list[str]) -> Query[MirroredInvoiceLineItems]:
    """The query `MirroredInvoiceLineItems`."""
    variables: dict[str, Any] = {"ids": ids}
    return Query(document=_MIRRORED_INVOICE_LINE_ITEMS, variables=variables, answer=MirroredInvoiceLineItems)


_MIRRORED_INVOICE_LINE_ITEM_IDS: Final = Document(
    name="MirroredInvoiceLineItemIds",
    kind="query",
    text="""\
query MirroredInvoiceLineItemIds($after: String!, $limit: Int!) {
  rows: chargebee_invoice_line_item(
    where: { deleted: { _eq: false }, id: { _gt: $after } }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
    invoice_id
  }
}""",
)


class MirroredInvoiceLineItemIds(Answer):
    """The answer of `mirrored_invoice_line_item_ids`."""

    class Rows(Answer):
        """Of type `chargebee_invoice_line_item`."""

        id: str
        invoice_id: str

    rows: list[Rows]


def mirrored_invoice_line_item_ids(*, after: str, limit: int) -> Query[MirroredInvoiceLineItemIds]:
    """The query `MirroredInvoiceLineItemIds`."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_MIRRORED_INVOICE_LINE_ITEM_IDS, variables=variables, answer=MirroredInvoiceLineItemIds)


_MIRRORED_TRANSACTIONS: Final = Document(
    name="MirroredTransactions",
    kind="query",
    text="""\
query MirroredTransactions($ids: [String!]!) {
  rows: chargebee_transaction(where: { id: { _in: $ids } }) {
    id
    customer_id
    subscription_id
    invoice_id
    type
    status
    payment_method
    gateway
    date
    currency_code
    amount
    amount_unused
    id_at_gateway
    masked_card_number
    error_code
    error_text
    reference_transaction_id
    linked_invoices
    updated_at
    resource_version
    deleted
  }
}""",
)


class MirroredTransactions(Answer):
    """The answer of `mirrored_transactions`."""

    class Rows(Answer):
        """Of type `chargebee_transaction`."""

        id: str
        customer_id: str
        subscription_id: str | None
        invoice_id: str | None
        type: str
        status: str
        payment_method: str
        gateway: str | None
        date: datetime.datetime
        currency_code: str
        amount: int
        amount_unused: int
        id_at_gateway: str | None
        masked_card_number: str | None
        error_code: str | None
        error_text: str | None
        reference_transaction_id: str | None
        linked_invoices: Any
        updated_at: datetime.datetime
        resource_version: int
        deleted: bool

    rows: list[Rows]


def mirrored_transactions(*, ids: list[str]) -> Query[MirroredTransactions]:
    """The query `MirroredTransactions`."""
    variables: dict[str, Any] = {"ids": ids}
    return Query(document=_MIRRORED_TRANSACTIONS, variables=variables, answer=MirroredTransactions)


_MIRRORED_TRANSACTION_IDS: Final = Document(
    name="MirroredTransactionIds",
    kind="query",
    text="""\
query MirroredTransactionIds($after: String!, $limit: Int!) {
  rows: chargebee_transaction(
    where: { deleted: { _eq: false }, id: { _gt: $after } }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
  }
}""",
)


class MirroredTransactionIds(Answer):
    """The answer of `mirrored_transaction_ids`."""

    class Rows(Answer):
        """Of type `chargebee_transaction`."""

        id: str

    rows: list[Rows]


def mirrored_transaction_ids(*, after: str, limit: int) -> Query[MirroredTransactionIds]:
    """The query `MirroredTransactionIds`."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_MIRRORED_TRANSACTION_IDS, variables=variables, answer=MirroredTransactionIds)


_MIRRORED_CREDIT_NOTES: Final = Document(
    name="MirroredCreditNotes",
    kind="query",
    text="""\
query MirroredCreditNotes($ids: [String!]!) {
  rows: chargebee_credit_note(where: { id: { _in: $ids } }) {
    id
    customer_id
    subscription_id
    reference_invoice_id
    type
    status
    create_reason_code
    date
    currency_code
    sub_total
    total
    amount_allocated
    amount_refunded
    amount_available
    refunded_at
    voided_at
    generated_at
    updated_at
    resource_version
    deleted
  }
}""",
)


class MirroredCreditNotes(Answer):
    """The answer of `mirrored_credit_notes`."""

    class Rows(Answer):
        """Of type `chargebee_credit_note`."""

        id: str
        customer_id: str
        subscription_id: str | None
        reference_invoice_id: str | None
        type: str
        status: str
        create_reason_code: str | None
        date: datetime.datetime
        currency_code: str
        sub_total: int
        total: int
        amount_allocated: int
        amount_refunded: int
        amount_available: int
        refunded_at: datetime.datetime | None
        voided_at: datetime.datetime | None
        generated_at: datetime.datetime | None
        updated_at: datetime.datetime
        resource_version: int
        deleted: bool

    rows: list[Rows]


def mirrored_credit_notes(*, ids: list[str]) -> Query[MirroredCreditNotes]:
    """The query `MirroredCreditNotes`."""
    variables: dict[str, Any] = {"ids": ids}
    return Query(document=_MIRRORED_CREDIT_NOTES, variables=variables, answer=MirroredCreditNotes)


_MIRRORED_CREDIT_NOTE_IDS: Final = Document(
    name="MirroredCreditNoteIds",
    kind="query",
    text="""\
query MirroredCreditNoteIds($after: String!, $limit: Int!) {
  rows: chargebee_credit_note(
    where: { deleted: { _eq: false }, id: { _gt: $after } }
    order_by: [{ id: asc }]
    limit: $limit
  ) {
    id
  }
}""",
)


class MirroredCreditNoteIds(Answer):
    """The answer of `mirrored_credit_note_ids`."""

    class Rows(Answer):
        """Of type `chargebee_credit_note`."""

        id: str

    rows: list[Rows]


def mirrored_credit_note_ids(*, after: str, limit: int) -> Query[MirroredCreditNoteIds]:
    """The query `MirroredCreditNoteIds`."""
    variables: dict[str, Any] = {"after": after, "limit": limit}
    return Query(document=_MIRRORED_CREDIT_NOTE_IDS, variables=variables, answer=MirroredCreditNoteIds)


_MIRRORED_LINES_OF: Final = Document(
    name="MirroredLinesOf",
    kind="query",
    text="""\
query MirroredLinesOf($invoice_ids: [String!]!) {
  rows: chargebee_invoice_line_item(
    where: { invoice_id: { _in: $invoice_ids }, deleted: { _eq: false } }
  ) {
    id
    invoice_id
  }
}""",
)


class MirroredLinesOf(Answer):
    """The answer of `mirrored_lines_of`."""

    class Rows(Answer):
        """Of type `chargebee_invoice_line_item`."""

        id: str
        invoice_id: str

    rows: list[Rows]


def mirrored_lines_of(*, invoice_ids: list[str]) -> Query[MirroredLinesOf]:
    """The query `MirroredLinesOf`."""
    variables: dict[str, Any] = {"invoice_ids": invoice_ids}
    return Query(document=_MIRRORED_LINES_OF, variables=variables, answer=MirroredLinesOf)
