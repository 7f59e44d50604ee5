"""Events as types: tolerant of what is added, clear about what is missing, silent about values."""

import json
import uuid

import pytest

from agents.events.contract import ContractCreated, ContractInserted, ContractUpdated
from agents.events.customer import CustomerUpdated
from agents.events.envelope import derived_id
from agents.events.payload import MalformedEvent

CONTRACT = {
    "id": "0190a6a0-0000-7000-8000-000000000001",
    "customer_id": "0190a6a0-0000-7000-8000-000000000002",
    "subscription_id": None,
    "status": "future",
}
CREATED = {
    "contract_id": CONTRACT["id"],
    "customer_id": CONTRACT["customer_id"],
    "subscription_id": "sub-1",
    "treatment_id": "0190a6a0-0000-7000-8000-000000000003",
    "status": "future",
    "start_date": "2026-01-31",
    "end_date": "2026-07-31",
}


def inserted(**changes: object) -> bytes:
    body = {
        "op": "INSERT",
        "table": {"schema": "public", "name": "contract"},
        "data": {"old": None, "new": CONTRACT},
        "session_variables": {"x-hasura-role": "user"},
    }
    return json.dumps(body | changes).encode()


def test_a_row_change_becomes_the_row_that_handlers_read() -> None:
    event = ContractInserted.parse(inserted())

    assert event.new.id == uuid.UUID(CONTRACT["id"] or "")
    assert event.new.status == "future"


def test_fields_that_nobody_asked_for_are_tolerated_at_every_depth() -> None:
    event = ContractInserted.parse(
        inserted(added_later=1, data={"old": None, "new": CONTRACT | {"added_later": {"deep": True}}, "added": []})
    )

    assert event.new.status == "future"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (inserted(op="DELETE"), "op"),
        (inserted(data={"old": None, "new": None}), "data.new"),
        (inserted(data={"old": None, "new": {k: v for k, v in CONTRACT.items() if k != "status"}}), "data.new.status"),
        (inserted(data={"old": None, "new": CONTRACT | {"id": "not-an-id"}}), "data.new.id"),
        (b"[]", "data"),
        (b"{", "data"),
        (b"", "data"),
        (b"\xff\xfe", "data"),
    ],
)
def test_what_is_missing_or_wrong_is_rejected_by_name(data: bytes, place: str) -> None:
    with pytest.raises(MalformedEvent, match=rf"^contract\.inserted: {place}"):
        ContractInserted.parse(data)


def test_a_rejection_never_repeats_a_value() -> None:
    with pytest.raises(MalformedEvent) as caught:
        ContractCreated.parse(json.dumps(CREATED | {"customer_id": "ada@example.com"}).encode())

    assert "ada" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_update_tells_old_new_and_what_changed() -> None:
    new = CONTRACT | {"status": "active", "subscription_id": "sub-1"}
    body = {"op": "UPDATE", "data": {"old": CONTRACT, "new": new}, "changed": ["status", "subscription_id"]}

    event = ContractUpdated.parse(json.dumps(body).encode())

    assert (event.old.status, event.new.status) == ("future", "active")
    assert event.changed == {"status", "subscription_id"}


def test_an_update_names_changed_columns_that_its_payload_leaves_out() -> None:
    row = {"id": CONTRACT["customer_id"]}
    body = {"op": "UPDATE", "data": {"old": row, "new": row}, "changed": ["email"]}

    assert CustomerUpdated.parse(json.dumps(body).encode()).changed == {"email"}


def test_a_domain_event_survives_its_way_through_json() -> None:
    event = ContractCreated.parse(json.dumps(CREATED).encode())

    assert event.subject == CONTRACT["id"]
    assert event.data() == CREATED | {"renewed_from_id": None}
    assert ContractCreated.parse(json.dumps(event.data()).encode()) == event


def test_a_derived_id_is_the_same_each_time_and_differs_by_event_and_name() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()

    assert derived_id(one, "contract.created") == derived_id(one, "contract.created")
    assert len({derived_id(event, name) for event in (one, two) for name in ("a", "b")}) == 4
    # Replays years later depend on it.
    assert derived_id(uuid.UUID(int=1), "contract.created") == uuid.UUID("7dd5312b-7356-515f-96fe-9517e82b4954")
