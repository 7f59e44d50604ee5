"""The catalogue of a database that exists: the other way to one besides our own metadata.

Relationships are named after foreign keys as `from_metadata` names them; metadata that names its own (Hasura's) uses
`reflect_tables` and declares them itself.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from schema.catalogue import Catalogue, Column, Constraint, Relationship, Table, TableKey, graphql_table_name
from schema.naming import plural
from schema.types import PgType

_QUERY: Final = Path(__file__).with_name("reflect.sql")


class Connection(Protocol):
    """What reflection needs of a connection (asyncpg's has it)."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first value of the first row."""


async def reflect(
    connection: Connection, schemas: Sequence[str] = ("public",), *, partitions: bool = False
) -> Catalogue:
    """The tables and views of `schemas`, related by their foreign keys. Reads the system catalogues only.

    `partitions`: those of partitioned tables are tables as well.
    """
    described = json.loads(await connection.fetchval(_QUERY.read_text(), list(schemas), partitions))
    relationships = _relationships(described)
    return Catalogue(tables={_key(item): _table(item, relationships[_key(item)]) for item in described})


def _key(item: Mapping[str, Any]) -> TableKey:
    return f"{item['schema']}.{item['name']}"


def _table(item: Mapping[str, Any], relationships: Mapping[str, Relationship]) -> Table:
    constraints = tuple(
        Constraint(name=key["name"], columns=tuple(key["columns"]), primary=key["primary"]) for key in item["keys"]
    )
    return Table(
        schema=item["schema"],
        name=item["name"],
        graphql_name=graphql_table_name(item["schema"], item["name"]),
        columns={column["name"]: _column(column) for column in item["columns"]},
        primary_key=next((key.columns for key in constraints if key.primary), ()),
        constraints=constraints,
        relationships=relationships,
        comment=item["comment"],
        insertable=item["insertable"],
        updatable=item["updatable"],
        deletable=item["deletable"],
    )


def _column(item: Mapping[str, Any]) -> Column:
    in_catalogue = item["schema"] == "pg_catalog"
    return Column(
        name=item["name"],
        type=PgType(
            name=item["type"],
            is_array=item["is_array"],
            is_enum=item["is_enum"],
            is_row=item["is_row"],
            schema=None if in_catalogue else item["schema"],
        ),
        nullable=item["nullable"],
        has_default=item["nullable"] or item["has_default"],
        generated=item["generated"],
        is_enum_domain=item["is_enum_domain"],
        comment=item["comment"],
        graphql_name=item["name"],
    )


def _relationships(described: Iterable[Mapping[str, Any]]) -> dict[TableKey, dict[str, Relationship]]:
    tables = {_key(item): item for item in described}
    found: dict[TableKey, dict[str, Relationship]] = {key: {} for key in tables}
    for key, item in tables.items():
        for foreign_key in item["foreign_keys"]:
            target = f"{foreign_key['target_schema']}.{foreign_key['target']}"
            if target in tables:
                _add_both(found, key, target, item, [tuple(pair) for pair in foreign_key["pairs"]])
    return found


def _add_both(
    found: dict[TableKey, dict[str, Relationship]],
    key: TableKey,
    target: TableKey,
    item: Mapping[str, Any],
    pairs: list[tuple[str, str]],
) -> None:
    local = [here for here, _ in pairs]
    nullable = {column["name"]: column["nullable"] for column in item["columns"]}
    outward = Relationship(
        name=_free(found[key], item, pairs[0][0].removesuffix("_id")),
        kind="object",
        target=target,
        columns=tuple(pairs),
        nullable=any(nullable[name] for name in local),
        unique=True,
    )
    found[key][outward.name] = outward
    single = is_unique(item, local)
    name = item["name"] if single else plural(item["name"])
    if name in found[target]:
        # A second foreign key between the same tables: tell them apart by its column.
        name = f"{name}_by_{pairs[0][0].removesuffix('_id')}"
    found[target][name] = Relationship(
        name=name,
        kind="object" if single else "array",
        target=key,
        columns=tuple((there, here) for here, there in pairs),
        unique=single,
        insert_after=single,
    )


def _free(taken: Mapping[str, Relationship], item: Mapping[str, Any], name: str) -> str:
    """A relationship's name that is no column's: a key column without `_id` would hide its own relationship."""
    columns = {column["name"] for column in item["columns"]}
    while name in columns or name in taken:
        name = f"{name}_row"
    return name


def is_unique(item: Mapping[str, Any], columns: Iterable[str]) -> bool:
    """Whether at most one row of a described table has the same values in `columns`."""
    wanted = set(columns)
    keys = [set(key["columns"]) for key in item["keys"]] + [set(names) for names in item["unique"] if names]
    return any(key <= wanted for key in keys)
