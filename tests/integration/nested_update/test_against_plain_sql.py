# ruff: noqa: S608 -- the conditions are the ones listed here
"""A nested update does what the same steps, written by hand as plain SQL, do one after the other."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from schema.catalogue import Catalogue
from tests.databases import create_database, drop_database, run

Operations = dict[str, Any]

_STATE = """
SELECT 'article', title, status, changed_by, author_id::text FROM article
UNION ALL SELECT 'comment', body, likes::text, NULL, (SELECT title FROM article WHERE id = article_id) FROM comment
UNION ALL SELECT 'person', name, visits::text, NULL, home_id::text FROM person
ORDER BY 1, 2, 3, 4, 5
"""
_RESET = """
TRUNCATE article, comment, article_tag;
INSERT INTO article (id, title, status, author_id)
SELECT n, 'article ' || n, (ARRAY['draft', 'published'])[1 + n % 2], nullif(n % 4, 0) FROM generate_series(1, 8) n;
INSERT INTO comment (id, body, article_id)
SELECT n, 'comment ' || n, 1 + n * 3 % 8 FROM generate_series(1, 10) n WHERE n % 3 > 0;
UPDATE article SET changed_by = NULL;
UPDATE person SET visits = 0;
"""

article_conditions = st.sampled_from(
    [
        ({}, "true"),
        ({"status": {"_eq": "draft"}}, "status = 'draft'"),
        ({"id": {"_lte": 4}}, "id <= 4"),
        ({"_not": {"comments": {}}}, "NOT EXISTS (SELECT 1 FROM comment c WHERE c.article_id = article.id)"),
    ]
)
comment_conditions = st.sampled_from([({}, "true"), ({"id": {"_gt": 4}}, "id > 4")])
comment_operations: st.SearchStrategy[Operations] = st.fixed_dictionaries(
    {},
    optional={
        "delete": comment_conditions,
        "update": st.lists(st.tuples(comment_conditions, st.integers(1, 3)), max_size=2),
        "insert": st.integers(1, 2),
    },
)
article_operations: st.SearchStrategy[Operations] = st.fixed_dictionaries(
    {},
    optional={
        "delete": article_conditions,
        "unlink": article_conditions,
        "update": st.lists(
            st.tuples(
                article_conditions,
                st.sampled_from([None, ("status", "published"), ("changed_by", "me")]),
                comment_operations,
            ),
            max_size=2,
        ),
        "link": st.lists(st.integers(1, 9), max_size=2),
        "insert": st.integers(0, 2),
    },
)


def as_input(operations: Operations) -> dict[str, Any]:
    """The value of `_related: {articles: …}`."""
    found: dict[str, Any] = {}
    for name, value in operations.items():
        if name in ("delete", "unlink"):
            found[name] = {"where": value[0]}
        elif name == "link":
            found[name] = [{"id": key} for key in value]
        elif name == "insert":
            found[name] = {"data": [{"title": f"new {number}"} for number in range(value)]}
        else:
            found[name] = [
                {
                    "where": where[0],
                    "_set": {change[0]: change[1]} if change else {},
                    "_related": {"comments": comments_as_input(comments)},
                }
                for where, change, comments in value
            ]
    return found


def comments_as_input(operations: Operations) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in operations.items():
        if name == "delete":
            found[name] = {"where": value[0]}
        elif name == "insert":
            found[name] = {"data": [{"body": f"new {number}"} for number in range(value)]}
        else:
            found[name] = [{"where": where[0], "_inc": {"likes": likes}} for where, likes in value]
    return found


async def by_hand(connection: asyncpg.Connection, people: list[int], operations: Operations) -> None:
    """The same in plain SQL. Raises asyncpg.PostgresError or LookupError where it can't be done."""
    await connection.execute("UPDATE person SET visits = visits + 1 WHERE id = ANY ($1)", people)
    if "delete" in operations:
        await connection.execute(
            f"DELETE FROM article WHERE author_id = ANY ($1) AND ({operations['delete'][1]})", people
        )
    if "unlink" in operations:
        await connection.execute(
            f"UPDATE article SET author_id = NULL WHERE author_id = ANY ($1) AND ({operations['unlink'][1]})", people
        )
    for where, change, comments in operations.get("update", ()):
        chosen = await connection.fetch(f"SELECT id FROM article WHERE author_id = ANY ($1) AND ({where[1]})", people)
        articles = [row["id"] for row in chosen]
        if change:
            await connection.execute(f"UPDATE article SET {change[0]} = $2 WHERE id = ANY ($1)", articles, change[1])
        await comments_by_hand(connection, articles, comments)
    if operations.get("link") and people:
        if len(people) > 1:
            raise LookupError
        for key in operations["link"]:
            if (
                await connection.execute("UPDATE article SET author_id = $1 WHERE id = $2", people[0], key)
                == "UPDATE 0"
            ):
                raise LookupError
    for person in people:
        for number in range(operations.get("insert", 0)):
            await connection.execute("INSERT INTO article (title, author_id) VALUES ($1, $2)", f"new {number}", person)


async def comments_by_hand(connection: asyncpg.Connection, articles: list[int], operations: Operations) -> None:
    if "delete" in operations:
        await connection.execute(
            f"DELETE FROM comment WHERE article_id = ANY ($1) AND ({operations['delete'][1]})", articles
        )
    for where, likes in operations.get("update", ()):
        await connection.execute(
            f"UPDATE comment SET likes = likes + $2 WHERE article_id = ANY ($1) AND ({where[1]})", articles, likes
        )
    for article in articles:
        for number in range(operations.get("insert", 0)):
            await connection.execute("INSERT INTO comment (body, article_id) VALUES ($1, $2)", f"new {number}", article)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two databases of the same content: the engine changes one, plain SQL the other."""

    runner: asyncio.Runner
    engine: Engine
    ours: asyncpg.Connection
    plain: asyncpg.Connection


@pytest.fixture(scope="module")
def twins(postgres_server: str, house_template: tuple[str, Catalogue]) -> Iterator[Twins]:
    """The twins."""
    template, catalogue = house_template
    urls = [run(create_database(postgres_server, template=template)) for _ in range(2)]
    with asyncio.Runner() as runner:
        pool = Pool(urls[0], size=1, statement_timeout_s=10)
        connections = [runner.run(asyncpg.connect(url, timeout=10)) for url in urls]
        engine = Engine(catalogue=catalogue, rules={}, pool=pool)
        yield Twins(runner=runner, engine=engine, ours=connections[0], plain=connections[1])
        for connection in connections:
            runner.run(connection.close())
        runner.run(pool.close())
    for url in urls:
        run(drop_database(postgres_server, url))


@settings(max_examples=120, deadline=None)
@given(st.lists(st.integers(1, 4), unique=True, max_size=3), article_operations)
def test_both_ways_end_with_the_same_rows(twins: Twins, people: list[int], operations: Operations) -> None:
    twins.runner.run(compare(twins, sorted(people), operations))


async def compare(twins: Twins, people: list[int], operations: Operations) -> None:
    for connection in (twins.ours, twins.plain):
        await connection.execute(_RESET)
    answer = orjson.loads(
        await twins.engine.execute(
            Session(role="admin"),
            """mutation ($people: [Int!]!, $articles: person_related_articles_input) {
              update_person(where: {id: {_in: $people}}, _inc: {visits: 1}, _related: {articles: $articles}) {
                affected_rows returning { id articles { id } }
              }
            }""",
            {"people": people, "articles": as_input(operations)},
        )
    )
    existing = [row["id"] for row in await twins.plain.fetch("SELECT id FROM person WHERE id = ANY ($1)", people)]
    transaction = twins.plain.transaction()
    await transaction.start()
    try:
        await by_hand(twins.plain, existing, operations)
    except (asyncpg.PostgresError, LookupError):
        await transaction.rollback()
        assert "errors" in answer
    else:
        await transaction.commit()
        assert "errors" not in answer, answer
        assert sorted(row["id"] for row in answer["data"]["update_person"]["returning"]) == sorted(existing)
    ours, plain = await twins.ours.fetch(_STATE), await twins.plain.fetch(_STATE)
    assert [tuple(row) for row in ours] == [tuple(row) for row in plain]
