"""The event_routing agent: webhooks as the outside systems send them, against the real endpoint."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agents.event_routing.app import create_app
from agents.event_routing.settings import Settings, WebhookSettings
from agents.fills.progress import reference
from agents.runtime.webhooks import webhook_event_id
from integrations.chargebee.rows import rows_of
from integrations.pharmacy.signature import sign as sign_as_pharmacy
from integrations.zendesk.signature import sign as sign_as_zendesk
from local.chargebee.service import ChargebeeService
from local.iterable.service import IterableService
from local.standin.run import running
from local.standin.store import Store
from local.zendesk.service import ZendeskService
from local.zendesk.users import API_USER_ID, SUPPORT_USER_ID
from tests.integration.agents.deliveries import World
from tests.integration.agents.dispensing import fill, prescribe
from tests.integration.agents.serving import serving

AGENT = "event_routing"
SECRET = SecretStr("shared")
WEBHOOKS = WebhookSettings(
    chargebee_username="caregraph",
    chargebee_passwords=(SECRET,),
    iterable_secrets=(SECRET,),
    zendesk_secrets=(SECRET,),
    zendesk_user_id=API_USER_ID,
    pharmacy_secrets=(SECRET,),
)
SOURCES = ("chargebee", "iterable", "zendesk", "pharmacy")
#: Old enough that nothing of ours is waited for.
LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Routing:
    """The agent while it listens."""

    url: str
    world: World

    async def send(self, source: str, body: Any, *, proof: Mapping[str, str] | None = None) -> httpx.Response:
        """A webhook with the right proof, unless told otherwise."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.world.client.post(
            f"{self.url}/webhooks/{source}", content=raw, headers=prove(source, raw) if proof is None else proof
        )

    async def accepted(self, source: str, body: Any) -> str:
        """How it ended."""
        answer = await self.send(source, body)
        assert answer.status_code == 200, answer.text
        end: str = answer.json()["end"]
        return end

    async def deliveries(self, source: str, outside_id: str) -> list[dict[str, Any]]:
        return await self.world.rows(
            "SELECT outcome, error FROM events.delivery WHERE event_id = $1 AND agent = $2 ORDER BY started_at",
            webhook_event_id(source, outside_id),
            AGENT,
        )

    async def in_inbox(self, source: str, outside_id: str) -> bool:
        event_id = webhook_event_id(source, outside_id)
        row = await self.world.row(
            "SELECT count(*) FROM events.inbox WHERE event_id = $1 AND agent = $2", event_id, AGENT
        )
        return bool(row["count"])


def prove(source: str, raw: bytes, *, at: datetime | None = None, secret: SecretStr = SECRET) -> dict[str, str]:
    """What a source proves itself with."""
    at = at or datetime.now(UTC)
    shown = secret.get_secret_value()
    match source:
        case "chargebee":
            return {"authorization": f"Basic {base64.b64encode(f'caregraph:{shown}'.encode()).decode()}"}
        case "iterable":
            return {"authorization": f"Basic {shown}"}
        case "zendesk":
            return sign_as_zendesk(raw, secret=secret, at=at)
        case _:
            return sign_as_pharmacy(raw, secret=secret, at=at)


@asynccontextmanager
async def routing_of(world: World, *, webhooks: WebhookSettings = WEBHOOKS, **settings: Any) -> AsyncIterator[Routing]:
    async with serving(
        lambda url: create_app(
            Settings(runtime=world.surroundings.runtime_settings(AGENT, url, **settings), webhooks=webhooks)
        )
    ) as url:
        yield Routing(url=url, world=world)


@pytest.fixture
async def routing(world: World) -> AsyncIterator[Routing]:
    async with routing_of(world) as listening:
        yield listening


def invoice(version: int, *, invoice_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """An invoice as Chargebee has it."""
    invoice_id = invoice_id or f"inv-{uuid.uuid4().hex}"
    return {
        "id": invoice_id,
        "customer_id": f"cb-{invoice_id}",
        "subscription_id": f"sub-{invoice_id}",
        "status": "payment_due",
        "date": 1_767_000_000,
        "currency_code": "JPY",
        "sub_total": 980,
        "total": 980,
        "amount_due": 980,
        "updated_at": 1_767_000_000 + version,
        "resource_version": version,
        "line_items": [
            {
                "id": f"li-{invoice_id}",
                "entity_type": "plan_item_price",
                "entity_id": "monthly",
                "description": "Care",
                "quantity": 1,
                "unit_amount": 980,
                "amount": 980,
            }
        ],
        **changes,
    }


def billing_event(event_type: str, **content: Any) -> dict[str, Any]:
    return {
        "id": f"ev_{uuid.uuid4().hex}",
        "occurred_at": 1_767_000_000,
        "source": "api",
        "object": "event",
        "api_version": "v2",
        "event_type": event_type,
        "content": content,
    }


def ticket_event(kind: str, ticket: Mapping[str, Any], *, at: datetime = LONG_AGO, **event: Any) -> dict[str, Any]:
    detail = {
        "id": str(uuid.uuid4().int % 10**12),
        "actor_id": str(SUPPORT_USER_ID),
        "external_id": None,
        "status": "OPEN",
        "priority": None,
        "subject": "A question",
        "description": "Where is it?",
        **ticket,
    }
    return {
        "account_id": 1,
        "id": str(uuid.uuid4()),
        "time": at.isoformat(),
        "type": f"zen:event-type:{kind}",
        "zendesk_event_version": "2022-11-06",
        "subject": f"zen:ticket:{detail['id']}",
        "detail": detail,
        "event": event,
    }


def message_event(name: str, *, user_id: object = None, email: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "email": email,
        "userId": None if user_id is None else str(user_id),
        "eventName": name,
        "dataFields": {"createdAt": "2026-01-02 03:04:05 +00:00", "campaignId": uuid.uuid4().int % 10**9, **fields},
    }


async def sent_fill(world: World) -> tuple[uuid.UUID, uuid.UUID]:
    """A fill that was sent to a pharmacy, and its prescription."""
    signed = await prescribe(world)
    return await fill(world, signed, status="sent"), signed.id


def order_event(status: str, prescription: uuid.UUID, *, at: datetime = LONG_AGO, **order: Any) -> dict[str, Any]:
    reached = ["received", "accepted", "filled", "shipped", "delivered"]
    version = reached.index(status) + 1
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "type": f"order.{status}",
        "occurred_at": at.isoformat(),
        "data": {
            "order": {
                "id": f"ord_{prescription}",
                "reference": reference(prescription, 0),
                "status": status,
                "version": version,
                "pharmacy": {"ncpdp_id": "1234567"},
                "rejection": None,
                "shipment": None
                if version < 4
                else {"carrier": "UPS", "tracking_number": "1Z", "tracking_url": "https://ups.example/1Z"},
                **{f"{one}_at": at.isoformat() for one in reached[:version]},
                **order,
            }
        },
    }


async def example(source: str, world: World) -> dict[str, Any]:
    """A webhook of each source that means something."""
    match source:
        case "chargebee":
            return billing_event("invoice_generated", invoice=invoice(1))
        case "iterable":
            return message_event("emailUnSubscribe", user_id=await world.customer())
        case "zendesk":
            requester = uuid.uuid4().int % 10**12
            await world.customer(zendesk_user_id=requester)
            return ticket_event("ticket.created", {"requester_id": str(requester)})
        case _:
            return order_event("shipped", (await sent_fill(world))[1])


async def row_of(world: World, table: str, row_id: str) -> dict[str, Any] | None:
    rows = await world.rows(f"SELECT * FROM {table} WHERE id = $1", row_id)  # noqa: S608 - two names of this file
    return rows[0] if rows else None


# Proofs


async def test_another_card_is_told_of_for_a_customer_of_ours_and_only_mirrored_for_anybody_else(
    routing: Routing,
) -> None:
    world = routing.world
    billing_id = f"cus-{uuid.uuid4().hex}"
    customer_id = await world.customer(chargebee_customer_id=billing_id)

    def added(owner: str) -> dict[str, Any]:
        customer = {"id": owner, "resource_version": 5, "created_at": 1_767_000_000, "updated_at": 1_767_000_000}
        source = {"id": f"pm-{owner}", "customer_id": owner, "type": "card", "status": "valid"}
        return billing_event("payment_source_added", customer=customer, payment_source=source)

    ours, strangers = added(billing_id), added(f"cus-{uuid.uuid4().hex}")
    ends = [await routing.accepted("chargebee", body) for body in (ours, ours, strangers)]

    assert ends == ["done", "duplicate", "done"]
    told = await world.rows(
        "SELECT subject FROM events.outbox WHERE type = 'customer.payment_source_changed' AND subject = $1",
        str(customer_id),
    )
    assert len(told) == 1
    mirrored = await world.rows(
        "SELECT id FROM chargebee.customer WHERE id = ANY ($1)",
        [body["content"]["customer"]["id"] for body in (ours, strangers)],
    )
    assert len(mirrored) == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"invoice": [1]}, "invoice without an id: the resource is no object"),
        ({"invoice": {"total": 2**63}}, "total has the wrong form or size"),
        ({"invoice": {"resource_version": "x"}}, "resource_version has the wrong form or size"),
        ({"transaction": {"id": "txn", "resource_version": "x"}}, "resource_version is no number"),
        ({"transaction": {"id": "txn", "amount": 2**63}}, "amount is no number, or one too large"),
    ],
)
async def test_what_can_never_be_mirrored_is_kept_as_a_dead_letter_at_once(
    routing: Routing, content: dict[str, Any], reason: str
) -> None:
    made = {"date": 1_767_000_000, "currency_code": "JPY", "type": "payment", "status": "success"}
    whole = {"invoice": invoice(1), "transaction": {"customer_id": "cb", "resource_version": 1, **made}}
    given = {kind: whole[kind] | one if isinstance(one, dict) else one for kind, one in content.items()}
    webhook = billing_event("invoice_updated", **given)

    assert await routing.accepted("chargebee", webhook) == "dead_letter"

    (letter,) = await routing.world.dead_letters(webhook_event_id("chargebee", webhook["id"]), AGENT)
    assert reason in letter["reason"]


async def test_a_card_of_another_form_hinders_nothing(routing: Routing) -> None:
    assert await routing.accepted("chargebee", billing_event("card_updated", card=[1], customer=None)) == "skipped"


@pytest.mark.parametrize("source", SOURCES)
async def test_while_a_secret_is_being_replaced_the_new_and_the_old_one_prove_a_webhook_and_no_other(
    world: World, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = '["the, new one", "shared"]' if source == "pharmacy" else "the-new-one,shared"
    new = SecretStr("the, new one" if source == "pharmacy" else "the-new-one")
    monkeypatch.setenv("CHARGEBEE_WEBHOOK_USERNAME", "caregraph")
    monkeypatch.setenv("CHARGEBEE_WEBHOOK_PASSWORD", several)
    monkeypatch.setenv("ZENDESK_USER_ID", str(API_USER_ID))
    for name in ("ITERABLE", "ZENDESK", "PHARMACY"):
        monkeypatch.setenv(f"{name}_WEBHOOK_SECRET", several)

    async with routing_of(world, webhooks=WebhookSettings()) as routing:
        statuses = []
        for secret in (new, SECRET, SecretStr("the-older-one"), SecretStr(several), SecretStr(",")):
            raw = b"{}"
            answer = await routing.send(source, raw, proof=prove(source, raw, secret=secret))
            statuses.append(answer.status_code)

    # The first two are let in, and then told that they don't send what the source sends.
    assert statuses == [400, 400, 401, 401, 401]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("proof", ["none", "wrong", "another's"])
async def test_without_its_proof_a_webhook_is_refused_and_nothing_written(
    routing: Routing, source: str, proof: str
) -> None:
    body = json.dumps(await example(source, routing.world)).encode()
    before = await counts(routing.world)
    headers = {
        "none": {},
        "wrong": {name: value[:-3] + "abc" for name, value in prove(source, body).items()},
        "another's": prove("pharmacy" if source != "pharmacy" else "zendesk", body),
    }[proof]

    answer = await routing.send(source, body, proof=headers)

    assert answer.status_code == 401
    assert answer.json()["error"]
    assert await counts(routing.world) == before
    metrics = (await routing.world.client.get(f"{routing.url}/metrics")).text
    assert f'caregraph_webhooks_refused_total{{source="{source}",status="401"}}' in metrics


@pytest.mark.parametrize("source", ["zendesk", "pharmacy"])
@pytest.mark.parametrize("age", [timedelta(minutes=6), -timedelta(minutes=6)])
async def test_a_signature_of_another_time_is_refused(routing: Routing, source: str, age: timedelta) -> None:
    body = json.dumps(await example(source, routing.world)).encode()

    answer = await routing.send(source, body, proof=prove(source, body, at=datetime.now(UTC) - age))

    assert answer.status_code == 401
    assert "clock" in answer.json()["error"]


@pytest.mark.parametrize("source", ["zendesk", "pharmacy"])
async def test_a_signature_counts_for_its_body_alone(routing: Routing, source: str) -> None:
    body = json.dumps(await example(source, routing.world)).encode()

    answer = await routing.send(source, body + b" ", proof=prove(source, body))

    assert answer.status_code == 401


@pytest.mark.parametrize("source", SOURCES)
async def test_what_the_source_does_not_send_is_refused_with_a_reason(routing: Routing, source: str) -> None:
    before = await counts(routing.world)

    answers = [
        await routing.send(source, body) for body in (b"", b"[]", b"{}", b"\xff", b'{"id": 1}', b"null", b"[" * 5000)
    ]

    assert [answer.status_code for answer in answers] == [400] * 7
    assert all(answer.json()["error"] for answer in answers)
    assert await counts(routing.world) == before


async def test_nobody_else_sends_webhooks(routing: Routing) -> None:
    assert (await routing.send("github", b"{}", proof={})).status_code == 404


# Once, in any order


@pytest.mark.parametrize("source", SOURCES)
async def test_a_webhook_that_comes_twice_or_twice_at_once_has_one_effect(routing: Routing, source: str) -> None:
    webhook = await example(source, routing.world)

    at_once = await asyncio.gather(*(routing.accepted(source, webhook) for _ in range(3)))
    again = await routing.accepted(source, webhook)

    assert sorted(at_once) == ["done", "duplicate", "duplicate"]
    assert again == "duplicate"


async def test_two_agents_that_get_one_webhook_have_one_effect(world: World) -> None:
    _fill_id, prescription = await sent_fill(world)
    webhook = order_event("shipped", prescription)

    async with routing_of(world) as one, routing_of(world) as other:
        ends = await asyncio.gather(*(each.send("pharmacy", webhook) for each in (one, other)))

    assert {answer.status_code for answer in ends} == {200}
    events = await world.rows("SELECT type FROM events.outbox WHERE subject = $1 ORDER BY sequence", str(prescription))
    assert [event["type"] for event in events].count("prescription.shipped") == 1


async def test_an_older_picture_of_billing_never_replaces_a_newer_one(routing: Routing) -> None:
    old, new = invoice(1), None
    new = invoice(2, invoice_id=old["id"], status="paid", amount_paid=980, amount_due=0)

    await routing.accepted("chargebee", billing_event("payment_succeeded", invoice=new))
    await routing.accepted("chargebee", billing_event("invoice_generated", invoice=old))

    row = await row_of(routing.world, "chargebee.invoice", old["id"])
    assert row is not None
    assert (row["status"], row["resource_version"], row["currency_code"], row["total"]) == ("paid", 2, "JPY", 980)
    changes = await routing.world.rows("SELECT type FROM events.outbox WHERE subject = $1", old["id"])
    assert [change["type"] for change in changes] == ["invoice.inserted"]


async def test_webhook_and_etl_give_the_same_rows_whichever_comes_first(routing: Routing) -> None:
    raw = invoice(5)
    await routing.accepted("chargebee", billing_event("invoice_updated", invoice=raw))
    by_webhook = await row_of(routing.world, "chargebee.invoice", raw["id"])
    wanted = rows_of("invoice", raw)["invoice"][0]
    assert by_webhook is not None
    for column, value in wanted.items():
        shown = by_webhook[column]
        if column == "issued_credit_notes":
            shown = json.loads(shown)
        if isinstance(shown, datetime):
            shown = shown.isoformat()
        assert shown == value, column
    lines = await routing.world.rows(
        "SELECT amount, deleted FROM chargebee.invoice_line_item WHERE invoice_id = $1", raw["id"]
    )
    assert lines == [{"amount": 980, "deleted": False}]

    # What the ETL has read at a later version, stays.
    later = {**raw, "status": "paid", "resource_version": 9}
    await routing.accepted("chargebee", billing_event("invoice_updated", invoice=later))
    await routing.accepted("chargebee", billing_event("invoice_updated", invoice=raw))
    row = await row_of(routing.world, "chargebee.invoice", raw["id"])
    assert row is not None
    assert row["status"] == "paid"


async def test_a_resource_that_the_mirror_cannot_hold_is_kept_as_a_dead_letter(routing: Routing) -> None:
    webhook = billing_event("invoice_updated", invoice=invoice(1, status="pondering"))

    assert await routing.accepted("chargebee", webhook) == "dead_letter"

    event_id = webhook_event_id("chargebee", webhook["id"])
    (letter,) = await routing.world.dead_letters(event_id, AGENT)
    assert "status has a value that the mirror doesn't know" in letter["reason"]


@pytest.mark.parametrize("source", SOURCES)
async def test_a_type_without_a_rule_is_acknowledged_and_recorded_as_skipped(routing: Routing, source: str) -> None:
    webhook = await example(source, routing.world)
    kind = {"chargebee": "event_type", "iterable": "eventName"}.get(source, "type")
    webhook[kind] = "weather.changed"
    before = await counts(routing.world, "public.support_ticket", "chargebee.invoice", "events.outbox")

    assert await routing.accepted(source, webhook) == "skipped"

    assert await counts(routing.world, "public.support_ticket", "chargebee.invoice", "events.outbox") == before
    if source != "iterable":
        (delivery,) = await routing.deliveries(source, webhook["id"])
        assert (delivery["outcome"], delivery["error"]) == ("skipped", f"no rule for {source}'s weather.changed")
        assert await routing.in_inbox(source, webhook["id"])


@pytest.mark.parametrize("source", SOURCES)
async def test_while_the_endpoint_is_away_the_sender_is_asked_to_come_again(world: World, source: str) -> None:
    webhook = await example(source, world)
    async with routing_of(world, graphql_url="http://127.0.0.1:1/v1/graphql") as cut_off:
        answer = await cut_off.send(source, webhook)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0

    async with routing_of(world) as routing:
        assert await routing.accepted(source, webhook) == "done"


# Zendesk


async def test_a_ticket_from_zendesk_becomes_a_row_and_follows_its_later_events(routing: Routing) -> None:
    requester = uuid.uuid4().int % 10**12
    customer = await routing.world.customer(zendesk_user_id=requester)
    ticket = {"id": str(uuid.uuid4().int % 10**12), "requester_id": str(requester)}
    solved = ticket_event("ticket.status_changed", {**ticket, "status": "SOLVED"}, at=LONG_AGO + timedelta(hours=2))
    urgent = ticket_event("ticket.priority_changed", {**ticket, "priority": "URGENT"}, at=LONG_AGO + timedelta(hours=1))
    created = ticket_event("ticket.created", ticket)

    # In the wrong order.
    for webhook in (solved, urgent, created):
        assert await routing.accepted("zendesk", webhook) == "done"

    row = await routing.world.row(
        "SELECT customer_id, status, priority, subject, solved_at FROM support_ticket WHERE zendesk_ticket_id = $1",
        int(ticket["id"]),
    )
    assert dict(row) == {
        "customer_id": customer,
        "status": "solved",
        "priority": "normal",
        "subject": "A question",
        "solved_at": LONG_AGO + timedelta(hours=2),
    }


async def test_comments_from_zendesk_are_kept_once_with_who_wrote_them(routing: Routing) -> None:
    requester = uuid.uuid4().int % 10**12
    await routing.world.customer(zendesk_user_id=requester)
    ticket = {"id": str(uuid.uuid4().int % 10**12), "requester_id": str(requester)}
    await routing.accepted("zendesk", ticket_event("ticket.created", ticket))

    def said(number: int, *, is_staff: bool, public: bool) -> dict[str, Any]:
        comment = {
            "id": f"{ticket['id']}{number}",
            "body": f"Comment {number}",
            "is_public": public,
            "author": {"id": "7", "is_staff": is_staff, "name": "Somebody"},
        }
        return ticket_event("ticket.comment_added", ticket, comment=comment)

    for webhook in (said(2, is_staff=False, public=True), said(1, is_staff=True, public=False)):
        assert await routing.accepted("zendesk", webhook) == "done"
    # Another event about the same comment.
    assert await routing.accepted("zendesk", said(1, is_staff=True, public=False)) == "done"

    comments = await routing.world.rows(
        """
        SELECT c.author, c.body, c.public FROM support_ticket_comment c JOIN support_ticket t ON t.id = c.ticket_id
        WHERE t.zendesk_ticket_id = $1 ORDER BY c.body
        """,
        int(ticket["id"]),
    )
    assert comments == [
        {"author": "cct", "body": "Comment 1", "public": False},
        {"author": "customer", "body": "Comment 2", "public": True},
    ]


async def test_what_we_did_in_zendesk_is_not_added_again(routing: Routing) -> None:
    requester = uuid.uuid4().int % 10**12
    await routing.world.customer(zendesk_user_id=requester)
    ours = {"requester_id": str(requester), "external_id": "event:step", "actor_id": str(API_USER_ID)}
    comment = {"id": "5", "body": "Ours", "is_public": False, "author": {"id": str(API_USER_ID), "is_staff": True}}

    assert await routing.accepted("zendesk", ticket_event("ticket.created", ours)) == "skipped"
    assert await routing.accepted("zendesk", ticket_event("ticket.comment_added", ours, comment=comment)) == "skipped"


async def test_a_change_of_a_ticket_whose_record_is_on_its_way_waits_for_it(routing: Routing) -> None:
    requester = uuid.uuid4().int % 10**12
    customer = await routing.world.customer(zendesk_user_id=requester)
    ticket = {"id": "77" + str(requester), "requester_id": str(requester), "external_id": "event:step"}
    webhook = ticket_event("ticket.status_changed", {**ticket, "status": "PENDING"}, at=datetime.now(UTC))

    early = await routing.send("zendesk", webhook)
    await routing.world.database.execute(
        "INSERT INTO support_ticket (customer_id, zendesk_ticket_id, subject) VALUES ($1, $2, 'Payment')",
        customer,
        int(ticket["id"]),
    )
    async with routing_of(routing.world) as another:
        end = await another.accepted("zendesk", webhook)

    assert (early.status_code, end) == (503, "done")
    row = await routing.world.row("SELECT status FROM support_ticket WHERE zendesk_ticket_id = $1", int(ticket["id"]))
    assert row["status"] == "pending"


@pytest.mark.parametrize(("status", "kept"), [("DELETED", "closed"), ("ON_THE_MOON", "open")])
async def test_a_ticket_is_only_ever_in_a_status_that_we_know(routing: Routing, status: str, kept: str) -> None:
    requester = uuid.uuid4().int % 10**12
    await routing.world.customer(zendesk_user_id=requester)
    ticket = {"id": str(uuid.uuid4().int % 10**12), "requester_id": str(requester)}
    await routing.accepted("zendesk", ticket_event("ticket.created", ticket))

    gone = ticket_event("ticket.soft_deleted", {**ticket, "status": status}, at=LONG_AGO + timedelta(hours=1))
    end = await routing.accepted("zendesk", gone)

    row = await routing.world.row("SELECT status FROM support_ticket WHERE zendesk_ticket_id = $1", int(ticket["id"]))
    assert (row["status"], end) == (kept, "done" if kept == "closed" else "dead_letter")


async def test_a_ticket_of_a_stranger_is_left_alone(routing: Routing) -> None:
    webhook = ticket_event("ticket.created", {"requester_id": str(uuid.uuid4().int % 10**12)})
    assert await routing.accepted("zendesk", webhook) == "skipped"


# Iterable


@pytest.mark.parametrize(
    ("name", "fields", "wanted"),
    [
        ("emailUnSubscribe", {}, (True, False)),
        ("emailComplaint", {}, (True, False)),
        ("smsReceived", {"body": " Stop. "}, (False, True)),
        ("smsReceived", {"body": "STOP ALL"}, (False, True)),
        ("smsReceived", {"body": "Opt-out, please"}, (False, True)),
        ("smsReceived", {"body": "Revoke"}, (False, True)),
        ("smsReceived", {"body": "Thank you"}, (False, False)),
        ("smsReceived", {"body": "START"}, (False, False)),
        ("smsReceived", {"body": "please stop sending so late"}, (False, False)),
    ],
)
@pytest.mark.parametrize("known_by", ["id", "address"])
async def test_who_wants_no_messages_gets_none(
    routing: Routing, name: str, fields: dict[str, str], wanted: tuple[bool, bool], known_by: str
) -> None:
    email = f"{uuid.uuid4().hex}@example.com"
    customer = await routing.world.customer(email=email)
    who: dict[str, Any] = {"user_id": customer} if known_by == "id" else {"email": email.upper()}

    await routing.accepted("iterable", message_event(name, **who, **fields))
    await routing.accepted("iterable", message_event("emailSubscribe", **who))

    row = await routing.world.row("SELECT email_opt_out, sms_opt_out FROM customer WHERE id = $1", customer)
    assert (row["email_opt_out"], row["sms_opt_out"]) == wanted


@pytest.mark.parametrize(("state", "opt_out"), [("HardBounce", True), ("SoftBounce", False)])
async def test_a_bounced_message_has_failed_and_a_dead_address_gets_no_more(
    routing: Routing, state: str, opt_out: bool
) -> None:
    customer, message = await routing.world.customer(), uuid.uuid4().hex
    bounce = message_event("emailBounce", user_id=customer, messageId=message, recipientState=state)
    bounce["dataFields"]["createdAt"] = datetime.now(UTC).isoformat()

    # Before the notification agent has written down which message it was.
    early = await routing.send("iterable", bounce)
    await routing.world.database.execute(
        """
        INSERT INTO notification (event_id, customer_id, channel, template, status, provider_message_id)
        VALUES (uuid_v7(), $1, 'email', 'welcome', 'sent', $2)
        """,
        customer,
        message,
    )
    async with routing_of(routing.world) as another:
        end = await another.accepted("iterable", bounce)

    assert (early.status_code, end) == (503, "done")
    row = await routing.world.row(
        """
        SELECT n.status, n.status_reason, c.email_opt_out FROM notification n JOIN customer c ON c.id = n.customer_id
        WHERE n.provider_message_id = $1
        """,
        message,
    )
    assert dict(row) == {"status": "failed", "status_reason": f"bounced: {state}", "email_opt_out": opt_out}


async def test_what_we_sent_is_known_and_nothing_to_wonder_about(
    routing: Routing, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await routing.accepted("iterable", message_event("emailSend", email="ada@example.com")) == "skipped"
    assert "webhook.without_rule" not in capsys.readouterr().out
    assert await routing.accepted("iterable", message_event("weatherChanged", email="ada@example.com")) == "skipped"
    assert "webhook.without_rule" in capsys.readouterr().out


# The pharmacy network


async def test_a_shipped_order_is_a_shipped_fill_and_an_event_and_earlier_ones_change_nothing(routing: Routing) -> None:
    fill_id, prescription = await sent_fill(routing.world)

    ends = [
        await routing.accepted("pharmacy", order_event(status, prescription))
        for status in ("shipped", "filled", "accepted")
    ]

    assert ends == ["done", "skipped", "skipped"]
    row = await routing.world.row(
        """
        SELECT status, carrier, tracking_number, filled_at, shipped_at FROM healthcare.prescription_fill WHERE id = $1
        """,
        fill_id,
    )
    assert dict(row) == {
        "status": "shipped",
        "carrier": "UPS",
        "tracking_number": "1Z",
        "filled_at": LONG_AGO,
        "shipped_at": LONG_AGO,
    }
    events = await routing.world.rows("SELECT type, data FROM events.outbox WHERE subject = $1", str(prescription))
    (shipped,) = [event for event in events if event["type"] == "prescription.shipped"]
    assert "carrier" not in shipped["data"]


async def test_an_order_that_is_known_before_its_fill_waits(routing: Routing) -> None:
    webhook = order_event("accepted", uuid.uuid4(), at=datetime.now(UTC))
    assert (await routing.send("pharmacy", webhook)).status_code == 503
    assert await routing.accepted("pharmacy", order_event("accepted", uuid.uuid4())) == "skipped"


# As the stand-ins send them


async def test_the_stand_ins_webhooks_are_taken_twice_and_in_any_order(routing: Routing, tmp_path: Path) -> None:
    world = routing.world
    email = f"{uuid.uuid4().hex}@example.com"
    customer = await world.customer(email=email)
    async with (
        running(another_zendesk, tmp_path / "zendesk") as zendesk,
        running(lambda store: IterableService(store, webhook_secret="shared"), tmp_path / "iterable") as iterable,
        running(ChargebeeService, tmp_path / "chargebee") as chargebee,
    ):

        async def post(url: str, body: Any) -> Any:
            answer = await world.client.post(url, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

        for standin, name in ((zendesk, "zendesk"), (iterable, "iterable"), (chargebee, "chargebee")):
            target = {"url": f"{routing.url}/webhooks/{name}", "username": None, "password": None}
            if name == "chargebee":
                target |= {"username": "caregraph", "password": "shared"}
            await post(f"{standin.url}/_control/webhooks", target)
            await post(f"{standin.url}/_control/webhooks/shape", {"twice": 2, "hold": True})

        user = (
            await world.client.post(
                f"{zendesk.url}/api/v2/users/create_or_update.json",
                json={"user": {"external_id": str(customer), "name": "Ada"}},
                auth=("agent@example.com/token", "any"),
            )
        ).json()["user"]
        await world.database.execute("UPDATE customer SET zendesk_user_id = $1 WHERE id = $2", user["id"], customer)
        ticket = (
            await post(
                f"{zendesk.url}/_control/tickets", {"requester_id": user["id"], "subject": "Help", "comment": "Help me"}
            )
        )["ticket"]
        await post(f"{zendesk.url}/_control/tickets", {"id": ticket["id"], "status": "solved", "comment": "Done"})
        unsubscribed = {"event_type": "emailUnSubscribe", "content": {"email": email, "dataFields": {}}}
        await post(f"{iterable.url}/_control/webhooks/send", unsubscribed)
        billed = invoice(3)
        changed = {"event_type": "invoice_updated", "content": {"invoice": billed}}
        await post(f"{chargebee.url}/_control/webhooks/send", changed)
        for standin in (zendesk, iterable, chargebee):
            await post(f"{standin.url}/_control/webhooks/release", {"order": "reverse"})

        async def counted() -> list[dict[str, int]]:
            return [
                (await world.client.get(f"{standin.url}/_control")).json()["webhooks"]["counts"]
                for standin in (zendesk, iterable, chargebee)
            ]

        async with asyncio.timeout(20):
            # The stand-ins say when all have been taken.
            while any(count.keys() != {"sent"} for count in await counted()):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    rows = await world.rows(
        """
        SELECT
            t.status, c.email_opt_out,
            (SELECT count(*) FROM support_ticket_comment k WHERE k.ticket_id = t.id) AS comments
        FROM support_ticket t JOIN customer c ON c.id = t.customer_id WHERE t.customer_id = $1
        """,
        customer,
    )
    assert rows == [{"status": "solved", "email_opt_out": True, "comments": 1}]
    assert await row_of(world, "chargebee.invoice", billed["id"]) is not None


def another_zendesk(store: Store) -> ZendeskService:
    """An account that signs what it tells, with ids that the surroundings' one doesn't come to."""
    service = ZendeskService(store, webhook_secret="shared")
    for counter in ("user", "ticket", "audit_event"):
        store.next(counter, at_least=uuid.uuid4().int % 10**12)
    return service


async def counts(world: World, *tables: str) -> list[int]:
    """How many rows there are of what webhooks write."""
    names = tables or (
        "events.inbox",
        "events.delivery",
        "events.outbox",
        "public.support_ticket",
        "chargebee.invoice",
    )
    return [(await world.row(f"SELECT count(*) AS n FROM {name}"))["n"] for name in names]  # noqa: S608 - own names
