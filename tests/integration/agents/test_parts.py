"""At the endpoint an agent has its own part of role `service`, whichever way it asks."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.agents.deliveries import World
from tests.integration.agents.surroundings import ADMIN_SECRET, STRANGER
from tests.integration.live.sockets import OLDER, TRANSPORT, connected
from tests.unit.permissions.agent_programs import PROMISED

CUSTOMER = "query ($id: uuid!) { customer_by_pk(id: $id) { id email } }"
CONTRACT = "query ($id: uuid!) { contract_by_pk(id: $id) { id } }"
RENAME = (
    "mutation ($id: uuid!) { update_customer(where: {id: {_eq: $id}}, _set: {zendesk_user_id: 7}) { affected_rows } }"
)
NAMES = """
    { __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { name } } }
"""
#: Every agent's own records.
COMMON = (
    {"events_inbox_by_pk"},
    {"insert_events_inbox", "insert_events_inbox_one", "insert_events_delivery", "insert_events_dead_letter"},
)
NOT_THERE = {"code": "validation-failed", "path": "$.selectionSet.contract_by_pk"}


async def post(world: World, headers: Mapping[str, str], body: Any) -> Any:
    answer = await world.client.post(f"{world.surroundings.api}/v1/graphql", json=body, headers=headers)
    return answer.json()


async def ask(world: World, agent: str, query: str, **variables: Any) -> Any:
    """An operation as the agent, by its service account's token."""
    body = {"query": query, "variables": variables}
    return await post(world, await world.surroundings.credentials(agent), body)


def as_admin(**variables: str) -> dict[str, str]:
    """Role service by the admin secret, with session variables."""
    named = {f"x-hasura-{name.replace('_', '-')}": value for name, value in variables.items()}
    return {"x-hasura-admin-secret": ADMIN_SECRET, "x-hasura-role": "service", **named}


def names(answer: Any) -> tuple[set[str], set[str]]:
    """The fields of the query root and the mutation root. Agents have no subscriptions."""
    schema = answer["data"]["__schema"]
    assert schema["subscriptionType"] is None
    query, mutation = schema["queryType"], schema["mutationType"]
    return {field["name"] for field in query["fields"]}, {field["name"] for field in mutation["fields"]}


async def test_introspection_shows_an_agent_its_own_part(world: World) -> None:
    for _ in range(2):
        # The second answers are those that were kept of the first.
        assert names(await ask(world, "identity", NAMES)) == (
            COMMON[0] | {"customer_by_pk", "staff_by_pk"},
            COMMON[1] | {"update_staff", "update_staff_many", "update_staff_by_pk"},
        )
        assert names(await ask(world, "subscription_change", NAMES)) == (
            COMMON[0] | {"customer_by_pk", "contract_by_pk"},
            COMMON[1] | {"insert_support_ticket", "publish_event"},
        )


async def test_what_another_agent_may_is_not_there(world: World) -> None:
    contract = await world.contract()
    found = {"data": {"contract_by_pk": {"id": str(contract)}}}
    for _ in range(2):
        assert await ask(world, "contract", CONTRACT, id=str(contract)) == found
        (error,) = (await ask(world, "zendesk", CONTRACT, id=str(contract)))["errors"]
        assert error == {
            "message": "field 'contract_by_pk' not found in type: 'query_root'",
            "extensions": NOT_THERE,
        }


async def test_services_written_against_hasura_find_a_contract_by_the_name_they_know(world: World) -> None:
    query = PROMISED.read_text()
    contract = await world.contract(customer_id=await world.customer(email="seed@example.com"))
    assert await ask(world, "contract", query, id=str(contract)) == {
        "data": {"contract": {"id": str(contract), "status": "future", "customer": {"email": "seed@example.com"}}}
    }
    assert await ask(world, "contract", query, id=str(uuid.uuid4())) == {"data": {"contract": None}}


async def test_in_a_batch_each_operation_is_judged_by_the_agents_part(world: World) -> None:
    contract = await world.contract()
    row = await world.row("SELECT customer_id FROM public.contract WHERE id = $1", contract)
    customer = str(row["customer_id"])
    batch = [
        {"query": CUSTOMER, "variables": {"id": customer}},
        {"query": CONTRACT, "variables": {"id": str(contract)}},
    ]
    first, second = await post(world, await world.surroundings.credentials("zendesk"), batch)
    assert first["data"]["customer_by_pk"]["id"] == customer
    assert second["errors"][0]["extensions"] == NOT_THERE


async def test_a_dry_run_is_judged_by_the_agents_part(world: World) -> None:
    body = {"query": RENAME, "variables": {"id": str(await world.customer())}}
    dry = {"x-caregraph-dry-run": "true"}
    allowed = await post(world, dry | await world.surroundings.credentials("zendesk"), body)
    assert allowed["data"] == {"update_customer": {"affected_rows": 1}}
    refused = await post(world, dry | await world.surroundings.credentials("notification"), body)
    assert refused["errors"][0]["message"] == "field 'update_customer' not found in type: 'mutation_root'"


@pytest.mark.parametrize("protocol", [TRANSPORT, OLDER])
async def test_over_a_socket_an_agent_has_its_part_and_no_subscriptions(world: World, protocol: str) -> None:
    contract, customer = await world.contract(), await world.customer()
    credentials = await world.surroundings.credentials("zendesk")
    async with connected(world.surroundings.api, credentials, protocol=protocol) as client:
        mine = await client.start(CUSTOMER, {"id": str(customer)})
        assert (await client.data(mine))["customer_by_pk"]["id"] == str(customer)
        another = await client.start(CONTRACT, {"id": str(contract)})
        assert (await client.error(another))["extensions"] == NOT_THERE
        live = await client.start(CUSTOMER.replace("query", "subscription"), {"id": str(customer)})
        assert (await client.error(live))["extensions"]["code"] == "validation-failed"
    async with connected(world.surroundings.api, as_admin(), protocol=protocol) as client:
        live = await client.start(CUSTOMER.replace("query", "subscription"), {"id": str(customer)})
        assert (await client.data(live))["customer_by_pk"]["id"] == str(customer)


async def test_an_answer_that_is_kept_for_one_agent_is_not_anothers(world: World) -> None:
    customer = str(await world.customer(email="first@example.com"))
    document = "query ($id: uuid!) @cached { customer_by_pk(id: $id) { id email } }"
    before = await ask(world, "zendesk", document, id=customer)
    await world.database.execute("UPDATE customer SET email = 'second@example.com' WHERE id = $1", uuid.UUID(customer))
    assert await ask(world, "zendesk", document, id=customer) == before
    assert (await ask(world, "identity", document, id=customer))["data"]["customer_by_pk"] == {
        "id": customer,
        "email": "second@example.com",
    }
    (error,) = (await ask(world, "data_deletion", document, id=customer))["errors"]
    assert error["message"] == "field 'customer_by_pk' not found in type: 'query_root'"


async def test_an_agent_publishes_its_own_types_of_events_and_no_others(world: World) -> None:
    document = """
        mutation ($type: String!, $subject: String!, $data: jsonb!) {
          publish_event(type: $type, subject: $subject, data: $data) { type }
        }
    """
    customer = str(await world.customer())
    about = {"subject": customer, "data": {"customer_id": customer}}
    allowed = await ask(world, "data_deletion", document, type="customer.deleted", **about)
    assert allowed == {"data": {"publish_event": {"type": "customer.deleted"}}}
    (error,) = (await ask(world, "data_deletion", document, type="customer.signed_up", **about))["errors"]
    assert error == {
        "message": "'data_deletion' doesn't publish events of type 'customer.signed_up'",
        "extensions": {"code": "access-denied", "path": "$.selectionSet.publish_event.args.type"},
    }
    assert (
        await world.rows("SELECT 1 FROM events.outbox WHERE type = 'customer.signed_up' AND subject = $1", customer)
        == []
    )
    (error,) = (await ask(world, "notification", document, type="message.sent", **about))["errors"]
    assert error["message"] == "field 'publish_event' not found in type: 'mutation_root'"


async def test_a_service_account_that_is_no_agents_has_what_is_common(world: World) -> None:
    assert names(await ask(world, STRANGER, NAMES)) == COMMON
    event = str(uuid.uuid4())
    document = "mutation ($id: uuid!) { insert_events_inbox_one(object: {event_id: $id}) { agent event_id } }"
    assert (await ask(world, STRANGER, document, id=event))["data"] == {
        "insert_events_inbox_one": {"agent": STRANGER, "event_id": event}
    }


async def test_a_token_has_no_other_part_for_the_asking(world: World) -> None:
    headers = await world.surroundings.credentials("zendesk") | {"x-hasura-user-id": "contract"}
    body = {"query": CONTRACT, "variables": {"id": str(await world.contract())}}
    assert (await post(world, headers, body))["errors"][0]["extensions"] == NOT_THERE


async def test_who_has_the_admin_secret_has_the_part_of_the_agent_they_name_or_everything(world: World) -> None:
    contract = str(await world.contract())
    body = {"query": CONTRACT, "variables": {"id": contract}}
    for me in ({}, {"user_id": "somebody"}, {"user_id": "contract"}):
        assert (await post(world, as_admin(**me), body))["data"] == {"contract_by_pk": {"id": contract}}
    assert (await post(world, as_admin(user_id="zendesk"), body))["errors"][0]["extensions"] == NOT_THERE
