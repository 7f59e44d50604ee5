"""Zendesk's client against the stand-in."""

import pytest

from integrations.errors import NotFound, PermanentError
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import Priority, TicketStatus
from local.standin.run import Running
from tests.integration.standins.conftest import Operator, plain_client


async def test_a_requester_is_kept_by_the_customers_id(zendesk: Running, zendesk_client: ZendeskClient) -> None:
    made = await zendesk_client.upsert_user("customer-1", name="Ada", email="ada@example.com", tags=["vip"])
    changed = await zendesk_client.upsert_user("customer-1", name="Ada Lovelace", email="ada@example.com")
    assert made.id == changed.id
    assert changed.name == "Ada Lovelace"
    found = await zendesk_client.find_user("customer-1")
    assert found is not None
    assert found.id == made.id
    assert len(zendesk.service.store.all("user")) == 1
    assert await zendesk_client.find_user("customer-2") is None


async def test_someone_who_wrote_before_is_recognised_by_address(zendesk_client: ZendeskClient) -> None:
    before = await zendesk_client.upsert_user("", name="ada@example.com", email="Ada@Example.com")
    after = await zendesk_client.upsert_user("customer-1", name="Ada", email="ada@example.com")
    assert (after.id, after.external_id) == (before.id, "customer-1")


async def test_a_customer_without_a_name_is_named_by_id(zendesk_client: ZendeskClient) -> None:
    assert (await zendesk_client.upsert_user("customer-1", name=" ")).name == "customer-1"


async def test_a_ticket_is_made_once_for_its_key(zendesk: Running, zendesk_client: ZendeskClient) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    for replayed in (False, True):
        ticket = await zendesk_client.create_ticket(
            requester_id=user.id,
            subject="Payment failed",
            body="Invoice 7",
            priority=Priority.HIGH,
            tags=["Payment"],
            idempotency_key="event-1:ticket",
        )
        assert ticket.replayed is replayed
        assert (ticket.status, ticket.priority, ticket.tags) == ("new", "high", ("payment",))
    assert len(zendesk.service.store.all("ticket")) == 1


async def test_zendesk_tells_a_key_it_knows_from_one_it_does_not(
    zendesk: Running, zendesk_client: ZendeskClient
) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    body = {"ticket": {"requester_id": user.id, "comment": {"body": "b"}}}
    async with plain_client(auth=("care@example.com/token", "token"), headers={"idempotency-key": "k"}) as http:
        url = f"{zendesk.url}/api/v2/tickets.json"
        first = await http.post(url, json=body)
        second = await http.post(url, json=body)
        body["ticket"]["subject"] = "another"
        third = await http.post(url, json=body)
    assert [one.headers.get("x-idempotency-lookup") for one in (first, second, third)] == ["miss", "hit", None]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert (third.status_code, third.json()["error"]) == (400, "IdempotentRequestError")


async def test_a_ticket_is_worked_on(zendesk: Running, zendesk_client: ZendeskClient) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    ticket = await zendesk_client.create_ticket(
        requester_id=user.id, subject="Payment", body="Invoice 7", idempotency_key="event-1"
    )
    for _ in range(2):
        await zendesk_client.update_ticket(
            ticket.id,
            status=TicketStatus.SOLVED,
            comment="Paid",
            custom_fields={360: "7"},
            idempotency_key="event-2",
        )
    solved = await zendesk_client.get_ticket(ticket.id)
    assert solved.status == "solved"
    assert solved.raw["custom_fields"] == [{"id": 360, "value": "7"}]
    comments = zendesk.service.store.find_by("comment", "ticket_id", ticket.id)
    assert [one["body"] for one in comments] == ["Invoice 7", "Paid"]
    assert [one["public"] for one in comments] == [False, False]


@pytest.mark.parametrize("waiting", ["pending", "hold", "solved"])
async def test_the_requesters_reply_opens_a_ticket_that_waits(
    zendesk: Running, zendesk_client: ZendeskClient, operator: Operator, waiting: str
) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    ticket = await zendesk_client.create_ticket(
        requester_id=user.id, subject="Payment", body="Invoice 7", idempotency_key="event-1"
    )
    statuses = []
    for change in (
        {"status": waiting},
        {"comment": "Do you still have the old card?"},
        {"comment": "A note to myself", "public": False, "as": "requester"},
        {"comment": "Yes", "as": "requester"},
        {"comment": "Thanks, that's all", "as": "requester", "status": "solved"},
    ):
        await operator.post(zendesk, "tickets", {"id": ticket.id, **change})
        statuses.append((await zendesk_client.get_ticket(ticket.id)).status)
    assert statuses == [waiting, waiting, waiting, "open", "solved"]
    told = [one for one in zendesk.service.store.all("event") if one["type"].endswith("ticket.status_changed")]
    assert {"previous": waiting.upper(), "current": "OPEN"} in [one["event"] for one in told]


async def test_a_comment_is_found_behind_a_hundred_others(zendesk: Running, zendesk_client: ZendeskClient) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    ticket = await zendesk_client.create_ticket(
        requester_id=user.id, subject="Payment", body="Invoice 7", idempotency_key="event-1"
    )
    with zendesk.service.store.transaction():
        for number in range(120):
            zendesk.service.tickets.change(ticket.id, {"comment": {"body": f"{number}"}})  # type: ignore[attr-defined]
    for _ in range(2):
        await zendesk_client.update_ticket(ticket.id, comment="Paid", idempotency_key="event-2")
    comments = zendesk.service.store.find_by("comment", "ticket_id", ticket.id)
    assert [one["body"] for one in comments].count("Paid") == 1


async def test_what_is_not_there_and_what_is_wrong_are_told_apart(
    zendesk: Running, zendesk_client: ZendeskClient, operator: Operator
) -> None:
    with pytest.raises(NotFound) as missing:
        await zendesk_client.get_ticket(404)
    assert missing.value.code == "RecordNotFound"
    user = await zendesk_client.upsert_user("customer-1", name="Ada")
    ticket = await zendesk_client.create_ticket(
        requester_id=user.id, subject="Payment", body="Invoice 7", idempotency_key="event-1"
    )
    await operator.post(zendesk, "tickets", {"id": ticket.id, "status": "closed"})
    with pytest.raises(PermanentError) as closed:
        await zendesk_client.update_ticket(ticket.id, status=TicketStatus.OPEN, idempotency_key="event-2")
    assert (closed.value.code, closed.value.status) == ("RecordInvalid", 422)


async def test_a_user_is_deleted_for_good(zendesk: Running, zendesk_client: ZendeskClient) -> None:
    user = await zendesk_client.upsert_user("customer-1", name="Ada", email="ada@example.com")
    assert await zendesk_client.delete_user(user.id) is True
    assert await zendesk_client.delete_user(user.id) is False
    assert zendesk.service.store.find("user", str(user.id)) is None
