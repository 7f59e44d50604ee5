"""Reads of protected health information: what goes on record, and that nothing is lost on the way there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from integrations.telemetry.tracing import parse_traceparent
from local.demo.people import ADA
from permissions.session import Session
from resolvers.engine import Engine
from resolvers.errors import GraphQLRequestError
from resolvers.pool import Pool
from resolvers.sensitive import SensitiveRead
from server.access_log import AccessLog
from server.source import platform_source
from tests.integration.live.conftest import serve_api
from tests.integration.live.sockets import ADMIN, TRANSPORT, connected

PATIENT = "healthcare.patient"
PRESCRIPTION = "healthcare.prescription"
FILL = "healthcare.prescription_fill"
OBSERVATION = "healthcare.observation"
READ = SensitiveRead(operation="Chart", tables=(PATIENT,), openings=())


class Notes:
    """A recorder that remembers."""

    is_full = False

    def __init__(self) -> None:
        self.taken: list[tuple[Session, SensitiveRead, int]] = []

    async def wait_for_room(self) -> None:
        raise AssertionError("there is room")

    def record(self, session: Session, read: SensitiveRead, row_count: int) -> None:
        self.taken.append((session, read, row_count))


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
async def engine(demo_database_url: str, notes: Notes) -> AsyncIterator[Engine]:
    pool = Pool(demo_database_url, size=1)
    yield platform_source().engine(pool, recorder=notes)
    await pool.close()


async def ask(engine: Engine, query: str, session: Session | None = None, **options: Any) -> Any:
    answer = orjson.loads(await engine.execute(session or Session(role="admin"), query, **options))
    assert "errors" not in answer, answer
    return answer["data"]


#: Every way by which rows of the chart can be asked about: the tables it reads.
WAYS = {
    "rows": ("{ healthcare_prescription(limit: 3) { id } }", {PRESCRIPTION}),
    "by key": (f'{{ healthcare_patient_by_pk(id: "{ADA}") {{ id }} }}', {PATIENT}),
    "aggregate": ("{ healthcare_prescription_aggregate { aggregate { count } } }", {PRESCRIPTION}),
    "nodes of an aggregate": (
        "{ healthcare_patient_aggregate(limit: 2) { nodes { prescriptions { id } } } }",
        {PATIENT, PRESCRIPTION},
    ),
    "page": ("{ healthcare_observation_page(limit: 2) { nodes { id } } }", {OBSERVATION}),
    "page without rows": ("{ healthcare_observation_page(limit: 2) { has_more } }", {OBSERVATION}),
    "groups": (
        "{ healthcare_observation_group_by(keys: [{column: code}]) { aggregate { count } } }",
        {OBSERVATION},
    ),
    "relationships": (
        "{ customer(limit: 1) { id patient { prescriptions(limit: 1) { fills { id } } } } }",
        {PATIENT, PRESCRIPTION, FILL},
    ),
    "aggregate of a relationship": (
        "{ healthcare_medication(limit: 1) { prescriptions_aggregate { aggregate { count } } } }",
        {PRESCRIPTION},
    ),
    "condition": (
        '{ customer(where: {patient: {prescriptions: {status: {_eq: "active"}}}}) { id } }',
        {PATIENT, PRESCRIPTION},
    ),
    "condition inside others": (
        '{ customer(where: {_or: [{_not: {patient: {gender: {_eq: "male"}}}}, {_and: []}]}) { id } }',
        {PATIENT},
    ),
    "condition about how many": (
        "{ healthcare_medication(where: {prescriptions_aggregate: {count: {predicate: {_gt: 1}}}}) { id } }",
        {PRESCRIPTION},
    ),
    "ordering": ("{ customer(order_by: {patient: {birth_date: asc}}, limit: 1) { id } }", {PATIENT}),
    "ordering by an aggregate": (
        "{ healthcare_medication(order_by: {prescriptions_aggregate: {count: asc}}, limit: 1) { id } }",
        {PRESCRIPTION},
    ),
    "messages": ("{ message(limit: 1) { body } }", {"public.message"}),
    "what was changed": ("{ audit_change(limit: 1) { new } }", {"audit.change"}),
    "several at once": (
        "{ a: healthcare_patient(limit: 1) { id } treatment { id } b: healthcare_observation(limit: 1) { id } }",
        {PATIENT, OBSERVATION},
    ),
    "change by condition": (
        'mutation { update_healthcare_patient(where: {gender: {_eq: "none"}}, _set: {gender: "other"})'
        " { affected_rows } }",
        {PATIENT},
    ),
    "deletion by condition": (
        'mutation { delete_healthcare_patient(where: {gender: {_eq: "none"}}) { affected_rows } }',
        {PATIENT},
    ),
    "kept answer": ("query @cached { healthcare_patient(limit: 1) { id } }", {PATIENT}),
}


@pytest.mark.parametrize(("query", "tables"), WAYS.values(), ids=WAYS)
async def test_reading_of_the_chart_is_recorded_whichever_way_it_is_read(
    engine: Engine, notes: Notes, query: str, tables: set[str]
) -> None:
    for _ in range(2):
        await ask(engine, query)
    # The second time with the plan of the first.
    assert [set(read.tables) for _, read, _ in notes.taken] == [tables, tables]


@pytest.mark.parametrize(
    "query",
    [
        "{ treatment { id } }",
        "{ customer(limit: 1) { id contracts { id } } }",
        "{ healthcare_medication { id } healthcare_pharmacy { id } }",
        "{ __typename }",
    ],
)
async def test_what_is_not_about_health_is_not_recorded(engine: Engine, notes: Notes, query: str) -> None:
    await ask(engine, query)
    assert not notes.taken


async def test_subscriptions_and_streams_know_what_they_read(engine: Engine) -> None:
    session = Session(role="admin")
    since = 'cursor: {initial_value: {created_at: "2000-01-01T00:00:00Z"}}'
    for query in (
        "subscription Live { customer { patient { id } } }",
        f"subscription Live {{ healthcare_patient_stream(batch_size: 1, {since}) {{ id }} }}",
    ):
        subscription = engine.subscription(session, query)
        assert subscription is not None
        assert subscription.sensitive is not None
        assert (subscription.sensitive.operation, subscription.sensitive.tables) == ("Live", (PATIENT,))
    harmless = engine.subscription(session, "subscription { treatment { id } }")
    assert harmless is not None
    assert harmless.sensitive is None


async def test_hand_written_operations_say_which_rows_they_show(
    engine: Engine, notes: Notes, demo_database_url: str
) -> None:
    connection = await asyncpg.connect(demo_database_url)
    request = await connection.fetchval("SELECT id FROM data_deletion_request WHERE status = 'pending' LIMIT 1")
    await connection.close()
    await ask(engine, f'mutation {{ begin_data_deletion(id: "{request}") }}', dry_run=True)
    assert [(read.tables, count) for _, read, count in notes.taken] == [((FILL,), 1)]


async def test_conditions_of_the_rules_are_no_reads(engine: Engine, notes: Notes, demo_database_url: str) -> None:
    connection = await asyncpg.connect(demo_database_url)
    provider = await connection.fetchval("SELECT staff_id FROM healthcare.care_team WHERE status = 'active' LIMIT 1")
    await connection.close()
    session = Session(role="provider", variables={"x-hasura-user-id": str(provider)})
    assert (await ask(engine, "{ customer { id } }", session))["customer"]
    assert not notes.taken
    await ask(engine, "query Queue { customer { id patient { id } } }", session)
    (note,) = notes.taken
    assert (note[0].role, note[0].user_id, note[1].operation) == ("provider", str(provider), "Queue")


async def test_rows_are_counted_where_they_are_shown(engine: Engine, notes: Notes) -> None:
    data = await ask(engine, "{ healthcare_prescription(limit: 7) { prescribed: id fills { fill: id } } }")
    rows = data["healthcare_prescription"]
    fills = sum(len(row["fills"]) for row in rows)
    await ask(engine, '{ healthcare_prescription(where: {note: {_eq: "{\\"id\\""}}) { id } }')
    await ask(engine, f'{{ healthcare_patient_by_pk(id: "{ADA}") {{ id }} }}')
    await ask(engine, "{ customer(limit: 4, where: {patient: {}}) { id } }")
    assert [count for _, _, count in notes.taken] == [7 + fills, 0, 0, 4]


async def test_failed_read_shows_nothing_and_is_not_recorded(engine: Engine, notes: Notes) -> None:
    answer = await engine.execute(Session(role="admin"), '{ healthcare_patient_by_pk(id: "nonsense") { id } }')
    assert b'"errors"' in answer
    assert not notes.taken


# What becomes of notes


async def entries(url: str) -> list[Any]:
    connection = await asyncpg.connect(url)
    try:
        found: list[Any] = await connection.fetch("SELECT * FROM audit.access ORDER BY created_at")
        return found
    finally:
        await connection.close()


async def test_requests_and_subscriptions_leave_entries_in_the_database(database_url: str) -> None:
    query = "query Charts { healthcare_patient { id } }"
    async with serve_api(database_url) as url, connected(url, ADMIN, protocol=TRANSPORT) as client:
        await client.data(await client.start("subscription Live { healthcare_patient { id } }"))
        await client.data(await client.start(query))
        # The server writes what it noted before it ends.
    found = {entry["operation"]: entry for entry in await entries(database_url)}
    assert set(found) == {"Live", "Charts"}
    for entry in found.values():
        assert (entry["role"], entry["tables"], entry["row_count"]) == ("admin", [PATIENT], 0)
        assert parse_traceparent(entry["traceparent"])
        assert entry["request_id"]


async def test_an_entry_names_the_request_and_the_trace_that_the_client_named(database_url: str) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with serve_api(database_url) as url, httpx.AsyncClient(base_url=url, headers=ADMIN) as client:
        for number in range(70):
            await client.post(
                "/v1/graphql",
                json={"query": "{ healthcare_patient { id } }"},
                headers={"x-request-id": f"call-{number}", "traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"},
            )
    found = await entries(database_url)
    assert [entry["request_id"] for entry in found] == [f"call-{number}" for number in range(70)]
    traces = [parse_traceparent(entry["traceparent"]) for entry in found]
    assert {trace and trace.trace_id for trace in traces} == {trace_id}
    assert len({trace and trace.span_id for trace in traces}) == len(found)


async def test_notes_are_written_many_at_a_time_and_all_of_them(database_url: str) -> None:
    log = AccessLog(database_url, interval_s=0.01)
    session = Session(role="provider", variables={"x-hasura-user-id": "me"})
    for number in range(2_500):
        log.record(session, READ, number)
    await log.close()
    found = await entries(database_url)
    assert sorted(entry["row_count"] for entry in found) == list(range(2_500))
    assert {(entry["role"], entry["user_id"], entry["operation"]) for entry in found} == {("provider", "me", "Chart")}


async def test_odd_text_is_written_as_it_is(database_url: str) -> None:
    log = AccessLog(database_url, interval_s=0.01)
    odd = "a\tb\\N\n\r\"{,}'é\\"
    log.record(Session(role=odd, variables={"x-hasura-user-id": odd}), READ, 1)
    log.record(Session(role="admin"), SensitiveRead(operation=None, tables=(PATIENT, FILL), openings=()), 2)
    await log.close()
    first, second = await entries(database_url)
    assert (first["role"], first["user_id"]) == (odd, odd)
    assert (second["user_id"], second["operation"], second["tables"]) == (None, None, [PATIENT, FILL])


async def test_notes_wait_for_a_database_that_is_away(postgres_server: str, database_url: str) -> None:
    admin = await asyncpg.connect(postgres_server)
    name = database_url.rsplit("/", 1)[1]
    log = AccessLog(database_url, interval_s=0.01)
    try:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        with capture_logs() as lines:
            log.record(Session(role="admin"), READ, 1)
            async with asyncio.timeout(10):
                while not any(line["event"] == "access_log.write_failed" for line in lines):  # noqa: ASYNC110 -- a log
                    await asyncio.sleep(0.01)
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await log.close()
    finally:
        await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await admin.close()
    assert len(await entries(database_url)) == 1


async def test_nobody_reads_off_the_record_when_no_more_can_be_noted(demo_database_url: str) -> None:
    log = AccessLog("postgresql://127.0.0.1:1/none", capacity=1, interval_s=0.01, patience_s=0.05, closing_s=0.05)
    pool = Pool(demo_database_url, size=1)
    engine = platform_source().engine(pool, recorder=log)
    try:
        await ask(engine, "{ healthcare_patient(limit: 1) { id } }")
        refused = await engine.execute(Session(role="admin"), "{ healthcare_patient(limit: 1) { id } }")
        assert "can't be recorded" in orjson.loads(refused)["errors"][0]["message"]
        # What is not PHI goes on.
        await ask(engine, "{ treatment { id } }")
        with pytest.raises(GraphQLRequestError):
            await log.wait_for_room()
        with capture_logs() as lines:
            await log.close()
        (line,) = [line for line in lines if line["event"] == "access_log.unwritten"]
        assert (line["role"], line["tables"], line["row_count"]) == ("admin", (PATIENT,), 1)
    finally:
        await pool.close()
