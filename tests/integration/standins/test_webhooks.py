"""What stand-ins send: signed, again when it fails, twice and out of order when told. The receiver is one itself."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from integrations.chargebee.client import ChargebeeClient
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import TicketStatus
from local.iterable.service import IterableService
from local.standin.run import Running, running
from local.standin.service import Call, Reply, Service
from local.standin.store import Store
from local.zendesk.users import API_USER_ID, SUPPORT_USER_ID
from tests.integration.standins.conftest import Operator, build_chargebee, chargebee_settings


class Receiver(Service):
    """Takes any webhook and keeps its headers."""

    name = "receiver"
    title = "Receiver"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.headers: list[dict[str, str]] = []
        self.routes.add("POST", "/hook", self._take)

    def refuse_stranger(self, call: Call) -> Reply | None:
        self.headers.append(dict(call.headers))
        return None

    def error(self, status: int, *, retry_after_s: int | None = None) -> Reply:
        del retry_after_s
        return Reply(status=status, body=b"{}")

    def _take(self, _call: Call) -> Reply:
        return Reply(status=200, body=b"{}")


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(Receiver, tmp_path / "receiver") as standin:
        yield standin


async def aim(operator: Operator, standin: Running, receiver: Running) -> None:
    await operator.post(
        standin, "webhooks", {"url": f"{receiver.url}/hook", "username": "caregraph", "password": "secret"}
    )


async def arrived(operator: Operator, receiver: Running, count: int) -> list[dict[str, Any]]:
    found = await operator.received(receiver, path="/hook", at_least=count, wait_s=5)
    assert len(found) == count
    return found


async def test_a_change_is_told_with_its_event_and_credentials(
    chargebee: Running, chargebee_client: ChargebeeClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, chargebee, receiver)
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    [request] = await arrived(operator, receiver, 1)
    event = request["body"]
    assert (event["event_type"], event["object"], event["api_version"]) == ("subscription_changed", "event", "v2")
    assert event["content"]["subscription"]["cf_contract_id"] == "contract-1"
    assert event["content"]["customer"]["id"] == "ada"
    wanted = base64.b64encode(b"caregraph:secret").decode()
    assert receiver.service.headers[0]["authorization"] == f"Basic {wanted}"  # type: ignore[attr-defined]


async def test_a_replayed_request_tells_nothing_new(
    chargebee: Running, chargebee_client: ChargebeeClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, chargebee, receiver)
    for _ in range(2):
        await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    await chargebee_client.update_subscription_contract("ada-basic", "contract-2", "event-2")
    contracts = [
        one["body"]["content"]["subscription"]["cf_contract_id"] for one in await arrived(operator, receiver, 2)
    ]
    assert contracts == ["contract-1", "contract-2"]


async def test_a_webhook_that_fails_is_sent_again_under_the_same_id(
    chargebee: Running, chargebee_client: ChargebeeClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, chargebee, receiver)
    await operator.fault(receiver, path="/hook", status=503)
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    first, second = await arrived(operator, receiver, 2)
    assert (first["status"], second["status"]) == (503, 200)
    assert first["body"]["id"] == second["body"]["id"]


async def test_webhooks_come_twice_and_in_another_order_when_told(
    chargebee: Running, chargebee_client: ChargebeeClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, chargebee, receiver)
    await operator.post(chargebee, "webhooks/shape", {"twice": 1, "hold": True})
    for number in (1, 2):
        await chargebee_client.update_subscription_contract("ada-basic", f"contract-{number}", f"event-{number}")
    assert await operator.post(chargebee, "webhooks/release", {"order": "reverse"}) == {"released": 3}
    received = await arrived(operator, receiver, 3)
    contracts = [one["body"]["content"]["subscription"]["cf_contract_id"] for one in received]
    assert contracts == ["contract-2", "contract-1", "contract-1"]
    assert received[1]["body"]["id"] == received[2]["body"]["id"]


async def test_any_webhook_is_sent_on_command_and_again(
    chargebee: Running, receiver: Running, operator: Operator
) -> None:
    await aim(operator, chargebee, receiver)
    sent = await operator.post(
        chargebee,
        "webhooks/send",
        {"event_type": "payment_failed", "content": {"subscription_id": "ada-basic", "invoice": {"id": "7"}}},
    )
    await operator.post(chargebee, "webhooks/send", {"event_id": sent["event_id"]})
    first, second = await arrived(operator, receiver, 2)
    assert first["body"] == second["body"]
    assert first["body"]["content"]["subscription"]["id"] == "ada-basic"
    assert first["body"]["content"]["invoice"] == {"id": "7"}


async def test_without_an_address_the_control_says_so(chargebee: Running, operator: Operator) -> None:
    response = await operator.raw(
        chargebee, "webhooks/send", {"event_type": "payment_failed", "content": {"subscription_id": "ada-basic"}}
    )
    assert response.status_code == 400
    assert "webhooks go nowhere" in response.json()["error"]


async def test_webhooks_wait_for_a_receiver_over_a_restart(tmp_path: Path, operator: Operator) -> None:
    async with running(Receiver, tmp_path / "receiver") as receiver:
        port = receiver.port
    async with (
        running(build_chargebee, tmp_path / "chargebee") as standin,
        ChargebeeClient(chargebee_settings(standin.port)) as client,
    ):
        await operator.post(standin, "webhooks", {"url": f"http://127.0.0.1:{port}/hook"})
        await client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    async with (
        running(Receiver, tmp_path / "receiver", port=port) as receiver,
        running(build_chargebee, tmp_path / "chargebee"),
    ):
        [request] = await arrived(operator, receiver, 1)
    assert request["body"]["event_type"] == "subscription_changed"


async def test_zendesk_signs_what_it_tells(
    zendesk: Running, zendesk_client: ZendeskClient, receiver: Running, operator: Operator
) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    ticket = await zendesk_client.create_ticket(
        requester_id=user.id, subject="Payment", body="Invoice 7", idempotency_key="event-1"
    )
    await aim(operator, zendesk, receiver)
    await operator.post(zendesk, "tickets", {"id": ticket.id, "status": TicketStatus.SOLVED})
    [request] = await arrived(operator, receiver, 1)
    assert request["body"]["type"] == "zen:event-type:ticket.status_changed"
    assert request["body"]["event"] == {"previous": "NEW", "current": "SOLVED"}
    assert request["body"]["detail"]["external_id"] == "event-1"
    headers = receiver.service.headers[0]  # type: ignore[attr-defined]
    raw = receiver.service.store.rows("SELECT body FROM received WHERE path = '/hook'")[0]["body"]
    signed = headers["x-zendesk-webhook-signature-timestamp"] + raw
    digest = hmac.new(b"shared", signed.encode(), hashlib.sha256).digest()
    assert headers["x-zendesk-webhook-signature"] == base64.b64encode(digest).decode()


async def test_zendesk_says_who_did_what_and_tells_it_again(
    zendesk: Running, zendesk_client: ZendeskClient, receiver: Running, operator: Operator
) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    await aim(operator, zendesk, receiver)
    opened = await operator.post(zendesk, "tickets", {"requester_id": user.id, "subject": "Help", "comment": "Help!"})
    ticket_id = opened["ticket"]["id"]
    await operator.post(zendesk, "tickets", {"id": ticket_id, "comment": "Please", "as": "requester"})
    await zendesk_client.add_comment(ticket_id, "On it", public=True, idempotency_key="event-1")
    created, theirs, ours = [one["body"] for one in await arrived(operator, receiver, 3)]
    actors = [one["detail"]["actor_id"] for one in (created, theirs, ours)]
    assert actors == [str(SUPPORT_USER_ID), str(user.id), str(API_USER_ID)]
    assert [one["event"]["comment"]["author"]["is_staff"] for one in (theirs, ours)] == [False, True]
    await operator.post(zendesk, "webhooks/send", {"event_id": theirs["id"]})
    assert (await arrived(operator, receiver, 4))[-1]["body"] == theirs


async def test_iterable_shows_its_auth_token_and_tells_it_again(
    tmp_path: Path, receiver: Running, operator: Operator
) -> None:
    async with running(lambda store: IterableService(store, webhook_secret="shared"), tmp_path / "signing") as iterable:
        # The token stands where a name and a password would.
        await operator.post(iterable, "webhooks", {"url": f"{receiver.url}/hook"})
        sent = await operator.post(
            iterable, "webhooks/send", {"event_type": "emailBounce", "content": {"email": "a@b.c"}}
        )
        await operator.post(iterable, "webhooks/send", {"event_id": sent["event_id"]})
        first, second = await arrived(operator, receiver, 2)
    assert first["body"] == second["body"]
    headers: list[dict[str, str]] = receiver.service.headers  # type: ignore[attr-defined]
    assert {one["authorization"] for one in headers} == {"Basic shared"}


async def test_iterable_tells_what_it_sent(
    iterable: Running, iterable_client: IterableClient, receiver: Running, operator: Operator
) -> None:
    await aim(operator, iterable, receiver)
    sent = await iterable_client.send_email(
        "welcome", Recipient(user_id="ada", email="ada@example.com"), {}, idempotency_key="event-1"
    )
    [request] = await arrived(operator, receiver, 1)
    assert request["body"]["eventName"] == "emailSend"
    assert request["body"]["email"] == "ada@example.com"
    assert request["body"]["dataFields"]["messageId"] == sent.message_id
