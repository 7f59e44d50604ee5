"""A person whom every system knows, and the search for what is left of them."""

import json
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

from integrations.chargebee.client import ChargebeeClient
from integrations.iterable.client import IterableClient
from integrations.iterable.settings import IterableSettings
from integrations.iterable.types import Recipient
from integrations.pharmacy.client import PharmacyClient
from integrations.zendesk.client import ZendeskClient
from schema.tables import base_tables
from tests.integration.agents import firebase
from tests.integration.agents.behaviour import QUICK
from tests.integration.agents.billed import api, chargebee_settings, control, mirror
from tests.integration.agents.deliveries import World
from tests.integration.agents.dispensing import pharmacy_settings, prescribe, zendesk_settings
from tests.integration.standins.conftest import pharmacy_order
from tests.integration.triggers.records import mark_published

#: What a stand-in notes for whoever tests with it; no outside system's store.
_NOTES_OF_STANDINS = frozenset({"received"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A person, and everything that names them."""

    customer_id: uuid.UUID
    patient_id: uuid.UUID
    provider_id: uuid.UUID
    request_id: uuid.UUID
    firebase_uid: str
    chargebee_id: str
    subscription_id: str
    invoice_id: str
    order_id: str
    zendesk_user_id: int
    #: Name, e-mail address, phone number, where they live, their account.
    personal: tuple[str, ...]
    #: By which systems know them.
    ids: tuple[str, ...]


def iterable_settings(world: World) -> IterableSettings:
    return IterableSettings(base_url=world.surroundings.iterable, api_key=SecretStr("key"), **QUICK)


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """How a person is called and reached; each with a mark of its own, so that a search finds nobody else."""

    first: str
    last: str
    email: str
    phone: str
    street: str


def plainly_named() -> Named:
    mark = uuid.uuid4().hex
    return Named(
        first=f"Wilhelmina{mark[:8]}",
        last=f"Featherstone{mark[8:16]}",
        email=f"mina.{mark}@example.com",
        phone=f"+1303{int(mark, 16) % 10**7:07}",
        street=f"{mark[16:24]} Quiet Lane",
    )


async def make_known(world: World, named: Named | None = None) -> Known:
    """A customer with an account, a chart, a subscription, tickets and messages, who asks to be forgotten."""
    mark = uuid.uuid4().hex
    named = named or plainly_named()
    first, last, email, phone, street = named.first, named.last, named.email, named.phone, named.street
    uid = await firebase.sign_in_account(world, email, verified=True)
    profile = {
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": phone,
        "address_line1": street,
        "firebase_uid": uid,
        "chargebee_customer_id": f"cus-{mark}",
    }
    signed = await prescribe(world, customer=profile)
    await world.insert("healthcare.care_team", {"patient_id": signed.patient_id, "staff_id": signed.requester_id})
    known = Known(
        customer_id=signed.customer_id,
        patient_id=signed.patient_id,
        provider_id=signed.requester_id,
        request_id=uuid.uuid4(),
        firebase_uid=uid,
        chargebee_id=f"cus-{mark}",
        subscription_id=f"sub-{mark}",
        invoice_id="",
        order_id="",
        zendesk_user_id=0,
        personal=(first, last, email, phone, street, uid),
        ids=(str(signed.customer_id), f"cus-{mark}"),
    )
    invoice_id = await _in_chargebee(world, known)
    user_id = await _in_zendesk(world, known)
    await _in_iterable(world, known)
    order_id = await _in_pharmacy(world, known, signed.id, signed.pharmacy_id)
    known = replace(known, invoice_id=invoice_id, zendesk_user_id=user_id, order_id=order_id)
    await _in_our_tables(world, known)
    request_id = await world.insert(
        "public.data_deletion_request", {"customer_id": known.customer_id, "reason": f"{first} wants it"}
    )
    return replace(known, request_id=request_id)


async def _in_chargebee(world: World, known: Known) -> str:
    first, last, email, phone, *_ = known.personal
    await control(world, "item_prices", id="monthly-9900-USD", price=9900, currency_code="USD")
    async with ChargebeeClient(chargebee_settings(world)) as chargebee:
        await chargebee.create_customer(
            known.chargebee_id, email=email, first_name=first, last_name=last, phone=phone, idempotency_key=email
        )
        await chargebee.create_subscription(
            known.chargebee_id,
            subscription_id=known.subscription_id,
            item_price_id="monthly-9900-USD",
            idempotency_key=known.subscription_id,
        )
    invoice_id = ""
    for kind, path in (("customer", "/customers/"), ("subscription", "/subscriptions/")):
        id_ = known.chargebee_id if kind == "customer" else known.subscription_id
        await mirror(world, kind, (await api(world, "GET", f"{path}{id_}"))[kind])
    for one in (await api(world, "GET", f"/customers/{known.chargebee_id}/invoices"))["list"]:
        await mirror(world, "invoice", one["invoice"])
        invoice_id = one["invoice"]["id"]
    assert invoice_id
    return invoice_id


async def _in_zendesk(world: World, known: Known) -> int:
    first, last, email, phone, *_ = known.personal
    async with ZendeskClient(zendesk_settings(world)) as zendesk:
        user = await zendesk.upsert_user(str(known.customer_id), name=f"{first} {last}", email=email, phone=phone)
        for number in range(2):
            ticket = await zendesk.create_ticket(
                requester_id=user.id,
                subject=f"{first} asks",
                body=f"Call {phone}",
                idempotency_key=f"{known.chargebee_id}-{number}",
            )
            await zendesk.add_comment(ticket.id, f"{email} wrote", public=False, idempotency_key=f"{email}{number}")
    await world.database.execute("UPDATE customer SET zendesk_user_id = $2 WHERE id = $1", known.customer_id, user.id)
    return user.id


async def _in_iterable(world: World, known: Known) -> None:
    first, _, email, phone, *_ = known.personal
    async with IterableClient(iterable_settings(world)) as iterable:
        recipient = Recipient(user_id=str(known.customer_id), email=email)
        await iterable.update_user(recipient, {"firstName": first, "phoneNumber": phone})
        await iterable.track_event(recipient, "signed_up", {"name": first}, idempotency_key=str(uuid.uuid4()))


async def _in_pharmacy(world: World, known: Known, prescription_id: uuid.UUID, pharmacy_id: uuid.UUID) -> str:
    first, last, _, phone, *_ = known.personal
    fill_id = uuid.uuid4()
    order = pharmacy_order(str(fill_id), id=str(prescription_id))
    patient = replace(order.patient, first_name=first, last_name=last, phone=phone)
    async with PharmacyClient(pharmacy_settings(world)) as pharmacy:
        made = await pharmacy.create_order(replace(order, patient=patient), idempotency_key=str(fill_id))
    await world.insert(
        "healthcare.prescription_fill",
        {
            "id": fill_id,
            "prescription_id": prescription_id,
            "pharmacy_id": pharmacy_id,
            "fill_number": 0,
            "quantity": 30,
            "days_supply": 30,
            "status": "sent",
            "pharmacy_order_id": made.id,
        },
    )
    return made.id


async def _in_our_tables(world: World, known: Known) -> None:
    first, last, email, phone, *_ = known.personal
    customer = {"customer_id": known.customer_id}
    treatment_id = await world.treatment()
    contract_id = await world.contract(
        **customer, treatment_id=treatment_id, subscription_id=known.subscription_id, cancel_reason=f"{first} moved"
    )
    for category in ("clinical", "billing"):
        thread_id = await world.insert(
            "public.message_thread", {**customer, "subject": f"{category} matters", "category": category}
        )
        await world.insert(
            "public.message",
            {
                "thread_id": thread_id,
                "sender_role": "customer",
                "sender_customer_id": known.customer_id,
                "body": "My head aches" if category == "clinical" else f"Write to {email}, {first} {last}",
            },
        )
    ticket_id = await world.insert("public.support_ticket", {**customer, "subject": f"{first} asks"})
    await world.insert(
        "public.support_ticket_comment", {"ticket_id": ticket_id, "author": "cct", "body": f"Call {phone}"}
    )
    await world.insert("public.referral", {"referrer_id": known.customer_id, "referred_email": f"friend.{email}"})
    await world.insert("public.referral", {"referrer_id": await world.customer(), "referred_email": email})
    note = {"patient_id": known.patient_id, "author_id": known.provider_id, "title": "Visit", "body": "Doing well"}
    await world.insert("healthcare.clinical_note", note)
    event = await world.event("customer.inserted", known.customer_id)
    await world.insert(
        "public.notification",
        {**customer, "event_id": event.id, "channel": "email", "template": "welcome", "recipient": email},
    )
    effects = json.dumps([{"system": "chargebee", "id": known.chargebee_id}, {"system": "zendesk", "id": "1"}])
    await world.database.execute(
        "INSERT INTO events.delivery (event_id, agent, attempt, outcome, effects, started_at, finished_at)"
        " VALUES ($1, 'zendesk', 1, 'done', $2, now(), now())",
        event.id,
        effects,
    )
    await world.database.execute(
        "INSERT INTO events.dead_letter (event_id, agent, reason, attempts, event)"
        " VALUES ($1, 'notification', 'x', 1, $2)",
        event.id,
        json.dumps({"data": {"customer_id": str(known.customer_id), "to": email}}),
    )
    await world.publish(
        "contract.created", contract_id, {"contract_id": str(contract_id), "customer_id": str(known.customer_id)}
    )
    await world.database.execute(
        "INSERT INTO events.scheduled_task (name, kind, target, payload, due_at)"
        " VALUES ($1, 'contract.renewal', 'contract', $2, now() + interval '1 year')",
        f"contract-renewal-{contract_id}",
        json.dumps({"contract_id": str(contract_id)}),
    )
    await world.database.execute(
        "INSERT INTO audit.access (role, user_id, tables, row_count) VALUES ('user', $1, '{healthcare.patient}', 1)",
        str(known.customer_id),
    )


async def publish_all(world: World) -> None:
    """The relay comes by."""
    await mark_published(world.database)


# The search


async def tables_that_name(world: World, texts: Iterable[str]) -> set[str]:
    """The tables with a row in which one of the texts stands, in any column; every table of the metadata is read."""
    patterns = [f"%{text}%" for one in texts for text in _spellings(one)]
    found: set[str] = set()
    for table in base_tables():
        name = table.fullname if "." in table.fullname else f"public.{table.name}"
        row = await world.row(
            # The tables' own names; the texts are binds.
            f"SELECT EXISTS (SELECT FROM {name} AS t WHERE to_jsonb(t)::text ILIKE ANY ($1::text[])) AS is_there",  # noqa: S608
            patterns,
        )
        if row["is_there"]:
            found.add(name)
    return found


def standins_that_name(world: World, texts: Iterable[str]) -> set[str]:
    """Stand-ins with a row in which one of the texts stands, as `name.table` or, of documents, `name.kind`."""
    wanted = [text.lower() for one in texts for text in _spellings(one)]
    found: set[str] = set()
    for file in Path(world.surroundings.folder).rglob("*.sqlite*"):
        if file.suffix not in (".sqlite", ".sqlite3"):
            continue
        system = file.parent.name
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                if table in _NOTES_OF_STANDINS:
                    continue
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608 -- the file's own names
                    text = "\x00".join(_text(value) for value in row).lower()
                    if any(one in text for one in wanted):
                        found.add(f"{system}.{row[columns.index('kind')] if table == 'document' else table}")
    return found


def _spellings(text: str) -> set[str]:
    """The text, and how JSON, an address on the web and somebody's keyboard may have it."""
    spelt = {text, json.dumps(text)[1:-1], quote(text, safe=""), quote_plus(text)}
    if text.startswith("+1") and text[1:].isdigit():
        area, exchange, line = text[2:5], text[5:8], text[8:]
        spelt |= {
            f"{area}{exchange}{line}",
            f"({area}) {exchange}-{line}",
            f"{area}.{exchange}.{line}",
            f"{area}-{exchange}-{line}",
            f"{area} {exchange} {line}",
        }
    return spelt


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
