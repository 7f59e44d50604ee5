"""`@cached`: an answer is kept for those who would get the very same one, and for nobody else."""

from typing import Any

import pytest
import strawberry
from strawberry.types import Info

from resolvers.engine import Engine
from resolvers.hand_written import OperationContext
from resolvers.pool import Pool
from resolvers.response_cache import MAX_TTL_S, ResponseCache
from resolvers.role_schema import HandWritten
from schema.reflect import reflect
from tests.integration.beyond.conftest import RULES, Desk

LEVEL = "query ($id: Int!) @cached(ttl: 60) { reading_by_pk(id: $id) { level } }"
REFRESHED = "query ($id: Int!) @cached(ttl: 60, refresh: true) { reading_by_pk(id: $id) { level } }"
MINE = "query @cached { reading(order_by: {id: asc}) { id } }"


async def change(desk: Desk) -> None:
    await desk.connection.execute("UPDATE reading SET level = level + 100")


async def test_an_answer_is_kept_until_one_asks_anew(desk: Desk) -> None:
    assert await desk.data(LEVEL, {"id": 1}) == {"reading_by_pk": {"level": 1}}
    await change(desk)
    assert await desk.data(LEVEL, {"id": 1}) == {"reading_by_pk": {"level": 1}}
    assert await desk.data(REFRESHED, {"id": 1}) == {"reading_by_pk": {"level": 101}}
    # The new answer took the place of the old one.
    assert await desk.data(LEVEL, {"id": 1}) == {"reading_by_pk": {"level": 101}}


async def test_without_the_directive_nothing_is_kept(desk: Desk) -> None:
    plain = LEVEL.replace(" @cached(ttl: 60)", "")
    await desk.data(LEVEL, {"id": 1})
    await change(desk)
    assert await desk.data(plain, {"id": 1}) == {"reading_by_pk": {"level": 101}}


async def test_other_variables_are_other_answers(desk: Desk) -> None:
    assert await desk.data(LEVEL, {"id": 1}) == {"reading_by_pk": {"level": 1}}
    assert await desk.data(LEVEL, {"id": 2}) == {"reading_by_pk": {"level": 2}}
    document = "query ($ids: [Int!]) @cached { reading(where: {id: {_in: $ids}}) { id } }"
    assert await desk.data(document, {"ids": [1]}) == {"reading": [{"id": 1}]}
    assert await desk.data(document, {"ids": [2]}) == {"reading": [{"id": 2}]}


async def test_no_user_gets_what_was_kept_for_another(desk: Desk) -> None:
    first = await desk.data(MINE, role="owner", user="1")
    second = await desk.data(MINE, role="owner", user="2")
    assert [row["id"] for row in first["reading"]] == [1, 4, 7, 10, 13]
    assert [row["id"] for row in second["reading"]] == [2, 5, 8, 11, 14]
    assert (await desk.error(MINE, role="owner"))[0] == "not-found"


async def test_no_role_gets_what_was_kept_for_another(desk: Desk) -> None:
    # The same document and even the same statement: `reader` and `admin` both see every row.
    document = "query @cached { reading(order_by: {id: asc}) { id level } }"
    everything = await desk.data(document)
    await change(desk)
    changed = await desk.data(document, role="reader")
    assert everything["reading"][0] == {"id": 1, "level": 1}
    assert changed["reading"][0] == {"id": 1, "level": 101}
    assert (await desk.error("query @cached { reading { id secret } }", role="reader"))[0] == "validation-failed"


async def test_the_same_rows_under_other_names_are_other_answers(desk: Desk) -> None:
    document = """
    query A @cached { a: reading_by_pk(id: 1) { level } }
    query B @cached { b: reading_by_pk(id: 1) { level } }
    query C @cached { x: __typename y: reading_by_pk(id: 1) { level } }
    query D @cached { x: reading_by_pk(id: 1) { level } y: __typename }
    """
    level = {"level": 1}
    assert await desk.data(document, operation="A") == {"a": level}
    assert await desk.data(document, operation="B") == {"b": level}
    assert await desk.data(document, operation="C") == {"x": "query_root", "y": level}
    assert await desk.data(document, operation="D") == {"x": level, "y": "query_root"}


async def test_time_to_live_and_refresh_may_be_variables(desk: Desk) -> None:
    document = "query ($t: Int, $r: Boolean) @cached(ttl: $t, refresh: $r) { reading_by_pk(id: 1) { level } }"
    assert await desk.data(document, {"t": 5}) == {"reading_by_pk": {"level": 1}}
    await change(desk)
    assert await desk.data(document, {"t": 5, "r": False}) == {"reading_by_pk": {"level": 1}}
    assert await desk.data(document, {"t": 5, "r": True}) == {"reading_by_pk": {"level": 101}}


@pytest.mark.parametrize("ttl_s", [0, -1, MAX_TTL_S + 1])
async def test_a_time_out_of_bounds_is_refused(desk: Desk, ttl_s: int) -> None:
    assert await desk.error(f"query @cached(ttl: {ttl_s}) {{ reading {{ id }} }}") == (
        "validation-failed",
        "$.cached.args.ttl",
        f"the ttl of @cached is between 1 and {MAX_TTL_S} seconds",
    )


async def test_mutations_are_not_cached(desk: Desk) -> None:
    document = "mutation @cached { update_reading(where: {}, _inc: {level: 1}) { affected_rows } }"
    assert (await desk.error(document))[2] == "only queries can be cached"


async def test_errors_are_not_kept(desk: Desk) -> None:
    document = "query @cached { reading(where: {level: {_eq: 9}}, offset: -1) { id } }"
    assert (await desk.error(document))[0] == "data-exception"
    assert (await desk.error(document))[0] == "data-exception"


async def test_what_hand_written_fields_answer_is_not_kept(desk: Desk) -> None:
    def whoami(info: Info[OperationContext, None]) -> str:
        return info.context.session.user_id or "nobody"

    field: Any = strawberry.field(resolver=whoami, name="whoami")
    field.python_name = "whoami"
    hand_written = HandWritten(field=field, kind="query", roles=frozenset({"owner"}))
    pool = Pool(desk.url, size=1)
    try:
        engine = Engine(catalogue=await reflect(desk.connection), rules=RULES, pool=pool, hand_written=[hand_written])
        other = Desk(engine=engine, connection=desk.connection, url=desk.url)
        document = "query @cached { whoami reading_by_pk(id: 1) { id } }"
        assert (await other.data(document, role="owner", user="1"))["whoami"] == "1"
        assert (await other.data(document, role="owner", user="2"))["whoami"] == "2"
    finally:
        await pool.close()


def test_a_kept_answer_is_gone_when_its_time_is_over() -> None:
    now = 0.0
    cache = ResponseCache(clock=lambda: now)
    cache.keep("key", b"answer", ttl_s=10)
    now = 9.9
    assert cache.find("key") == b"answer"
    now = 10.0
    assert cache.find("key") is None


def test_kept_answers_never_take_more_than_their_share_of_memory() -> None:
    cache = ResponseCache()
    megabyte = b"x" * 1024 * 1024
    for number in range(70):
        cache.keep(number, megabyte, ttl_s=60)
        assert cache.find(0) is not None or number >= 64
        cache.find(1)
    assert cache.find(69) == megabyte
    # The least recently asked for went first.
    assert cache.find(2) is None
    assert cache.find(1) == megabyte
    cache.keep("too large", megabyte * 65, ttl_s=60)
    assert cache.find("too large") is None
    assert cache.find(69) == megabyte
