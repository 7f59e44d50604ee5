"""What the API keeps of requests has bounds, whatever clients send."""

import hashlib
from typing import Any

import pytest

from permissions.session import Session
from resolvers import engine as engine_module
from resolvers.engine import Engine
from resolvers.errors import GraphQLRequestError
from resolvers.pool import Pool
from schema.catalogue import Catalogue, Column, Table
from schema.types import PgType
from server import limits
from server.limits import KnownOperations
from tests.golden.planning import outcome

_TABLE = Table(
    schema="public",
    name="thing",
    graphql_name="thing",
    columns={"id": Column(name="id", graphql_name="id", type=PgType(name="int4"), nullable=False)},
    primary_key=("id",),
)
_ADMIN = Session(role="admin")


@pytest.fixture
def engine() -> Engine:
    return Engine(catalogue=Catalogue(tables={_TABLE.key: _TABLE}), rules={}, pool=Pool("postgresql://x/y", size=1))


def kept(engine: Engine) -> list[str]:
    role = engine._roles["admin"]
    assert role.size == sum(item.size for item in role.prepared.values())
    return [text for text, _ in role.prepared]


def document(number: int, *, padding: int = 0) -> str:
    return f"query Q{number} {{ thing(limit: {number}) {{ id }} }} #{'x' * padding}"


def test_so_many_documents_are_kept_and_the_latest_ones(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_DOCUMENTS_PER_ROLE", 10)
    for number in range(25):
        outcome(engine, _ADMIN, document(number), {})
        outcome(engine, _ADMIN, document(0), {})
    assert kept(engine) == [*(document(number) for number in range(16, 25)), document(0)]


def test_so_much_text_is_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_TEXT_PER_ROLE", 20_000)
    for number in range(25):
        outcome(engine, _ADMIN, document(number, padding=1_500), {})
    assert 0 < engine._roles["admin"].size <= 20_000
    assert kept(engine)[-1] == document(24, padding=1_500)
    assert len(kept(engine)) == len(set(kept(engine))) < 14


def test_a_document_beyond_reason_is_answered_and_not_kept(engine: Engine) -> None:
    assert outcome(engine, _ADMIN, document(1, padding=300_000), {}).sql
    assert kept(engine) == []


def test_so_many_shapes_of_a_document_are_kept(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_PLANS_PER_DOCUMENT", 5)
    query = "query ($limit: Int) { thing(limit: $limit) { id } }"
    for limit in range(20):
        assert f"LIMIT {limit}" in outcome(engine, _ADMIN, query, {"limit": limit}).sql[0]
    (known,) = engine._roles["admin"].prepared.values()
    assert len(known.plans) == 5
    kept(engine)


def test_roles_that_nobody_knows_share_what_is_kept(engine: Engine) -> None:
    for number in range(50):
        outcome(engine, Session(role=f"stranger {number}"), "{ __typename }", {})
    assert list(engine._roles) == [""]


# Documents by their hash


def named(query: str) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}}


def test_so_many_documents_are_known_by_their_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_PERSISTED", 10)
    known = KnownOperations({})
    for number in range(25):
        known.find_document({"query": document(number), **named(document(number))})
        assert known.find_document(named(document(0))) == document(0), "those in use stay"
    assert known.find_document(named(document(24))) == document(24)
    with pytest.raises(GraphQLRequestError):
        known.find_document(named(document(5)))


def test_so_much_text_is_known_by_its_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_PERSISTED_TEXT", 5_000)
    known = KnownOperations({})
    for number in range(10):
        query = document(number, padding=1_000)
        known.find_document({"query": query, **named(query)})
        known.find_document({"query": query, **named(query)})
    assert known._by_hash._characters == sum(map(len, known._by_hash._kept.values())) <= 5_000
    assert len(known._by_hash._kept) == 4
