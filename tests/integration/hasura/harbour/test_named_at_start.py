"""What can't be served as the metadata says is named at start, and takes nothing else with it."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import asyncpg
import pytest
from graphql import validate_schema

from permissions.inherited import inherit
from permissions.view import role_view
from resolvers.masks import compile_masks
from resolvers.role_schema import RoleSchema
from schema.catalogue import Catalogue, Function
from schema.reflect import reflect
from schema.reflect_functions import reflect_functions
from server.hasura.files import read_metadata
from server.hasura.metadata import Served, apply_metadata
from tests.databases import create_database, drop_database, run
from tests.integration.hasura.harbour.conftest import FOLDER

Found = tuple[Catalogue, Mapping[str, Function]]
Tables = dict[str, dict[str, Any]]
Change = Callable[[dict[str, Any], Tables], object]


async def _reflect(url: str) -> Found:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await reflect(connection), await reflect_functions(connection, ["public"])
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def found(postgres_server: str, harbour_template: str) -> Iterator[Found]:
    """What the harbour's database holds."""
    url = run(create_database(postgres_server, template=harbour_template))
    yield run(_reflect(url))
    run(drop_database(postgres_server, url))


def served(found: Found, change: Change) -> Served:
    """What comes of the metadata with a change in it."""
    metadata = deepcopy(read_metadata(FOLDER / "metadata"))
    change(metadata, {item["table"]["name"]: item for item in metadata["databases"][0]["tables"]})
    return apply_metadata(metadata, *found)


def relationship(name: str) -> Change:
    on = {"column": "captain_id", "table": {"schema": "public", "name": "ship"}}
    item = {"name": name, "using": {"foreign_key_constraint_on": on}}
    return lambda _, tables: tables["captain"]["array_relationships"].append(item)


def computed(name: str, function: str, **definition: Any) -> Change:
    item = {"name": name, "definition": {"function": function, **definition}}
    return lambda _, tables: tables["captain"]["computed_fields"].append(item)


def function(name: str, **configuration: Any) -> Change:
    item = {"function": {"schema": "public", "name": name}, "configuration": configuration}
    return lambda metadata, _: metadata["databases"][0]["functions"].append(item)


def configured(**configuration: Any) -> Change:
    return lambda _, tables: tables["captain"].update(configuration=configuration)


def permission(operation: str, *, role: str = "guest", **spec: Any) -> Change:
    item = {"role": role, "permission": spec}
    return lambda _, tables: tables["captain"].setdefault(f"{operation}_permissions", []).append(item)


def inherited(**roles: list[str]) -> Change:
    items = [{"role_name": name, "role_set": parents} for name, parents in roles.items()]
    return lambda metadata, _: metadata["inherited_roles"].extend(items)


GUEST = "table public.captain, select permission of role guest: "
NOT_GRANTED = ", so the permission is not granted"
ONE: dict[str, Any] = {"columns": ["id"], "filter": {}}
CAPTAIN = "table public.captain, "
CASES: list[tuple[Change, list[str]]] = [
    (relationship("my-ships"), [CAPTAIN + "relationship my-ships: GraphQL can't spell its name"]),
    (relationship("name"), [CAPTAIN + "relationship name: name is a field of the table already"]),
    (relationship("vessels"), [CAPTAIN + "relationship vessels: vessels is a field of the table already"]),
    (computed("the fleet", "captain_fleet"), [CAPTAIN + "computed field the fleet: GraphQL can't spell its name"]),
    (computed("born_in", "captain_fleet"), [CAPTAIN + "computed field born_in: born_in is a field already"]),
    (
        computed("x", "captain_untracked"),
        [CAPTAIN + "computed field x: public.untracked, which public.captain_untracked returns, is no tracked table"],
    ),
    (
        computed("x", "captain_position"),
        [CAPTAIN + "computed field x: public.position, which public.captain_position returns, is no tracked table"],
    ),
    (
        computed("x", "captain_numbers"),
        [CAPTAIN + "computed field x: public.captain_numbers returns neither one value nor rows of a table"],
    ),
    (
        computed("x", "captain_pair"),
        [CAPTAIN + "computed field x: public.captain_pair returns neither one value nor rows of a table"],
    ),
    (
        computed("x", "captain_record", table_argument="of_year"),
        [
            CAPTAIN
            + "computed field x: public.captain_record has no argument of_year that takes a row of public.captain"
        ],
    ),
    (
        computed("x", "captain_fleet", session_argument="session"),
        [
            CAPTAIN + "computed field x: public.captain_fleet has no argument session of type json, which would take "
            "the session"
        ],
    ),
    (function("ships_by"), ["function public.ships_by: GraphQL can't spell its argument 'first letter'"]),
    (
        # Else a client would say who it is.
        function("ships_of", session_argument="hasura_session"),
        [
            "function public.ships_of: public.ships_of has no argument hasura_session of type json, which would take "
            "the session"
        ],
    ),
    (
        function("ships_of", session_argument="session", custom_name="my-ships"),
        ["function public.ships_of: GraphQL can't spell 'my-ships': give it a custom_name"],
    ),
    (
        function("ships_of", session_argument="session", custom_name="ship"),
        ["function public.ships_of: 'ship' is a field already: give it a custom_name"],
    ),
    (function("sink", exposed_as="query"), ["function public.sink: it is tracked twice; the first counts"]),
    (
        configured(custom_root_fields={"select": "the captains", "insert_one": {"name": "hire", "comment": "x"}}),
        [
            CAPTAIN + "custom_root_fields.select: GraphQL can't spell 'the captains', so it keeps its usual name",
        ],
    ),
    (
        configured(custom_root_fields={"select": "ship", "select_by_pk": "master", "select_aggregate": "master"}),
        [
            CAPTAIN + "custom_root_fields.select: 'ship' is a field of public.ship already, so it keeps its usual name",
            CAPTAIN + "custom_root_fields.select_aggregate: 'master' is a field of public.captain already, so it keeps "
            "its usual name",
        ],
    ),
    (
        configured(custom_root_fields={"choose": "captains"}),
        [CAPTAIN + "custom_root_fields.choose: there is no such root field"],
    ),
    (
        configured(column_config={"born_in": {"custom_name": "name"}, "rank": {"custom_name": "title"}}),
        [
            CAPTAIN + "column rank: it does not exist, so it has no custom_name",
            CAPTAIN + "column born_in: 'name' is what name is called already",
        ],
    ),
    (
        lambda metadata, tables: metadata["databases"][0]["tables"].append({"table": tables["captain"]["table"]}),
        ["table public.captain: it is tracked twice; the first counts"],
    ),
    # What is left out of a permission must not make it wider.
    (permission("select", columns=["id"]), [GUEST + "it has no filter" + NOT_GRANTED]),
    (permission("select", columns=["id"], filter=None), [GUEST + "it has no filter" + NOT_GRANTED]),
    (permission("select", columns="id", filter={}), [GUEST + "its columns are no list" + NOT_GRANTED]),
    (permission("select", **ONE, limit=-1), [GUEST + "its limit is -1" + NOT_GRANTED]),
    (permission("select", **ONE, limit="5"), [GUEST + "its limit is '5'" + NOT_GRANTED]),
    (permission("select", **ONE, computed_fields=["age"]), [GUEST + "there is no computed field age"]),
    (
        permission("insert", columns=["id"], check=None),
        [CAPTAIN + "insert permission of role guest: it has no check" + NOT_GRANTED],
    ),
    (
        permission("select", role="crew", **ONE),
        2 * [CAPTAIN + "select permission of role crew: it is there several times" + NOT_GRANTED],
    ),
    (
        permission("select", role="admin", **ONE),
        [CAPTAIN + "select permission of role admin: admin may do everything" + NOT_GRANTED],
    ),
    (
        permission("select", columns=["id"], filter={"_or": {"id": {"_eq": 1}}}),
        [GUEST + "a permission on public.captain has a _or that is no list" + NOT_GRANTED],
    ),
    (
        # It would be one of its letters.
        permission("select", columns=["id"], filter={"name": {"_in": "Ada"}}),
        [GUEST + "a permission asks whether a value is one of 'Ada', which is no list" + NOT_GRANTED],
    ),
    (
        permission("select", columns=["id"], filter={"vessels": {"id": {"_ceq": ["captain", "id"]}}}),
        [
            GUEST
            + "a permission on public.ship compares with ['captain', 'id'], which is no column of public.ship"
            + NOT_GRANTED
        ],
    ),
    (
        inherited(one=["two"], two=["three", "crew"], three=["one"], four=["crew", "three"]),
        [
            "inherited role one: it inherits from itself, so it has no permissions by its parents",
            "inherited role two: it inherits from itself, so it has no permissions by its parents",
            "inherited role three: it inherits from itself, so it has no permissions by its parents",
        ],
    ),
    (inherited(harbour_office=["crew"]), ["inherited role harbour_office: it is there twice; the first counts"]),
    (
        lambda metadata, _: metadata["databases"].insert(0, {"name": "old", "kind": "mssql", "tables": []}),
        ["database old: its kind is mssql: only PostgreSQL is served"],
    ),
    (
        lambda metadata, _: metadata["databases"].append({"name": "new", "kind": "postgres", "tables": []}),
        ["databases.yaml: only the first database (harbour) is served"],
    ),
]


@pytest.mark.parametrize(("change", "problems"), CASES, ids=[problems[0][:80] for _, problems in CASES])
def test_it_is_named_and_all_else_is_served(found: Found, change: Change, problems: list[str]) -> None:
    made = served(found, change)
    assert [str(problem) for problem in made.problems] == problems
    crew = role_view(made.catalogue, made.rules, "crew", made.function_roles)
    cargo = role_view(made.catalogue, made.rules, "cargo", made.function_roles)
    for view in (
        role_view(made.catalogue, made.rules, "admin"),
        role_view(made.catalogue, made.rules, "guest", made.function_roles),
        inherit(made.catalogue, "harbour_office", [crew, cargo]),
    ):
        schema = RoleSchema(compile_masks(made.catalogue, view), (), {}).graphql_schema
        assert validate_schema(schema) == []
        if view.role == "admin":
            assert schema.query_type is not None
            assert {"captain", "ship", "pier", "berth", "add_up"} <= schema.query_type.fields.keys()
