"""Rules that every declared table keeps."""

import pytest
from sqlalchemy import CheckConstraint, Column, DateTime, Index, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from schema.relationships import Relationship
from schema.tables import base_tables, metadata, views

TABLES = sorted(metadata.tables.values(), key=lambda table: table.fullname)
BASE_TABLES = sorted(base_tables(), key=lambda table: table.fullname)
MIRROR = "resource_version"

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.fullname)
every_base_table = pytest.mark.parametrize("table", BASE_TABLES, ids=lambda table: table.fullname)


@every_table
def test_table_has_a_comment_that_is_a_sentence(table: Table) -> None:
    assert table.comment is not None
    assert table.comment.endswith(".")


@every_table
def test_column_comments_are_sentences(table: Table) -> None:
    for column in table.columns:
        assert column.comment is None or column.comment.endswith("."), column


@every_base_table
def test_table_has_a_primary_key(table: Table) -> None:
    assert table.primary_key.columns


@every_base_table
def test_own_table_has_uuid_key_and_creation_time_unless_its_key_is_natural(table: Table) -> None:
    natural_key = {"chargebee.sync_cursor", "events.inbox", "events.live_watch", "events.waiting", "events.publication"}
    if MIRROR in table.columns or table.fullname in natural_key:
        return
    assert table.primary_key.columns.keys() == ["id"]
    assert str(table.columns["id"].server_default.arg) == "public.uuid_v7()"  # type: ignore[union-attr]
    assert {"created_at", "started_at"} & set(table.columns.keys())


@every_base_table
def test_mirrored_table_keeps_version_and_time_of_its_source(table: Table) -> None:
    if table.schema == "chargebee" and table.name != "sync_cursor":
        assert {MIRROR, "updated_at", "deleted", "synced_at"} <= set(table.columns.keys())
        assert isinstance(table.columns["id"].type, Text)


@every_base_table
def test_every_foreign_key_begins_an_index(table: Table) -> None:
    for key in table.foreign_key_constraints:
        assert begins_an_index(table, list(key.column_keys)), key.name


@every_base_table
def test_no_foreign_key_touches_the_mirror(table: Table) -> None:
    for key in table.foreign_keys:
        assert not key.target_fullname.startswith("chargebee.")
    if table.schema == "chargebee":
        assert not table.foreign_keys


@every_base_table
def test_every_status_is_checked(table: Table) -> None:
    checks = {str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint)}
    for column in table.columns:
        values = column.info.get("values")
        if values is None:
            assert not column.name.endswith("status") or column.name == "status_reason", column
            continue
        listed = ", ".join(f"'{value}'" for value in values)
        assert f"{column.name} IN ({listed})" in checks, column


@every_base_table
def test_every_status_is_indexed(table: Table) -> None:
    # Reached through the provider or the patient; or eight rows.
    exempt = {"healthcare.encounter", "healthcare.care_team", "chargebee.sync_cursor"}
    if "status" in table.columns and table.fullname not in exempt:
        assert begins_an_index(table, ["status"])


@every_base_table
def test_times_carry_a_time_zone(table: Table) -> None:
    for column in table.columns:
        assert not isinstance(column.type, DateTime) or column.type.timezone, column


@every_base_table
def test_names_fit_postgresql_and_say_their_table(table: Table) -> None:
    names = [index.name for index in table.indexes] + [constraint.name for constraint in table.constraints]
    for name in names:
        assert isinstance(name, str)
        assert len(name) <= 63, name
        assert str(name).startswith(table.name), name


@every_table
def test_declared_relationships_join_existing_columns_of_equal_type_by_an_index(table: Table) -> None:
    relationship: Relationship
    for relationship in table.info.get("relationships", []):
        target = metadata.tables[relationship.target]
        assert relationship.name not in table.columns
        for local, remote in relationship.columns.items():
            assert type_of(table.columns[local]) == type_of(target.columns[remote]), relationship
        if relationship.target not in {view.fullname for view in views()}:
            assert begins_an_index(target, list(relationship.columns.values())), relationship


def test_views_say_their_key() -> None:
    for view in views():
        assert set(view.info["primary_key"]) <= set(view.columns.keys())


def begins_an_index(table: Table, columns: list[str]) -> bool:
    """Whether some full index, unique constraint or key of the table starts with just these columns."""
    keys = [
        [column.name for column in constraint.columns]
        for constraint in table.constraints
        if isinstance(constraint, PrimaryKeyConstraint | UniqueConstraint)
    ]
    keys += [
        [getattr(expression, "name", "") for expression in index.expressions]
        for index in table.indexes
        if is_full(index)
    ]
    return any(set(key[: len(columns)]) == set(columns) for key in keys)


def is_full(index: Index) -> bool:
    return index.dialect_options["postgresql"]["where"] is None


def type_of(column: Column[object]) -> str:
    return str(column.type)
