"""No change is missed: not before writers know of us, not while connections are lost, not where no trigger tells."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import orjson

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.live.queries import LiveQueries
from resolvers.pool import Pool
from schema.reflect import reflect
from schema.reflect_functions import reflect_functions
from server.source import platform_source
from tests.databases import database_name
from tests.integration.live.conftest import Connection, Person
from tests.integration.live.sockets import ADMIN, connected
from tests.integration.live.waiting import WAIT_S, until_asked, until_at_rest, until_heard

NewPerson = Callable[[], Awaitable[Person]]
NEVER_S = 3600.0
ADMINISTRATOR = Session(role="admin")
CITY = "subscription($id: uuid!) { customer_by_pk(id: $id) { city } }"


class Following:
    """One subscription without a socket."""

    def __init__(self, engine: Engine, live: LiveQueries, document: str, variables: dict[str, Any]) -> None:
        subscription = engine.subscription(ADMINISTRATOR, document, variables)
        assert subscription is not None
        self._results = live.results(subscription)

    async def next(self, within_s: float = WAIT_S) -> Any:
        return orjson.loads(await asyncio.wait_for(anext(self._results), within_s))

    async def close(self) -> None:
        await self._results.aclose()


class Live:
    """An engine and its live queries."""

    def __init__(self, engine: Engine, queries: LiveQueries) -> None:
        self.engine = engine
        self.queries = queries

    def follow(self, document: str, **variables: Any) -> Following:
        return Following(self.engine, self.queries, document, variables)


@asynccontextmanager
async def running(database_url: str, *, poll_interval_s: float = NEVER_S) -> AsyncIterator[Live]:
    pool = Pool(database_url, size=1)
    queries = LiveQueries(database_url, poll_interval_s=poll_interval_s)
    try:
        yield Live(platform_source().engine(pool), queries)
    finally:
        await queries.close()
        await pool.close()


def city(name: str | None) -> dict[str, Any]:
    return {"customer_by_pk": {"city": name}}


async def move(connection: Connection, person: Person, name: str) -> None:
    await connection.execute("UPDATE public.customer SET city = $2 WHERE id = $1", uuid.UUID(person.id), name)


async def test_change_that_looked_for_a_watch_too_early_is_not_missed(
    database_url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    async with running(database_url) as live:
        transaction = database.transaction()
        await transaction.start()
        await move(database, person, "Reno")  # nobody watches yet
        following = live.follow(CITY, id=person.id)
        assert await following.next() == city(None)
        await until_asked(lambda: database.fetchval("SELECT count(*) FROM events.live_watch"))
        # Time enough to rely on the watch, if it did so too early.
        await asyncio.sleep(0.2)
        assert not live.queries._heard
        await transaction.commit()
        assert await following.next() == city("Reno")
        await following.close()


async def test_change_under_an_older_snapshot_is_told(
    database_url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    async with running(database_url) as live:
        transaction = database.transaction(isolation="repeatable_read")
        await transaction.start()
        await database.fetchval("SELECT 1 FROM events.live_watch")
        following = live.follow(CITY, id=person.id)
        assert await following.next() == city(None)
        await until_heard(live.queries)
        await until_at_rest(live.queries)
        # It can't see the watch.
        await move(database, person, "Reno")
        await transaction.commit()
        assert await following.next() == city("Reno")
        await following.close()


async def test_nothing_is_told_of_what_nobody_follows(
    database_url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    listener = await asyncpg.connect(database_url)
    told: asyncio.Queue[str] = asyncio.Queue()
    await listener.add_listener("caregraph_live", lambda _c, _p, _ch, payload: told.put_nowait(str(payload)))
    try:
        await move(database, person, "Reno")
        async with running(database_url) as live:
            following = live.follow(CITY, id=person.id)
            assert await following.next() == city("Reno")
            await until_heard(live.queries)
            await database.execute("UPDATE public.staff SET first_name = first_name")
            await database.execute("UPDATE public.customer SET city = city WHERE false")
            await move(database, person, "Ely")
            assert orjson.loads(await asyncio.wait_for(told.get(), WAIT_S)) == {
                "t": "public.customer",
                "c": ["id", "chargebee_customer_id"],
                "k": [[person.id, await database.fetchval("SELECT chargebee_customer_id FROM public.customer")]],
            }
            assert told.empty()
            await following.close()
    finally:
        await listener.close()


async def test_keys_that_a_run_brings_are_held_against_what_changed_since_it_began(
    database_url: str, database: Connection, new_person: NewPerson
) -> None:
    ada, bo = await new_person(), await new_person()
    treatment = await database.fetchval(
        "INSERT INTO public.treatment (name, monthly_item_price_id, monthly_price, currency_code)"
        " VALUES ('x', 'x', 1, 'USD') RETURNING id"
    )
    contract = await database.fetchval(
        "INSERT INTO public.contract (customer_id, treatment_id) VALUES ($1, $2) RETURNING id",
        uuid.UUID(ada.id),
        treatment,
    )
    document = "subscription($id: String!) { chargebee_contract_by_pk(id: $id) { customer { city } } }"
    async with running(database_url) as live:
        following = live.follow(document, id=str(contract))
        assert await following.next() == {"chargebee_contract_by_pk": {"customer": {"city": None}}}
        await until_heard(live.queries)
        await until_at_rest(live.queries)

        # From now on reading the contract takes a while, with the snapshot of its beginning.
        definition = await database.fetchval("SELECT pg_get_viewdef('chargebee.contract'::regclass)")
        await database.execute(
            f"CREATE OR REPLACE VIEW chargebee.contract AS {definition.rstrip(';')} WHERE pg_sleep(0.3) IS NOT NULL"
        )
        # It becomes Bo's, whom changes don't concern before the run has told so.
        await database.execute("UPDATE public.contract SET customer_id = $2 WHERE id = $1", contract, uuid.UUID(bo.id))
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        await until_asked(lambda: database.fetchval(sleeping))
        await move(database, bo, "Reno")
        results = [await following.next()]
        if results[-1] == {"chargebee_contract_by_pk": {"customer": {"city": None}}}:
            results.append(await following.next())
        assert results[-1] == {"chargebee_contract_by_pk": {"customer": {"city": "Reno"}}}
        await following.close()


async def test_table_whose_changes_no_trigger_tells_of_is_polled(
    database_url: str, database: Connection, new_person: NewPerson
) -> None:
    person = await new_person()
    await database.execute("ALTER TABLE public.customer DISABLE TRIGGER notify_live_update")
    async with running(database_url, poll_interval_s=0.1) as live:
        following = live.follow(CITY, id=person.id)
        assert await following.next() == city(None)
        await move(database, person, "Reno")
        assert await following.next() == city("Reno")
        await following.close()


async def test_subscriptions_outlive_lost_connections(url: str, database: Connection, new_person: NewPerson) -> None:
    person = await new_person()
    async with connected(url, ADMIN) as client:
        id_ = await client.start(CITY, {"id": person.id})
        assert await client.data(id_) == city(None)
        for name in ("Reno", "Ely", "Elko"):
            ended = await database.fetchval(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'caregraph-live%'"
            )
            assert ended >= 1
            await move(database, person, name)
            assert await client.data(id_) == city(name)


async def test_subscriptions_wait_for_a_database_that_is_away(
    url: str, postgres_server: str, database_url: str, new_person: NewPerson
) -> None:
    person, other = await new_person(), await new_person()
    name = database_name(database_url)
    server = await asyncpg.connect(postgres_server)
    try:
        async with connected(url, ADMIN) as client:
            id_ = await client.start(CITY, {"id": person.id})
            assert await client.data(id_) == city(None)
            await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
            # Who comes now waits for the first result like the others for the next.
            late = await client.start(CITY, {"id": other.id})
            await client.nothing(late)
            await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            assert await client.data(late) == city(None)
            database = await asyncpg.connect(database_url)
            await move(database, person, "Reno")
            await database.close()
            assert await client.data(id_) == city("Reno")
    finally:
        await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await server.close()


async def test_trigger_that_is_removed_while_somebody_follows_leads_to_polling(
    database_url: str, database: Connection, new_person: NewPerson, monkeypatch: Any
) -> None:
    monkeypatch.setattr("resolvers.live.listener._REFRESH_S", 0.05)
    person = await new_person()
    async with running(database_url, poll_interval_s=0.1) as live:
        following = live.follow(CITY, id=person.id)
        assert await following.next() == city(None)
        await until_heard(live.queries)
        await database.execute("DROP TRIGGER notify_live_update ON public.customer")
        await move(database, person, "Reno")
        assert await following.next() == city("Reno")
        await move(database, person, "Ely")
        assert await following.next() == city("Ely")
        await following.close()


async def test_watch_is_moved_on_while_somebody_follows_and_no_longer(
    database_url: str, database: Connection, new_person: NewPerson, monkeypatch: Any
) -> None:
    monkeypatch.setattr("resolvers.live.listener._REFRESH_S", 0.02)
    monkeypatch.setattr("resolvers.live.listener._WATCH_TTL_S", 0.4)
    monkeypatch.setattr("resolvers.live.listener._MARGIN_S", 0.1)
    person = await new_person()
    watched = "SELECT max(until) FROM events.live_watch WHERE table_key = 'public.customer'"
    async with running(database_url) as live:
        following = live.follow(CITY, id=person.id)
        assert await following.next() == city(None)
        await until_heard(live.queries)
        first = await database.fetchval(watched)
        await until_asked(lambda: database.fetchval(f"SELECT ({watched}) <> $1", first))
        await move(database, person, "Reno")
        assert await following.next() == city("Reno")
        await following.close()
        await until_asked(lambda: database.fetchval(f"SELECT ({watched}) < clock_timestamp()"))


async def test_database_that_tells_of_nothing_is_polled_functions_included(
    database_url: str, database: Connection
) -> None:
    await database.execute(
        "CREATE SCHEMA app;"
        "CREATE TABLE app.item (id int PRIMARY KEY, name text);"
        "INSERT INTO app.item VALUES (1, 'a');"
        "CREATE FUNCTION app.named(wanted text) RETURNS SETOF app.item LANGUAGE sql STABLE"
        " AS 'SELECT * FROM app.item WHERE name = wanted'"
    )
    catalogue = replace(await reflect(database, ("app",)), functions=await reflect_functions(database, ("app",)))
    pool = Pool(database_url, size=1)
    queries = LiveQueries(database_url, poll_interval_s=0.05)
    live = Live(Engine(catalogue=catalogue, rules={}, pool=pool), queries)
    try:
        by_key = live.follow("subscription { app_item_by_pk(id: 1) { name } }")
        by_function = live.follow('subscription { app_named(args: {wanted: "b"}) { id } }')
        assert await by_key.next() == {"app_item_by_pk": {"name": "a"}}
        assert await by_function.next() == {"app_named": []}
        await database.execute("UPDATE app.item SET name = 'b'")
        assert await by_key.next() == {"app_item_by_pk": {"name": "b"}}
        assert await by_function.next() == {"app_named": [{"id": 1}]}
        await by_key.close()
        await by_function.close()
    finally:
        await queries.close()
        await pool.close()
