"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query

_GET_CONTRACT: Final = Document(
    name="GetContract",
    kind="query",
    text="""\
query GetContract($id: uuid!) {
  contract: contract_by_pk(id: $id) {
    id
    customer_id
    subscription_id
    treatment_id
    status
    start_date
    end_date
    renewed_from_id
    created_at
    activated_at
    payment_recovery {
      id
    }
  }
}""",
)


class GetContract(Answer):
    """The answer of `get_contract`."""

    class Contract(Answer):
        """Of type `contract`."""

        class PaymentRecovery(Answer):
            """Of type `payment_recovery`."""

            id: uuid.UUID

        id: uuid.UUID
        customer_id: uuid.UUID
        subscription_id: str | None
        treatment_id: uuid.UUID
        status: str
        start_date: datetime.date
        end_date: datetime.date
        renewed_from_id: uuid.UUID | None
        created_at: datetime.datetime
        activated_at: datetime.datetime | None
        payment_recovery: PaymentRecovery | None

    contract: Contract | None


def get_contract(*, id: uuid.UUID) -> Query[GetContract]:
    """The query `GetContract`."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CONTRACT, variables=variables, answer=GetContract)


_GET_ENDING_CONTRACT: Final = Document(
    name="GetEndingContract",
    kind="query",
    text="""\
query GetEndingContract($id: uuid!) {
  contract: contract_by_pk(id: $id) {
    id
    customer_id
    subscription_id
    treatment_id
    status
    start_date
    end_date
    auto_renew
    renewed_from_id
    updated_at
    treatment {
      has_upfront_payment_option
      monthly_item_price_id
    }
    subscription {
      status
    }
  }
}""",
)


class GetEndingContract(Answer):
    """The answer of `get_ending_contract`."""

    class Contract(Answer):
        """Of type `contract`."""

        class Treatment(Answer):
            """Of type `treatment`."""

            has_upfront_payment_option: bool
            monthly_item_price_id: str

        class Subscription(Answer):
            """Of type `chargebee_subscription`."""

            status: str

        id: uuid.UUID
        customer_id: uuid.UUID
        subscription_id: str | None
        treatment_id: uuid.UUID
        status: str
        start_date: datetime.date
        end_date: datetime.date
        auto_renew: bool
        renewed_from_id: uuid.UUID | None
        updated_at: datetime.datetime
        treatment: Treatment
        subscription: Subscription | None

    contract: Contract | None


def get_ending_contract(*, id: uuid.UUID) -> Query[GetEndingContract]:
    """The query `GetEndingContract`."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_ENDING_CONTRACT, variables=variables, answer=GetEndingContract)


_END_CONTRACT: Final = Document(
    name="EndContract",
    kind="mutation",
    text="""\
mutation EndContract($id: uuid!, $status: String!, $completed_at: timestamptz!) {
  update_contract(
    where: { id: { _eq: $id }, status: { _eq: "active" } }
    _set: { status: $status, completed_at: $completed_at }
  ) {
    affected_rows
  }
}""",
)


class EndContract(Answer):
    """The answer of `end_contract`."""

    class UpdateContract(Answer):
        """Of type `contract_mutation_response`."""

        affected_rows: int

    update_contract: UpdateContract | None


def end_contract(*, id: uuid.UUID, status: str, completed_at: datetime.datetime) -> Mutation[EndContract]:
    """The mutation `EndContract`."""
    variables: dict[str, Any] = {"id": id, "status": status, "completed_at": completed_at}
    return Mutation(document=_END_CONTRACT, variables=variables, answer=EndContract)


_CONTINUE_CONTRACT: Final = Document(
    name="ContinueContract",
    kind="mutation",
    text="""\
mutation ContinueContract($customer_id: uuid!, $subscription_id: String, $treatment_id: uuid!, $start_date: date!, $renewed_from_id: uuid!) {
  insert_contract(
    objects: [
      {
        customer_id: $customer_id
        subscription_id: $subscription_id
        treatment_id: $treatment_id
        status: "active"
        start_date: $start_date
        renewed_from_id: $renewed_from_id
      }
    ]
  ) {
    affected_rows
  }
}""",
)


class ContinueContract(Answer):
    """The answer of `continue_contract`."""

    class InsertContract(Answer):
        """Of type `contract_mutation_response`."""

        affected_rows: int

    insert_contract: InsertContract | None


def continue_contract(
    *,
    customer_id: uuid.UUID,
    subscription_id: str | None,
    treatment_id: uuid.UUID,
    start_date: datetime.date,
    renewed_from_id: uuid.UUID,
) -> Mutation[ContinueContract]:
    """Its end follows from its treatment's term."""
    variables: dict[str, Any] = {
        "customer_id": customer_id,
        "subscription_id": subscription_id,
        "treatment_id": treatment_id,
        "start_date": start_date,
        "renewed_from_id": renewed_from_id,
    }
    return Mutation(document=_CONTINUE_CONTRACT, variables=variables, answer=ContinueContract)


_FIND_BEGINNING_CONTRACTS: Final = Document(
    name="FindBeginningContracts",
    kind="query",
    text="""\
query FindBeginningContracts($today: date!, $after: uuid!, $limit: Int!) {
  contracts: contract(
    where: {
      status: { _eq: "future" }
      start_date: { _lte: $today }
      subscription_id: { _is_null: false }
      id: { _gt: $after }
    }
    order_by: { id: asc }
    limit: $limit
  ) {
    id
  }
}""",
)


class FindBeginningContracts(Answer):
    """The answer of `find_beginning_contracts`."""

    class Contracts(Answer):
        """Of type `contract`."""

        id: uuid.UUID

    contracts: list[Contracts]


def find_beginning_contracts(*, today: datetime.date, after: uuid.UUID, limit: int) -> Query[FindBeginningContracts]:
    """Contracts that are paid for and whose first day has come, in pages by id. Those of deleted customers aren't seen."""
    variables: dict[str, Any] = {"today": today, "after": after, "limit": limit}
    return Query(document=_FIND_BEGINNING_CONTRACTS, variables=variables, answer=FindBeginningContracts)


_ACTIVATE_CONTRACTS: Final = Document(
    name="ActivateContracts",
    kind="mutation",
    text="""\
mutation ActivateContracts($ids: [uuid!]!, $activated_at: timestamptz!) {
  update_contract(
    where: { id: { _in: $ids }, status: { _eq: "future" } }
    _set: { status: "active", activated_at: $activated_at }
  ) {
    affected_rows
  }
}""",
)


class ActivateContracts(Answer):
    """The answer of `activate_contracts`."""

    class UpdateContract(Answer):
        """Of type `contract_mutation_response`."""

        affected_rows: int

    update_contract: UpdateContract | None


def activate_contracts(*, ids: list[uuid.UUID], activated_at: datetime.datetime) -> Mutation[ActivateContracts]:
    """Only what still waits to begin: one that was cancelled since it was read stays cancelled."""
    variables: dict[str, Any] = {"ids": ids, "activated_at": activated_at}
    return Mutation(document=_ACTIVATE_CONTRACTS, variables=variables, answer=ActivateContracts)


_SCHEDULE_RENEWAL: Final = Document(
    name="ScheduleRenewal",
    kind="mutation",
    text="""\
mutation ScheduleRenewal($name: String!, $due_at: timestamptz!, $payload: jsonb!) {
  insert_events_scheduled_task(
    objects: [
      {
        name: $name
        kind: "contract.renewal"
        target: "contract"
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


class ScheduleRenewal(Answer):
    """The answer of `schedule_renewal`."""

    class InsertEventsScheduledTask(Answer):
        """Of type `events_scheduled_task_mutation_response`."""

        affected_rows: int

    insert_events_scheduled_task: InsertEventsScheduledTask | None


def schedule_renewal(*, name: str, due_at: datetime.datetime, payload: Any) -> Mutation[ScheduleRenewal]:
    """Named after the contract, so that a renewal is planned once however often this is written."""
    variables: dict[str, Any] = {"name": name, "due_at": due_at, "payload": payload}
    return Mutation(document=_SCHEDULE_RENEWAL, variables=variables, answer=ScheduleRenewal)
