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
