"""Whom a change can concern: concluded from the documents and rules of our own platform."""

import pytest

from permissions.rules import RULES
from permissions.session import Session
from resolvers import ir
from resolvers.engine import Engine
from resolvers.live.routes import Announced, BoundKey, FoundKeys, Routes, find_routes
from resolvers.live.sources import sources_of
from resolvers.live.statement import SubscriptionPlan, render_live
from resolvers.pool import Pool
from schema.catalogue import Catalogue
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata

CATALOGUE = catalogue_from_metadata(metadata)
ID = "018cc251-f400-7000-8000-000000000001"


def announced(catalogue: Catalogue = CATALOGUE) -> Announced:
    """Every base table tells its key and the columns of its relationships, as the migration has it."""
    told = {table.key: set(table.primary_key) for table in catalogue if table.insertable}
    for table in catalogue:
        for relationship in table.relationships.values():
            for local, remote in relationship.columns:
                told.get(table.key, set()).add(local)
                told.get(relationship.target, set()).add(remote)
    return {key: frozenset(columns) for key, columns in told.items()}


def plan_of(role: str, document: str, **variables: object) -> SubscriptionPlan:
    engine = Engine(catalogue=CATALOGUE, rules=RULES, pool=Pool("postgresql://nowhere", size=1))
    session = Session(role=role, variables={"x-hasura-user-id": ID})
    subscription = engine.subscription(session, document, variables)
    assert subscription is not None
    return subscription.plan


def routes_of(role: str, document: str, **variables: object) -> Routes:
    return find_routes(sources_of(plan_of(role, document, **variables).root), announced())


def told_by(routes: Routes) -> dict[str, set[str]]:
    """table → `column ∈ keys`, in words."""
    return {
        table: {f"{route.column} in {spell(routes.keys[route.keys])}" for route in found}
        for table, found in routes.by_table.items()
    }


def spell(keys: BoundKey | FoundKeys) -> str:
    if isinstance(keys, FoundKeys):
        return f"{keys.table.key}.{keys.column}"
    source = keys.param.source
    match source:
        case ir.FromVariables(path):
            return "$" + ".".join(map(str, path))
        case ir.FromSession(name):
            return name
    return "a constant"


def test_row_by_primary_key_is_found_by_the_variable() -> None:
    routes = routes_of("admin", "subscription($id: uuid!) { customer_by_pk(id: $id) { city } }", id=ID)
    assert told_by(routes) == {"public.customer": {"id in $id"}}
    assert not routes.everyone
    assert not routes.needs_poll


def test_filter_of_a_role_finds_its_rows_by_the_session() -> None:
    routes = routes_of("user", "subscription { contract { status } }")
    assert told_by(routes) == {
        "public.contract": {"customer_id in x-hasura-user-id"},
        "public.customer": {"id in x-hasura-user-id"},
    }


def test_primary_key_goes_before_the_filter() -> None:
    routes = routes_of("user", "subscription($id: uuid!) { contract_by_pk(id: $id) { status } }", id=ID)
    assert told_by(routes)["public.contract"] == {"id in $id"}


def test_constant_in_the_document_finds_rows_like_a_variable() -> None:
    routes = routes_of("admin", f'subscription {{ customer_by_pk(id: "{ID}") {{ city }} }}')
    assert told_by(routes) == {"public.customer": {"id in a constant"}}


def test_related_rows_are_found_by_the_parent_s_key() -> None:
    document = "subscription($id: uuid!) { customer_by_pk(id: $id) { contracts { status } } }"
    assert told_by(routes_of("admin", document, id=ID)) == {
        "public.customer": {"id in $id"},
        "public.contract": {"customer_id in $id"},
    }


def test_rows_that_the_result_refers_to_are_found_by_what_it_refers_to() -> None:
    document = "subscription($id: uuid!) { contract_by_pk(id: $id) { treatment { name } customer { city } } }"
    assert told_by(routes_of("admin", document, id=ID)) == {
        "public.contract": {"id in $id"},
        "public.treatment": {"id in public.contract.treatment_id"},
        "public.customer": {"id in public.contract.customer_id"},
    }


def test_filter_through_another_table_finds_rows_by_what_that_table_holds() -> None:
    routes = routes_of("user", "subscription { healthcare_prescription { status } }")
    assert told_by(routes) == {
        "healthcare.prescription": {"patient_id in healthcare.patient.id"},
        "healthcare.patient": {"customer_id in x-hasura-user-id"},
        "public.customer": {"id in x-hasura-user-id"},
    }


def test_filter_through_two_tables_is_followed_to_the_session() -> None:
    routes = routes_of("provider", "subscription { healthcare_prescription { status } }")
    assert told_by(routes) == {
        "healthcare.prescription": {"patient_id in healthcare.patient.id"},
        "healthcare.patient": {"id in healthcare.care_team.patient_id"},
        "healthcare.care_team": {"staff_id in x-hasura-user-id"},
        "public.staff": {"id in x-hasura-user-id"},
        "public.customer": {"id in healthcare.patient.customer_id"},
    }


def test_alternative_in_a_filter_leads_to_everyone_but_its_own_tables_do_not() -> None:
    routes = routes_of("user", "subscription { staff { first_name } }")
    assert routes.everyone == {"public.staff"}
    assert told_by(routes)["public.message_thread"] == {"customer_id in x-hasura-user-id"}
    assert told_by(routes)["healthcare.patient"] == {"customer_id in x-hasura-user-id"}


@pytest.mark.parametrize(
    "where",
    [
        '{status: {_eq: "active"}}',
        "{customer_id: {_neq: $id}}",
        "{customer_id: {_in: [$id]}}",
        "{_or: [{customer_id: {_eq: $id}}]}",
        "{_not: {customer_id: {_eq: $id}}}",
        '{customer: {city: {_eq: "X"}}}',
    ],
)
def test_condition_that_demands_no_value_of_a_told_column_leads_to_everyone(where: str) -> None:
    document = f"subscription($id: uuid!) {{ contract(where: {{_and: [{where}, {{id: {{_neq: $id}}}}]}}) {{ id }} }}"
    assert "public.contract" in routes_of("admin", document, id=ID).everyone


def test_conditions_in_nested_ands_count() -> None:
    document = """
        subscription($id: uuid!) {
          contract(where: {_and: [{status: {_eq: "active"}}, {_and: {customer_id: {_eq: $id}}}]}) { id }
        }
    """
    assert told_by(routes_of("admin", document, id=ID)) == {"public.contract": {"customer_id in $id"}}


def test_table_that_is_read_in_two_places_is_found_by_either() -> None:
    document = """
        subscription($id: uuid!) {
          customer_by_pk(id: $id) { contracts { renewed_from { status } } contracts_aggregate { aggregate { count } } }
        }
    """
    assert told_by(routes_of("admin", document, id=ID))["public.contract"] == {
        "customer_id in $id",
        "id in public.contract.renewed_from_id",
    }


def test_tables_of_orderings_and_of_conditions_on_aggregates_count() -> None:
    document = """
        subscription($id: uuid!) {
          contract(
            where: {customer_id: {_eq: $id}, customer: {referrals_aggregate: {count: {predicate: {_gt: 1}}}}}
            order_by: [{treatment: {name: asc}}, {prescriptions_aggregate: {count: desc}}]
          ) { id }
        }
    """
    routes = routes_of("admin", document, id=ID)
    assert routes.tables == {
        "public.contract",
        "public.customer",
        "public.referral",
        "public.treatment",
        "healthcare.prescription",
    }
    assert told_by(routes)["public.customer"] == {"id in $id"}
    assert told_by(routes)["healthcare.prescription"] == {"contract_id in public.contract.id"}


def test_rows_that_could_bring_others_into_the_result_are_not_looked_for_among_those_in_it() -> None:
    document = """
        subscription($id: uuid!) {
          customer_by_pk(id: $id) { contracts(where: {treatment: {active: {_eq: true}}}) { id } }
        }
    """
    routes = routes_of("admin", document, id=ID)
    [keys] = [keys for keys in routes.keys if isinstance(keys, FoundKeys)]
    assert told_by(routes)["public.treatment"] == {"id in public.contract.treatment_id"}
    # Among the customer's contracts of any treatment.
    assert keys.where == ir.TRUE
    assert keys.within is not None
    assert keys.within[0] == "customer_id"
    assert told_by(routes)["public.contract"] == {"customer_id in $id"}


def test_alternatives_in_a_condition_are_looked_for_beside_the_rest_of_it() -> None:
    document = """
        subscription($id: uuid!) {
          contract(
            where: {
              customer_id: {_eq: $id}
              _or: [{treatment: {active: {_eq: true}}}, {customer: {city: {_eq: "X"}}}]
            }
          ) { id }
        }
    """
    routes = routes_of("admin", document, id=ID)
    assert told_by(routes) == {
        "public.contract": {"customer_id in $id"},
        "public.treatment": {"id in public.contract.treatment_id"},
        "public.customer": {"id in $id"},
    }


def test_view_that_shows_a_table_is_told_of_by_the_table() -> None:
    document = "subscription($id: String!) { chargebee_contract_by_pk(id: $id) { status customer { email } } }"
    routes = routes_of("admin", document, id=ID)
    assert told_by(routes) == {
        "public.contract": {"id in $id"},
        "public.customer": {"id in chargebee.contract.customer_id"},
    }
    assert not routes.needs_poll


def test_columns_whose_text_is_not_their_value_find_nothing() -> None:
    document = "subscription($at: timestamptz!) { contract(where: {created_at: {_eq: $at}}) { id } }"
    plan = plan_of("admin", document, at="2026-01-01")
    routes = find_routes(sources_of(plan.root), {"public.contract": frozenset({"id", "created_at"})})
    assert routes.everyone == {"public.contract"}


def test_table_that_tells_of_nothing_has_to_be_polled() -> None:
    plan = plan_of("admin", "subscription { customer { contracts { id } } }")
    routes = find_routes(sources_of(plan.root), {"public.customer": frozenset({"id"})})
    assert routes.needs_poll
    assert routes.tables == {"public.customer"}


def test_column_that_is_not_told_finds_nothing() -> None:
    plan = plan_of("user", "subscription { contract { id } }")
    routes = find_routes(sources_of(plan.root), {"public.contract": frozenset({"id"})})
    assert routes.everyone == {"public.contract"}


def test_stream_is_found_like_a_live_query() -> None:
    document = """
        subscription {
          message_stream(batch_size: 10, cursor: {initial_value: {created_at: "2020-01-01"}}) { body }
        }
    """
    routes = routes_of("user", document)
    assert told_by(routes) == {
        "public.message": {"thread_id in public.message_thread.id"},
        "public.message_thread": {"customer_id in x-hasura-user-id"},
        "public.customer": {"id in x-hasura-user-id"},
    }


@pytest.mark.parametrize("field", ["customer_page(limit: 2) { nodes { id } }", "customer_aggregate { nodes { id } }"])
def test_other_forms_of_reading_are_found_alike(field: str) -> None:
    document = f"subscription {{ {field} }}"
    assert routes_of("admin", document).everyone == {"public.customer"}


def test_keys_bring_no_binds_of_their_own() -> None:
    for role, document in (
        (
            "provider",
            "subscription { healthcare_prescription_fill { status prescription { patient { customer { city } } } } }",
        ),
        ("user", 'subscription { healthcare_observation(where: {code: {_eq: "x"}}) { id } }'),
    ):
        plan = plan_of(role, document)
        routes = find_routes(sources_of(plan.root), announced())
        assert any(isinstance(keys, FoundKeys) for keys in routes.keys)
        with_keys = render_live(plan.root, routes.keys)
        assert len(with_keys.binders) == len(plan.statement.binders)
        assert with_keys.sql != plan.statement.sql


def test_documents_that_differ_in_literals_share_a_statement_and_not_their_binds() -> None:
    first, second = (
        plan_of("admin", f'subscription {{ treatment(where: {{name: {{_eq: "{name}"}}}}) {{ id }} }}') for name in "ab"
    )
    assert first.statement.sql == second.statement.sql


def test_equal_looking_constants_of_json_stay_two_binds() -> None:
    document = (
        "subscription { events_outbox(where: {_and: [{data: {_contains: 1}}, {data: {_contains: true}}]}) { id } }"
    )
    plan = plan_of("admin", document)
    assert len(plan.statement.binders) == 2
