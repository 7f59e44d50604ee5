"""The functions of a database that exists."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from schema.catalogue import Argument, Function, graphql_table_name
from schema.reflect import Connection
from schema.types import PgType

_QUERY: Final = Path(__file__).with_name("reflect_functions.sql")


async def reflect_functions(connection: Connection, schemas: Sequence[str]) -> Mapping[str, Function]:
    """The functions of `schemas` by `schema.name`. Of overloaded ones, which no name tells apart, none is there."""
    described = json.loads(await connection.fetchval(_QUERY.read_text(), list(schemas)))
    found: dict[str, Function] = {}
    overloaded: set[str] = set()
    for item in described:
        function = _function(item)
        if function.key in found:
            overloaded.add(function.key)
        found[function.key] = function
    return {key: function for key, function in found.items() if key not in overloaded}


def _function(item: Mapping[str, Any]) -> Function:
    arguments = item["arguments"]
    first_default = len(arguments) - item["default_count"]
    returns = item["returns"]
    is_row = returns["is_row"]
    return Function(
        schema=item["schema"],
        name=item["name"],
        graphql_name=graphql_table_name(item["schema"], item["name"]),
        arguments=tuple(
            Argument(
                # Nameless ones are called as Hasura calls them.
                name=argument["name"] or f"arg_{number + 1}",
                type=pg_type(argument),
                has_default=number >= first_default,
                nameless=not argument["name"],
            )
            for number, argument in enumerate(arguments)
        ),
        returns=f"{returns['schema']}.{returns['type']}" if is_row else None,
        returns_scalar=None if is_row else pg_type(returns),
        returns_set=item["returns_set"],
        volatile=item["volatile"],
        comment=item["comment"],
    )


def pg_type(item: Mapping[str, Any]) -> PgType:
    """The type that a row of the query describes."""
    return PgType(
        name=item["type"],
        is_array=item["is_array"],
        is_enum=item["is_enum"],
        is_row=item["is_row"],
        schema=None if item["schema"] == "pg_catalog" else item["schema"],
    )
