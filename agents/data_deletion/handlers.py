"""A deletion request is carried out, and concluded when everyone has heard of it.

The work goes through every system, and through our own tables last, since they hold the ids by which the others know
the person. Each step is noted with its proof when it is done, so that a repeated task goes on where the last one was.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final
from uuid import UUID

from agents.data_deletion.operations import (
    begin_data_deletion,
    conclude_data_deletion,
    erase_customer_data,
    plan_conclusion,
    record_data_deletion_step,
)
from agents.data_deletion.systems import SYSTEMS, Clients, Found, Person, Plan
from agents.events.customer import CustomerDeleted
from agents.graphql.client import GraphQLClient
from agents.runtime.errors import Rejected, RetryLater
from agents.runtime.handler import Work, WriteBack
from agents.runtime.tasks import Task
from integrations.errors import PermanentError, TemporaryError

_IN_WORK: Final = "processing"
_RECORDS: Final = "records"


class CarryOut(Task):
    """The grace period is over."""

    TYPE: ClassVar[str] = "data_deletion.carry_out"

    data_deletion_request_id: UUID


class Conclude(Task):
    """Everything is deleted and everyone has heard of it."""

    TYPE: ClassVar[str] = "data_deletion.conclude"

    data_deletion_request_id: UUID


async def carry_out(
    task: CarryOut, work: Work, *, graphql: GraphQLClient, clients: Clients, conclude_after: timedelta
) -> WriteBack:
    """Every system forgets the person, then we do; customer.deleted tells of it, and the conclusion is planned."""
    request_id = task.data_deletion_request_id
    begun: dict[str, Any] = (await graphql.query(begin_data_deletion(id=request_id))).begun
    if begun["status"] != _IN_WORK:
        return WriteBack(skipped=f"the request is {begun['status']}")
    person, done = Person.model_validate(begun), frozenset(begun["steps"])
    if _RECORDS not in done:
        await _go_through_systems(request_id, person, done, work, graphql=graphql, clients=clients)
        await graphql.query(erase_customer_data(id=request_id))
    return WriteBack(
        mutations=(
            work.publish(CustomerDeleted(customer_id=person.customer_id, data_deletion_request_id=request_id)),
            plan_conclusion(
                name=f"data_deletion.conclude/{request_id}",
                due_at=datetime.now(UTC) + conclude_after,
                payload={"data_deletion_request_id": str(request_id)},
            ),
        )
    )


async def conclude(task: Conclude, work: Work, *, graphql: GraphQLClient) -> WriteBack:
    """The events about the person go, and the proof is written."""
    del work
    answer: dict[str, Any] = (await graphql.query(conclude_data_deletion(id=task.data_deletion_request_id))).concluded
    if answer["waiting"]:
        raise RetryLater(f"{answer['waiting']} events about the customer are still to be published")
    return WriteBack()


async def _go_through_systems(
    request_id: UUID, person: Person, done: frozenset[str], work: Work, *, graphql: GraphQLClient, clients: Clients
) -> None:
    """Have every system forget that has not yet. One that fails doesn't keep the others from it.

    Raises RetryLater while one of them is down, Rejected when one refuses for good.
    """
    down: list[str] = []
    refused: list[str] = []
    for system, forget in SYSTEMS.items():
        if system in done:
            continue
        try:
            plan = Plan(found=person.planned.get(system, {}), write=partial(_write_plan, request_id, system, graphql))
            proof = await forget(person, work, clients, plan)
        except TemporaryError as error:
            down.append(f"{system} ({error.code})")
            continue
        except PermanentError as error:
            refused.append(f"{system} ({error.code})")
            continue
        await graphql.query(record_data_deletion_step(id=request_id, step=system, proof=dict(proof)))
    if down:
        raise RetryLater(f"not forgotten yet in {', '.join(down + refused)}")
    if refused:
        raise Rejected(f"refused by {', '.join(refused)}")


async def _write_plan(request_id: UUID, system: str, graphql: GraphQLClient, found: Found) -> None:
    """What a system's step has to do; its proof takes the place of it."""
    planned = {"planned": {kind: list(ids) for kind, ids in found.items()}}
    await graphql.query(record_data_deletion_step(id=request_id, step=system, proof=planned))
