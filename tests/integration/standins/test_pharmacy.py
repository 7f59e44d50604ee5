"""The pharmacy network's client against the stand-in, and what the stand-in tells by itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from integrations.errors import CredentialsRefused, NotFound, PermanentError
from integrations.pharmacy.client import PharmacyClient
from integrations.pharmacy.signature import SignatureError, verify
from integrations.pharmacy.types import Address, OrderStatus
from integrations.pharmacy.webhook import parse_webhook
from local.standin.run import Running, running
from tests.integration.standins.conftest import (
    Operator,
    build_pharmacy,
    pharmacy_order,
    pharmacy_settings,
)
from tests.integration.standins.test_webhooks import Receiver, aim, arrived

HOME = Address(line1="2 Side Street", line2=None, city="Boulder", state="CO", zip="80301", country="US")
SECRET = [SecretStr("shared")]


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(Receiver, tmp_path / "receiver") as standin:
        yield standin


async def test_an_order_is_made_once_for_its_reference_whatever_the_key(
    pharmacy: Running, pharmacy_client: PharmacyClient
) -> None:
    first = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    replayed = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    found = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="another")
    changed = await pharmacy_client.create_order(pharmacy_order(note="With food"), idempotency_key="one")
    assert [one.id for one in (replayed, found, changed)] == [first.id] * 3
    assert (first.replayed, replayed.replayed) == (False, True)
    assert (first.status, first.version, first.reference) == (OrderStatus.RECEIVED, 1, "rx.0")
    assert len(pharmacy.service.store.all("order")) == 1


async def test_an_answer_says_nothing_about_patient_and_medication(pharmacy_client: PharmacyClient) -> None:
    order = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    for private in ("Hopper", "Main Street", "Secretumab", "One a day", "MRN-1"):
        assert private not in repr(dict(order.raw))


@pytest.mark.parametrize(
    ("prescription", "param"),
    [
        ({"valid_until": date(2020, 1, 1)}, "prescription.valid_until"),
        ({"fill_number": 9}, "prescription.fill_number"),
        ({"days_supply": 0}, "prescription.days_supply"),
        ({"dosage_instruction": ""}, "prescription.dosage_instruction"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_by_field(
    pharmacy_client: PharmacyClient, prescription: dict[str, Any], param: str
) -> None:
    with pytest.raises(PermanentError) as refused:
        await pharmacy_client.create_order(pharmacy_order(**prescription), idempotency_key="one")
    assert (refused.value.status, refused.value.param) == (422, param)
    assert await pharmacy_client.find_order("rx.0") is None


async def test_an_order_can_be_cancelled_until_it_is_filled(
    pharmacy: Running, pharmacy_client: PharmacyClient, operator: Operator
) -> None:
    early = await pharmacy_client.create_order(pharmacy_order("rx.0"), idempotency_key="one")
    late = await pharmacy_client.create_order(pharmacy_order("rx.1"), idempotency_key="two")
    await operator.post(pharmacy, "orders", {"id": late.id, "to": "filled"})
    for key in ("three", "four"):
        cancelled = await pharmacy_client.cancel_order(early.id, reason="stopped", idempotency_key=key)
        assert (cancelled.status, cancelled.version) == (OrderStatus.CANCELLED, 2)
    with pytest.raises(PermanentError) as refused:
        await pharmacy_client.cancel_order(late.id, reason="stopped", idempotency_key="five")
    assert refused.value.code == "order_not_cancellable"
    with pytest.raises(NotFound):
        await pharmacy_client.cancel_order("ord_999999", reason="stopped", idempotency_key="six")


async def test_a_delivered_order_is_refilled_without_sending_the_prescription_again(
    pharmacy: Running, pharmacy_client: PharmacyClient, operator: Operator
) -> None:
    first = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    more: dict[str, Any] = {"reference": "rx.1", "fill_number": 1, "phone": None, "address": HOME}
    with pytest.raises(PermanentError) as refused:
        await pharmacy_client.refill_order(first.id, **more, idempotency_key="two")
    await operator.post(pharmacy, "orders", {"id": first.id, "to": "delivered"})
    second = await pharmacy_client.refill_order(first.id, **more, idempotency_key="two")
    again = await pharmacy_client.refill_order(first.id, **more, idempotency_key="three")
    assert refused.value.code == "order_not_refillable"
    assert (second.reference, second.status, again.id) == ("rx.1", OrderStatus.RECEIVED, second.id)
    content = pharmacy.service.store.find("content", second.id)
    assert content is not None
    assert (content["medication"]["display"], content["prescription"]["fill_number"]) == ("Secretumab", 1)
    assert content["patient"]["address"]["city"] == "Boulder"


async def test_orders_are_listed_by_change_page_after_page(
    pharmacy: Running, pharmacy_client: PharmacyClient, operator: Operator
) -> None:
    orders = [
        await pharmacy_client.create_order(pharmacy_order(f"rx.{number}"), idempotency_key=f"key-{number}")
        for number in range(5)
    ]
    moved = await operator.post(pharmacy, "orders", {"id": orders[0].id})
    found, cursor = [], None
    while True:
        page = await pharmacy_client.list_orders(cursor=cursor, limit=2)
        found += [one.id for one in page.orders]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == [*(one.id for one in orders[1:]), orders[0].id]
    since = datetime.fromisoformat(moved["order"]["updated_at"])
    assert [one.id for one in (await pharmacy_client.list_orders(updated_since=since)).orders] == [orders[0].id]


async def test_orders_go_on_by_the_clock_and_tell_of_every_step(
    pharmacy: Running, pharmacy_client: PharmacyClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, pharmacy, receiver)
    order = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    await operator.post(pharmacy, "clock", {"advance_s": 31 * 3600})
    shipped = await pharmacy_client.get_order(order.id)
    await operator.post(pharmacy, "clock", {"advance_s": 60 * 3600})
    delivered = await pharmacy_client.get_order(order.id)

    assert shipped.status is OrderStatus.SHIPPED
    assert shipped.shipment is not None
    assert shipped.shipment.tracking_number
    assert delivered.status is OrderStatus.DELIVERED
    received = delivered.reached_at[OrderStatus.RECEIVED]
    # Each at its own time, although the clock jumped.
    assert delivered.reached_at[OrderStatus.ACCEPTED] - received == timedelta(hours=2)
    assert delivered.reached_at[OrderStatus.DELIVERED] - received == timedelta(hours=84)
    told = await arrived(operator, receiver, 4)
    assert [one["body"]["type"] for one in told] == [
        "order.accepted",
        "order.filled",
        "order.shipped",
        "order.delivered",
    ]
    assert [one["body"]["data"]["order"]["version"] for one in told] == [2, 3, 4, 5]


async def test_orders_go_on_while_time_passes_and_stay_when_told_to(
    pharmacy: Running, pharmacy_client: PharmacyClient, receiver: Running, operator: Operator
) -> None:
    await operator.post(pharmacy, "pace", {"automatic": False})
    await aim(operator, pharmacy, receiver)
    order = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    await operator.post(pharmacy, "clock", {"advance_s": 400_000})
    assert (await pharmacy_client.get_order(order.id)).status is OrderStatus.RECEIVED
    await operator.post(pharmacy, "clock", {})
    await operator.post(pharmacy, "pace", {"automatic": True, "accepted_s": 0.2})
    # Nobody asks it to: its own look at the clock, once a second.
    (told,) = await arrived(operator, receiver, 1)
    assert told["body"]["type"] == "order.accepted"


async def test_a_pharmacist_rejects_with_a_reason_or_moves_on_but_not_back(
    pharmacy: Running, pharmacy_client: PharmacyClient, operator: Operator
) -> None:
    order = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    await operator.post(
        pharmacy, "orders", {"reference": "rx.0", "to": "rejected", "code": "insurance", "reason": "No."}
    )
    rejected = await pharmacy_client.get_order(order.id)
    assert (rejected.status, rejected.rejection_code, rejected.rejection_reason) == (
        OrderStatus.REJECTED,
        "insurance",
        "No.",
    )
    other = await pharmacy_client.create_order(pharmacy_order("rx.1"), idempotency_key="two")
    await operator.post(pharmacy, "orders", {"id": other.id, "steps": 2})
    for body in (
        {"id": order.id, "to": "shipped"},
        {"id": other.id, "to": "accepted"},
        {"id": other.id, "to": "rejected"},
        {"id": other.id, "to": "lost"},
        {"id": "nobody's"},
    ):
        answer = await operator.raw(pharmacy, "orders", body)
        assert answer.status_code == 400
        assert answer.json()["error"]


async def test_webhooks_are_signed_come_twice_and_in_another_order_when_told(
    pharmacy: Running, pharmacy_client: PharmacyClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, pharmacy, receiver)
    order = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    await operator.post(pharmacy, "webhooks/shape", {"twice": 1, "hold": True})
    await operator.post(pharmacy, "orders", {"id": order.id, "to": "filled"})
    await operator.post(pharmacy, "webhooks/release", {"order": "reverse"})
    told = await arrived(operator, receiver, 3)
    assert [one["body"]["type"] for one in told] == ["order.filled", "order.accepted", "order.accepted"]
    assert told[1]["body"]["id"] == told[2]["body"]["id"]
    rows = receiver.service.store.rows("SELECT body FROM received WHERE path = '/hook' ORDER BY seq")
    for row, headers in zip(rows, receiver.service.headers, strict=True):  # type: ignore[attr-defined]
        body = row["body"].encode()
        verify(body, headers, secrets=SECRET)
        with pytest.raises(SignatureError):
            verify(body + b" ", headers, secrets=SECRET)
        webhook = parse_webhook(body)
        assert (webhook.order.id, webhook.type) == (order.id, f"order.{webhook.order.status}")


async def test_any_webhook_is_sent_on_command_and_again(
    pharmacy: Running, pharmacy_client: PharmacyClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, pharmacy, receiver)
    order = await pharmacy_client.create_order(pharmacy_order(), idempotency_key="one")
    sent = await operator.post(
        pharmacy,
        "webhooks/send",
        {"event_type": "order.delivered", "content": {"order_id": order.id, "order": {"status": "delivered"}}},
    )
    await operator.post(pharmacy, "webhooks/send", {"event_id": sent["event_id"]})
    first, second = await arrived(operator, receiver, 2)
    assert first["body"] == second["body"]
    assert first["body"]["data"]["order"]["status"] == "delivered"
    # What was shown isn't what is.
    assert (await pharmacy_client.get_order(order.id)).status is OrderStatus.RECEIVED


async def test_orders_and_where_webhooks_go_are_kept_over_a_restart(
    tmp_path: Path, receiver: Running, operator: Operator
) -> None:
    async with (
        running(build_pharmacy, tmp_path / "pharmacy") as standin,
        PharmacyClient(pharmacy_settings(standin.url)) as client,
    ):
        await aim(operator, standin, receiver)
        order = await client.create_order(pharmacy_order(), idempotency_key="one")
    async with (
        running(build_pharmacy, tmp_path / "pharmacy") as standin,
        PharmacyClient(pharmacy_settings(standin.url)) as client,
    ):
        assert await client.create_order(pharmacy_order(), idempotency_key="one") == order.__class__.parse(
            order.raw, replayed=True
        )
        await operator.post(standin, "orders", {"id": order.id})
        (told,) = await arrived(operator, receiver, 1)
    assert told["body"]["data"]["order"]["id"] == order.id


async def test_without_the_key_nothing_is_told(pharmacy: Running) -> None:
    async with PharmacyClient(pharmacy_settings(pharmacy.url, api_key="wrong")) as client:
        with pytest.raises(CredentialsRefused):
            await client.find_order("rx.0")


async def test_many_at_once_make_one_order(pharmacy: Running, pharmacy_client: PharmacyClient) -> None:
    made = await asyncio.gather(
        *(pharmacy_client.create_order(pharmacy_order(), idempotency_key=f"key-{number % 3}") for number in range(9))
    )
    assert len({order.id for order in made}) == 1
    assert len(pharmacy.service.store.all("order")) == 1


def test_the_demo_datas_fills_have_their_orders() -> None:
    from local.pharmacy.seed import demo_orders  # noqa: PLC0415 - makes half a second's data

    orders = list(demo_orders())
    assert orders
    assert {one["status"] for one in orders} <= {status.value for status in OrderStatus}
    assert all(datetime.fromisoformat(one["received_at"]) <= datetime.now(UTC) + timedelta(days=1) for one in orders)
