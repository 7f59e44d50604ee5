"""What each role gets, compared with the oracle: every table, random people, random questions."""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

import os
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.view import TableView
from tests.integration.permissions.house import CATALOGUE, Database
from tests.integration.permissions.oracle import ROLES, cells, visible_rows, visible_tables
from tests.integration.permissions.people import ASKING
from tests.integration.permissions.questions import (
    VIEWS,
    Asking,
    Question,
    Samples,
    is_comparable,
    order_sql,
    questions,
    quote,
    smaller,
    told_by,
    where_sql,
    wheres,
)

#: `CAREGRAPH_TEST_EXPLORE=50` asks fifty times as many questions, and others each time.
_EXPLORE: Final = int(os.environ.get("CAREGRAPH_TEST_EXPLORE", "0"))


def asked(examples: int) -> settings:
    return settings(
        max_examples=examples * max(_EXPLORE, 1),
        derandomize=not _EXPLORE,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


every_cell = pytest.mark.parametrize(("role", "table"), cells())
every_countable_cell = pytest.mark.parametrize(
    ("role", "table"), [(role, table) for role, table in cells() if VIEWS[role][table].aggregate]
)
every_cell_with_a_key = pytest.mark.parametrize(
    ("role", "table"), [(role, table) for role, table in cells() if VIEWS[role][table].primary_key]
)


@pytest.fixture(scope="session")
def samples(library: Database) -> Samples:
    return Samples(library)


def somebody(data: st.DataObject, role: str, samples: Samples) -> Asking:
    return Asking(role=role, me=data.draw(st.sampled_from(list(ASKING[role])), label="me"), samples=samples)


def listed(view: TableView, columns: Any) -> str:
    name = view.name
    return (
        f"query ($where: {name}_bool_exp, $order_by: [{name}_order_by!], $distinct_on: [{name}_select_column!],"
        f" $limit: Int, $offset: Int) {{ rows: {name}(where: $where, order_by: $order_by,"
        f" distinct_on: $distinct_on, limit: $limit, offset: $offset) {{ {' '.join(columns)} }} }}"
    )


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_only_the_tables_that_the_oracle_names(role: str) -> None:
    assert {view.table.key for view in VIEWS[role] if view.selectable} == set(visible_tables(role))


@every_cell
def test_the_oracle_is_no_formality(library: Database, role: str, table: str) -> None:
    seen = [set(library.rows(visible_rows(role, table, me))) for me in ASKING[role]]
    everything = library.value(f"SELECT count(*) FROM {table}")

    assert seen[0], "the first who asks sees something"
    is_for_everyone = role == "service" or table in ("healthcare.pharmacy", "public.treatment")
    assert is_for_everyone or any(len(rows) < everything for rows in seen), "somebody sees less than everything"


@every_cell
@asked(8)
@given(data=st.data())
def test_a_list_has_the_rows_of_the_oracle_and_nothing_else(
    library: Database, samples: Samples, role: str, table: str, data: st.DataObject
) -> None:
    asking = somebody(data, role, samples)
    view = VIEWS[role][table]
    question: Question = data.draw(questions(asking, view), label="question")

    answer = library.ask(role, asking.me, listed(view, question.columns), **question.arguments)

    rows = question.rows_sql(asking, limit=smaller(question.limit, view.limit))
    assert answer.data["rows"] == library.json(f"SELECT coalesce(json_agg(x), '[]') FROM ({rows}) AS x")


@every_countable_cell
@asked(3)
@given(data=st.data())
def test_an_aggregate_is_over_the_rows_of_the_oracle(
    library: Database, samples: Samples, role: str, table: str, data: st.DataObject
) -> None:
    asking = somebody(data, role, samples)
    view = VIEWS[role][table]
    question: Question = data.draw(questions(asking, view), label="question")
    column = data.draw(st.sampled_from([name for name, one in view.columns.items() if is_comparable(one)]))
    extremes = view.columns[column].type.name not in ("bool", "uuid")
    key = view.table.primary_key
    asks = f"count distinct: count(columns: [{column}], distinct: true)"
    asks += f" min {{ {column} }} max {{ {column} }}" if extremes else ""
    document = listed(view, []).replace(f"rows: {view.name}(", f"rows: {view.name}_aggregate(")
    document = document.replace("{  }", f"{{ aggregate {{ {asks} }} nodes {{ {' '.join(key)} }} }}")

    answer = library.ask(role, asking.me, document, **question.arguments)

    rows = question.rows_sql(asking, limit=question.limit, columns=list(view.columns))
    parts = f"'count', count(*), 'distinct', count(DISTINCT {quote(column)})"
    if extremes:
        parts += f", 'min', json_build_object('{column}', min({quote(column)}))"
        parts += f", 'max', json_build_object('{column}', max({quote(column)}))"
    assert answer.data["rows"]["aggregate"] == library.json(f"SELECT json_build_object({parts}) FROM ({rows}) AS x")
    shown = ", ".join(quote(name) for name in key)
    # The role's limit is for the nodes alone.
    nodes = library.json(f"SELECT coalesce(json_agg(y), '[]') FROM (SELECT {shown} FROM ({rows}) AS x) AS y")
    assert answer.data["rows"]["nodes"] == nodes[: view.limit]


@every_cell_with_a_key
@asked(2)
@given(data=st.data())
def test_pages_together_are_the_rows_of_the_oracle(
    library: Database, samples: Samples, role: str, table: str, data: st.DataObject
) -> None:
    asking = somebody(data, role, samples)
    view = VIEWS[role][table]
    question: Question = data.draw(questions(asking, view, own_columns=True), label="question")
    name, key = view.name, view.table.primary_key
    document = (
        f"query ($where: {name}_bool_exp, $order_by: [{name}_order_by!], $after: String)"
        f" {{ {name}_page(limit: 40, after: $after, where: $where, order_by: $order_by)"
        f" {{ has_more next_cursor nodes {{ {' '.join(key)} }} }} }}"
    )
    arguments = {"where": question.where, "order_by": list(question.order_by)}

    found: list[Any] = []
    after = None
    for _ in range(3):
        page = library.ask(role, asking.me, document, **arguments, after=after).data[f"{name}_page"]
        found += page["nodes"]
        after = page["next_cursor"]
        if not page["has_more"]:
            break

    alias = asking.alias()
    shown = ", ".join(f"{alias}.{quote(column)}" for column in key)
    rows = f"SELECT {shown} FROM {table} AS {alias} WHERE {asking.visible_sql(view.table, alias)}"
    rows += f" AND {where_sql(asking, view.table, alias, question.where)}"
    rows += f" ORDER BY {order_sql(asking, view.table, alias, question.order_by)} LIMIT 120"
    assert found == library.json(f"SELECT coalesce(json_agg(x), '[]') FROM ({rows}) AS x")


@every_countable_cell
@asked(1)
@given(data=st.data())
def test_groups_are_made_of_the_rows_of_the_oracle(
    library: Database, samples: Samples, role: str, table: str, data: st.DataObject
) -> None:
    asking = somebody(data, role, samples)
    view = VIEWS[role][table]
    column = data.draw(st.sampled_from([name for name, one in view.columns.items() if is_comparable(one)]))
    exp = data.draw(wheres(asking, view), label="where")
    document = (
        f"query ($where: {view.name}_bool_exp) {{ groups: {view.name}_group_by(keys: [{{column: {column}}}],"
        f" where: $where) {{ key {{ {column} }} aggregate {{ count }} }} }}"
    )

    answer = library.ask(role, asking.me, document, where=exp)

    alias = asking.alias()
    groups = (
        f"SELECT json_build_object('{column}', {alias}.{quote(column)}) AS key,"
        f" json_build_object('count', count(*)) AS aggregate FROM {table} AS {alias}"
        f" WHERE {asking.visible_sql(view.table, alias)} AND {where_sql(asking, view.table, alias, exp)}"
        f" GROUP BY {alias}.{quote(column)} ORDER BY {alias}.{quote(column)}"
    )
    assert answer.data["groups"] == library.json(f"SELECT coalesce(json_agg(x), '[]') FROM ({groups}) AS x")


@every_cell_with_a_key
def test_a_row_is_found_by_its_key_by_those_who_may_see_it(library: Database, role: str, table: str) -> None:
    view = VIEWS[role][table]
    key = view.table.primary_key
    declared = ", ".join(f"${name}: {view.columns[name].scalar}!" for name in key)
    given_key = ", ".join(f"{name}: ${name}" for name in key)
    document = f"query ({declared}) {{ row: {view.name}_by_pk({given_key}) {{ {' '.join(key)} }} }}"
    columns = ", ".join(f"{quote(name)}::text" for name in key)
    rows = library.rows(f"SELECT {columns} FROM {table} ORDER BY 1 DESC LIMIT 4")

    for me in ASKING[role][:3]:
        seen = {tuple(map(str, row)) for row in library.rows(visible_rows(role, table, me))}
        for row in {*rows, *sorted(seen)[:2]}:
            variables = dict(zip(key, row, strict=True))
            answer = library.ask(role, me, document, **variables).data["row"]
            assert answer == (variables if row in seen else None), (me, row)


@every_cell
def test_what_is_reached_through_a_relationship_is_in_the_oracle(
    library: Database, samples: Samples, role: str, table: str
) -> None:
    view = VIEWS[role][table]
    selections = [*told_by(view)]
    for name, relationship in view.relationships.items():
        shown = told_by(VIEWS[role][relationship.target])
        order = ", ".join(f"{{{one}: asc}}" for one in shown)
        arguments = f"(order_by: [{order}])" if relationship.kind == "array" else ""
        selections.append(f"{name}{arguments} {{ {' '.join(shown)} }}")
    order = ", ".join(f"{{{one}: asc}}" for one in told_by(view))
    document = f"{{ rows: {view.name}(order_by: [{order}], limit: 150) {{ {' '.join(selections)} }} }}"

    for me in ASKING[role][:3]:
        asking = Asking(role=role, me=me, samples=samples)
        expected = library.json(_with_relationships(asking, view))
        assert library.ask(role, me, document).data["rows"] == expected


def _with_relationships(asking: Asking, view: TableView) -> str:
    """The rows with what tells of those that hang on them, as the oracle has it."""
    shown = [f"t.{quote(name)}" for name in told_by(view)]
    for name, relationship in view.relationships.items():
        target, limit = CATALOGUE[relationship.target], asking.view[relationship.target].limit
        links = [f"r.{quote(there)} = t.{quote(here)}" for here, there in relationship.columns]
        key = ", ".join(f"r.{quote(one)}" for one in told_by(asking.view[target.key]))
        tests = " AND ".join([*links, asking.visible_sql(target, "r")])
        rows = f"SELECT {key} FROM {target.key} AS r WHERE {tests} ORDER BY {key}"
        if relationship.kind == "array":
            rows += f" LIMIT {limit}" if limit is not None else ""
            shown.append(f"(SELECT coalesce(json_agg(x), '[]') FROM ({rows}) AS x) AS {quote(name)}")
        else:
            shown.append(f"(SELECT row_to_json(x) FROM ({rows}) AS x) AS {quote(name)}")
    key = ", ".join(f"t.{quote(one)}" for one in told_by(view))
    rows = f"SELECT {', '.join(shown)} FROM {view.table.key} AS t WHERE {asking.visible_sql(view.table, 't')}"
    return f"SELECT coalesce(json_agg(y), '[]') FROM ({rows} ORDER BY {key} LIMIT 150) AS y"
