"""The catalogue of SQLAlchemy tables.

Relationships come from foreign keys: the column without `_id` names the object side, the plural of the referencing
table's name the array side. A foreign key's `info` may rename either (`{"object": …, "array": …}`, None for none),
and `Table.info["relationships"]` adds those that no foreign key backs.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Column as SqlColumn
from sqlalchemy import ForeignKeyConstraint, Identity, MetaData, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects import postgresql

from schema.catalogue import (
    Catalogue,
    Column,
    Constraint,
    Relationship,
    Table,
    TableKey,
    graphql_table_name,
)
from schema.naming import plural
from schema.types import parse_pg_type

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


def catalogue_from_metadata(metadata: MetaData) -> Catalogue:
    """Everything in `metadata` as a catalogue. Pure; raises ValueError for a relationship that names nothing."""
    sql_tables = {_key(table): table for table in metadata.tables.values()}
    relationships = _relationships(sql_tables)
    return Catalogue(
        tables={key: _table(table, relationships[key]) for key, table in sql_tables.items()},
    )


def _key(table: SqlTable) -> TableKey:
    return f"{table.schema or 'public'}.{table.name}"


def _table(table: SqlTable, relationships: dict[str, Relationship]) -> Table:
    schema = table.schema or "public"
    is_view = bool(table.info.get("is_view"))
    return Table(
        schema=schema,
        name=table.name,
        graphql_name=graphql_table_name(schema, table.name),
        columns={column.name: _column(column, primary=column.primary_key) for column in table.columns},
        primary_key=_primary_key_names(table),
        constraints=() if is_view else tuple(_constraints(table)),
        relationships=relationships,
        comment=table.comment,
        insertable=not is_view,
        updatable=not is_view,
        deletable=not is_view,
        sensitive=bool(table.info.get("sensitive")),
        shows=table.info.get("shows"),
    )


def _primary_key_names(table: SqlTable) -> tuple[str, ...]:
    declared = table.info.get("primary_key")
    return tuple(declared) if declared else tuple(column.name for column in table.primary_key.columns)


def _column(column: SqlColumn[Any], *, primary: bool) -> Column:
    identity = column.identity
    generated = column.computed is not None or (isinstance(identity, Identity) and bool(identity.always))
    nullable = bool(column.nullable) and not primary
    return Column(
        name=column.name,
        type=parse_pg_type(column.type.compile(dialect=_DIALECT)),
        nullable=nullable,
        has_default=nullable or column.server_default is not None or identity is not None,
        generated=generated,
        comment=column.comment,
        graphql_name=column.name,
    )


def _constraints(table: SqlTable) -> Iterable[Constraint]:
    for constraint in sorted(table.constraints, key=lambda item: str(item.name)):
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint) and len(constraint.columns):
            yield Constraint(
                name=_constraint_name(table, constraint),
                columns=tuple(column.name for column in constraint.columns),
                primary=isinstance(constraint, PrimaryKeyConstraint),
            )


def _constraint_name(table: SqlTable, constraint: PrimaryKeyConstraint | UniqueConstraint) -> str:
    name = _DIALECT.identifier_preparer.format_constraint(constraint)
    return name.strip('"') if name else f"{table.name}_pkey"


def _relationships(tables: dict[TableKey, SqlTable]) -> dict[TableKey, dict[str, Relationship]]:
    found: dict[TableKey, dict[str, Relationship]] = {key: {} for key in tables}
    for key, table in tables.items():
        for constraint in sorted(table.foreign_key_constraints, key=lambda item: str(item.column_keys)):
            _add_foreign_key(found, tables, key, constraint)
        for declared in table.info.get("relationships", ()):
            if declared.target not in tables:
                raise ValueError(f"{key}: relationship {declared.name} leads to {declared.target}, which is no table")
            pairs = tuple(declared.columns.items())
            _add(
                found,
                key,
                Relationship(
                    name=declared.name,
                    kind=declared.kind,
                    target=declared.target,
                    columns=pairs,
                    unique=_is_unique(tables[declared.target], [remote for _, remote in pairs]),
                ),
            )
    return found


def _add_foreign_key(
    found: dict[TableKey, dict[str, Relationship]],
    tables: dict[TableKey, SqlTable],
    key: TableKey,
    constraint: ForeignKeyConstraint,
) -> None:
    table = tables[key]
    remote_key = _key(constraint.referred_table)
    pairs = tuple((element.parent.name, element.column.name) for element in constraint.elements)
    info: dict[str, Any] = {**constraint.info, **constraint.elements[0].info}
    object_name = info.get("object", pairs[0][0].removesuffix("_id"))
    if object_name:
        _add(
            found,
            key,
            Relationship(
                name=object_name,
                kind="object",
                target=remote_key,
                columns=pairs,
                nullable=any(table.columns[local].nullable for local, _ in pairs),
                unique=True,
            ),
        )
    one_to_one = _is_unique(table, [local for local, _ in pairs])
    array_name = info.get("array", table.name if one_to_one else plural(table.name))
    if array_name:
        _add(
            found,
            remote_key,
            Relationship(
                name=array_name,
                kind="object" if one_to_one else "array",
                target=key,
                columns=tuple((remote, local) for local, remote in pairs),
                unique=one_to_one,
                insert_after=one_to_one,
            ),
        )


def _add(found: dict[TableKey, dict[str, Relationship]], key: TableKey, relationship: Relationship) -> None:
    if relationship.name in found[key]:
        raise ValueError(
            f"{key}: two relationships are named {relationship.name}; rename one in the foreign key's info"
        )
    found[key][relationship.name] = relationship


def _is_unique(table: SqlTable, columns: list[str]) -> bool:
    wanted = set(columns)
    keys = [set(_primary_key_names(table))]
    keys += [
        {column.name for column in constraint.columns}
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    keys += [
        {column.name for column in index.columns}
        for index in table.indexes
        if index.unique and index.dialect_options["postgresql"]["where"] is None
    ]
    return any(key and key <= wanted for key in keys)
