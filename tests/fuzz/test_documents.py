"""Random documents: an answer or a proper error, never an accident; and no client's text in a statement."""

import re
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLObjectType
from hypothesis import example, given
from hypothesis import strategies as st

from permissions.session import Session
from resolvers.engine import Engine
from server.source import Source
from tests.fuzz.documents import HOSTILE, MARK, DocumentWriter
from tests.fuzz.judging import judge, watched
from tests.golden.effort import EFFORT, effort
from tests.golden.isolation import IsolatedPool
from tests.golden.planning import outcome

ROLES = ("admin", "anonymous", "clerk", "editor", "helper", "member", "reader", "writer")
_SESSION = {"x-hasura-user-id": "1", "x-hasura-authors": "{1,2}", "x-hasura-user-name": "ann"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pool(golden_database_url: str) -> AsyncIterator[IsolatedPool]:
    found = IsolatedPool(golden_database_url)
    yield found
    await found.close()


@pytest.fixture(scope="module")
def engine(golden_source: Source, pool: IsolatedPool) -> Engine:
    return golden_source.engine(pool)


def write(engine: Engine, role: str, random: Random, **options: Any) -> tuple[str, dict[str, Any]]:
    """A document and its variables."""
    writer = DocumentWriter(engine.schema(role).graphql_schema, random, **options)
    kind = "mutation" if random.random() < 0.4 else "query"
    return writer.operation(kind), writer.variables


@effort(500)
@given(seed=st.integers(0, 2**48), role=st.sampled_from(ROLES))
@pytest.mark.asyncio(loop_scope="session")
async def test_any_document_has_a_proper_answer(seed: int, role: str, engine: Engine, pool: IsolatedPool) -> None:
    random = Random(seed)  # noqa: S311 -- not a secret
    document, variables = write(engine, role, random)
    session = Session(role=role, variables=_SESSION if random.random() < 0.9 else {})
    with watched() as events:
        async with pool.undone():
            body = await engine.execute(session, document, variables)
    judge(body, events, (role, document, variables))


@effort(300)
@given(seed=st.integers(0, 2**48), role=st.sampled_from(ROLES))
def test_texts_reach_sql_as_binds_alone(seed: int, role: str, engine: Engine) -> None:
    random = Random(seed)  # noqa: S311 -- not a secret
    document, variables = write(engine, role, random, hostile=True, mischief=0.0)
    session = Session(role=role, variables=dict.fromkeys(_SESSION, random.choice(HOSTILE)))
    made = outcome(engine, session, document, variables)
    for statement in made.sql:
        assert MARK not in statement, (document, variables)


def roots(engine: Engine) -> list[tuple[str, str]]:
    """Every root field that an administrator has."""
    schema = engine.schema("admin").graphql_schema
    kinds: dict[str, GraphQLObjectType | None] = {"query": schema.query_type, "mutation": schema.mutation_type}
    return [(kind, name) for kind, root in kinds.items() if root is not None for name in root.fields]


def test_hostile_texts_go_through_every_argument_of_every_field(engine: Engine) -> None:
    schema = engine.schema("admin").graphql_schema
    planned = 0
    for kind, name in roots(engine):
        root = schema.query_type if kind == "query" else schema.mutation_type
        assert root is not None
        for seed in range(EFFORT):
            writer = DocumentWriter(schema, Random(seed), mischief=0.0, hostile=True)  # noqa: S311 -- not a secret
            document = writer.root_field(name, root.fields[name], kind)
            made = outcome(engine, Session(role="admin"), document, {})
            assert all(MARK not in statement for statement in made.sql), document
            planned += bool(made.sql)
    # Some combinations contradict each other (a key and a row to take it from): most don't.
    assert planned > 40 * EFFORT


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_session_variables_are_binds(text: str, engine: Engine) -> None:
    session = Session(role="clerk", variables={"x-hasura-user-name": text, "x-hasura-authors": text})
    made = outcome(engine, session, "{ cartLines { cart } shop_order { id } }", {})
    assert MARK not in made.sql[0]
    assert text in made.arguments[0]


@effort(100)
@given(alias=st.from_regex(re.compile(r"\A[_A-Za-z][_0-9A-Za-z]{0,90}\Z", re.ASCII)))
@example(alias="a" * 64)
@example(alias="select")
@pytest.mark.asyncio(loop_scope="session")
async def test_any_name_may_be_an_alias(alias: str, engine: Engine, pool: IsolatedPool) -> None:
    aggregate = f"n{alias}: articles_aggregate {{ {alias}: aggregate {{ {alias}: count }} }}"
    document = f"{{ {alias}: author_by_pk(id: 1) {{ {alias}: id {aggregate} }} }}"
    with watched() as events:
        async with pool.undone():
            answer = judge(await engine.execute(Session(role="admin"), document), events, document)
    assert answer == {"data": {alias: {alias: 1, f"n{alias}": {alias: {alias: 2}}}}}
