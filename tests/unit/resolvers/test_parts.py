"""Agents share a role and none of their plans: what one may ask and has asked helps no other.

Documents and roles are looked up before anything is compiled; a plan that were found for an agent without the rights
for it would run. So every caller of role `service` sends the same documents to one engine, whoever may first.
"""

import dataclasses
from collections.abc import Mapping
from typing import Final

import pytest
from graphql import GraphQLObjectType

from permissions.parts import Operation, Part, operations_of
from permissions.rules import RULES
from permissions.rules.agents import AGENTS
from permissions.session import Session
from resolvers.engine import Engine
from resolvers.operations import HAND_WRITTEN
from resolvers.pool import Pool
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata
from server.source import platform_source
from tests.golden.planning import outcome

CATALOGUE = catalogue_from_metadata(metadata)
#: A value of each type that hand-written operations take.
_VALUES: Final = {
    "uuid!": '"00000000-0000-7000-8000-000000000001"',
    "String!": '"x"',
    "Int!": "1",
    "jsonb!": "{}",
    "timestamptz!": '"2028-02-29T12:00:00Z"',
}
#: What a part needs for which document about a table.
_TABLE_DOCUMENTS: Final = {
    Operation.SELECT: "query {{ {name}(limit: 1) {{ __typename }} }}",
    Operation.SELECT_AGGREGATE: "query {{ {name}_aggregate {{ aggregate {{ count }} }} }}",
    Operation.INSERT: "mutation {{ insert_{name}(objects: []) {{ affected_rows }} }}",
    Operation.UPDATE: "mutation {{ update_{name}_many(updates: []) {{ affected_rows }} }}",
    Operation.DELETE: "mutation {{ delete_{name}(where: {{}}) {{ affected_rows }} }}",
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Nobody listens at this address: plans need no database."""
    return platform_source().engine(Pool("postgresql://127.0.0.1:1/none", size=1))


def agent(name: str) -> Session:
    return Session(role="service", variables={"x-hasura-user-id": name})


#: Everyone in role `service`, the one who may everything first.
CALLERS: Final[Mapping[str, tuple[Session, Part | None]]] = {
    "operator": (dataclasses.replace(agent("somebody"), has_admin_secret=True), None),
    **{name: (agent(name), AGENTS.part(name)) for name in sorted(AGENTS.own)},
    "stranger": (agent("stranger"), AGENTS.common),
}


def documents(engine: Engine) -> list[tuple[str, str, Operation | None]]:
    """Documents, each with the one thing that it needs: an operation of a table, or a hand-written field."""
    found: list[tuple[str, str, Operation | None]] = [
        (template.format(name=CATALOGUE[key].graphql_name), key, operation)
        for key in RULES["service"]
        for operation, template in _TABLE_DOCUMENTS.items()
    ]
    mutations = engine.schema("service").graphql_schema.mutation_type
    assert isinstance(mutations, GraphQLObjectType)
    for item in HAND_WRITTEN:
        name = item.field.graphql_name
        if "service" in item.roles:
            field = mutations.fields[name]
            given = [
                f"{key}: {_VALUES[str(each.type)]}" for key, each in field.args.items() if str(each.type) in _VALUES
            ]
            shown = " { __typename }" if str(field.type) != "jsonb!" else ""
            found.append((f"mutation {{ {name}({', '.join(given)}){shown} }}", name, None))
    return found


def test_no_plan_leads_from_one_agent_to_another(engine: Engine) -> None:
    whole = {key: operations_of(granted) for key, granted in RULES["service"].items()}
    for document, subject, operation in documents(engine):
        for name, (session, part) in CALLERS.items():
            if operation is None:
                may = part is None or subject in part.fields
            else:
                may = operation in (whole if part is None else part.tables).get(subject, ())
            error = outcome(engine, session, document, {}).error
            assert (not error) == may, (name, document, error)
            if error:
                assert b'"validation-failed"' in error
                assert b"not found in type" in error or b"no such type" in error, error


def test_a_divided_role_is_never_found_by_its_name_alone(engine: Engine) -> None:
    assert engine.schema("service") is not engine.schema("service", "identity")
    assert engine.schema("user") is engine.schema("user", "identity")
    assert "service" not in engine._roles


def test_names_that_callers_make_up_take_no_memory(engine: Engine) -> None:
    engine.schema("service", "stranger")
    before = len(engine._parts)
    assert len({id(engine.schema("service", f"stranger {number}")) for number in range(50)}) == 1
    assert len(engine._parts) == before


def test_the_error_is_that_of_any_unknown_field(engine: Engine) -> None:
    document = 'query { customer_by_pk(id: "00000000-0000-7000-8000-000000000001") { id } }'
    refused = outcome(engine, agent("data_deletion"), document, {}).error
    unknown = outcome(engine, agent("data_deletion"), document.replace("customer_by_pk", "nothing_by_pk"), {}).error
    assert refused == unknown.replace(b"nothing_by_pk", b"customer_by_pk")
    assert b"field 'customer_by_pk' not found in type: 'query_root'" in refused
