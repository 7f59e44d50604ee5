"""The operations of `operations.graphql`, typed."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from uuid import UUID

from agents.graphql.documents import Document, load_documents
from agents.graphql.operations import Answer, Mutation, Query


@cache
def documents() -> Mapping[str, Document]:
    """The operations by name, read once."""
    return load_documents(Path(__file__).with_name("operations.graphql"))


class Contract(Answer):
    """A contract as it is now."""

    id: UUID
    customer_id: UUID
    subscription_id: str | None
    treatment_id: UUID
    status: str
    start_date: date
    end_date: date
    renewed_from_id: UUID | None


class GetContract(Answer):
    """The answer of `get_contract`."""

    contract: Contract | None


def get_contract(contract_id: UUID) -> Query[GetContract]:
    """A contract by its id."""
    return Query(document=documents()["GetContract"], variables={"id": contract_id}, answer=GetContract)


class Treatment(Answer):
    """How a treatment is paid."""

    has_upfront_payment_option: bool
    monthly_item_price_id: str | None


class EndingContract(Contract):
    """A contract whose term is about to end, with what decides how it goes on."""

    auto_renew: bool
    treatment: Treatment


class GetEndingContract(Answer):
    """The answer of `get_ending_contract`."""

    contract: EndingContract | None


def get_ending_contract(contract_id: UUID) -> Query[GetEndingContract]:
    """A contract and its treatment, by the contract's id."""
    return Query(document=documents()["GetEndingContract"], variables={"id": contract_id}, answer=GetEndingContract)


def end_contract(contract_id: UUID, *, status: str, completed_at: datetime) -> Mutation:
    """An active contract becomes `renewed` or `completed`; one that isn't active any more stays as it is."""
    return Mutation(
        document=documents()["EndContract"],
        variables={"id": contract_id, "status": status, "completed_at": completed_at},
    )


def continue_contract(contract: Contract) -> Mutation:
    """Another contract of the same treatment from the day on which this one ends, on the same subscription."""
    return Mutation(
        document=documents()["ContinueContract"],
        variables={
            "customer_id": contract.customer_id,
            "subscription_id": contract.subscription_id,
            "treatment_id": contract.treatment_id,
            "start_date": contract.end_date,
            "renewed_from_id": contract.id,
        },
    )


def schedule_renewal(contract_id: UUID, *, end_date: date) -> Mutation:
    """Plan the renewal for the start (UTC) of the day before the contract's last; what is planned already stays."""
    due_at = datetime.combine(end_date - timedelta(days=1), time(), tzinfo=UTC)
    return Mutation(
        document=documents()["ScheduleRenewal"],
        variables={
            "name": f"contract-renewal-{contract_id}",
            "due_at": due_at,
            "payload": {"contract_id": str(contract_id)},
        },
    )
