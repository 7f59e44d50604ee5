"""What agents ask of the endpoint: valid for role `service`, typed as they are, and nothing that is never theirs."""

from functools import cache

import pytest
from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, parse, validate

from agents.graphql.__main__ import sources
from agents.graphql.combination import combine
from agents.graphql.documents import Document, load_documents
from agents.graphql.operations import Mutation
from permissions.rules import RULES
from server.sdl import role_schema


@cache
def service_schema() -> GraphQLSchema:
    return role_schema("service").graphql_schema


def every_document() -> list[tuple[str, Document]]:
    return [
        (f"{path.parent.name}.{document.name}", document)
        for path in sources()
        for document in load_documents(path).values()
    ]


@pytest.mark.parametrize(("name", "document"), every_document())
def test_an_operation_is_valid_for_the_service_role(name: str, document: Document) -> None:
    errors = validate(service_schema(), parse(document.text))

    assert [error.message for error in errors] == [], name


@pytest.mark.parametrize(("name", "document"), every_document())
def test_an_operation_deletes_nothing(name: str, document: Document) -> None:
    operation = parse(document.text).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    roots = [field.name.value for field in operation.selection_set.selections if isinstance(field, FieldNode)]

    assert [root for root in roots if root.startswith("delete_")] == [], name


def test_all_mutations_of_an_agent_are_valid_as_one() -> None:
    mutations = [
        Mutation(document=document, variables={}) for _, document in every_document() if document.kind == "mutation"
    ]

    combined = combine([*mutations, *mutations])

    assert [error.message for error in validate(service_schema(), parse(combined.document.text))] == []


def test_a_service_sees_of_events_only_its_own_inbox() -> None:
    selectable = {
        table: permissions.select.columns
        for table, permissions in RULES["service"].items()
        if table.startswith("events.") and permissions.select is not None
    }

    assert selectable == {"events.inbox": ("agent", "event_id")}
