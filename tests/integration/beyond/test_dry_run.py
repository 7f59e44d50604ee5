"""`x-caregraph-dry-run: true`: a mutation shows what it would do, and does nothing."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from resolvers.dry_run import events_since, outbox_position
from resolvers.pool import Pool
from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.settings import ServerSettings
from tests.integration.identity.serving import http_client, serve
from tests.integration.triggers.records import Records

SECRET = "administrator"
DRY = {"x-caregraph-dry-run": "true"}
INSERT = """mutation ($treatment: uuid!) {
  insert_contract_one(object: {treatment_id: $treatment, start_date: "2030-01-01"}) { id status start_date }
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The platform's API with one customer, over HTTP."""

    client: httpx.AsyncClient
    connection: asyncpg.Connection
    records: Records

    async def post(self, body: Any, *, role: str, user: object = None, **headers: str) -> Any:
        """What the endpoint answers."""
        credentials = {"x-hasura-admin-secret": SECRET, "x-hasura-role": role}
        if user is not None:
            credentials["x-hasura-user-id"] = str(user)
        response = await self.client.post("/v1/graphql", json=body, headers={**credentials, **headers})
        assert response.status_code == 200
        return response.json()

    async def everything(self) -> dict[str, int]:
        """How many rows there are, by table."""
        tables = await self.connection.fetch(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_tables"
            " WHERE schemaname IN ('public', 'chargebee', 'healthcare', 'events', 'audit')"
        )
        names = sorted(row["name"] for row in tables)
        return {name: await self.connection.fetchval(f"SELECT count(*) FROM {name}") for name in names}  # noqa: S608


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    """A platform of the test's own."""
    connection = await asyncpg.connect(database_url, timeout=10)
    records = await Records.create(connection)
    authentication = AuthenticationSettings(own_admin_secret=SECRET)
    application = create_application(ServerSettings(database_url=database_url), authentication)
    async with serve(application) as url, http_client(url) as client:
        yield Office(client=client, connection=connection, records=records)
    await connection.close()


async def test_a_dry_run_answers_like_a_real_one_and_leaves_nothing_behind(office: Office) -> None:
    before = await office.everything()
    body = {"query": INSERT, "variables": {"treatment": str(office.records.treatment_id)}}
    customer = office.records.customer_id
    dry = await office.post(body, role="user", user=customer, **DRY)
    assert dry["data"]["insert_contract_one"] | {"id": ""} == {"id": "", "status": "future", "start_date": "2030-01-01"}
    assert await office.everything() == before
    real = await office.post(body, role="user", user=customer)
    assert "extensions" not in real
    assert (await office.everything())["public.contract"] == before["public.contract"] + 1


async def test_a_dry_run_lists_the_events_that_the_real_one_causes(office: Office) -> None:
    body = {"query": INSERT, "variables": {"treatment": str(office.records.treatment_id)}}
    customer = office.records.customer_id
    dry = await office.post(body, role="user", user=customer, **DRY)
    await office.connection.execute("DELETE FROM events.outbox")
    real = await office.post(body, role="user", user=customer)
    caused = await office.connection.fetch("SELECT type, topic, subject FROM events.outbox ORDER BY sequence")
    assert [event["type"] for event in caused] == ["contract.inserted"]
    assert caused[0]["subject"] == real["data"]["insert_contract_one"]["id"]
    announced = dry["extensions"]["dry_run"]["events"]
    subject = dry["data"]["insert_contract_one"]["id"]
    assert announced == [{"type": "contract.inserted", "topic": caused[0]["topic"], "subject": subject}]


async def test_events_that_others_cause_meanwhile_are_not_listed(office: Office, database_url: str) -> None:
    subject = str(uuid.uuid4())
    pool = Pool(database_url, size=1)
    try:
        async with pool.connection() as connection:
            await connection.command("BEGIN")
            position = await outbox_position(connection)
            await office.records.insert_contract()
            await connection.command(f"SELECT events.publish('contract.created', '{subject}', '{{}}', NULL)")
            await office.records.insert_contract()
            events = orjson.loads(await events_since(connection, position))
            await connection.command("ROLLBACK")
    finally:
        await pool.close()
    assert events == [{"type": "contract.created", "topic": "contract-events", "subject": subject}]
    assert await office.connection.fetchval("SELECT count(*) FROM events.outbox WHERE type = 'contract.inserted'") == 2


async def test_hand_written_mutations_and_several_fields_are_undone_together(office: Office) -> None:
    before = await office.everything()
    event, subject = str(uuid.uuid4()), str(uuid.uuid4())
    dry = await office.post(
        {
            "query": """mutation ($event: uuid!, $subject: String!) {
              insert_events_inbox_one(object: {event_id: $event}) { agent event_id }
              publish_event(type: "contract.created", subject: $subject, data: {contract_id: $subject}) { type topic }
            }""",
            "variables": {"event": event, "subject": subject},
        },
        role="service",
        user="contract",
        **DRY,
    )
    assert dry["data"] == {
        "insert_events_inbox_one": {"agent": "contract", "event_id": event},
        "publish_event": {"type": "contract.created", "topic": "contract-events"},
    }
    assert dry["extensions"]["dry_run"]["events"] == [
        {"type": "contract.created", "topic": "contract-events", "subject": subject}
    ]
    assert await office.everything() == before


async def test_a_mutation_that_fails_fails_dry_in_the_same_way(office: Office) -> None:
    body = {"query": INSERT, "variables": {"treatment": str(uuid.uuid4())}}
    real = await office.post(body, role="user", user=office.records.customer_id)
    dry = await office.post(body, role="user", user=office.records.customer_id, **DRY)
    assert real == dry
    assert dry["errors"][0]["extensions"]["code"] in ("constraint-violation", "permission-error")


async def test_constraints_that_wait_for_the_end_are_asked_in_a_dry_run(office: Office) -> None:
    await office.connection.execute(
        "ALTER TABLE public.contract ADD CONSTRAINT once UNIQUE (customer_id, start_date) DEFERRABLE INITIALLY DEFERRED"
    )
    body = {"query": INSERT, "variables": {"treatment": str(office.records.treatment_id)}}
    customer = office.records.customer_id
    assert "errors" not in await office.post(body, role="user", user=customer)
    real = await office.post(body, role="user", user=customer)
    assert real["errors"][0]["extensions"]["code"] == "constraint-violation"
    dry = await office.post(body, role="user", user=customer, **DRY)
    assert dry["errors"][0]["message"] == real["errors"][0]["message"]
    assert dry["errors"][0]["extensions"]["code"] == "constraint-violation"


async def test_every_mutation_of_a_batch_is_dry(office: Office) -> None:
    before = await office.everything()
    body = {"query": INSERT, "variables": {"treatment": str(office.records.treatment_id)}}
    answers = await office.post([body, body], role="user", user=office.records.customer_id, **DRY)
    assert [len(answer["extensions"]["dry_run"]["events"]) for answer in answers] == [1, 1]
    assert await office.everything() == before


async def test_a_query_is_answered_as_ever(office: Office) -> None:
    answer = await office.post({"query": "{ treatment { name } }"}, role="anonymous", **DRY)
    assert answer == {"data": {"treatment": [{"name": "Sleep"}]}}


@pytest.mark.parametrize("value", ["false", "", "0", "no"])
async def test_only_true_makes_a_run_dry(office: Office, value: str) -> None:
    body = {"query": INSERT, "variables": {"treatment": str(office.records.treatment_id)}}
    answer = await office.post(body, role="user", user=office.records.customer_id, **{"x-caregraph-dry-run": value})
    assert "extensions" not in answer
    assert await office.connection.fetchval("SELECT count(*) FROM public.contract") == 1


async def test_a_nested_update_can_be_tried_dry(office: Office) -> None:
    thread = await office.connection.fetchval(
        "INSERT INTO public.message_thread (customer_id, subject) VALUES ($1, 'Hello') RETURNING id",
        office.records.customer_id,
    )
    before = await office.everything()
    dry = await office.post(
        {
            "query": """mutation ($id: uuid!, $customer: uuid!) {
              update_message_thread_by_pk(pk_columns: {id: $id}, _set: {category: "billing"}, _related: {
                messages: {insert: {data: {body: "hello", sender_role: "customer", sender_customer_id: $customer}}}
              }) { category messages { body } }
            }""",
            "variables": {"id": str(thread), "customer": str(office.records.customer_id)},
        },
        role="admin",
        **DRY,
    )
    assert dry.get("errors") is None, dry
    assert dry["data"]["update_message_thread_by_pk"]["messages"] == [{"body": "hello"}]
    assert [event["type"] for event in dry["extensions"]["dry_run"]["events"]] == ["message.sent"]
    assert await office.everything() == before
