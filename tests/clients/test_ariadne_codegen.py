"""ariadne-codegen makes typed Python clients of the service role's schema and the agents' operations."""

import json
import uuid
from pathlib import Path
from typing import Final

from tests.clients.conftest import Api
from tests.clients.tools import CHECKOUT, AriadneCodegen

_CONFIGURATION: Final = """
[tool.ariadne-codegen]
schema_path = "docs/schema/service.graphql"
queries_path = "agents/{agent}"
target_package_path = "{folder}"
target_package_name = "{agent}_client"
client_name = "Client"
include_comments = "none"

[tool.ariadne-codegen.scalars]
uuid = {{type = "uuid.UUID"}}
timestamptz = {{type = "datetime.datetime"}}
bigint = {{type = "int"}}
"""


async def test_generated_clients_of_the_agents_operations_ask_the_endpoint(
    ariadne_codegen: AriadneCodegen, api: Api, tmp_path: Path
) -> None:
    agents = sorted(path.parent.name for path in (CHECKOUT / "agents").glob("*/operations.graphql"))
    assert {"runtime", "zendesk"} <= set(agents)
    for agent in agents:
        configuration = tmp_path / f"{agent}.toml"
        configuration.write_text(_CONFIGURATION.format(agent=agent, folder=tmp_path))
        await ariadne_codegen.generate(configuration)
    event = str(uuid.uuid4())
    token = api.service_tokens["zendesk"]
    output = await ariadne_codegen.use(str(tmp_path), api.graphql_url, token, api.customer_id, event)
    changed, customer, recorded, found = json.loads(output)
    assert changed["update_customer_by_pk"]["id"] == api.customer_id
    assert customer["customer"]["id"] == api.customer_id
    assert customer["customer"]["zendesk_user_id"] == 2**53 + 1
    assert recorded["insert_events_inbox"]["affected_rows"] == 1
    assert found["entry"]["event_id"] == event
