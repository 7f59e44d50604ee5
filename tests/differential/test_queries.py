"""Random queries over random rows: the engine and the oracle answer the same."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from tests.differential.oracle import answer
from tests.differential.queries import Document, aggregates, listings
from tests.differential.schemas import random_schemas
from tests.differential.served import Served, serve_random_schemas
from tests.differential.worlds import same, worlds
from tests.golden.effort import effort

pytestmark = pytest.mark.usefixtures("quiet")

_SCHEMAS = random_schemas()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(postgres_server: str) -> AsyncIterator[Served]:
    async with serve_random_schemas(postgres_server) as found:
        yield found


@effort(250)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_a_list_is_what_the_oracle_says(served: Served, data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(_SCHEMAS))
    table = data.draw(st.sampled_from(schema.tables))
    world = data.draw(worlds(schema))
    listing = data.draw(listings(schema, table))
    document = Document(schema=schema, as_variables=data.draw(st.booleans()))
    text = document.root(listing, table)
    async with served.holding(world):
        found = await served.ask(text, document.variables)
    assert same(found["root"], answer(world, listing, table, world.rows[table.name])), text


@effort(150)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_an_aggregate_is_what_the_oracle_says(served: Served, data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(_SCHEMAS))
    table = data.draw(st.sampled_from(schema.tables))
    world = data.draw(worlds(schema))
    aggregate = data.draw(aggregates(schema, table))
    document = Document(schema=schema, as_variables=data.draw(st.booleans()))
    text = document.root(aggregate, table)
    async with served.holding(world):
        found = await served.ask(text, document.variables)
    assert same(found["root"], answer(world, aggregate, table, world.rows[table.name])), text


@effort(60)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_values_in_variables_and_in_literals_answer_the_same(served: Served, data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(_SCHEMAS))
    table = data.draw(st.sampled_from(schema.tables))
    world = data.draw(worlds(schema))
    listing = data.draw(listings(schema, table))
    in_variables = Document(schema=schema, as_variables=True)
    in_literals = Document(schema=schema, as_variables=False)
    texts = in_variables.root(listing, table), in_literals.root(listing, table)
    async with served.holding(world):
        assert await served.ask(texts[0], in_variables.variables) == await served.ask(texts[1], {})
