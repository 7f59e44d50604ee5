"""Over HTTP: what a client sends arrives as it was written."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.settings import ServerSettings
from tests.integration.hasura.harbour.conftest import FOLDER
from tests.integration.identity.serving import http_client, serve

TONNES = "12345678901234567890.12345678901234567890"
PAPERS = '{"a": [0.1234567890123456789012345]}'


@pytest.fixture
async def client(harbour_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the admin secret."""
    settings: dict[str, Any] = {"database_url": harbour_url, "pool_size": 2, "hasura_metadata": FOLDER / "metadata"}
    application = create_application(ServerSettings(**settings), AuthenticationSettings(own_admin_secret="secret"))
    async with serve(application) as base_url, http_client(base_url) as http:
        http.headers["x-hasura-admin-secret"] = "secret"
        yield http


async def test_numbers_of_many_digits_are_stored_and_compared_as_written(client: httpx.AsyncClient) -> None:
    insert = """mutation ($tonnes: numeric, $papers: jsonb, $inner: jsonb) {
        insert_ship(objects: [
            {id: 20, name: "Fin", tonnes: $tonnes, papers: $papers}
            {id: 21, name: "Gar", papers: {b: $inner}}
        ]) { affected_rows }
    }"""

    async def add(inner: str) -> str:
        variables = f'{{"tonnes": {TONNES}, "papers": {PAPERS}, "inner": {inner}}}'
        body = f'{{"query": {orjson.dumps(insert).decode()}, "variables": {variables}}}'
        return (await client.post("/v1/graphql", content=body)).text.replace(" ", "")

    assert await add("1.00000000000000001") == '{"data":{"insert_ship":{"affected_rows":2}}}'
    query = "query ($t: [numeric!]) { ship(where: {tonnes: {_in: $t}}) { id tonnes papers } }"
    body = f'{{"query": {orjson.dumps(query).decode()}, "variables": {{"t": [{TONNES}]}}}}'
    answer = await client.post("/v1/graphql", content=body)
    assert answer.text == f'{{"data":{{"ship":[{{"id":20,"tonnes":{TONNES},"papers":{PAPERS}}}]}}}}'

    # A float would take the next for the same number, and the plan with the first for the plan with this one.
    await client.post(
        "/v1/graphql", json={"query": "mutation { delete_ship(where: {id: {_gt: 9}}) { affected_rows } }"}
    )
    await add("1.00000000000000002")
    answer = await client.post("/v1/graphql", json={"query": "{ ship_by_pk(id: 21) { papers } }"})
    assert answer.text == '{"data":{"ship_by_pk":{"papers":{"b": 1.00000000000000002}}}}'
