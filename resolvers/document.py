"""Documents: parsed once, their operations chosen by name, their selections merged.

Fragments are expanded and equal response names merged here (HASURA_DIALECT §6), so the compiler sees each field once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from graphql import (
    DirectiveLocation,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLDirective,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLSyntaxError,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    ValueNode,
    VariableNode,
    print_ast,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS, Node
from graphql.language.parser import Parser

from resolvers.errors import ValidationFailed
from resolvers.inputs import Scope, coerce_arguments
from resolvers.lexer import QuickLexer
from resolvers.response_cache import DEFAULT_TTL_S, MAX_TTL_S, Caching

#: More tokens than any hand-written document has; a parser bound, so that hostile text costs little.
MAX_TOKENS: Final = 15_000
#: Fields after the expansion of fragments.
MAX_EXPANDED_FIELDS: Final = 10_000
#: Levels of selections, fragments included.
MAX_DEPTH: Final = 100
_LEVEL: Final = ".selectionSet."

#: `query @cached(ttl: 120, refresh: false)`.
CACHED: Final = GraphQLDirective(
    "cached",
    [DirectiveLocation.QUERY],
    {
        "ttl": GraphQLArgument(GraphQLInt, description=f"Seconds to keep the answer ({DEFAULT_TTL_S} by default)."),
        "refresh": GraphQLArgument(GraphQLBoolean, description="Ask the database now and keep the new answer."),
    },
    description="Whether this request should be cached or not.",
)

_IF: Final = {"if": GraphQLArgument(GraphQLNonNull(GraphQLBoolean))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a parsed document."""

    definition: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    #: Variables that stand anywhere in the operation or the fragments it uses.
    used_variables: frozenset[str]

    @property
    def kind(self) -> str:
        """`query`, `mutation` or `subscription`."""
        return self.definition.operation.value


@dataclass(slots=True)
class SelectedField:
    """A field to answer: all nodes that merged into one response name."""

    key: str
    name: str
    node: FieldNode
    arguments: Mapping[str, ValueNode]
    selections: list[SelectionSetNode] = field(default_factory=list)


def parse_document(text: str) -> DocumentNode:
    """The document's syntax tree. Raises ValidationFailed for text that is no GraphQL."""
    try:
        # Without locations a tree takes half the memory; what is kept of a document is its tree.
        parser = Parser(
            text,
            no_location=True,
            max_tokens=MAX_TOKENS,
            allow_empty_selection_sets=False,
            lexer=QuickLexer(Source(text)),
        )
        return parser.parse_document()
    except GraphQLSyntaxError as error:
        line = error.locations[0].line if error.locations else 1
        column = error.locations[0].column if error.locations else 1
        raise ValidationFailed(
            f"not a valid graphql query: {error.message} (line {line}, column {column})", "$.query"
        ) from None
    except RecursionError:
        raise ValidationFailed("not a valid graphql query: it is nested too deeply", "$.query") from None


def _refuse_misplaced_directives(document: DocumentNode) -> None:
    """Raise ValidationFailed for a directive where none is defined: on a fragment, or on a variable."""
    for definition in document.definitions:
        found: list[DirectiveNode] = []
        if isinstance(definition, FragmentDefinitionNode):
            found += definition.directives or ()
        if isinstance(definition, OperationDefinitionNode):
            for variable in definition.variable_definitions or ():
                found += variable.directives or ()
        if found:
            name = found[0].name.value
            raise ValidationFailed(f"directive '{name}' is not defined in the schema or not allowed here")


def choose_operation(document: DocumentNode, name: str | None) -> Operation:
    """The operation that a request means (HASURA_DIALECT §6). Raises ValidationFailed when it is not clear."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    if not all(isinstance(node, OperationDefinitionNode | FragmentDefinitionNode) for node in document.definitions):
        raise ValidationFailed("only operations and fragments may stand in a request", "$.query")
    if len(operations) + len(fragments) != len(document.definitions):
        raise ValidationFailed("two fragments of the document have the same name", "$.query")
    _refuse_misplaced_directives(document)
    anonymous = [node for node in operations if node.name is None]
    if name is not None:
        if anonymous:
            raise ValidationFailed("operationName cannot be used when an anonymous operation exists in the document")
        chosen = [node for node in operations if node.name is not None and node.name.value == name]
        if not chosen:
            raise ValidationFailed(f'no such operation found in the document: "{name}"')
        if len(chosen) > 1:
            raise ValidationFailed(f'multiple operations are named "{name}"')
    else:
        if not operations:
            raise ValidationFailed("the document holds no operation")
        if len(operations) > 1:
            raise ValidationFailed(
                "exactly one operation has to be present in the document when operationName is not specified"
            )
        chosen = operations
    definition = chosen[0]
    declared = [node.variable.name.value for node in definition.variable_definitions or ()]
    if len(set(declared)) < len(declared):
        raise ValidationFailed("a variable is declared twice")
    variables, used = used_names([definition.selection_set, *(definition.directives or ())], fragments)
    _refuse_cycles({name: fragments[name] for name in used if name in fragments})
    return Operation(definition=definition, fragments=fragments, used_variables=variables)


def _refuse_cycles(fragments: Mapping[str, FragmentDefinitionNode]) -> None:
    """Raise ValidationFailed if a fragment spreads itself, be it through others and below other fields."""
    spread = {name: used_names([node.selection_set], {})[1] & fragments.keys() for name, node in fragments.items()}
    # Take away what spreads nothing that is left, again and again: cycles stay.
    while spread:
        free = [name for name, others in spread.items() if not others & spread.keys()]
        if not free:
            raise ValidationFailed(f'the fragment "{min(spread)}" refers to itself')
        for name in free:
            del spread[name]


def used_names(
    nodes: Iterable[Node], fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[frozenset[str], frozenset[str]]:
    """The variables and the fragment spreads that stand anywhere in `nodes`, or in the fragments that they spread."""
    variables: set[str] = set()
    spread: set[str] = set()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, VariableNode):
            variables.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
            name = node.name.value
            spread.add(name)
            if name in fragments:
                pending.append(fragments[name].selection_set)
        for key in QUERY_DOCUMENT_KEYS.get(node.kind, ()):
            value = getattr(node, key, None)
            if isinstance(value, tuple):
                pending.extend(value)
            elif value is not None:
                pending.append(value)
    return frozenset(variables), frozenset(spread)


def count_aliases(field_node: FieldNode, fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    """The aliases below a field, and in the fragments that are spread there; each fragment's once."""
    found = 0
    seen: set[str] = set()
    pending = [field_node.selection_set]
    while pending:
        selection_set = pending.pop()
        for node in selection_set.selections if selection_set is not None else ():
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in seen and name in fragments:
                    seen.add(name)
                    pending.append(fragments[name].selection_set)
                continue
            if isinstance(node, FieldNode):
                found += node.alias is not None
            if isinstance(node, FieldNode | InlineFragmentNode):
                pending.append(node.selection_set)
    return found


def caching(operation: Operation, scope: Scope) -> Caching | None:
    """What `@cached` on the operation says, or None without it. Raises ValidationFailed for any other directive."""
    found: Caching | None = None
    for node in operation.definition.directives or ():
        name = node.name.value
        if name != CACHED.name:
            raise ValidationFailed(f"directive '{name}' is not defined in the schema or not allowed here")
        if operation.kind != "query":
            raise ValidationFailed("only queries can be cached")
        if found is not None:
            raise ValidationFailed("directive 'cached' is used more than once at one place")
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        arguments = coerce_arguments(given, CACHED.args, scope, "$.cached")
        ttl_s = arguments.get("ttl")
        refresh = arguments.get("refresh")
        wanted = DEFAULT_TTL_S if ttl_s is None else int(scope.structural(ttl_s))
        if not 0 < wanted <= MAX_TTL_S:
            raise ValidationFailed(f"the ttl of @cached is between 1 and {MAX_TTL_S} seconds", "$.cached.args.ttl")
        found = Caching(ttl_s=wanted, refresh=bool(scope.structural(refresh) if refresh is not None else False))
    return found


class Selector:
    """Merges the selections of one operation; holds the bound on what fragments may expand to."""

    def __init__(self, operation: Operation, scope: Scope) -> None:
        self._fragments = operation.fragments
        self._scope = scope
        self._expanded = 0
        #: Response names of the client's own choice so far.
        self.aliases = 0
        self._printed: dict[int, str] = {}

    def fields(self, sets: Iterable[SelectionSetNode], type_name: str, path: str) -> list[SelectedField]:
        """The fields of all `sets` on an object of type `type_name`, in order. Raises ValidationFailed."""
        if path.count(_LEVEL) > MAX_DEPTH:
            raise ValidationFailed(f"the document selects fields more than {MAX_DEPTH} levels deep")
        found: dict[str, SelectedField] = {}
        for selection_set in sets:
            self._collect(selection_set, type_name, path, found)
        return list(found.values())

    def _collect(
        self,
        selection_set: SelectionSetNode,
        type_name: str,
        path: str,
        found: dict[str, SelectedField],
    ) -> None:
        for node in selection_set.selections:
            # Spreads count like fields: fragments of fragments may double without a field in them.
            self._expanded += 1
            if self._expanded > MAX_EXPANDED_FIELDS:
                raise ValidationFailed(
                    f"the document selects more than {MAX_EXPANDED_FIELDS} fields once its fragments are expanded"
                )
            if not self._included(node.directives, path):
                continue
            if isinstance(node, FieldNode):
                self._merge(node, path, found)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self._fragments.get(name)
                if fragment is None:
                    raise ValidationFailed(f'reference to undefined fragment "{name}"', f"{path}.selectionSet")
                if self._condition(fragment.type_condition, path) == type_name:
                    self._collect(fragment.selection_set, type_name, path, found)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._condition(condition, path) == type_name:
                    self._collect(node.selection_set, type_name, path, found)

    def _condition(self, node: NamedTypeNode, path: str) -> str:
        """The type that a fragment is about."""
        name = node.name.value
        if name not in self._scope.types:
            raise ValidationFailed(f"a fragment is about the unknown type '{name}'", f"{path}.selectionSet")
        return name

    def _included(self, directives: tuple[DirectiveNode, ...] | None, path: str) -> bool:
        if not directives:
            return True
        decided: dict[str, bool] = {}
        for node in directives:
            name = node.name.value
            if name not in ("include", "skip"):
                raise ValidationFailed(f"directive '{name}' is not defined in the schema", f"{path}.selectionSet")
            if name in decided:
                raise ValidationFailed(
                    f"directive '{name}' is used more than once at one place", f"{path}.selectionSet"
                )
            given = {argument.name.value: argument.value for argument in node.arguments or ()}
            arguments = coerce_arguments(given, _IF, self._scope, f"{path}.{name}")
            decided[name] = bool(self._scope.structural(arguments["if"]))
        return decided.get("include", True) and not decided.get("skip", False)

    def _merge(self, node: FieldNode, path: str, found: dict[str, SelectedField]) -> None:
        name = node.name.value
        key = node.alias.value if node.alias else name
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        if len(arguments) != len(node.arguments or ()):
            raise ValidationFailed(f"an argument of '{name}' is given twice", f"{path}.selectionSet.{name}")
        present = found.get(key)
        if present is None:
            self.aliases += key != name
            present = found[key] = SelectedField(key=key, name=name, node=node, arguments=arguments)
        elif present.name != name or not self._same(present.arguments, arguments):
            raise ValidationFailed(
                f"selection of both '{present.name}' and '{name}' with different arguments specify the same response "
                f"name, '{key}'",
                f"{path}.selectionSet.{name}",
            )
        if node.selection_set is not None:
            present.selections.append(node.selection_set)

    def _same(self, first: Mapping[str, ValueNode], second: Mapping[str, ValueNode]) -> bool:
        return first.keys() == second.keys() and all(
            value is second[name] or self._text(value) == self._text(second[name]) for name, value in first.items()
        )

    def _text(self, node: ValueNode) -> str:
        """The value as text; each node's once, since fragments bring the same one again and again."""
        if id(node) not in self._printed:
            self._printed[id(node)] = print_ast(node)
        return self._printed[id(node)]
