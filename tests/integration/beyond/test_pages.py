"""`T_page`: walking a table page by page shows every row once, in the order asked for."""

import base64
from typing import Any, Final

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.integration.beyond.conftest import Desk, Reader

DIRECTIONS: Final = {
    "asc": "ASC NULLS LAST",
    "desc": "DESC NULLS FIRST",
    "asc_nulls_first": "ASC NULLS FIRST",
    "asc_nulls_last": "ASC NULLS LAST",
    "desc_nulls_first": "DESC NULLS FIRST",
    "desc_nulls_last": "DESC NULLS LAST",
}
COLUMNS: Final = ("id", "owner", "level", "kind", "score", "amount", "ratio", "day", "at", "mood", "flag")
PAGE: Final = """
query ($limit: Int!, $after: String, $order: [reading_order_by!], $where: reading_bool_exp) {
  reading_page(limit: $limit, after: $after, order_by: $order, where: $where) { nodes { id } has_more next_cursor }
}
"""

orders = st.lists(
    st.tuples(st.sampled_from(COLUMNS), st.sampled_from(tuple(DIRECTIONS))), max_size=3, unique_by=lambda key: key[0]
)


def walk(reader: Reader, order: list[tuple[str, str]], limit: int, **asked: Any) -> list[list[int]]:
    """The ids of all pages."""
    pages: list[list[int]] = []
    after = None
    while True:
        variables = {"limit": limit, "after": after, "order": [{name: direction} for name, direction in order]}
        page = reader.data(PAGE, variables, **asked)["reading_page"]
        pages.append([node["id"] for node in page["nodes"]])
        assert len(pages) < 100
        if not page["has_more"]:
            return pages
        after = page["next_cursor"]


def sql_order(order: list[tuple[str, str]]) -> str:
    return ", ".join([f'"{name}" {DIRECTIONS[direction]}' for name, direction in order] + ["id"])


@settings(max_examples=80, deadline=None)
@example([("kind", "desc")], 7).via("nulls first")
@example([("ratio", "asc_nulls_first"), ("at", "desc_nulls_last")], 1).via("not a number, page by page")
@given(orders, st.integers(4, 61))
def test_pages_together_are_the_ordered_list(reader: Reader, order: list[tuple[str, str]], limit: int) -> None:
    pages = walk(reader, order, limit)
    assert [row for page in pages for row in page] == reader.column(
        f"SELECT id FROM reading ORDER BY {sql_order(order)}"  # noqa: S608
    )
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("column", COLUMNS)
def test_every_kind_of_column_goes_every_way(reader: Reader, column: str, direction: str) -> None:
    pages = walk(reader, [(column, direction)], 9)
    assert [row for page in pages for row in page] == reader.column(
        f"SELECT id FROM reading ORDER BY {sql_order([(column, direction)])}"  # noqa: S608
    )


def test_without_an_order_pages_follow_the_primary_key(reader: Reader) -> None:
    assert walk(reader, [], 25) == [list(range(1, 26)), list(range(26, 51)), list(range(51, 61))]


def test_the_last_full_page_knows_that_it_is_the_last(reader: Reader) -> None:
    assert walk(reader, [], 30) == [list(range(1, 31)), list(range(31, 61))]


def test_an_empty_page_has_no_cursor(reader: Reader) -> None:
    page = reader.data(PAGE, {"limit": 3, "where": {"id": {"_lt": 0}}})["reading_page"]
    assert page == {"nodes": [], "has_more": False, "next_cursor": None}


def test_a_filter_holds_on_every_page(reader: Reader) -> None:
    first = reader.data(PAGE, {"limit": 4, "where": {"level": {"_eq": 1}}})["reading_page"]
    second = reader.data(PAGE, {"limit": 4, "where": {"level": {"_eq": 1}}, "after": first["next_cursor"]})
    ids = [node["id"] for page in (first, second["reading_page"]) for node in page["nodes"]]
    assert ids == [1, 5, 9, 13, 17, 21, 25, 29]


def test_nodes_show_what_rows_show_and_each_part_can_be_asked_for_alone(reader: Reader) -> None:
    data = reader.data(
        """{
          some: reading_page(limit: 1, order_by: {score: desc_nulls_last}) {
            __typename more: has_more nodes { __typename number: amount }
          }
          cursor: reading_page(limit: 1) { next_cursor }
          more: reading_page(limit: 60) { has_more }
        }"""
    )
    assert data["some"] == {
        "__typename": "reading_page",
        "more": True,
        "nodes": [{"__typename": "reading", "number": None}],
    }
    assert data["more"] == {"has_more": False}
    assert isinstance(data["cursor"]["next_cursor"], str)


def test_page_of_which_only_the_type_s_name_is_selected_is_one_object(reader: Reader) -> None:
    answer = reader.ask("{ reading_page(limit: 3) { __typename } }")
    assert answer == {"data": {"reading_page": {"__typename": "reading_page"}}}


@pytest.mark.parametrize("user", ["0", "1", "2"])
def test_a_role_pages_through_its_own_rows_by_its_own_limit(reader: Reader, user: str) -> None:
    pages = walk(reader, [("kind", "desc")], 50, role="owner", user=user)
    assert [len(page) for page in pages] == [5, 5, 5, 5]
    assert [row for page in pages for row in page] == reader.column(
        f"SELECT id FROM reading WHERE owner = {user} ORDER BY kind DESC, id"  # noqa: S608
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("column", ["level", "kind"])
def test_values_that_a_role_does_not_see_are_nulls_in_its_order(reader: Reader, column: str, direction: str) -> None:
    # `level` is never null, but this role sees it in some rows only.
    pages = walk(reader, [(column, direction)], 7, role="both")
    seen = f"CASE WHEN level IN (0, 2) THEN {column} END"
    assert [row for page in pages for row in page] == reader.column(
        f"SELECT id FROM reading ORDER BY {seen} {DIRECTIONS[direction]}, id"  # noqa: S608
    )


def test_a_cursor_of_another_caller_shows_one_s_own_rows(reader: Reader) -> None:
    cursor = reader.data(PAGE, {"limit": 30})["reading_page"]["next_cursor"]
    page = reader.data(PAGE, {"limit": 5, "after": cursor}, role="owner", user="1")["reading_page"]
    assert [node["id"] for node in page["nodes"]] == [31, 34, 37, 40, 43]


async def test_rows_that_come_and_go_do_not_shift_pages(desk: Desk) -> None:
    async def page(after: str | None) -> dict[str, Any]:
        found = await desk.data(PAGE, {"limit": 3, "after": after, "order": [{"level": "asc"}]})
        answer: dict[str, Any] = found["reading_page"]
        return answer

    first = await page(None)
    assert [node["id"] for node in first["nodes"]] == [4, 8, 12]
    # The last row of the page goes, one comes before it, one behind.
    await desk.connection.execute(
        """DELETE FROM reading WHERE id = 12;
        INSERT INTO reading (id, owner, level, secret) VALUES (1000, 1, 0, ''), (0, 1, 0, '')"""
    )
    second = await page(first["next_cursor"])
    assert [node["id"] for node in second["nodes"]] == [16, 20, 24]


AFTER_KIND: Final = 'reading_page(limit: 1, order_by: {kind: asc}, after: "%s") { nodes { id } }'


def test_a_cursor_continues_no_other_order(reader: Reader) -> None:
    cursor = reader.data("{ reading_page(limit: 1, order_by: {level: asc}) { next_cursor } }")["reading_page"]
    for field, name in (
        (AFTER_KIND, "reading_page"),
        ('reading_page(limit: 1, order_by: {level: desc}, after: "%s") { nodes { id } }', "reading_page"),
        ('other_page(limit: 1, order_by: {level: asc}, after: "%s") { nodes { id } }', "other_page"),
    ):
        (error,) = reader.ask("{" + field % cursor["next_cursor"] + "}")["errors"]
        assert error == {
            "message": "the cursor was given by a page of another table or order",
            "extensions": {"code": "parse-failed", "path": f"$.selectionSet.{name}.args.after"},
        }


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@example(encoded(["x"])).via("too short")
@example("\x00").via("a null character")
@example("ä").via("not ASCII")
@example("=").via("padding alone")
@given(st.text(max_size=40) | json_values.map(encoded) | st.binary(max_size=30).map(base64.b64encode))
def test_anything_else_is_no_cursor(reader: Reader, text: str | bytes) -> None:
    after = text.decode() if isinstance(text, bytes) else text
    (error,) = reader.ask(PAGE, {"limit": 1, "after": after})["errors"]
    assert error["extensions"] == {"code": "parse-failed", "path": "$.selectionSet.reading_page.args.after"}
    # The client's text is not in it.
    assert error["message"] in {
        "this is no cursor that a page gave",
        "the cursor was given by a page of another table or order",
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text(max_size=12), min_size=2, max_size=2))
@example(["1", "0 OR true"]).via("SQL")
@example(["\x00", "1"]).via("a null character")
@example(["1", "1'; DROP TABLE reading; --"]).via("more SQL")
def test_a_forged_cursor_shows_nothing_that_its_role_may_not_see(reader: Reader, values: list[str | None]) -> None:
    order = [{"level": "asc"}]
    real = reader.data(PAGE, {"limit": 1, "order": order}, role="owner", user="1")["reading_page"]["next_cursor"]
    mark = orjson.loads(base64.urlsafe_b64decode(real + "=" * (-len(real) % 4)))[0]
    variables = {"limit": 60, "order": order, "after": encoded([mark, *values])}
    answer = reader.ask(PAGE, variables, role="owner", user="1")
    if "errors" in answer:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "data-exception"
    else:
        assert all(node["id"] % 3 == 1 for node in answer["data"]["reading_page"]["nodes"])


@pytest.mark.parametrize(
    ("arguments", "path", "message"),
    [
        ("limit: 0", "limit", "a page has one row at least"),
        ("limit: -1", "limit", "a page has one row at least"),
        ("limit: 1, after: 5", "after", "expected a string for type 'String', but found a number"),
    ],
)
def test_pages_refuse_what_makes_no_sense(reader: Reader, arguments: str, path: str, message: str) -> None:
    (error,) = reader.ask(f"{{ reading_page({arguments}) {{ has_more }} }}")["errors"]
    assert error["message"] == message
    assert error["extensions"] == {
        "code": "validation-failed",
        "path": f"$.selectionSet.reading_page.args.{path}",
    }


def test_a_column_that_a_role_does_not_have_sorts_no_pages(reader: Reader) -> None:
    answer = reader.ask(PAGE, {"limit": 1, "order": [{"secret": "asc"}]}, role="owner", user="1")
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"


@pytest.mark.parametrize("column", ["area", "papers"])
def test_what_has_no_order_sorts_no_page_and_makes_no_groups(reader: Reader, column: str) -> None:
    (error,) = reader.ask(f"{{ place_page(limit: 1, order_by: {{{column}: asc}}) {{ has_more }} }}")["errors"]
    assert error == {
        "message": f"a page can't be sorted by '{column}': its values can't be compared",
        "extensions": {"path": "$.selectionSet.place_page.args.order_by", "code": "validation-failed"},
    }
    (error,) = reader.ask(f"{{ place_group_by(keys: {{column: {column}}}) {{ aggregate {{ count }} }} }}")["errors"]
    assert error == {
        "message": f"rows can't be grouped by '{column}': its values can't be compared",
        "extensions": {"path": "$.selectionSet.place_group_by.args.keys[0]", "code": "validation-failed"},
    }
