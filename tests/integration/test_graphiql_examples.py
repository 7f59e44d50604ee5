"""The tabs of a first visit must work: each example is checked against the schema of who would run it."""

import re

import pytest
from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode, OperationType, parse, validate

from server.graphiql import DIST
from server.sdl import role_schema

EXAMPLES = dict(re.findall(r"const (\w+) = `(.*?)`;", (DIST.parent / "src" / "examples.ts").read_text(), re.DOTALL))


def for_schema(document: DocumentNode, schema: GraphQLSchema) -> DocumentNode:
    """The document without subscriptions when the schema has none."""
    if schema.subscription_type is not None:
        return document
    return DocumentNode(
        definitions=tuple(
            one
            for one in document.definitions
            if not (isinstance(one, OperationDefinitionNode) and one.operation is OperationType.SUBSCRIPTION)
        )
    )


@pytest.mark.parametrize(
    ("example", "role"),
    [
        ("CATALOGUE", "anonymous"),
        ("CATALOGUE", "user"),
        ("CATALOGUE", "cct"),
        ("CATALOGUE", "admin"),
        ("CONTRACTS", "user"),
        ("CONTRACTS", "cct"),
        ("CONTRACTS", "admin"),
        ("START", "user"),
    ],
)
def test_an_example_fits_the_schema_of_those_it_is_for(example: str, role: str) -> None:
    schema = role_schema(role).graphql_schema
    document = for_schema(parse(EXAMPLES[example]), schema)
    assert validate(schema, document) == []


def test_every_example_is_checked() -> None:
    assert set(EXAMPLES) == {"CATALOGUE", "CONTRACTS", "START"}
