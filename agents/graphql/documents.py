"""Operations as they stand in `.graphql` files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from graphql import FragmentDefinitionNode, OperationDefinitionNode, OperationType, parse, print_ast


class DocumentError(Exception):
    """A `.graphql` file holds what can't be sent or combined; the message says which operation and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One named operation: the text the endpoint gets. Equal texts are equal documents."""

    name: str
    #: `query` or `mutation`.
    kind: str
    text: str


def load_documents(path: Path) -> Mapping[str, Document]:
    """The operations of one file by name.

    Each stands alone (no fragments, no anonymous operations), so that a code generator and `combination` can take them
    as they are. Raises DocumentError for a file that breaks this, graphql.GraphQLSyntaxError for what isn't GraphQL.
    """
    documents: dict[str, Document] = {}
    for node in parse(path.read_text(encoding="utf-8"), no_location=True).definitions:
        if isinstance(node, FragmentDefinitionNode):
            raise DocumentError(
                f"{path.name}: fragment {node.name.value}: write its fields out, operations stand alone"
            )
        if not isinstance(node, OperationDefinitionNode) or node.name is None:
            raise DocumentError(f"{path.name}: only named operations belong here, found {node.kind}")
        if node.operation is OperationType.SUBSCRIPTION:
            raise DocumentError(f"{path.name}: subscription {node.name.value}: agents react to events instead")
        if node.name.value in documents:
            raise DocumentError(f"{path.name}: two operations are called {node.name.value}")
        documents[node.name.value] = Document(name=node.name.value, kind=node.operation.value, text=print_ast(node))
    return documents
