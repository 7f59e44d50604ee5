"""What a role has no right to doesn't exist for it: not in its schema, and not in any message."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, build_client_schema
from graphql import get_introspection_query as introspection_query

from permissions.model import Columns
from permissions.rules import RULES
from schema.catalogue import Table
from tests.integration.permissions.house import CATALOGUE, Answer, Database
from tests.integration.permissions.oracle import ROLES, cells, visible_tables
from tests.integration.permissions.people import ASKING

#: A name that no table has.
UNKNOWN = "nothing_of_the_kind"
every_cell = pytest.mark.parametrize(("role", "table"), cells())


@pytest.fixture(scope="module")
def schemas(library: Database) -> dict[str, GraphQLSchema]:
    """What introspection tells each role."""
    return {role: build_client_schema(library.ask(role, ASKING[role][0], introspection_query()).data) for role in ROLES}


def granted(table: Table, columns: Columns) -> set[str]:
    return set(columns) if isinstance(columns, tuple) else set(table.columns)


def names_of(schema: GraphQLSchema, name: str) -> set[str]:
    """Fields or values of a type; none if there is no such type."""
    kind = schema.type_map.get(name)
    if isinstance(kind, GraphQLEnumType):
        return set(kind.values)
    return set(kind.fields) if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType) else set()


def relationships_of(role: str, table: Table) -> set[str]:
    seen = set(visible_tables(role))
    names = {name for name, one in table.relationships.items() if one.target in seen}
    return names | {f"{name}_aggregate" for name in names}


# Introspection


@every_cell
def test_a_table_shows_the_columns_that_the_rule_names(
    schemas: dict[str, GraphQLSchema], role: str, table: str
) -> None:
    schema, kind, select = schemas[role], CATALOGUE[table], RULES[role][table].select
    assert select is not None
    columns, ways, name = granted(kind, select.columns), relationships_of(role, kind), kind.graphql_name

    assert names_of(schema, name) - ways == columns
    assert names_of(schema, f"{name}_bool_exp") - ways == columns | {"_and", "_or", "_not"}
    assert names_of(schema, f"{name}_order_by") - ways == columns
    assert names_of(schema, f"{name}_select_column") == columns
    for function in ("min", "max", "sum", "avg"):
        for suffix in (f"{function}_fields", f"{function}_order_by", f"{function}_having_exp"):
            assert names_of(schema, f"{name}_{suffix}") <= columns
    assert names_of(schema, f"{name}_group_key") <= columns
    assert names_of(schema, f"{name}_stream_cursor_value_input") <= columns


@pytest.mark.parametrize("role", ROLES)
def test_a_table_takes_the_columns_that_the_rules_name(schemas: dict[str, GraphQLSchema], role: str) -> None:
    schema = schemas[role]
    for table in CATALOGUE:
        rules = RULES[role].get(table.key)
        name, ways = table.graphql_name, set(table.relationships)
        insert, update = (rules.insert, rules.update) if rules else (None, None)
        inserted = granted(table, insert.columns) - set(insert.presets) if insert else set()
        updated = granted(table, update.columns) - set(update.presets) if update else set()

        assert names_of(schema, f"{name}_insert_input") - ways == inserted
        assert names_of(schema, f"{name}_set_input") == updated
        for suffix in ("inc", "append", "prepend", "delete_key", "delete_elem", "delete_at_path"):
            assert names_of(schema, f"{name}_{suffix}_input") <= updated
        assert names_of(schema, f"{name}_update_column") - {"_PLACEHOLDER"} <= updated


@pytest.mark.parametrize("role", ROLES)
def test_a_table_without_rules_is_nowhere_in_the_schema(schemas: dict[str, GraphQLSchema], role: str) -> None:
    schema = schemas[role]
    unseen = [table for table in CATALOGUE if table.key not in RULES[role]]
    assert unseen or role == "admin"
    for table in unseen:
        name = table.graphql_name
        kinds = {one for one in schema.type_map if one == name or one.startswith(f"{name}_")}
        others = {one.graphql_name for one in CATALOGUE if one.key in RULES[role]}
        assert not {one for one in kinds if not any(one == seen or one.startswith(f"{seen}_") for seen in others)}
        for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
            fields = set(root.fields) if root else set()
            assert not fields & {name, f"{name}_by_pk", f"{name}_aggregate", f"insert_{name}", f"update_{name}"}


# Messages


def same_but_for_the_name(answer: Answer, name: str, unknown: Answer) -> bool:
    """Whether the two errors differ in nothing but the name that was asked for."""
    return str(answer.error) == str(unknown.error).replace(UNKNOWN, name)


def uses(name: str, column: str) -> Iterator[str]:
    """Every place of a query where a column can be named."""
    yield f"{{ {name} {{ {column} }} }}"
    yield f'{{ {name}(where: {{{column}: {{_eq: "x"}}}}) {{ __typename }} }}'
    yield f'{{ {name}(where: {{_not: {{{column}: {{_eq: "x"}}}}}}) {{ __typename }} }}'
    yield f"{{ {name}(order_by: {{{column}: asc}}) {{ __typename }} }}"
    yield f"{{ {name}(distinct_on: [{column}]) {{ __typename }} }}"
    yield f"{{ {name}_aggregate {{ aggregate {{ count(columns: [{column}]) }} }} }}"
    yield f"{{ {name}_aggregate {{ aggregate {{ max {{ {column} }} }} }} }}"
    yield f"{{ {name}_group_by(keys: [{{column: {column}}}]) {{ aggregate {{ count }} }} }}"
    yield f"{{ {name}_page(limit: 1, order_by: {{{column}: asc}}) {{ has_more }} }}"
    yield f'mutation {{ insert_{name}(objects: [{{{column}: "x"}}]) {{ affected_rows }} }}'
    yield f'mutation {{ update_{name}(where: {{}}, _set: {{{column}: "x"}}) {{ affected_rows }} }}'
    yield f"mutation {{ insert_{name}(objects: []) {{ returning {{ {column} }} }} }}"


@every_cell
def test_a_hidden_column_is_no_different_from_one_that_does_not_exist(library: Database, role: str, table: str) -> None:
    kind, rules = CATALOGUE[table], RULES[role][table]
    assert rules.select is not None
    me, name = ASKING[role][0], kind.graphql_name
    unknown = [library.ask(role, me, document) for document in uses(name, UNKNOWN)]
    writable = {name for rule in (rules.insert, rules.update) if rule for name in granted(kind, rule.columns)}
    for column in set(kind.columns) - granted(kind, rules.select.columns) - writable:
        for document, expected in zip(uses(name, column), unknown, strict=True):
            assert same_but_for_the_name(library.ask(role, me, document), column, expected), document


@every_cell
def test_a_way_to_a_hidden_table_is_no_different_from_one_that_does_not_exist(
    library: Database, role: str, table: str
) -> None:
    kind, me = CATALOGUE[table], ASKING[role][0]
    seen = set(visible_tables(role))

    def uses_of(way: str) -> Iterator[str]:
        name = kind.graphql_name
        yield f"{{ {name} {{ {way} {{ __typename }} }} }}"
        yield f"{{ {name}(where: {{{way}: {{}}}}) {{ __typename }} }}"
        yield f"{{ {name}(where: {{{way}_aggregate: {{count: {{predicate: {{_eq: 1}}}}}}}}) {{ __typename }} }}"
        yield f"{{ {name}(order_by: {{{way}: {{id: asc}}}}) {{ __typename }} }}"
        yield f"{{ {name}(order_by: {{{way}_aggregate: {{count: asc}}}}) {{ __typename }} }}"

    unknown = [library.ask(role, me, document) for document in uses_of(UNKNOWN)]
    for way, relationship in kind.relationships.items():
        if relationship.target not in seen:
            for document, expected in zip(uses_of(way), unknown, strict=True):
                assert same_but_for_the_name(library.ask(role, me, document), way, expected), document


@pytest.mark.parametrize("role", ROLES)
def test_a_hidden_table_is_no_different_from_one_that_does_not_exist(library: Database, role: str) -> None:
    def uses_of(name: str) -> Iterator[str]:
        yield f"{{ {name} {{ __typename }} }}"
        yield f'{{ {name}_by_pk(id: "x") {{ __typename }} }}'
        yield f"{{ {name}_aggregate {{ aggregate {{ count }} }} }}"
        yield f"{{ {name}_page(limit: 1) {{ has_more }} }}"
        yield f"mutation {{ insert_{name}(objects: []) {{ affected_rows }} }}"
        yield f"mutation {{ update_{name}(where: {{}}) {{ affected_rows }} }}"
        yield f"mutation {{ delete_{name}(where: {{}}) {{ affected_rows }} }}"

    me = ASKING[role][0]
    unknown: list[Any] = [library.ask(role, me, document) for document in uses_of(UNKNOWN)]
    for table in CATALOGUE:
        if table.key not in RULES[role]:
            for document, expected in zip(uses_of(table.graphql_name), unknown, strict=True):
                assert same_but_for_the_name(library.ask(role, me, document), table.graphql_name, expected), document


def uncountable() -> list[tuple[str, str]]:
    selects = {cell: RULES[cell[0]][cell[1]].select for cell in cells()}
    return [cell for cell, select in selects.items() if select is None or not select.aggregate]


@pytest.mark.parametrize(("role", "table"), uncountable())
def test_what_may_not_be_counted_cannot_be_counted_from_anywhere(
    schemas: dict[str, GraphQLSchema], role: str, table: str
) -> None:
    schema, name = schemas[role], CATALOGUE[table].graphql_name
    assert schema.query_type is not None
    assert not {f"{name}_aggregate", f"{name}_group_by"} & set(schema.query_type.fields)
    for other in visible_tables(role):
        for way, relationship in CATALOGUE[other].relationships.items():
            if relationship.target == table:
                for suffix in ("", "_bool_exp", "_order_by"):
                    assert f"{way}_aggregate" not in names_of(schema, f"{CATALOGUE[other].graphql_name}{suffix}")
