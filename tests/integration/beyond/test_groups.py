"""`T_group_by`: aggregates by groups, against the same sums made in Python."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import localcontext
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from permissions.session import Session
from tests.integration.beyond.conftest import Reader

PARTS: Final = ("hour", "day", "week", "month", "quarter", "year")
KEYS: Final = ("owner", "level", "kind", "mood", "flag", "day", "at")
GROUPS: Final = """
query ($keys: [reading_group_key_input!]!, $where: reading_bool_exp, $having: reading_having_exp,
       $order: [reading_group_order_by!], $limit: Int, $offset: Int) {
  reading_group_by(keys: $keys, where: $where, having: $having, order_by: $order, limit: $limit, offset: $offset) {
    key { %s }
    aggregate { count sum { amount } min { level } max { day } avg { level } }
  }
}
"""

keys = st.lists(
    st.one_of(
        st.sampled_from(KEYS).map(lambda name: {"column": name}),
        st.tuples(st.sampled_from(("day", "at")), st.sampled_from(PARTS)).map(
            lambda pair: {"column": pair[0], "part": pair[1]}
        ),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda key: key["column"],
)


def cut(part: str | None, value: date | datetime | None) -> date | datetime | None:
    """The value with everything smaller than the part taken off."""
    if part is None or value is None:
        return value
    whole = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    whole = whole.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if part != "hour":
        whole = whole.replace(hour=0)
    if part == "week":
        whole -= timedelta(days=whole.weekday())
    elif part in ("month", "quarter", "year"):
        month = {"month": whole.month, "quarter": whole.month - (whole.month - 1) % 3, "year": 1}[part]
        whole = whole.replace(day=1, month=month)
    return whole if isinstance(value, datetime) else whole.date()


def shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def expected(rows: list[dict[str, Any]], grouped: list[dict[str, str]]) -> list[dict[str, Any]]:
    """The groups, in no particular order."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[tuple(shown(cut(key.get("part"), row[key["column"]])) for key in grouped)].append(row)
    return [
        {
            "key": {key["column"]: value for key, value in zip(grouped, values, strict=True)},
            "aggregate": {
                "count": len(members),
                "sum": {"amount": sum(amounts) if (amounts := present(members, "amount")) else None},
                "min": {"level": min(present(members, "level"))},
                "max": {"day": shown(max(present(members, "day"), default=None))},
                "avg": {"level": sum(present(members, "level")) / len(members)},
            },
        }
        for values, members in groups.items()
    ]


def present(rows: list[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def all_rows(reader: Reader) -> list[dict[str, Any]]:
    return [dict(row) for row in reader.runner.run(reader.desk.connection.fetch("SELECT * FROM reading ORDER BY id"))]


def exact(group: dict[str, Any]) -> tuple[Any, ...]:
    """A group to compare and sort by; averages within what a float holds."""
    aggregate = group["aggregate"]
    return (
        tuple((name, str(value)) for name, value in sorted(group["key"].items())),
        aggregate["count"],
        aggregate["sum"]["amount"],
        aggregate["min"]["level"],
        aggregate["max"]["day"],
        round(aggregate["avg"]["level"], 9),
    )


@settings(max_examples=80, deadline=None)
@given(keys)
def test_groups_are_what_python_makes_of_the_rows(reader: Reader, grouped: list[dict[str, str]]) -> None:
    document = GROUPS % " ".join(key["column"] for key in grouped)
    groups = reader.data(document, {"keys": grouped})["reading_group_by"]
    assert sorted(map(exact, groups), key=repr) == sorted(map(exact, expected(all_rows(reader), grouped)), key=repr)


@pytest.mark.parametrize("part", PARTS)
def test_dates_and_times_are_cut_to_parts(reader: Reader, part: str) -> None:
    for column in ("day", "at"):
        grouped = [{"column": column, "part": part}]
        groups = reader.data(GROUPS % column, {"keys": grouped})["reading_group_by"]
        values = [group["key"][column] for group in groups]
        wanted = {shown(cut(part, row[column])) for row in all_rows(reader)}
        # By the key where no order is asked for, nulls last.
        assert values == [*sorted(wanted - {None}), *([None] if None in wanted else [])]


def test_groups_are_left_out_by_what_they_have_together(reader: Reader) -> None:
    document = GROUPS % "kind"
    counts: dict[Any, int] = defaultdict(int)
    for row in all_rows(reader):
        counts[row["kind"]] += 1
    having = {"count": {"_gt": 7}}
    groups = reader.data(document, {"keys": [{"column": "kind"}], "having": having})["reading_group_by"]
    assert {group["key"]["kind"] for group in groups} == {kind for kind, count in counts.items() if count > 7}


@pytest.mark.parametrize(
    ("having", "kept"),
    [
        ({"sum": {"level": {"_gte": 24}}}, lambda rows: sum(row["level"] for row in rows) >= 24),
        ({"avg": {"level": {"_lt": "1.5"}}}, lambda rows: sum(row["level"] for row in rows) / len(rows) < 1.5),
        ({"max": {"day": {"_is_null": True}}}, lambda rows: not present(rows, "day")),
        ({"min": {"kind": {"_like": "p%"}}}, lambda rows: min(present(rows, "kind"), default="").startswith("p")),
        (
            {"count": {"_in": [5, 6]}, "max": {"level": {"_eq": 3}}},
            lambda rows: len(rows) in (5, 6) and max(row["level"] for row in rows) == 3,
        ),
    ],
    ids=["sum", "avg", "no value", "text", "two together"],
)
def test_every_aggregate_can_decide(reader: Reader, having: dict[str, Any], kept: Any) -> None:
    grouped = [{"column": "owner"}, {"column": "mood"}]
    groups = reader.data(GROUPS % "owner mood", {"keys": grouped, "having": having})["reading_group_by"]
    by_key: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in all_rows(reader):
        by_key[row["owner"], row["mood"]].append(row)
    wanted = {key for key, rows in by_key.items() if kept(rows)}
    assert {(group["key"]["owner"], group["key"]["mood"]) for group in groups} == wanted


def test_groups_are_sorted_by_aggregates_and_equal_ones_by_their_keys(reader: Reader) -> None:
    found = reader.data(
        GROUPS % "kind level",
        {"keys": [{"column": "kind"}, {"column": "level"}], "order": [{"count": "desc"}, {"key": {"level": "desc"}}]},
    )["reading_group_by"]

    def order(group: dict[str, Any]) -> tuple[Any, ...]:
        kind = group["key"]["kind"]
        return (-group["aggregate"]["count"], -group["key"]["level"], kind is None, kind or "")

    assert found == sorted(found, key=order)


def test_a_window_of_groups_is_cut_out_of_their_order(reader: Reader) -> None:
    variables = {"keys": [{"column": "level"}, {"column": "flag"}]}
    document = GROUPS % "level flag"
    everything = reader.data(document, variables)["reading_group_by"]
    window = reader.data(document, {**variables, "limit": 4, "offset": 3})["reading_group_by"]
    assert window == everything[3:7]
    assert reader.data(document, {**variables, "limit": 0})["reading_group_by"] == []


def test_only_rows_of_the_filter_are_grouped(reader: Reader) -> None:
    variables = {"keys": [{"column": "level"}], "where": {"_or": [{"level": {"_eq": 2}}, {"id": {"_eq": 1}}]}}
    groups = reader.data(GROUPS % "level", variables)["reading_group_by"]
    assert [(group["key"]["level"], group["aggregate"]["count"]) for group in groups] == [(1, 1), (2, 15)]


def test_sums_keep_every_digit(reader: Reader) -> None:
    document = "{ reading_group_by(keys: [{column: level}], where: {level: {_eq: 1}}) { aggregate { sum { score } } } }"
    answer = reader.runner.run(reader.desk.engine.execute(Session(role="admin"), document)).decode()
    with localcontext(prec=60):
        wanted = sum(row["score"] for row in all_rows(reader) if row["level"] == 1 and row["score"] is not None)
    assert len(str(wanted)) > 28
    assert f'"score":{wanted}}}' in answer.replace(" ", "")


@pytest.mark.parametrize("user", ["0", "1"])
def test_a_role_groups_the_rows_that_it_sees(reader: Reader, user: str) -> None:
    variables = {"keys": [{"column": "owner"}]}
    groups = reader.data(GROUPS % "owner", variables, role="owner", user=user)["reading_group_by"]
    # Its limit is about rows that are listed, not about those that are counted.
    assert [(group["key"]["owner"], group["aggregate"]["count"]) for group in groups] == [(int(user), 20)]


def test_a_role_that_may_not_aggregate_has_no_groups(reader: Reader) -> None:
    (error,) = reader.ask("{ reading_group_by(keys: [{column: level}]) { aggregate { count } } }", role="reader")[
        "errors"
    ]
    assert error == {
        "message": "field 'reading_group_by' not found in type: 'query_root'",
        "extensions": {"code": "validation-failed", "path": "$.selectionSet.reading_group_by"},
    }


def test_a_column_that_a_role_does_not_see_makes_no_groups(reader: Reader) -> None:
    (error,) = reader.ask(
        "{ reading_group_by(keys: [{column: secret}]) { aggregate { count } } }", role="owner", user="1"
    )["errors"]
    assert error["extensions"] == {
        "code": "validation-failed",
        "path": "$.selectionSet.reading_group_by.args.keys[0].column",
    }


def test_values_that_a_role_sees_in_some_rows_are_one_group_of_nulls_in_the_others(reader: Reader) -> None:
    data = reader.data(
        "{ reading_group_by(keys: [{column: level}]) { key { level } aggregate { count } } }", role="both"
    )
    assert data["reading_group_by"] == [
        {"key": {"level": 0}, "aggregate": {"count": 15}},
        {"key": {"level": 2}, "aggregate": {"count": 15}},
        {"key": {"level": None}, "aggregate": {"count": 30}},
    ]


@pytest.mark.parametrize(
    ("arguments", "selection", "path", "message"),
    [
        ("keys: []", "key { level }", "args.keys", "groups need one key at least"),
        ("keys: [{column: level}, {column: level}]", "key { level }", "args.keys[1]", "'level' is a key twice"),
        (
            "keys: [{column: level, part: year}]",
            "key { level }",
            "args.keys[0].part",
            "'level' is no date or time, so it has no part",
        ),
        (
            "keys: [{column: level}]",
            "key { kind }",
            "selectionSet.key.selectionSet.kind",
            "'kind' is no key of these groups",
        ),
        (
            "keys: [{column: level}], order_by: [{key: {kind: asc}}]",
            "key { level }",
            "args.order_by.key.kind",
            "'kind' is no key of these groups",
        ),
        ("keys: [{column: level}], limit: -1", "key { level }", "args.limit", "unexpected negative value"),
        (
            "keys: [{column: level}], having: {count: {_eq: null}}",
            "key { level }",
            "args.having.count._eq",
            "unexpected null value for type 'Int'",
        ),
        (
            "keys: [{column: level}], having: {sum: {level: null}}",
            "key { level }",
            "args.having.sum.level",
            "unexpected null value",
        ),
    ],
    ids=[
        "no key",
        "a key twice",
        "no date",
        "no key shown",
        "no key sorted",
        "negative limit",
        "null",
        "null for a column",
    ],
)
def test_groups_refuse_what_makes_no_sense(
    reader: Reader, arguments: str, selection: str, path: str, message: str
) -> None:
    (error,) = reader.ask(f"{{ reading_group_by({arguments}) {{ {selection} }} }}")["errors"]
    assert error["message"] == message
    assert error["extensions"] == {
        "code": "validation-failed",
        "path": f"$.selectionSet.reading_group_by.{path}",
    }
