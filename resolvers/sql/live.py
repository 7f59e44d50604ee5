"""One statement for many subscribers: a row of binds in, a row with the result out.

    SELECT "$s"."n", (the root field's SELECT) AS "v", NULL AS "c", ARRAY[…] AS "k0" …
    FROM unnest($1::int4[], $2::text[], $3::text[]) AS "$s"("n", "p1", "p2")

Every bind of the root field is taken from the subscriber's row. "n" numbers the rows, "v" is the result as JSON, "c"
the new cursor of a stream, and the rest are the keys that `resolvers.live.routes` asks for.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from resolvers import ir
from resolvers.live.routes import BoundKey, FoundKeys, Keys
from resolvers.sql.root import root_query_sql
from resolvers.sql.stream import stream_select
from resolvers.sql.where import filters_sql, where_clause
from resolvers.sql.writer import Writer, column_of, table_name

#: The subscribers' rows. No alias that a document can spell.
_ROWS: Final = '"$s"'


def live_sql(root: ir.RootQuery | ir.RootStream, keys: Sequence[Keys], max_keys: int) -> tuple[str, list[ir.Param]]:
    """The statement and what its rows of binds are made of, in order; the latter doesn't depend on `keys`.

    Of each kind of keys at most `max_keys` are told, and one more to show that there are more.
    """
    writer = _RowWriter()
    if isinstance(root, ir.RootStream):
        columns = ['"$r"."v"', '"$r"."c"']
        lateral = f' CROSS JOIN LATERAL ({stream_select(writer, root)}) "$r"'
    else:
        columns = [f'({root_query_sql(writer, root)}) AS "v"', 'NULL::text AS "c"']
        lateral = ""
    columns += [f'{_keys_sql(writer, item, max_keys)} AS "k{number}"' for number, item in enumerate(keys)]
    numbers = range(1, len(writer.params) + 1)
    names = ", ".join(['"n"', *(f'"p{number}"' for number in numbers)])
    arrays = ", ".join(["$1::int4[]", *(f"${number + 1}::text[]" for number in numbers)])
    select = f'SELECT {_ROWS}."n", {", ".join(columns)} FROM unnest({arrays}) AS {_ROWS}({names}){lateral}'
    return select, writer.params


@dataclass(slots=True)
class _RowWriter(Writer):
    """Takes every bind from the subscriber's row."""

    #: The numbers of binds, of constants by identity (`params` keeps them alive).
    _known: dict[Hashable, int] = field(default_factory=dict)

    def place(self, number: int, *, many: bool) -> str:
        """Where the bind of this number is found, as text (a list's as an array of texts)."""
        return f'{_ROWS}."p{number}"::text[]' if many else f'{_ROWS}."p{number}"'

    def _number(self, param: ir.Param) -> int:
        # Keys repeat conditions of the root field; these very binds are there already. Equal constants are not the same
        # bind: to Python, true is 1.
        key = id(param) if isinstance(param.source, ir.Const | tuple) else param
        if key not in self._known:
            self.params.append(param)
            self._known[key] = len(self.params)
        return self._known[key]


def _keys_sql(writer: Writer, keys: Keys, max_keys: int) -> str:
    """The keys as an array of texts."""
    if isinstance(keys, BoundKey):
        return f"ARRAY[({writer.bind(keys.param)})::text]"
    return f"ARRAY({_found_sql(writer, keys, as_text=True)} LIMIT {max_keys + 1})"


def _found_sql(writer: Writer, keys: FoundKeys, *, as_text: bool) -> str:
    alias = writer.alias()
    column = column_of(alias, keys.column)
    tests = filters_sql(writer, keys.where, alias)
    if keys.within is not None:
        name, above = keys.within
        if isinstance(above, BoundKey):
            tests.append(f"{column_of(alias, name)} = {writer.bind(above.param)}")
        else:
            tests.append(f"{column_of(alias, name)} IN ({_found_sql(writer, above, as_text=False)})")
    tests.append(f"{column} IS NOT NULL")
    chosen = f"DISTINCT {column}::text" if as_text else column
    return f"SELECT {chosen} FROM {table_name(keys.table)} {alias}{where_clause(tests)}"
