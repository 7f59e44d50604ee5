"""Relationships as metadata spells them: by foreign key, or by hand."""

from collections.abc import Mapping
from typing import Any

from schema.catalogue import Catalogue, Relationship, Table

_Pairs = tuple[tuple[str, str], ...]


def relationship_from_metadata(
    catalogue: Catalogue, table: Table, spec: Mapping[str, Any], *, is_object: bool
) -> Relationship | str:
    """The relationship, or a sentence that says why it can't be served."""
    using = spec.get("using") or {}
    manual = using.get("manual_configuration")
    if manual:
        return _manual(catalogue, table, spec["name"], manual, is_object=is_object)
    on = using.get("foreign_key_constraint_on")
    if on is None:
        return "it names neither a foreign key nor columns"
    if isinstance(on, dict) and "table" in on:
        return _incoming(catalogue, table, spec["name"], on, is_object=is_object)
    columns = [on] if isinstance(on, str) else list(on.get("columns") or [on["column"]] if isinstance(on, dict) else on)
    found = _key_on(table, columns)
    if found is None:
        return f"there is no foreign key on {', '.join(columns)}"
    return Relationship(
        name=spec["name"],
        kind="object",
        target=found.target,
        columns=found.columns,
        nullable=found.nullable,
        unique=True,
    )


def _incoming(
    catalogue: Catalogue, table: Table, name: str, on: Mapping[str, Any], *, is_object: bool
) -> Relationship | str:
    target = on["table"]
    key = f"public.{target}" if isinstance(target, str) else f"{target.get('schema', 'public')}.{target['name']}"
    if key not in catalogue.tables:
        return f"there is no table {key}"
    columns = list(on.get("columns") or [on["column"]])
    outward = _key_on(catalogue[key], columns)
    if outward is None or outward.target != table.key:
        return f"there is no foreign key from {key} ({', '.join(columns)}) to {table.key}"
    return Relationship(
        name=name,
        kind="object" if is_object else "array",
        target=key,
        columns=tuple((there, here) for here, there in outward.columns),
        unique=is_object,
        insert_after=is_object,
    )


def _manual(
    catalogue: Catalogue, table: Table, name: str, manual: Mapping[str, Any], *, is_object: bool
) -> Relationship | str:
    remote = manual["remote_table"]
    key = f"public.{remote}" if isinstance(remote, str) else f"{remote.get('schema', 'public')}.{remote['name']}"
    if key not in catalogue.tables:
        return f"there is no table {key}"
    pairs: _Pairs = tuple((str(here), str(there)) for here, there in manual["column_mapping"].items())
    target = catalogue[key]
    for here, there in pairs:
        if here not in table.columns or there not in target.columns:
            return f"it maps {here} to {there}, which are not both columns"
    remote_columns = {there for _, there in pairs}
    unique = any(set(item.columns) <= remote_columns for item in target.constraints)
    return Relationship(
        name=name,
        kind="object" if is_object else "array",
        target=key,
        columns=pairs,
        unique=unique,
        insert_after=is_object and manual.get("insertion_order") == "after_parent",
    )


def _key_on(table: Table, columns: list[str]) -> Relationship | None:
    """The foreign key on exactly these columns, as reflection found it."""
    for relationship in table.relationships.values():
        is_own_key = relationship.kind == "object" and not relationship.insert_after
        if is_own_key and {here for here, _ in relationship.columns} == set(columns):
            return relationship
    return None
