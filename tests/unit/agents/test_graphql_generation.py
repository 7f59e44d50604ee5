"""What becomes of a `.graphql` file: the committed modules, and each rule on a schema of its own."""

import sys
import types
import typing
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from graphql import GraphQLSchema, build_schema
from pydantic import ValidationError

from agents.graphql.__main__ import is_handwritten, read_schema, sources
from agents.graphql.documents import DocumentError
from agents.graphql.generation import generate
from agents.graphql.operations import Mutation, Query

SCHEMA = """
    scalar uuid
    scalar date
    scalar numeric
    scalar jsonb
    scalar timestamptz
    scalar interval
    enum shade { light dark }
    type owner { name: String shades: [shade!]! }
    type thing {
        id: uuid! date: date weight: numeric data: jsonb! owner: owner! owners: [owner!] from: String length: interval
    }
    input owner_input { name: String }
    input thing_input { id: uuid! weight: numeric seen_at: timestamptz owner: owner_input }
    input thing_filter { owner: owner_input }
    type written { affected_rows: Int! }
    type Query { thing(id: uuid!, shade: shade, where: thing_filter, first: Int): thing }
    type Mutation { insert(objects: [thing_input!]!, note: String): written }
"""
THING = uuid.UUID(int=7)


@pytest.fixture
def schema() -> GraphQLSchema:
    return build_schema(SCHEMA)


def generated(schema: GraphQLSchema, folder: Path, text: str) -> typing.Any:
    """The module that is generated for `text`, imported."""
    (folder / "operations.graphql").write_text(text, encoding="utf-8")
    module = types.ModuleType("generated_operations")
    sys.modules[module.__name__] = module
    try:
        exec(generate(schema, folder / "operations.graphql"), module.__dict__)  # noqa: S102 - it's what is tested
    finally:
        del sys.modules[module.__name__]
    return module


def test_the_committed_modules_are_what_is_generated_today() -> None:
    schema = read_schema()
    for source in sources():
        module = source.with_suffix(".py")
        assert not is_handwritten(module), f"{module}: make clients"
        assert module.read_text(encoding="utf-8") == generate(schema, source), f"{module} is stale: make clients"


def test_a_query_reads_into_nested_types(schema: GraphQLSchema, tmp_path: Path) -> None:
    module = generated(
        schema,
        tmp_path,
        """
        # Not this.

        # A thing
        # as it is.
        query GetThing($id: uuid!) {
          found: thing(id: $id) { id date weight data origin: from owner { name shades } owners { name } }
        }
        """,
    )
    query = module.get_thing(id=THING)
    answer = query.answer.model_validate(
        {
            "found": {
                "id": str(THING),
                "date": "2026-02-28",
                "weight": 1.5,
                "data": {"a": [1]},
                "origin": None,
                "owner": {"name": None, "shades": ["dark"]},
                "owners": [{"name": "Ada"}],
            }
        }
    )

    assert isinstance(query, Query)
    assert query.variables == {"id": THING}
    assert query.document.name == "GetThing"
    assert module.get_thing.__doc__ == "A thing\n    as it is."
    assert answer.found.date == date(2026, 2, 28)
    assert answer.found.weight == Decimal("1.5")
    assert answer.found.owners[0].name == "Ada"
    assert type(answer.found.owner) is module.GetThing.Found.Owner
    with pytest.raises(ValidationError, match="shades"):
        module.GetThing.Found.Owner.model_validate({"name": None, "shades": ["blue"]})


def test_variables_are_typed_and_only_those_with_defaults_may_be_left_out(
    schema: GraphQLSchema, tmp_path: Path
) -> None:
    module = generated(
        schema,
        tmp_path,
        "query A($id: uuid!, $shade: shade, $where: thing_filter, $first: Int = 3) "
        "{ thing(id: $id, shade: $shade, where: $where, first: $first) { id } }",
    )
    hints = typing.get_type_hints(module.a)

    assert hints["shade"] == typing.Literal["light", "dark"] | None
    assert hints["where"] == dict[str, typing.Any] | None
    assert module.a(id=THING, shade=None, where=None).variables == {"id": THING, "shade": None, "where": None}
    assert module.a(id=THING, shade="dark", where=None, first=5).variables["first"] == 5
    with pytest.raises(TypeError, match="shade"):
        module.a(id=THING, where=None)


def test_rows_to_write_are_dictionaries_of_their_scalar_fields(schema: GraphQLSchema, tmp_path: Path) -> None:
    module = generated(
        schema,
        tmp_path,
        "mutation Write($objects: [thing_input!]!) { insert(objects: $objects) { affected_rows } }",
    )
    row = module.ThingInput(id=THING, seen_at=datetime(2026, 1, 1, tzinfo=UTC))
    mutation = module.write(objects=[row])

    assert isinstance(mutation, Mutation)
    assert set(module.ThingInput.__annotations__) == {"id", "weight", "seen_at"}
    assert module.ThingInput.__required_keys__ == {"id"}
    assert mutation.variables == {"objects": [{"id": THING, "seen_at": datetime(2026, 1, 1, tzinfo=UTC)}]}
    assert mutation.answer.model_validate({"insert": {"affected_rows": 2}}).insert.affected_rows == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query A($id: uuid!) { thing(id: $id) { colour } }", "colour"),
        (
            "query A($id: uuid!) { thing(id: $id) { from } }",
            "A.thing.from: from can't be an attribute; give it an alias",
        ),
        ("query A($id: uuid!) { thing(id: $id) { length } }", "no Python type for interval"),
        ("query A($id: uuid!) { any: thing(id: $id) { id } }", "A.any: Any means something else here"),
        ("query A($class: uuid!) { thing(id: $class) { id } }", "a: \\$class can't be a parameter"),
        ("query A($id: uuid!) { thing(id: $id) { ... on thing { id } } }", "no fragments"),
        ("query A($id: uuid!, $x: Boolean!) { thing(id: $id) { id @skip(if: $x) } }", "no directives"),
    ],
)
def test_what_python_cannot_say_is_refused_with_its_place(
    schema: GraphQLSchema, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(DocumentError, match=said):
        generated(schema, tmp_path, text)
