"""Many objects in one variable: one plan takes any number of them, and answers as if it looked at each by itself."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest

from permissions.session import Session
from resolvers.columns import Columns, read_columns
from resolvers.engine import Engine
from resolvers.pool import Pool
from server.source import platform_source

INSERT = """
    mutation ($rows: [chargebee_item_price_insert_input!]!, $twice: Boolean = false) {
      insert_chargebee_item_price(
        objects: $rows
        on_conflict: {constraint: item_price_pkey, update_columns: [name, price, resource_version]}
      ) { affected_rows returning { id price } }
      again: insert_chargebee_item_price(
        objects: $rows, on_conflict: {constraint: item_price_pkey, update_columns: []}
      ) @include(if: $twice) { affected_rows }
    }
"""
WRITTEN = "SELECT name, description, price, resource_version FROM chargebee.item_price ORDER BY id"
OBJECTS = "$.selectionSet.insert_chargebee_item_price.args.objects"
SERVICE = Session(role="service", variables={"x-hasura-user-id": "chargebee"})


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    pool = Pool(database_url, size=2)
    yield platform_source().engine(pool)
    await pool.close()


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def price(number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": f"p{number:04}",
        "name": 'It\'s "quoted", \\ back-slashed and ünïcode',
        "description": None if number % 3 else "text",
        "item_id": "item",
        "item_type": "plan",
        "price": None if number % 5 == 0 else 2**40 + number,
        "currency_code": "JPY",
        "created_at": "2028-02-29T12:00:00+00:00",
        "updated_at": "2028-02-29T12:00:00+00:00",
        "resource_version": number,
    } | values


async def insert(engine: Engine, rows: list[Any], session: Session = SERVICE, **variables: Any) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(await engine.execute(session, INSERT, {"rows": rows, **variables}))
    return answer


def plans(engine: Engine) -> int:
    return sum(len(prepared.plans) for prepared in engine._parts["service", "chargebee"].prepared.values())


async def test_one_plan_writes_any_number_with_nulls_wherever_they_are(
    engine: Engine, rows: asyncpg.Connection
) -> None:
    # The first time it is not known yet that rows may be taken so.
    await insert(engine, [price(number) for number in range(1, 101)])
    for count in (100, 137, 500):
        await rows.execute("DELETE FROM chargebee.item_price")
        answer = await insert(engine, [price(number) for number in range(1, count + 1)])
        (written,) = answer["data"].values()
        assert written["affected_rows"] == count
        assert written["returning"] == [
            {"id": f"p{number:04}", "price": price(number)["price"]} for number in range(1, count + 1)
        ]
    assert plans(engine) == 1

    found = await rows.fetch("SELECT * FROM chargebee.item_price WHERE id = ANY($1) ORDER BY id", ["p0001", "p0003"])
    assert [row["description"] for row in found] == [None, "text"]
    assert {row["name"] for row in found} == {price(1)["name"]}
    assert found[0]["created_at"].isoformat() == "2028-02-29T12:00:00+00:00"
    # What no object says gets its default.
    assert {(row["status"], row["pricing_model"], row["deleted"]) for row in found} == {("active", "flat_fee", False)}


async def test_few_are_written_as_ever_and_a_wrong_one_among_many_is_named(engine: Engine) -> None:
    many = [price(number) for number in range(100)]
    for _ in range(2):
        assert (await insert(engine, many))["data"]
        assert (await insert(engine, [price(1000)]))["data"]
        for wrong, path, code in (
            (
                price(50, price=True),
                f"{OBJECTS}[50].price",
                "parse-failed",
            ),
            (
                price(50, imagined=1),
                f"{OBJECTS}[50].imagined",
                "validation-failed",
            ),
            ("text", f"{OBJECTS}[50]", "validation-failed"),
            (None, f"{OBJECTS}[50]", "validation-failed"),
        ):
            answer = await insert(engine, [*many[:50], wrong, *many[51:]])
            (error,) = answer["errors"]
            assert (error["extensions"]["path"], error["extensions"]["code"]) == (path, code), answer


async def test_null_where_none_may_be_and_a_value_that_the_database_refuses_are_told_as_ever(engine: Engine) -> None:
    many = [price(number, status="active") for number in range(100)]
    await insert(engine, many)

    (null,) = (await insert(engine, [*many[:-1], price(99, status="active", name=None)]))["errors"]
    (refused,) = (await insert(engine, [*many[:-1], price(99, status="imagined")]))["errors"]

    assert null["extensions"] == {"path": f"{OBJECTS}[99].name", "code": "validation-failed"}
    assert refused["extensions"]["code"] == "permission-error"
    assert "item_price_status_check" in refused["message"]


async def test_objects_that_are_not_alike_are_looked_at_one_by_one(engine: Engine, rows: asyncpg.Connection) -> None:
    many = [price(number) for number in range(100)]
    await insert(engine, many)
    await rows.execute("DELETE FROM chargebee.item_price")
    unlike = [*many[:-1], price(99, status="archived")]
    assert (await insert(engine, unlike))["data"]["insert_chargebee_item_price"]["affected_rows"] == 100
    assert await rows.fetchval("SELECT status FROM chargebee.item_price WHERE id = 'p0099'") == "archived"


async def test_a_variable_that_is_read_twice_is_right_both_times(engine: Engine, rows: asyncpg.Connection) -> None:
    for twice in (False, True, False, True):
        for count in (100, 120):
            await rows.execute("DELETE FROM chargebee.item_price")
            answer = await insert(engine, [price(number) for number in range(count)], twice=twice)
            counted = {key: field["affected_rows"] for key, field in answer["data"].items()}
            assert counted == {"insert_chargebee_item_price": count} | ({"again": 0} if twice else {})


async def test_presets_and_checks_of_a_role_hold_for_each_of_many(engine: Engine, rows: asyncpg.Connection) -> None:
    document = """
        mutation ($rows: [events_inbox_insert_input!]!) { insert_events_inbox(objects: $rows) { affected_rows } }
    """
    for start in (0, 1000):
        many = [{"event_id": f"00000000-0000-7000-8000-{number:012}"} for number in range(start, start + 600)]
        answer = orjson.loads(await engine.execute(SERVICE, document, {"rows": many}))
        assert answer == {"data": {"insert_events_inbox": {"affected_rows": 600}}}
    assert await rows.fetchval("SELECT array_agg(DISTINCT agent) FROM events.inbox") == ["chargebee"]


async def test_json_and_lists_are_columns_like_others(engine: Engine, rows: asyncpg.Connection) -> None:
    document = """
        mutation ($rows: [chargebee_customer_insert_input!]!) {
          insert_chargebee_customer(objects: $rows) { affected_rows }
        }
    """
    addresses = [None, {"line1": '1 "Main" St'}, ["a", None], "text", 5, True, {}]

    def customer(number: int) -> dict[str, Any]:
        moment = "2026-01-01T00:00:00Z"
        address = addresses[number % len(addresses)]
        times = {"created_at": moment, "updated_at": moment}
        return {"id": f"c{number:04}", "billing_address": address, "resource_version": "9007199254740993", **times}

    for start in (0, 200):
        many = [customer(number) for number in range(start, start + 140)]
        answer = orjson.loads(await engine.execute(SERVICE, document, {"rows": many}))
        assert answer == {"data": {"insert_chargebee_customer": {"affected_rows": 140}}}
    found = await rows.fetch("SELECT id, billing_address, resource_version FROM chargebee.customer ORDER BY id")
    for row in found:
        written = row["billing_address"]
        assert (None if written is None else orjson.loads(written)) == addresses[int(row["id"][1:]) % len(addresses)]
    assert {row["resource_version"] for row in found} == {9007199254740993}


async def test_rows_nested_in_many_alike_are_all_written(engine: Engine, rows: asyncpg.Connection) -> None:
    document = """
        mutation ($rows: [customer_insert_input!]!) { insert_customer(objects: $rows) { affected_rows } }
    """

    def customers(start: int, count: int, **more: Any) -> list[dict[str, Any]]:
        return [
            {"email": f"c{number}@example.com", "first_name": "A", "last_name": "B", "city": None, "zip": "1"} | more
            for number in range(start, start + count)
        ]

    written = 0
    for count in (110, 120, 130):
        for more, each in (({}, 1), ({"patient": {"data": {"birth_date": "1990-01-01"}}}, 2)):
            objects = customers(written, count, **more)
            admin = Session(role="admin", variables={})
            answer = orjson.loads(await engine.execute(admin, document, {"rows": objects}))
            assert answer == {"data": {"insert_customer": {"affected_rows": each * count}}}
            written += count
    assert await rows.fetchval("SELECT count(*) FROM healthcare.patient") == 360


async def test_texts_that_look_like_parts_of_an_array_stay_texts(engine: Engine, rows: asyncpg.Connection) -> None:
    names = ["", "NULL", "null", "{}", '{"a",b}', ",", " ", "\\", '\\"', "a\nb\tc", "\u0001", "a'b", "漢\U0001f600"]
    for kind in (names, [name for name in names if name.isprintable() and not {"\\", '"'} & set(name)]):
        for _ in range(2):
            await rows.execute("DELETE FROM chargebee.item_price")
            answer = await insert(
                engine, [price(number, name=kind[number % len(kind)], description=None) for number in range(130)]
            )
            assert answer["data"]["insert_chargebee_item_price"]["affected_rows"] == 130
        found = await rows.fetch("SELECT name, description, resource_version FROM chargebee.item_price")
        assert {(row["name"], row["description"]) for row in found} == {(name, None) for name in kind}
        assert all(row["name"] == kind[row["resource_version"] % len(kind)] for row in found)


async def test_what_no_text_can_hold_is_refused_among_many_as_alone(engine: Engine) -> None:
    for wrong in ("a\x00b", "\ud800"):
        alone = await insert(engine, [price(1, name=wrong)])
        for _ in range(2):
            among = await insert(
                engine, [price(number, name=wrong if number == 77 else "right") for number in range(130)]
            )
            assert among["errors"][0]["extensions"]["code"] == alone["errors"][0]["extensions"]["code"]


async def test_keys_may_stand_in_any_order(engine: Engine, rows: asyncpg.Connection) -> None:
    many = [price(number) for number in range(130)]
    turned = [dict(reversed(row.items())) if number % 2 else row for number, row in enumerate(many)]
    for objects in (many, turned, many):
        await rows.execute("DELETE FROM chargebee.item_price")
        answer = await insert(engine, objects)
        assert answer["data"]["insert_chargebee_item_price"]["affected_rows"] == 130
        wrong = "SELECT count(*) FROM chargebee.item_price WHERE id <> 'p' || lpad(resource_version::text, 4, '0')"
        assert await rows.fetchval(wrong) == 0
    assert plans(engine) == 1


def by_columns(objects: list[dict[str, Any]], *, once: bool = False) -> dict[str, Columns]:
    """With `once` what all have alike is given once, but for their ids."""
    given: dict[str, Any] = {name: [item[name] for item in objects] for name in objects[0]}
    if once:
        alike = [name for name, values in given.items() if name != "id" and values == values[:1] * len(values)]
        given |= {name: {"each": given[name][0]} for name in alike}
    columns = read_columns(given)
    assert columns is not None
    return {"rows": columns}


async def test_rows_that_come_by_columns_are_as_if_they_had_come_as_objects(
    engine: Engine, rows: asyncpg.Connection
) -> None:
    """Before and after there is a plan for them, and when they are too few for it."""
    for count in (1, 130, 200, 2):
        objects = [price(number) for number in range(1, count + 1)]
        tables = []
        for columns in ({}, by_columns(objects), by_columns(objects, once=True)):
            await rows.execute("DELETE FROM chargebee.item_price")
            body = await engine.execute(SERVICE, INSERT, {} if columns else {"rows": objects}, columns=columns)
            written = await rows.fetch("SELECT * FROM chargebee.item_price ORDER BY id")
            tables.append((orjson.loads(body), [{**row, "synced_at": None} for row in written]))
        assert tables[0] == tables[1] == tables[2]
        assert tables[0][0]["data"]["insert_chargebee_item_price"]["affected_rows"] == count


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": True},
        {"price": 2**63},
        {"name": 1},
        {"name": None},
        {"status": "unknown"},
        {"nothing": 1},
        {"price": "x"},
    ],
    ids=str,
)
async def test_what_is_wrong_among_columns_is_told_as_among_objects(engine: Engine, wrong: dict[str, Any]) -> None:
    for count in (3, 130):
        objects = [price(number, **wrong) for number in range(count)]
        for _ in range(2):
            as_objects = await engine.execute(SERVICE, INSERT, {"rows": objects})
            assert await engine.execute(SERVICE, INSERT, columns=by_columns(objects)) == as_objects
            assert await engine.execute(SERVICE, INSERT, columns=by_columns(objects, once=True)) == as_objects
            assert b'"errors"' in as_objects


async def test_which_columns_have_one_value_makes_no_difference_to_the_plan(
    engine: Engine, rows: asyncpg.Connection
) -> None:
    for values in ({}, {"price": 5}, {"description": 'quoted " and \\', "resource_version": 7}, {}):
        await rows.execute("DELETE FROM chargebee.item_price")
        objects = [price(number, **values) for number in range(130)]
        await engine.execute(SERVICE, INSERT, columns=by_columns(objects, once=True))
        assert list(map(dict, await rows.fetch(WRITTEN))) == [
            {name: item[name] for name in ("name", "description", "price", "resource_version")} for item in objects
        ]
    assert plans(engine) == 1


async def test_a_variable_by_columns_that_is_read_twice_is_right_both_times(engine: Engine) -> None:
    objects = [price(number) for number in range(1, 131)]
    for _ in range(2):
        body = await engine.execute(SERVICE, INSERT, {"twice": True}, columns=by_columns(objects))
        assert orjson.loads(body)["data"]["again"] == {"affected_rows": 0}
