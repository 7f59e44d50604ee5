"""Cloud Tasks' request for a scheduled task, read; it is then handled like an event.

The body is what the scheduler wrote (`triggers/scheduler.py`): `{"id", "generation", "name", "kind", "due_at",
"payload"}`. Its kind finds the handler, its payload is the handler's type, and its id and generation make the id under
which the agent's inbox has it, so that it happens once.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from agents.events.envelope import Envelope, derived_id
from agents.events.payload import Event
from agents.runtime.handler import TaskRef
from agents.runtime.push import Delivery

_SOURCE: Final = "/caregraph/scheduler"


class NotATask(Exception):
    """The body isn't a scheduled task; the message names each field that is missing or wrong, never a value."""


class Task(Event):
    """What a scheduled task of one kind carries. `TYPE` is its kind, for example `contract.renewal`."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")

    id: UUID
    generation: int = Field(ge=0)
    name: str
    kind: str
    due_at: AwareDatetime
    payload: dict[str, Any]
    traceparent: str | None = None


def parse_task(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """The task in a request of Cloud Tasks; raises NotATask."""
    try:
        task = _Body.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        listed = [f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in problems]
        raise NotATask(f"the body is not a scheduled task: {'; '.join(listed)}") from None
    retries = headers.get("x-cloudtasks-taskretrycount", "")
    envelope = Envelope(
        id=task_event_id(task.id, task.generation),
        type=task.kind,
        source=_SOURCE,
        subject=task.name,
        time=task.due_at,
        traceparent=task.traceparent,
        ordering_key="",
        message_id=headers.get("x-cloudtasks-taskname", task.name),
        subscription=headers.get("x-cloudtasks-queuename", ""),
        delivery_attempt=int(retries) + 1 if retries.isascii() and retries.isdigit() else None,
    )
    return Delivery(
        envelope=envelope,
        data=orjson.dumps(task.payload),
        attributes={"task": str(task.id), "generation": str(task.generation), "kind": task.kind, "name": task.name},
        task=TaskRef(id=task.id, generation=task.generation),
    )


def task_event_id(task_id: UUID, generation: int) -> UUID:
    """The id under which an agent's inbox has one generation of a task."""
    return derived_id(task_id, f"task-generation-{generation}")
