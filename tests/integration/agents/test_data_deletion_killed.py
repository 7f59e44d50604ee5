"""The agent's process is killed in the midst of a deletion, at each of its steps: the next one ends it, with proof."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from agents.runtime.settings import RuntimeSettings
from tests.integration.agents import firebase
from tests.integration.agents.behaviour import free_port
from tests.integration.agents.billed import chargebee_settings
from tests.integration.agents.deliveries import World
from tests.integration.agents.forgotten import (
    Known,
    make_known,
    publish_all,
    standins_that_name,
    tables_that_name,
)
from tests.integration.agents.nursery import Nursery, nursery
from tests.integration.agents.test_data_deletion_agent import (
    DISPENSING_RECORD,
    KEPT,
    KEPT_OUTSIDE,
    SYSTEMS,
    due,
    listening,
    request,
    steps,
)
from tests.integration.agents.test_tasks import ACCOUNT, Door

#: Longer than anyone waits here.
_NEVER_S = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """The agent dies while it waits for the answer to a call of an outside system."""

    system: str
    path: str
    #: Whether the work was done by then.
    done: bool

    def __str__(self) -> str:
        return f"{self.system}'s {self.path} was {'done' if self.done else 'sent'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """The agent dies while it waits for the endpoint, which waits for a lock."""

    what: str
    lock: str
    #: Whether it is written all the same: the request had been sent.
    done: bool

    def __str__(self) -> str:
        return f"{self.what} was {'written' if self.done else 'asked for'}"


Moment = Call | Write

_REQUEST = "SELECT FROM public.data_deletion_request WHERE id = '{request_id}' FOR UPDATE"
_STEPS = "LOCK TABLE public.data_deletion_step IN SHARE MODE"
_CUSTOMER = "SELECT FROM public.customer WHERE id = '{customer_id}' FOR UPDATE"
_INBOX = "LOCK TABLE events.inbox IN SHARE MODE"

#: In the order in which the work comes by them.
CARRYING_OUT: tuple[Moment, ...] = (
    Write(what="the beginning", lock=_REQUEST, done=False),
    Write(what="the beginning", lock=_REQUEST, done=True),
    Call(system="firebase", path="accounts:delete", done=True),
    Write(what="firebase's proof", lock=_STEPS, done=False),
    Write(what="firebase's proof", lock=_STEPS, done=True),
    Call(system="pharmacy", path="/cancel", done=False),
    Call(system="pharmacy", path="/cancel", done=True),
    Call(system="chargebee", path="cancel_for_items", done=False),
    Call(system="chargebee", path="cancel_for_items", done=True),
    Call(system="chargebee", path="clear_personal_data", done=False),
    Call(system="chargebee", path="clear_personal_data", done=True),
    Call(system="iterable", path="users/forget", done=False),
    Call(system="iterable", path="users/forget", done=True),
    Call(system="zendesk", path="api/v2/tickets/", done=True),
    Call(system="zendesk", path="deleted_tickets", done=False),
    Call(system="zendesk", path="api/v2/users/[0-9]+.json", done=True),
    Call(system="zendesk", path="deleted_users", done=True),
    Write(what="our own tables", lock=_CUSTOMER, done=False),
    Write(what="our own tables", lock=_CUSTOMER, done=True),
    Write(what="the write-back", lock=_INBOX, done=False),
    Write(what="the write-back", lock=_INBOX, done=True),
)
CONCLUDING: tuple[Moment, ...] = (
    Write(what="the conclusion", lock=_REQUEST, done=False),
    Write(what="the conclusion", lock=_REQUEST, done=True),
    Write(what="the conclusion's write-back", lock=_INBOX, done=False),
    Write(what="the conclusion's write-back", lock=_INBOX, done=True),
)


@pytest.fixture(autouse=True)
def _firebase(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    firebase.use(world, monkeypatch)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery("data_deletion", tmp_path_factory.mktemp("data_deletion")) as started:
        yield started


def environment(world: World, url: str) -> dict[str, str]:
    """Of the agent as a process."""
    chargebee = chargebee_settings(world)
    given = world.surroundings.runtime_environment("data_deletion", url) | {"tasks_service_account": ACCOUNT}
    fields = RuntimeSettings.model_fields
    return {
        "PATH": os.environ["PATH"],
        "CAREGRAPH_ENVIRONMENT": "development",
        "CAREGRAPH_LOG_FORMAT": "json",
        **{str(fields[name].validation_alias): value for name, value in given.items()},
        **firebase.environment(world),
        "CHARGEBEE_SITE": chargebee.site,
        "CHARGEBEE_DOMAIN": chargebee.domain,
        "CHARGEBEE_PROTOCOL": chargebee.protocol,
        "CHARGEBEE_API_KEY": "key",
        "ITERABLE_BASE_URL": world.surroundings.iterable,
        "ITERABLE_API_KEY": "key",
        "ZENDESK_BASE_URL": world.surroundings.zendesk,
        "ZENDESK_EMAIL": "care@example.com",
        "ZENDESK_API_TOKEN": "token",
        "PHARMACY_BASE_URL": world.surroundings.pharmacy,
        "PHARMACY_API_KEY": "key",
        **{f"{service}_READ_TIME_OUT": str(_NEVER_S) for service in ("CHARGEBEE", "ITERABLE", "ZENDESK", "PHARMACY")},
        "FIREBASE_READ_TIME_OUT": str(_NEVER_S),
    }


@asynccontextmanager
async def agent(world: World, processes: Nursery) -> AsyncIterator[tuple[int, Door]]:
    """A process of the agent that takes tasks; killed at the end if it is still there."""
    port = await free_port()
    url = f"http://127.0.0.1:{port}"
    pid = await processes.start(port=port, environment=environment(world, url))
    try:
        await until(lambda: _is_ready(world.client, url), what="the process is ready")
        yield pid, Door(url=url, client=world.client, token=await world.surroundings.push_token(url, account=ACCOUNT))
    finally:
        _kill(pid)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


async def kill_at(moment: Moment, world: World, known: Known, body: object, processes: Nursery) -> None:
    """Have a process work on the task until that moment, and kill it then; what goes wrong says which it was."""
    try:
        await _kill_at(moment, world, known, body, processes)
    except BaseException as error:
        error.add_note(f"killed when {moment}")
        raise


async def _kill_at(moment: Moment, world: World, known: Known, body: object, processes: Nursery) -> None:
    async with agent(world, processes) as (pid, door):
        match moment:
            case Call(system=system, path=path, done=done):
                fault: dict[str, Any] = {"delay_s": _NEVER_S, "path": path}
                await world.misbehave(system, **(fault if done else fault | {"status": 503}))
                before = len(await world.received(system))
                delivery = asyncio.create_task(door.send(body))
                await _until_received(world, system, before, path)
                _kill(pid)
                await _broken(delivery)
                await world.behave(system)
            case Write(lock=lock, done=done):
                async with _locked(world, known, lock):
                    delivery = asyncio.create_task(door.send(body))
                    waiting = await _until_somebody_waits(world.database)
                    _kill(pid)
                    await _broken(delivery)
                    if not done:
                        await world.database.execute("SELECT pg_terminate_backend($1)", waiting)
                await _until_nobody_waits(world.database)


async def _broken(delivery: "asyncio.Task[httpx.Response]") -> None:
    with pytest.raises(httpx.TransportError):
        await delivery


async def _until_received(world: World, system: str, before: int, path: str) -> None:
    plain = path.partition("[")[0]

    async def is_received() -> bool:
        return any(plain in one["path"] for one in (await world.received(system))[before:])

    await until(is_received, what=f"{system} received {path}")


@asynccontextmanager
async def _locked(world: World, known: Known, lock: str) -> AsyncIterator[None]:
    database = await asyncpg.connect(world.surroundings.database_url)
    transaction = database.transaction()
    await transaction.start()
    await database.execute(lock.format(request_id=known.request_id, customer_id=known.customer_id))
    try:
        yield
    finally:
        await transaction.rollback()
        await database.close()


async def _until_somebody_waits(database: asyncpg.Connection) -> int:
    """The backend that waits for the lock. Not asked in the lock's transaction, which would get one answer for ever."""
    found: list[int] = []

    async def is_waiting() -> bool:
        rows = await database.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        found.extend(row["pid"] for row in rows)
        return bool(found)

    await until(is_waiting, what="the endpoint waits for the lock")
    return found[0]


async def _until_nobody_waits(database: asyncpg.Connection) -> None:
    """Until whoever waited has had its lock, and is done with it."""

    async def is_quiet() -> bool:
        busy: int = await database.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
        )
        return busy == 0

    await until(is_quiet, what="the endpoint is done")


async def until(holds: Callable[[], Awaitable[bool]], *, what: str) -> None:
    """Ask until it holds."""
    deadline = asyncio.get_running_loop().time() + 20
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline, f"in vain: {what}"
        await asyncio.sleep(0.01)


async def test_killed_at_every_step_it_is_ended_by_the_next_process_and_nothing_is_done_twice(
    world: World, processes: Nursery
) -> None:
    known = await make_known(world)
    body = await due(world, known, "data_deletion.carry_out")
    for moment in CARRYING_OUT:
        await kill_at(moment, world, known, body, processes)
    async with listening(world) as door:
        assert (await door.send(body)).status_code == 204
    assert set(await steps(world, known)) == {*SYSTEMS, "records"}
    await publish_all(world)
    conclusion = await due(world, known, "data_deletion.conclude")
    for moment in CONCLUDING:
        await kill_at(moment, world, known, conclusion, processes)
    async with listening(world) as door:
        assert (await door.send(conclusion)).status_code == 204

    found = await request(world, known)
    assert found["status"] == "completed"
    proof = json.loads(found["proof"])["steps"]
    assert set(proof) == {*SYSTEMS, "records", "events"}
    assert proof["firebase"]["found"] is True
    assert proof["chargebee"]["cancelled"] == {"subscriptions": 1}
    assert proof["pharmacy"]["cancelled"] == {"orders": 1}
    assert proof["zendesk"]["deleted"] == {"tickets": 2, "requester": 1}
    # What was to go is gone, and what law keeps is there.
    assert await tables_that_name(world, known.personal) == set()
    assert await tables_that_name(world, known.ids) <= KEPT
    assert standins_that_name(world, known.personal) == DISPENSING_RECORD
    assert standins_that_name(world, known.ids) <= KEPT_OUTSIDE
    # Once each: where doing it again would be something else, it was not done again.
    assert await _done(world, "chargebee", "cancel_for_items") == 1
    assert await _done(world, "pharmacy", "/cancel") == 1
    assert await _done(world, "zendesk", "deleted_users") == 1
    published = await world.row(
        "SELECT count(*) AS n FROM events.inbox AS i WHERE i.agent = 'data_deletion' AND i.event_id = ANY ("
        " SELECT d.event_id FROM events.delivery AS d WHERE d.agent = 'data_deletion')"
    )
    assert published["n"] >= 2
    assert await world.rows("SELECT id FROM events.dead_letter WHERE agent = 'data_deletion'") == []


async def _done(world: World, system: str, path: str) -> int:
    """How often a system did what it was asked for, other than saying again what it had answered."""
    return sum(
        1
        for one in await world.received(system)
        if path in one["path"] and one["status"] is not None and one["status"] < 300 and not one["replayed"]
    )


async def test_what_others_are_told_is_told_once_however_often_the_process_was_killed(
    world: World, processes: Nursery
) -> None:
    known = await make_known(world)
    body = await due(world, known, "data_deletion.carry_out")
    for moment in (
        Write(what="the write-back", lock=_INBOX, done=False),
        Write(what="the write-back", lock=_INBOX, done=True),
    ):
        await kill_at(moment, world, known, body, processes)
    async with listening(world) as door:
        assert (await door.send(body)).status_code == 204

    told = await world.rows(
        "SELECT id FROM events.outbox WHERE type = 'customer.deleted' AND subject = $1", str(known.customer_id)
    )
    assert len(told) == 1
    planned = await world.rows(
        "SELECT status FROM events.scheduled_task WHERE name = $1", f"data_deletion.conclude/{known.request_id}"
    )
    assert [task["status"] for task in planned] == ["scheduled"]
