"""Random rules for writing: a role changes what hand-written SQL changes, and what it may not leaves no trace."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from permissions.model import ALL, Delete, Insert, Select, TablePermissions, Update
from permissions.session import Session
from tests.differential.oracle import World
from tests.differential.queries import VALUES, literal
from tests.differential.rules import ROLE, condition_sql, conditions, sessions, value_sql
from tests.differential.schemas import Relation, Schema, random_schemas
from tests.differential.served import Served, serve_random_schemas
from tests.differential.worlds import readable, worlds
from tests.golden.effort import effort

pytestmark = pytest.mark.usefixtures("quiet")

_SCHEMAS = random_schemas()
_ALL = Select(columns=ALL, filter={})

Connection = "asyncpg.Connection[Any]"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def served(postgres_server: str) -> AsyncIterator[Served]:
    async with serve_random_schemas(postgres_server) as found:
        yield found


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The rows of all tables afterwards, and how many were changed; or why nothing was."""

    rows: Mapping[str, Any]
    changed: int = 0
    error: str = ""


async def contents(connection: "asyncpg.Connection[Any]", schema: Schema) -> dict[str, Any]:
    return {
        table.name: await connection.fetchval(
            f"SELECT coalesce(json_agg(t ORDER BY t.id), '[]')::text FROM {schema.name}.{table.name} t"  # noqa: S608
        )
        for table in schema.tables
    }


async def by_hand(connection: "asyncpg.Connection[Any]", schema: Schema, statement: str) -> Outcome:
    """What the statement does; it answers for each row whether it may be as it is now. Undone in the end."""
    before = await contents(connection, schema)
    await connection.execute("SAVEPOINT by_hand")
    try:
        allowed = [row[0] for row in await connection.fetch(statement)]
        if not all(allowed):
            return Outcome(rows=before, error="permission-error")
        return Outcome(rows=await contents(connection, schema), changed=len(allowed))
    except asyncpg.ForeignKeyViolationError:
        # Keys are looked at when the statement is over; the rule speaks earlier.
        return Outcome(rows=before, error="permission-error or constraint-violation")
    except asyncpg.IntegrityConstraintViolationError:
        return Outcome(rows=before, error="constraint-violation")
    finally:
        await connection.execute("ROLLBACK TO SAVEPOINT by_hand")


async def by_engine(
    served: Served,
    connection: "asyncpg.Connection[Any]",
    schema: Schema,
    table: Relation,
    permissions: TablePermissions,
    session: Session,
    mutation: str,
) -> Outcome:
    """What the mutation does, whose field is called `done`."""
    engine = served.engine({ROLE: {f"{schema.name}.{table.name}": permissions}})
    answer = readable(await engine.execute(session, mutation))
    rows = await contents(connection, schema)
    if "errors" in answer:
        return Outcome(rows=rows, error=answer["errors"][0]["extensions"]["code"])
    return Outcome(rows=rows, changed=int(answer["data"]["done"]["affected_rows"]))


def same(found: Outcome, expected: Outcome) -> bool:
    told = bool(found.error) and found.error in expected.error if expected.error else not found.error
    return told and (found.rows, found.changed) == (expected.rows, expected.changed)


def text_of(value: Any) -> str:
    return literal(f"{value:f}" if isinstance(value, Decimal) else value)


@st.composite
def values(draw: st.DrawFn, world: World, table: Relation, *, every: bool) -> dict[str, Any]:
    """Values for columns: of a new row, or to set."""
    found: dict[str, Any] = {}
    keys = {way.local: way.target for way in table.ways if not way.many}
    for column in table.fields:
        if column.name == "id" or not (every or draw(st.integers(0, 2)) == 0):
            continue
        targets = [row["id"] for row in world.rows[keys[column.name]]] if column.name in keys else []
        # A key that leads nowhere, too.
        given = st.sampled_from([*targets, 99]) if column.name in keys else VALUES[column.kind]
        found[column.name] = draw(given if column.required else st.none() | given)
    return found


def drawn(data: st.DataObject) -> tuple[Schema, Relation, World, dict[str, str]]:
    schema = data.draw(st.sampled_from(_SCHEMAS))
    return schema, data.draw(st.sampled_from(schema.tables)), data.draw(worlds(schema)), data.draw(sessions())


def preset(data: st.DataObject, table: Relation) -> str | None:
    """A column that the session sets."""
    names = [column.name for column in table.fields if column.kind == "int" and column.name.startswith("c")]
    return data.draw(st.none() | st.sampled_from(names)) if names else None


@effort(30)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_a_role_deletes_what_its_filter_lets_through(served: Served, data: st.DataObject) -> None:
    schema, table, world, session = drawn(data)
    rule, asked = data.draw(conditions(schema, table)), data.draw(st.integers(-1, 3))
    name = f"{schema.name}_{table.name}"
    where = condition_sql(schema, table, rule, session)
    statement = f"DELETE FROM {schema.name}.{table.name} AS t0 WHERE ({where}) AND t0.id >= {asked} RETURNING TRUE"  # noqa: S608
    mutation = f"mutation {{ done: delete_{name}(where: {{id: {{_gte: {asked}}}}}) {{ affected_rows }} }}"
    permissions = TablePermissions(select=_ALL, delete=Delete(filter=rule))
    async with served.holding(world) as connection:
        expected = await by_hand(connection, schema, statement)
        caller = Session(role=ROLE, variables=session)
        found = await by_engine(served, connection, schema, table, permissions, caller, mutation)
    assert same(found, expected), (mutation, rule, session)


@effort(50)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_a_role_updates_what_its_filter_lets_through_to_what_its_check_allows(
    served: Served, data: st.DataObject
) -> None:
    schema, table, world, session = drawn(data)
    rule, check = data.draw(conditions(schema, table)), data.draw(st.none() | conditions(schema, table))
    given_values = data.draw(values(world, table, every=False))
    column = preset(data, table)
    presets = {column: "X-Hasura-Int"} if column else {}
    set_values = {key: value for key, value in given_values.items() if key not in presets}
    name = f"{schema.name}_{table.name}"
    listed = ", ".join(f"{key}: {text_of(value)}" for key, value in set_values.items())
    mutation = f"mutation {{ done: update_{name}(where: {{}}, _set: {{{listed}}}) {{ affected_rows }} }}"
    assigned = [f"{key} = {value_sql(schema, table, key, value)}" for key, value in set_values.items()]
    assigned += [f"{key} = {session['x-hasura-int']}" for key in presets]
    where = condition_sql(schema, table, rule, session)
    # A row's relationships are as they were before the statement, in hand-written SQL as in any.
    tested = condition_sql(schema, table, check or {}, session)
    statement = (
        f"UPDATE {schema.name}.{table.name} AS t0 SET {', '.join(assigned)} WHERE {where} "  # noqa: S608
        f"RETURNING ({tested}) IS TRUE"
    )
    permissions = TablePermissions(select=_ALL, update=Update(columns=ALL, filter=rule, check=check, presets=presets))
    async with served.holding(world) as connection:
        # Nothing asked for is nothing done.
        expected = (
            await by_hand(connection, schema, statement)
            if set_values
            else Outcome(rows=await contents(connection, schema))
        )
        caller = Session(role=ROLE, variables=session)
        found = await by_engine(served, connection, schema, table, permissions, caller, mutation)
    assert same(found, expected), (mutation, rule, check, session)


@effort(50)
@given(data=st.data())
@pytest.mark.asyncio(loop_scope="session")
async def test_a_role_inserts_rows_that_its_check_allows(served: Served, data: st.DataObject) -> None:
    schema, table, world, session = drawn(data)
    check = data.draw(conditions(schema, table))
    column = preset(data, table)
    presets = {column: "X-Hasura-Int"} if column else {}
    name = f"{schema.name}_{table.name}"
    rows = [
        {"id": 50 + number, **data.draw(values(world, table, every=True))}
        for number in range(data.draw(st.integers(1, 2)))
    ]
    objects = [
        "{" + ", ".join(f"{key}: {text_of(value)}" for key, value in row.items() if key not in presets) + "}"
        for row in rows
    ]
    mutation = f"mutation {{ done: insert_{name}(objects: [{', '.join(objects)}]) {{ affected_rows }} }}"
    names = [item.name for item in table.fields]
    lines = [
        "("
        + ", ".join(
            session["x-hasura-int"] if key in presets else value_sql(schema, table, key, row[key]) for key in names
        )
        + ")"
        for row in rows
    ]
    tested = condition_sql(schema, table, check, session)
    statement = (
        f"INSERT INTO {schema.name}.{table.name} AS t0 ({', '.join(names)}) VALUES {', '.join(lines)} "  # noqa: S608
        f"RETURNING ({tested}) IS TRUE"
    )
    permissions = TablePermissions(select=_ALL, insert=Insert(columns=ALL, check=check, presets=presets))
    async with served.holding(world) as connection:
        expected = await by_hand(connection, schema, statement)
        caller = Session(role=ROLE, variables=session)
        found = await by_engine(served, connection, schema, table, permissions, caller, mutation)
    assert same(found, expected), (mutation, check, session)
