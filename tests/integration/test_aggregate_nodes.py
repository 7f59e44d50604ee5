"""`nodes` beside aggregates that PostgreSQL sorts for."""

import orjson
import pytest

from permissions.rules import RULES
from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata


@pytest.mark.parametrize("arguments", ["order_by: {id: desc}", "order_by: {id: desc}, limit: 50"])
async def test_nodes_keep_their_order_beside_a_count_of_distinct_values(demo_database_url: str, arguments: str) -> None:
    pool = Pool(demo_database_url, size=1)
    engine = Engine(catalogue=catalogue_from_metadata(metadata), rules=RULES, pool=pool)
    document = (
        f"{{ customer_aggregate({arguments}) {{"
        " aggregate { count(columns: [first_name], distinct: true) } nodes { id first_name } } }"
    )

    body = await engine.execute(Session(role="admin"), document, {})
    await pool.close()

    ids = [node["id"] for node in orjson.loads(body)["data"]["customer_aggregate"]["nodes"]]
    assert len(ids) >= 50
    assert ids == sorted(ids, reverse=True)
