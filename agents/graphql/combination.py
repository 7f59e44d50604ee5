"""Several mutations as one, so that the endpoint runs them in one transaction.

`mutation A($id: uuid!) { insert_t_one(object: {id: $id}) { id } }` and
`mutation B($id: uuid!) { again: insert_t_one(object: {id: $id}) { id } }` become::

    mutation A_B($id_0: uuid!, $id_1: uuid!) {
      insert_t_one_0: insert_t_one(object: {id: $id_0}) { id }
      again_1: insert_t_one(object: {id: $id_1}) { id }
    }

Variables and response names get the number of the mutation they come from, so nothing clashes; order is kept, since
the endpoint runs root fields in document order. Equal documents give equal text, to the letter: the endpoint's cache of
plans depends on it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from graphql import (
    FieldNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from agents.graphql.documents import Document, DocumentError
from agents.graphql.operations import Mutation


def combine(mutations: Sequence[Mutation]) -> Mutation:
    """One mutation that does what all of them do, in their order; pure."""
    if not mutations:
        raise ValueError("nothing to combine: give at least one mutation")
    variables: dict[str, Any] = {}
    for number, mutation in enumerate(mutations):
        variables |= {f"{name}_{number}": value for name, value in mutation.variables.items()}
    return Mutation(document=_combined(tuple(mutation.document for mutation in mutations)), variables=variables)


# An agent has a few handlers with one or two shapes of write-back each.
@lru_cache(maxsize=256)
def _combined(documents: tuple[Document, ...]) -> Document:
    definitions: list[VariableDefinitionNode] = []
    fields: list[FieldNode] = []
    for number, document in enumerate(documents):
        operation = parse(document.text, no_location=True).definitions[0]
        if not isinstance(operation, OperationDefinitionNode) or operation.operation is not OperationType.MUTATION:
            raise DocumentError(f"{document.name} is not a mutation and can't be part of one")
        numbered = visit(operation, _Numbering(number))
        definitions.extend(numbered.variable_definitions or ())
        for field in numbered.selection_set.selections:
            if not isinstance(field, FieldNode):
                raise DocumentError(f"{document.name}: write its root fields out, fragments can't be combined")
            response_name = (field.alias or field.name).value
            fields.append(
                FieldNode(
                    name=field.name,
                    alias=NameNode(value=f"{response_name}_{number}"),
                    arguments=field.arguments,
                    directives=field.directives,
                    selection_set=field.selection_set,
                )
            )
    name = "_".join(document.name for document in documents)
    combined = OperationDefinitionNode(
        operation=OperationType.MUTATION,
        name=NameNode(value=name),
        variable_definitions=tuple(definitions),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(fields)),
    )
    return Document(name=name, kind="mutation", text=print_ast(combined))


class _Numbering(Visitor):
    """Renames every variable `$x` to `$x_<number>`."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def enter_variable(self, node: VariableNode, *_: Any) -> VariableNode:
        return VariableNode(name=NameNode(value=f"{node.name.value}_{self._number}"))
