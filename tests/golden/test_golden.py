"""Every case of `cases/` becomes exactly its SQL, and PostgreSQL answers exactly its JSON.

`UPDATE_GOLDEN=sql` rewrites the statements of cases whose answers are right, `UPDATE_GOLDEN=1` the answers, too; read
the difference before you commit it.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.errors import GraphQLRequestError
from server.source import Source
from tests.golden.case import CASES, Afterwards, Case, case_files, read_case, same_sql, write_case
from tests.golden.exact_json import parse_exactly, render_exactly
from tests.golden.isolation import IsolatedPool
from tests.golden.world import golden_clone, open_pool

_UPDATE = os.environ.get("UPDATE_GOLDEN", "")
_ADMIN = Session(role="admin")
#: Sequences are not undone: they start anew, so that a case knows which numbers its rows get.
_RESTART = """
    SELECT setval(pg_get_serial_sequence('public.author', 'id'), 100),
           setval(pg_get_serial_sequence('public.article', 'id'), 100),
           setval(pg_get_serial_sequence('public.booking', 'id'), 1)
"""


def planned(engine: Engine, case: Case) -> tuple[str, ...]:
    """The statements that the engine makes of the case; none when it refuses."""
    try:
        plan = engine._plan(engine._role(Session(role=case.role)), case.query, case.variables, case.operation)
    except GraphQLRequestError:
        return ()
    return tuple(statement.sql for statement in plan.statements())


async def run_case(engine: Engine, case: Case) -> Case:
    """The case as it turns out."""
    sql = planned(engine, case)
    session = Session(role=case.role, variables=case.session)
    answer = await engine.execute(session, case.query, case.variables or None, case.operation)
    then = None
    if case.then is not None:
        found = await engine.execute(_ADMIN, case.then.query)
        then = Afterwards(query=case.then.query, json=found.decode())
    return replace(case, sql=sql, json=answer.decode(), then=then)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def isolated_pool(golden_database_url: str) -> AsyncIterator[IsolatedPool]:
    """A pool on a database that forgets what each case did."""
    pool = IsolatedPool(golden_database_url)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def engine(golden_source: Source, isolated_pool: IsolatedPool) -> Engine:
    """One engine for all cases: plans of one must not harm another."""
    return golden_source.engine(isolated_pool)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("path", case_files(), ids=lambda path: str(path.relative_to(CASES).with_suffix("")))
async def test_case_becomes_its_sql_and_its_answer(
    path: Path,
    engine: Engine,
    isolated_pool: IsolatedPool,
    golden_source: Source,
    postgres_server: str,
    golden_template: str,
) -> None:
    case = read_case(path)
    if case.commits:
        async with golden_clone(postgres_server, golden_template) as url, open_pool(url) as pool:
            actual = await run_case(golden_source.engine(pool), case)
    else:
        async with isolated_pool.undone() as connection:
            await connection.execute(_RESTART)
            actual = await run_case(engine, case)
    if _UPDATE == "1":
        write_case(path, actual)
        return
    assert readable(actual.json) == readable(case.json)
    if case.then is not None and actual.then is not None:
        assert readable(actual.then.json) == readable(case.then.json)
    if _UPDATE == "sql":
        write_case(path, replace(case, sql=actual.sql))
        return
    assert same_sql(actual.sql, case.sql), "\n\n".join(actual.sql)


def readable(text: str) -> list[str]:
    """JSON as lines, so that a difference is found."""
    return render_exactly(parse_exactly(text), indent=60).splitlines()


def test_there_are_at_least_300_cases() -> None:
    assert len(case_files()) >= 300


def test_every_case_has_a_title_of_its_own() -> None:
    titles = [read_case(path).title for path in case_files()]
    assert sorted(titles) == sorted(set(titles))
