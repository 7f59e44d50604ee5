"""What holds of all rules, whoever writes the next one."""

from collections.abc import Iterable

import pytest
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy import Table as SqlTable

from permissions.model import ALL, Columns
from permissions.rules import ROLES, RULES
from permissions.rules.persons import AS_STAFF, ME
from permissions.view import RuleError, role_view
from resolvers.plan.where import permission_condition
from schema.catalogue import Relationship
from schema.tables import metadata
from schema.view import BoolExp, RoleView, TableView
from tests.unit.permissions.conditions import CATALOGUE, cells, comparisons, conditions, every_condition

VIEWS = {role: role_view(CATALOGUE, RULES, role) for role in ROLES}
every_rule = pytest.mark.parametrize(
    ("role", "table", "name", "exp"), [pytest.param(*one, id=" ".join(one[:3])) for one in every_condition()]
)


def named(columns: Columns) -> tuple[str, ...]:
    assert isinstance(columns, tuple)
    return columns


# They mean something


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sees_the_tables_that_it_has_rules_for(role: str) -> None:
    assert set(VIEWS[role].tables) == set(RULES[role])


def test_a_role_that_nobody_wrote_rules_for_sees_nothing() -> None:
    assert role_view(CATALOGUE, RULES, "superuser").tables == {}


@every_rule
def test_a_condition_names_only_what_exists(role: str, table: str, name: str, exp: BoolExp) -> None:
    del role, name
    permission_condition(CATALOGUE, CATALOGUE[table], exp)


def test_a_rule_about_an_unknown_column_is_refused() -> None:
    broken = {"user": {"public.customer": RULES["user"]["public.treatment"]}}
    with pytest.raises(RuleError, match=r"public\.customer: no column"):
        role_view(CATALOGUE, broken, "user")


@every_rule
def test_a_condition_compares_a_status_with_values_that_it_can_have(
    role: str, table: str, name: str, exp: BoolExp
) -> None:
    del role, name
    for comparison in comparisons(CATALOGUE[table], exp):
        values = metadata.tables[comparison.table.key].columns[comparison.column].info.get("values")
        if values is not None and not comparison.operator.startswith(("_c", "_is")):
            operand = comparison.operand
            assert set(operand if isinstance(operand, list) else [operand]) <= set(values)


def test_a_preset_is_a_value_that_the_column_can_have() -> None:
    for role, table, permissions in cells():
        for rule in (permissions.insert, permissions.update):
            for column, value in (rule.presets if rule else {}).items():
                values = metadata.tables[table].columns[column].info.get("values")
                assert value == ME or values is None or value in values, (role, table, column)


# Nothing is open by accident


def test_nobody_deletes_rows() -> None:
    assert [(role, table) for role, table, permissions in cells() if permissions.delete] == []


def test_only_admin_sees_events_and_audit_but_agents_their_own_inbox() -> None:
    reading = {(role, table) for role, table, permissions in cells() if permissions.select}
    assert {one for one in reading if one[1].startswith(("events.", "audit."))} == {("service", "events.inbox")}
    assert not any(table.startswith("audit.") for _, table, _ in cells())
    select = RULES["service"]["events.inbox"].select
    assert select is not None
    assert select.filter == {"agent": {"_eq": ME}}


def test_nothing_is_granted_with_columns_that_do_not_exist_yet() -> None:
    for role, table, permissions in cells():
        for rule in (permissions.select, permissions.insert, permissions.update):
            assert rule is None or rule.columns is not ALL, (role, table)


def test_lists_of_people_are_pages() -> None:
    # One row each: oneself.
    single = {("user", "public.customer"), ("user", "healthcare.patient")}
    for role, table, permissions in cells():
        if role != "service" and permissions.select and (role, table) not in single:
            assert permissions.select.limit, (role, table)


def test_rows_of_people_have_a_filter_and_agents_none_that_names_a_person() -> None:
    for role, table, permissions in cells():
        for name, exp in conditions(permissions):
            mine = any(comparison.operand == ME for comparison in comparisons(CATALOGUE[table], exp))
            if role in ("provider", "cct") and name in ("select filter", "insert check", "update filter"):
                assert mine, (role, table, name)
            # Where it does name one, it is the agent itself: its own records, and who alone may bring history.
            if role == "service" and not table.startswith("events.") and table != "chargebee.invoice":
                assert not mine, (role, table, name)


def test_members_of_the_care_coordination_team_must_work_here() -> None:
    for table, permissions in RULES["cct"].items():
        for name, exp in conditions(permissions):
            assert name == "update check" or exp.get("_exists") == AS_STAFF["_exists"], (table, name)


def test_a_customer_writes_nothing_that_money_or_a_clinician_decides() -> None:
    updates = {table: named(one.update.columns) for table, one in RULES["user"].items() if one.update}
    assert updates == {
        "public.customer": (
            *("first_name", "last_name", "phone"),
            *("address_line1", "address_line2", "city", "state_code", "zip", "country"),
            *("timezone", "email_opt_out", "sms_opt_out", "quiet_hours_start", "quiet_hours_end"),
        ),
        "public.message": ("read_at",),
        "public.notification": ("read_at",),
    }


def test_a_provider_sees_no_billing_amounts() -> None:
    tables = RULES["provider"]
    assert not [table for table in tables if table.startswith("chargebee.")]
    money = {"lifetime_value", "monthly_price", "upfront_price", "amount", "currency_code"}
    for table, permissions in tables.items():
        if permissions.select:
            assert not money & set(named(permissions.select.columns)), table


def test_the_care_coordination_team_sees_of_the_chart_only_status_and_shipment() -> None:
    seen = {
        table: set(named(permissions.select.columns))
        for table, permissions in RULES["cct"].items()
        if table.startswith("healthcare.") and permissions.select
    }
    assert set(seen) == {f"healthcare.{name}" for name in (
        "care_team", "patient", "pharmacy", "prescription", "prescription_fill",
    )}  # fmt: skip
    assert seen["healthcare.patient"] == {"id", "customer_id"}
    assert seen["healthcare.prescription"] <= {
        *("id", "patient_id", "contract_id", "pharmacy_id", "status", "created_at", "updated_at"),
    }
    assert not {"status_reason", "quantity", "days_supply"} & seen["healthcare.prescription_fill"]


def test_the_care_coordination_team_changes_no_contract_and_no_subscription() -> None:
    for table in ("public.contract", "chargebee.subscription", "chargebee.contract"):
        permissions = RULES["cct"][table]
        assert (permissions.insert, permissions.update, permissions.delete) == (None, None, None)


def test_clinical_rows_are_never_inserted_in_anothers_name() -> None:
    people = {"staff_id", "recorder_id", "performer_id", "author_id", "requester_id", "sender_staff_id"}
    for table, permissions in RULES["provider"].items():
        if permissions.insert:
            written = people & set(CATALOGUE[table].columns)
            assert dict.fromkeys(written, ME) == {
                name: value for name, value in permissions.insert.presets.items() if name in people
            }, table
        if permissions.update:
            assert not people & set(named(permissions.update.columns)), table


# They can't be got round


def determined(view: RoleView, table: TableView, name: str, relationship: Relationship) -> Iterable[tuple[str, str]]:
    """Table and column that an insert nested in a relationship would set."""
    target = view.get(relationship.target)
    assert table.insert is not None
    if target is None or target.insert is None or name in table.insert.columns:
        return
    if relationship.kind == "array" or relationship.insert_after:
        yield from ((target.table.key, remote) for _, remote in relationship.columns)
    else:
        yield from ((table.table.key, local) for local, _ in relationship.columns)


@pytest.mark.parametrize("role", ROLES)
def test_a_nested_insert_sets_no_column_that_the_role_may_not_insert(role: str) -> None:
    view = VIEWS[role]
    reached = {
        column
        for table in view
        if table.insert is not None
        for name, relationship in table.table.relationships.items()
        for column in determined(view, table, name, relationship)
    }
    for key, column in reached:
        insert = view[key].insert
        assert insert is not None
        held_null = insert.check.get(column) == {"_is_null": True}
        assert column in insert.columns or held_null, (role, key, column)


def test_an_update_cannot_hand_a_row_on() -> None:
    # What makes a row one's own stays as it is, unless a check judges the change. Filling what is empty is fine.
    for role, table, permissions in cells():
        update = permissions.update
        if update is None or update.check is not None:
            continue
        changed = {name for name in CATALOGUE[table].columns if update.columns is ALL or name in named(update.columns)}
        for comparison in comparisons(CATALOGUE[table], update.filter):
            if comparison.operator == "_is_null" and not comparison.path:
                continue
            used = {local for local, _ in comparison.path[0].columns} if comparison.path else {comparison.column}
            if comparison.path or comparison.table.key == table:
                assert not changed & used, (role, table, used)


def leads_an_index(table: SqlTable, column: str) -> bool:
    keys = [one for one in table.constraints if isinstance(one, PrimaryKeyConstraint | UniqueConstraint)]
    whole = [one for one in table.indexes if one.dialect_options["postgresql"]["where"] is None]
    return any(list(one.columns.keys())[:1] == [column] for one in (*keys, *whole))


#: A view and the table whose indexes serve it.
BEHIND = {"chargebee.contract": "public.contract"}


def sql_table(key: str) -> SqlTable:
    return metadata.tables[BEHIND.get(key, key)]


@every_rule
def test_a_condition_reaches_the_person_through_indexes(role: str, table: str, name: str, exp: BoolExp) -> None:
    del role
    is_filter = name.endswith("filter")
    for comparison in comparisons(CATALOGUE[table], exp):
        here = table
        for relationship in comparison.path:
            there = relationship.target
            assert any(leads_an_index(sql_table(there), remote) for _, remote in relationship.columns), there
            # Lists are found from the person; a check looks only from the row.
            assert not is_filter or any(leads_an_index(sql_table(here), local) for local, _ in relationship.columns)
            here = there
        if comparison.operand == ME and is_filter:
            assert leads_an_index(sql_table(comparison.table.key), comparison.column), comparison
