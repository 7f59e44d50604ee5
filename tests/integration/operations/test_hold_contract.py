"""`hold_contract`: a write-back about a contract that has changed since it was read is undone."""

import uuid
from typing import Any

import pytest

from tests.integration.operations.conftest import Endpoint
from tests.integration.triggers.records import Records

READ = "query ($id: uuid!) { contract_by_pk(id: $id) { updated_at } }"
HOLD = """
    mutation ($id: uuid!, $updated_at: timestamptz!, $inbox: uuid!) {
      insert_events_inbox_one(object: {event_id: $inbox}) { event_id }
      hold_contract(id: $id, updated_at: $updated_at) { id }
      update_contract(where: {id: {_eq: $id}}, _set: {status: "active"}) { affected_rows }
    }
"""


async def ask(endpoint: Endpoint, document: str, **variables: Any) -> Any:
    answer = await endpoint.ask(document, role="service", me="contract", **variables)
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else answer["data"]


async def test_what_is_as_it_was_read_may_be_changed(endpoint: Endpoint, records: Records) -> None:
    contract_id = await records.insert_contract()
    read = (await ask(endpoint, READ, id=str(contract_id)))["contract_by_pk"]
    answer = await ask(endpoint, HOLD, id=str(contract_id), inbox=str(uuid.uuid4()), **read)
    assert answer["hold_contract"] == {"id": str(contract_id)}
    assert answer["update_contract"] == {"affected_rows": 1}


async def test_what_has_changed_since_undoes_the_whole_mutation(endpoint: Endpoint, records: Records) -> None:
    contract_id = await records.insert_contract()
    read = (await ask(endpoint, READ, id=str(contract_id)))["contract_by_pk"]
    await records.touch(contract_id, 1)
    assert await ask(endpoint, HOLD, id=str(contract_id), inbox=str(uuid.uuid4()), **read) == "contract-changed"
    assert await records.connection.fetchval("SELECT status FROM contract WHERE id = $1", contract_id) == "future"
    assert await records.connection.fetchval("SELECT count(*) FROM events.inbox") == 0


async def test_what_is_gone_is_refused_in_the_same_way(endpoint: Endpoint) -> None:
    variables = {"id": str(uuid.uuid4()), "updated_at": "2026-01-01T00:00:00Z", "inbox": str(uuid.uuid4())}
    assert await ask(endpoint, HOLD, **variables) == "contract-changed"


@pytest.mark.parametrize("role", ["cct", "provider", "user", "anonymous"])
async def test_people_have_no_part_in_it(endpoint: Endpoint, role: str) -> None:
    document = "mutation ($id: uuid!, $at: timestamptz!) { hold_contract(id: $id, updated_at: $at) { id } }"
    answer = await endpoint.ask(document, role=role, me=str(uuid.uuid4()), id=str(uuid.uuid4()), at="2026-01-01")
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"
