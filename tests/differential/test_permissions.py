"""Random rules: what a role reads is what hand-written SQL lets through, everywhere that rows can be reached."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from permissions.session import Session
from tests.differential.oracle import World, answer
from tests.differential.queries import Aggregate, Document, Listing, Single, aggregates, listings
from tests.differential.rules import ROLE, Ruled, ruled, visible_sql
from tests.differential.schemas import Relation, Schema, random_schemas
from tests.differential.served import Served, serve_random_schemas
from tests.differential.worlds import same, worlds
from tests.golden.effort import effort

pytestmark = pytest.mark.usefixtures("quiet")

_SCHEMAS = random_schemas()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(postgres_server: str) -> AsyncIterator[Served]:
    async with serve_random_schemas(postgres_server) as found:
        yield found


async def visible(connection: "asyncpg.Connection[Any]", world: World, rules: Ruled) -> World:
    """The world as the views show it."""
    rows = {}
    for table in world.schema.tables:
        ids = {row["id"] for row in await connection.fetch(visible_sql(world.schema, table, rules))}
        rows[table.name] = [row for row in world.rows[table.name] if row["id"] in ids]
    return World(schema=world.schema, rows=rows)


def limited(selection: Any, schema: Schema, table: Relation, rules: Ruled) -> Any:
    """The selection with the role's limits in it: the smaller one wins, in aggregates for the nodes only."""

    def inner(item: Listing | Single) -> Any:
        return tuple(
            (alias, name, limited(below, schema, schema[_target(table, name)], rules))
            for alias, name, below in item.related
        )

    if isinstance(selection, Aggregate):
        # `oracle.answer` can't tell nodes from rows: the caller cuts the nodes.
        return replace(selection, rows=replace(selection.rows, related=inner(selection.rows)))
    if isinstance(selection, Single):
        return replace(selection, related=inner(selection))
    bounds = [bound for bound in (selection.limit, rules.limits[table.name]) if bound is not None]
    return replace(selection, limit=min(bounds, default=None), related=inner(selection))


def _target(table: Relation, name: str) -> str:
    return next(way.target for way in table.ways if way.name == name)


def cut_nodes(found: Any, selection: Any, schema: Schema, table: Relation, rules: Ruled) -> Any:
    """The oracle's answer with at most the role's limit of nodes in every aggregate."""
    if found is None:
        return None
    if isinstance(selection, Aggregate):
        nodes = found["nodes"][: rules.limits[table.name]]
        return {**found, "nodes": [_cut_row(row, selection.rows, schema, table, rules) for row in nodes]}
    if isinstance(selection, Single):
        return _cut_row(found, selection, schema, table, rules)
    return [_cut_row(row, selection, schema, table, rules) for row in found]


def _cut_row(row: Any, selection: Listing | Single, schema: Schema, table: Relation, rules: Ruled) -> Any:
    related = {alias: (name, below) for alias, name, below in selection.related}
    return {
        key: cut_nodes(value, related[key][1], schema, schema[_target(table, related[key][0])], rules)
        if key in related
        else value
        for key, value in row.items()
    }


@effort(80)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_a_role_reads_what_views_would_show(served: Served, data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(_SCHEMAS))
    table = data.draw(st.sampled_from(schema.tables))
    world = data.draw(worlds(schema))
    rules = data.draw(ruled(schema))
    selection: Listing | Aggregate = data.draw(listings(schema, table) | aggregates(schema, table))
    document = Document(schema=schema, as_variables=data.draw(st.booleans()))
    text = document.root(selection, table)
    session = Session(role=ROLE, variables=rules.session)
    async with served.holding(world) as connection:
        found = await served.ask(text, document.variables, session, served.engine(rules.rules(schema)))
        seen = await visible(connection, world, rules)
    expected = answer(seen, limited(selection, schema, table, rules), table, seen.rows[table.name])
    expected = cut_nodes(expected, selection, schema, table, rules)
    assert same(found["root"], expected), (text, rules)


@effort(25)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_leads_to_a_row_exactly_when_the_view_shows_it(served: Served, data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(_SCHEMAS))
    world = data.draw(worlds(schema))
    rules = data.draw(ruled(schema))
    engine = served.engine(rules.rules(schema))
    session = Session(role=ROLE, variables=rules.session)
    async with served.holding(world) as connection:
        seen = await visible(connection, world, rules)
        for table in schema.tables:
            name = f"{schema.name}_{table.name}_by_pk"
            ids = {row["id"] for row in seen.rows[table.name]}
            for row in world.rows[table.name]:
                found = await served.ask(f"{{ root: {name}(id: {row['id']}) {{ id }} }}", {}, session, engine)
                assert found["root"] == ({"id": row["id"]} if row["id"] in ids else None)
