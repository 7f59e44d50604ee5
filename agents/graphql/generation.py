"""Writes the typed Python of a `.graphql` file: one function an operation, one class an answer.

For `query GetContract($id: uuid!) { contract: contract_by_pk(id: $id) { id treatment { name } } }`::

    class GetContract(Answer):
        class Contract(Answer):
            class Treatment(Answer):
                name: str

            id: uuid.UUID
            treatment: Treatment

        contract: Contract | None

    def get_contract(*, id: uuid.UUID) -> Query[GetContract]: ...

Rules: a comment right above an operation becomes the function's docstring. An object's class is named after its
response name (an alias, if there is one) and lies in the class of the object around it. A nullable variable must be
given, None meaning null; one with a default in the document may be left out. An input object becomes a TypedDict of its
scalar fields, all optional but those that the schema requires, so that absent and null stay two things.

`python -m agents.graphql` runs it for all agents. It's ours because ariadne-codegen (0.19) needs graphql-core 3.2, and
because its clients send what they make at once, where an agent first combines its mutations into one.
"""

import keyword
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from graphql import (
    FieldNode,
    GraphQLCompositeType,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    TokenKind,
    VariableDefinitionNode,
    is_composite_type,
    is_input_type,
    is_required_input_field,
    parse,
    type_from_ast,
    validate,
)
from pydantic import BaseModel

from agents.graphql.documents import DocumentError, load_documents

#: GraphQL scalar → Python type. Qualified, since columns are called `date` and `time`.
SCALARS: Final[Mapping[str, str]] = {
    "Boolean": "bool",
    "Float": "float",
    "ID": "str",
    "Int": "int",
    "String": "str",
    "bigint": "int",
    "date": "datetime.date",
    "jsonb": "Any",
    "numeric": "decimal.Decimal",
    "smallint": "int",
    "time": "datetime.time",
    "timestamptz": "datetime.datetime",
    "uuid": "uuid.UUID",
}
#: First line of what is generated; a file without it was written by hand.
HEADING: Final = '"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""'

_NO_ANSWER_CLASS: Final = frozenset({"Answer", "Any", "Document", "Final", "Literal", "Mutation", "Query"})


def generate(schema: GraphQLSchema, path: Path) -> str:
    """The module for the operations of one file, formatted; runs ruff, writes nothing.

    Raises DocumentError for what the schema doesn't know or Python can't name, with the file and the place.
    """
    documents = load_documents(path)
    source = parse(path.read_text(encoding="utf-8"))
    errors = validate(schema, source)
    if errors:
        raise DocumentError("\n".join(f"{path}: {error}" for error in errors))
    module = _Module(schema, path)
    for node in source.definitions:
        assert isinstance(node, OperationDefinitionNode)
        assert node.name is not None
        module.add(node, documents[node.name.value].text)
    return _formatted(module.text(), path.with_suffix(".py"))


class _Module:
    """One module while it grows."""

    def __init__(self, schema: GraphQLSchema, path: Path) -> None:
        self._schema = schema
        self._path = path
        self._inputs: dict[str, list[str]] = {}
        self._operations: list[str] = []

    def add(self, operation: OperationDefinitionNode, text: str) -> None:
        """One operation: its document, its answer, its function."""
        assert operation.name is not None
        name = operation.name.value
        kind = operation.operation.value
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        function, constant = function_name(name), f"_{function_name(name).upper()}"
        class_name = self._class_name(_pascal(name), name)
        said = _comment(operation) or f"The {kind} `{name}`."
        literal = f'"""\\\n{text}"""' if '"""' not in text and "\\" not in text else repr(text)
        self._operations += [
            f"{constant}: Final = Document(name={name!r}, kind={kind!r}, text={literal})",
            "",
            *self._answer(class_name, root, operation.selection_set, f"The answer of `{function}`.", name),
            "",
            *self._function(operation, function, said, f"{kind.capitalize()}[{class_name}]"),
            f"    return {kind.capitalize()}(document={constant}, variables=variables, answer={class_name})",
            "",
        ]

    def text(self) -> str:
        """The module, not yet formatted."""
        body = "\n".join([*(line for lines in self._inputs.values() for line in lines), *self._operations])
        standard = [name for name in ("datetime", "decimal", "uuid") if re.search(rf"\b{name}\.", body)]
        names = [
            name for name in ("Any", "Final", "Literal", "Required", "TypedDict") if re.search(rf"\b{name}\b", body)
        ]
        kinds = [name for name in ("Mutation", "Query") if f"{name}[" in body]
        return "\n".join(
            [
                HEADING,
                *(f"import {name}" for name in standard),
                f"from typing import {', '.join(names)}",
                "",
                "from agents.graphql.documents import Document",
                f"from agents.graphql.operations import {', '.join(['Answer', *kinds])}",
                "",
                body,
            ]
        )

    # Answers

    def _answer(
        self, class_name: str, kind: GraphQLCompositeType, selections: SelectionSetNode, said: str, where: str
    ) -> Iterator[str]:
        """The class of an object: first those of the objects in it, then its fields."""
        yield f"class {class_name}(Answer):"
        yield f'    """{said}"""'
        nested: list[str] = []
        fields: list[str] = []
        for selection in selections.selections:
            if not isinstance(selection, FieldNode) or selection.directives:
                raise DocumentError(f"{self._path}: {where}: only plain fields, no fragments and no directives")
            response_name = (selection.alias or selection.name).value
            at = f"{where}.{response_name}"
            self._check_field_name(response_name, at)
            field_type = self._field_type(kind, selection)
            inner = _innermost(field_type)
            name = ""
            if is_composite_type(inner):
                assert selection.selection_set is not None
                name = self._class_name(_pascal(response_name), at)
                nested += ["", *self._answer(name, inner, selection.selection_set, f"Of type `{inner}`.", at)]
            fields.append(f"{response_name}: {self._python(field_type, name, at)}")
        yield from (f"    {line}" if line else "" for line in [*nested, "", *fields])

    def _field_type(self, kind: GraphQLCompositeType, field: FieldNode) -> GraphQLOutputType:
        if field.name.value == "__typename":
            return GraphQLNonNull(GraphQLScalarType("String"))
        assert isinstance(kind, GraphQLObjectType), f"{kind} is an interface or union, of which our schema has none"
        field_type: GraphQLOutputType = kind.fields[field.name.value].type
        return field_type

    # Functions and their arguments

    def _function(self, operation: OperationDefinitionNode, function: str, said: str, returned: str) -> Iterator[str]:
        parameters: list[str] = []
        given: list[str] = []
        optional: list[str] = []
        for variable in operation.variable_definitions or ():
            name = variable.variable.name.value
            self._check_parameter(name, function)
            python = self._variable_type(variable, f"{function}(${name})")
            if variable.default_value is None:
                parameters.append(f"{name}: {python}")
                given.append(f"{name!r}: {name}")
            else:
                parameters.append(f"{name}: {python.removesuffix(' | None')} | None = None")
                optional += [f"    if {name} is not None:", f"        variables[{name!r}] = {name}"]
        yield f"def {function}({'*, ' if parameters else ''}{', '.join(parameters)}) -> {returned}:"
        yield f'    """{said}"""'
        yield f"    variables: dict[str, Any] = {{{', '.join(given)}}}"
        yield from optional

    def _variable_type(self, variable: VariableDefinitionNode, at: str) -> str:
        kind = type_from_ast(self._schema, variable.type)
        assert is_input_type(kind)
        inner = _innermost(kind)
        name = self._input(inner, at) if isinstance(inner, GraphQLInputObjectType) else ""
        return self._python(kind, name, at)

    def _input(self, kind: GraphQLInputObjectType, at: str) -> str:
        """The name of the type of an input object, which is declared when it is new."""
        leaves = {
            name: field
            for name, field in kind.fields.items()
            if not isinstance(_innermost(field.type), GraphQLInputObjectType)
        }
        if not leaves:
            # A filter, say: its fields are objects, and so on without end.
            return "dict[str, Any]"
        name = _pascal(kind.name)
        if kind.name not in self._inputs:
            lines = [f"class {name}(TypedDict, total=False):", f'    """`{kind.name}`: its scalar fields."""', ""]
            for field_name, field in leaves.items():
                if keyword.iskeyword(field_name):
                    raise DocumentError(f"{self._path}: {at}: {kind.name}.{field_name} is a word of Python's")
                python = self._python(field.type, "", f"{kind.name}.{field_name}")
                lines.append(f"    {field_name}: {f'Required[{python}]' if is_required_input_field(field) else python}")
            self._inputs[kind.name] = [*lines, ""]
        return name

    def _python(self, kind: GraphQLOutputType | GraphQLInputType, class_name: str, at: str) -> str:
        """The annotation of a type whose innermost object is `class_name`."""
        if isinstance(kind, GraphQLNonNull):
            return self._python(kind.of_type, class_name, at).removesuffix(" | None")
        if isinstance(kind, GraphQLList):
            return f"list[{self._python(kind.of_type, class_name, at)}] | None"
        if isinstance(kind, GraphQLEnumType):
            return f"Literal[{', '.join(repr(value) for value in kind.values)}] | None"
        if class_name:
            return f"{class_name} | None"
        if kind.name not in SCALARS:
            raise DocumentError(f"{self._path}: {at}: no Python type for {kind.name}; add it to SCALARS")
        return "Any" if SCALARS[kind.name] == "Any" else f"{SCALARS[kind.name]} | None"

    # Names

    def _class_name(self, name: str, at: str) -> str:
        if name in _NO_ANSWER_CLASS:
            raise DocumentError(f"{self._path}: {at}: {name} means something else here; give it an alias")
        return name

    def _check_field_name(self, name: str, at: str) -> None:
        if keyword.iskeyword(name) or name.startswith("_") or hasattr(BaseModel, name):
            raise DocumentError(f"{self._path}: {at}: {name} can't be an attribute; give it an alias")

    def _check_parameter(self, name: str, function: str) -> None:
        if keyword.iskeyword(name) or name == "variables":
            raise DocumentError(f"{self._path}: {function}: ${name} can't be a parameter; call it otherwise")


def _innermost(kind: GraphQLOutputType | GraphQLInputType) -> GraphQLOutputType | GraphQLInputType:
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind


def _comment(operation: OperationDefinitionNode) -> str | None:
    """The comment that ends on the line above an operation, as a docstring's text."""
    assert operation.loc is not None
    lines: list[str] = []
    token = operation.loc.start_token
    line = token.line
    while (token.prev is not None) and token.prev.kind is TokenKind.COMMENT and token.prev.line == line - 1:
        token = token.prev
        line = token.line
        lines.insert(0, (token.value or "").strip())
    return "\n    ".join(lines) or None


def function_name(operation: str) -> str:
    """What the typed function of an operation is called."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation).lower()


def _pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _formatted(text: str, path: Path) -> str:
    command: Iterable[str] = (sys.executable, "-m", "ruff", "format", "--stdin-filename", str(path), "-")
    run = subprocess.run([*command], input=text, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own words
    if run.returncode != 0:
        raise DocumentError(f"what was generated can't be formatted: {run.stderr.strip()}")
    return run.stdout
