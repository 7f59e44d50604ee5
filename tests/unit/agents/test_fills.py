"""What a pharmacy's order means for a fill: it goes forward, whatever order pictures of it come in."""

import itertools
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from agents.fills.operations import find_fill
from agents.fills.progress import Fill, find_fill_of, progress, reference
from agents.graphql.operations import Mutation
from integrations.pharmacy.types import Order

PRESCRIPTION = uuid.UUID("0197a000-0000-7000-8000-000000000001")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
WAY = ("received", "accepted", "filled", "shipped", "delivered")


def fill(status: str = "sent", number: int = 0) -> Fill:
    return Fill(
        id=uuid.uuid4(),
        prescription_id=PRESCRIPTION,
        customer_id=uuid.uuid4(),
        pharmacy_id=uuid.uuid4(),
        fill_number=number,
        status=status,
    )


def order(status: str, **more: Any) -> Order:
    """The order as it is when it gets there."""
    way = WAY[: WAY.index(status) + 1] if status in WAY else ("received", status)
    raw: dict[str, Any] = {
        "id": "ord_1",
        "reference": reference(PRESCRIPTION, 0),
        "status": status,
        "version": len(way),
        "pharmacy": {"ncpdp_id": "5601234"},
        **{f"{one}_at": (START + timedelta(hours=hours)).isoformat() for hours, one in enumerate(way)},
    }
    if status in {"shipped", "delivered"}:
        raw["shipment"] = {"carrier": "UPS", "tracking_number": "1Z", "tracking_url": None}
    return Order.parse(raw | more)


def published(mutations: Iterable[Mutation[Any]]) -> list[str]:
    return [one.variables["type"] for one in mutations if "type" in one.variables]


def row(mutations: Iterable[Mutation[Any]]) -> dict[str, Any]:
    (move,) = [one for one in mutations if "set" in one.variables]
    found: dict[str, Any] = dict(move.variables["set"])
    return found


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("accepted", []),
        ("filled", ["prescription.filled"]),
        ("shipped", ["prescription.shipped"]),
        ("delivered", ["prescription.delivered"]),
        ("rejected", ["prescription.rejected"]),
    ],
)
def test_a_later_status_moves_the_fill_and_is_told(status: str, event: list[str]) -> None:
    mutations = progress(order(status), fill())
    assert row(mutations)["status"] == status
    assert published(mutations) == event


def test_a_shipment_says_carrier_tracking_and_every_moment_so_far() -> None:
    assert row(progress(order("shipped"), fill("accepted"))) == {
        "status": "shipped",
        "pharmacy_order_id": "ord_1",
        "carrier": "UPS",
        "tracking_number": "1Z",
        "tracking_url": None,
        "accepted_at": START + timedelta(hours=1),
        "filled_at": START + timedelta(hours=2),
        "shipped_at": START + timedelta(hours=3),
    }


def test_a_rejection_says_why_in_the_row_and_nowhere_else() -> None:
    mutations = progress(order("rejected", rejection={"code": "other", "reason": "Interaction."}), fill())
    assert row(mutations)["status_reason"] == "Interaction."
    (told,) = [one for one in mutations if "type" in one.variables]
    assert "Interaction" not in repr(told.variables)


def test_an_order_that_was_cancelled_is_a_fill_that_comes_to_nothing_and_is_not_told() -> None:
    mutations = progress(order("cancelled"), fill("accepted"))
    assert (row(mutations)["status"], row(mutations)["status_reason"]) == ("rejected", "The order was cancelled.")
    assert published(mutations) == []


@pytest.mark.parametrize(
    ("current", "shown"),
    [
        ("delivered", "shipped"),
        ("shipped", "shipped"),
        ("rejected", "accepted"),
        ("rejected", "delivered"),
        ("shipped", "rejected"),
        ("accepted", "received"),
    ],
)
def test_what_is_not_later_changes_nothing(current: str, shown: str) -> None:
    assert progress(order(shown), fill(current)) == ()


def test_in_whatever_order_and_however_often_pictures_come_the_end_is_the_same() -> None:
    for pictures in itertools.permutations([*WAY[1:], "shipped"]):
        current, told = "sent", []
        for status in pictures:
            mutations = progress(order(status), fill(current))
            if mutations:
                current = row(mutations)["status"]
                told += published(mutations)
        assert current == "delivered"
        assert len(set(told)) == len(told)
        assert told[-1] == "prescription.delivered"


def test_the_event_of_a_status_has_one_id_for_a_fill_whoever_publishes_it() -> None:
    ids = {
        one.variables["id"]
        for status, number in itertools.product(("shipped", "delivered"), (0, 1))
        for _ in range(2)
        for one in progress(order(status), fill(number=number))
        if "type" in one.variables
    }
    assert len(ids) == 4


@pytest.mark.parametrize("name", ["", "nonsense", f"{PRESCRIPTION}", f"{PRESCRIPTION}.x", "-" * 36 + ".1"])
def test_an_order_under_a_name_that_is_not_ours_is_looked_for_by_its_id_alone(name: str) -> None:
    query = find_fill_of(order("shipped", reference=name))
    assert query.variables["order_id"] == "ord_1"
    assert query.variables["prescription_id"] == uuid.UUID(int=0)


def test_an_order_of_ours_is_found_by_name_too() -> None:
    assert (
        find_fill_of(order("shipped")).variables
        == find_fill(order_id="ord_1", prescription_id=PRESCRIPTION, fill_number=0).variables
    )
