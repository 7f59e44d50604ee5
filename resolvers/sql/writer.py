"""What every part of the renderer shares: binds, quoting, aliases."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from resolvers import ir
from schema.catalogue import Column, Function, Table
from schema.types import PgType

#: The session source that is not a session variable but all of them, as JSON.
SESSION_JSON = "json"
#: PostgreSQL cuts identifiers at this many bytes (NAMEDATALEN - 1).
MAX_IDENTIFIER_BYTES = 63
_BOOLEAN = PgType(name="bool")


def quote_identifier(name: str) -> str:
    """The name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """Text as an SQL string literal, whatever `standard_conforming_strings` says."""
    escaped = text.replace("'", "''")
    return " E'" + escaped.replace("\\", "\\\\") + "'" if "\\" in text else f"'{escaped}'"


def type_name(pg_type: PgType) -> str:
    """The type's name in a cast."""
    name = quote_identifier(pg_type.name)
    if pg_type.schema is not None:
        name = f"{quote_identifier(pg_type.schema)}.{name}"
    return f"{name}[]" if pg_type.is_array else name


def table_name(table: Table) -> str:
    """The qualified, quoted name of a table."""
    return f"{quote_identifier(table.schema)}.{quote_identifier(table.name)}"


def column_of(alias: str, column: Column | str) -> str:
    """`alias."column"`."""
    return f"{alias}.{quote_identifier(column if isinstance(column, str) else column.name)}"


def function_name(function: Function) -> str:
    """The qualified, quoted name of a function."""
    return f"{quote_identifier(function.schema)}.{quote_identifier(function.name)}"


@dataclass(slots=True)
class Writer:
    """Collects the binds of one statement and numbers its range variables."""

    params: list[ir.Param] = field(default_factory=list)
    #: Masked columns as they were rendered, by range variable and name.
    masked: dict[tuple[str, str], str] = field(default_factory=dict)
    _numbers: dict[ir.Param, int] = field(default_factory=dict)
    _aliases: int = 0

    def alias(self) -> str:
        """A new range variable, quoted. It holds a character that GraphQL names can't, so no response key equals it.

        (A whole-row reference such as `json_agg("$1")` would else mean a client's column of that name.)
        """
        self._aliases += 1
        return f'"${self._aliases}"'

    def bind(self, param: ir.Param) -> str:
        """The value as `$n`, cast from text to its type by PostgreSQL.

        A boolean that the document or a rule gives is written out: PostgreSQL would cast it anew for each row.
        """
        if isinstance(param.source, ir.Const) and param.type == _BOOLEAN and not param.many:
            if param.source.value is True:
                return "true"
            if param.source.value is False:
                return "false"
        place = self.place(self._number(param), many=param.many)
        if param.many:
            if param.type.is_array:
                # An array of arrays has no text[] form: cast the items one by one.
                item = self.alias()
                return f"(SELECT {item}::{type_name(param.type)} FROM unnest({place}) {item})"
            return f"{place}::{type_name(PgType(name=param.type.name, is_array=True, schema=param.type.schema))}"
        if param.type.name == "text" and not param.type.is_array:
            return place
        return f"{place}::{type_name(param.type)}"

    def bind_texts(self, values: Sequence[ir.Param]) -> str:
        """Many values of one column as an array of their texts; what reads it casts them."""
        sources = tuple(source for value in values for source in [value.source] if not isinstance(source, tuple))
        assert len(sources) == len(values), "a value that is made of several can't be one of many"
        return self.place(self._number(ir.Param(source=sources, type=values[0].type, many=True)), many=True)

    def bind_column(self, value: ir.Param) -> str:
        """What all rows of a variable have in one column: the text of an array, or of the value where all have one."""
        assert isinstance(value.source, ir.EachRow), "a column's values come from a variable's rows"
        return self.place(self._number(value), many=False)

    def place(self, number: int, *, many: bool) -> str:
        """Where the bind of this number is found, as text (a list's as an array of texts)."""
        return f"${number}::text[]" if many else f"${number}::text"

    def operand(self, alias: str, column: Column) -> str:
        """A column of a row, or what the column's function makes of the row."""
        if column.computed_by is None:
            stored = column_of(alias, column)
            return f"{stored}::{type_name(column.type)}" if column.is_enum_domain else stored
        computed = column.computed_by
        return self.call(ir.Call(function=computed.function, arguments=(), row_argument=computed.row_argument), alias)

    def call(self, call: ir.Call, row: str | None = None) -> str:
        """A function call; `row` is the range variable that a computed field is about."""
        given = dict(call.arguments)
        listed: list[str] = []
        # By place as long as one without a name is to come, by name from then on, past those that are left out.
        places = max((number for number, item in enumerate(call.function.arguments, 1) if item.nameless), default=0)
        for number, argument in enumerate(call.function.arguments, 1):
            if argument.name == call.row_argument and row is not None:
                value = row
            elif argument.name == call.function.session_argument:
                session = ir.Param(source=ir.FromSession(SESSION_JSON), type=argument.type)
                value = self.bind(session)
            elif argument.name in given:
                param = given[argument.name]
                value = f"NULL::{type_name(argument.type)}" if param is None else self.bind(param)
            else:
                continue
            listed.append(value if number <= places else f"{quote_identifier(argument.name)} => {value}")
        return f"{function_name(call.function)}({', '.join(listed)})"

    def _number(self, param: ir.Param) -> int:
        # The same source at the same type is one bind: a session variable is often used many times.
        is_shared = not isinstance(param.source, ir.Const | tuple)
        if is_shared and param in self._numbers:
            return self._numbers[param]
        self.params.append(param)
        if is_shared:
            self._numbers[param] = len(self.params)
        return len(self.params)
