"""graphql-codegen types documents against a running endpoint; Apollo Client and urql run them."""

import json

from tests.clients.conftest import Api
from tests.clients.tools import Node


async def test_apollo_and_urql_query_change_and_watch_with_generated_types(node: Node, api: Api) -> None:
    environment = api.environment()
    # Types of all documents, then the scripts compiled with them: what does not fit the endpoint fails here.
    codegen = node.program("@graphql-codegen/cli", "esm", "bin.js")
    await node.run(codegen, "--config", "codegen.config.mjs", "--errors-only", environment=environment)
    await node.run(node.program("typescript", "bin", "tsc"), environment=environment)

    apollo = json.loads(await node.run("out/src/apollo.js", environment=environment))
    assert apollo["contracts"]
    assert all(apollo["contracts"])
    assert apollo["live"][1:] == ["Apollo"]
    assert apollo["code"] == "data-exception"
    # The mutation's answer changed the cached row, known by its type and id.
    assert apollo["cached"] == "Apollo"

    urql = json.loads(await node.run("out/src/urql.js", environment=environment))
    assert urql["contracts"] == apollo["contracts"]
    assert urql["live"] == ["Apollo", "Urql"]
    assert urql["code"] == "data-exception"
    # The mutation's types made the cached answer one to ask for anew.
    assert (urql["kept"], urql["asked"], urql["name"]) == ("hit", "miss", "Urql")
