"""The systems that know a person, and how each of them forgets: a function a system, each safe to repeat.

What it returns is its part of the proof: counts and reasons, no personal data and no ids. Effects carry no ids either:
they are kept with the delivery.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from agents.events.payload import Payload
from agents.runtime.handler import Work
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective
from integrations.errors import NotFound, PermanentError
from integrations.identity.accounts import Accounts
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from integrations.pharmacy.client import PharmacyClient
from integrations.zendesk.client import ZendeskClient

Proof = Mapping[str, Any]

_NOT_CANCELLABLE: Final = "order_not_cancellable"
_NOT_THERE: Final = {"found": False}


class Person(Payload):
    """By which ids the other systems know the person, as `begin_data_deletion` answers."""

    customer_id: UUID
    firebase_uid: str | None
    email: str | None
    zendesk_user_id: int | None
    chargebee_customer_id: str | None
    #: Those that are not cancelled yet.
    subscription_ids: tuple[str, ...]
    #: Orders at the pharmacy that may not be filled yet.
    open_order_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """One for each system."""

    accounts: Accounts
    chargebee: ChargebeeClient
    iterable: IterableClient
    zendesk: ZendeskClient
    pharmacy: PharmacyClient


async def forget_in_firebase(person: Person, work: Work, clients: Clients) -> Proof:
    """The account goes, with its sign-ins and refresh tokens."""
    if person.firebase_uid is None:
        return _NOT_THERE
    async with work.step("firebase", system="firebase", action="delete_account"):
        deleted = await clients.accounts.delete(person.firebase_uid)
    return {"found": deleted, "deleted": {"account": int(deleted)}}


async def forget_in_pharmacy(person: Person, work: Work, clients: Clients) -> Proof:
    """Nothing more is sent. What was dispensed stays on the pharmacy's own record, which the law has it keep."""
    cancelled = 0
    for number, order_id in enumerate(person.open_order_ids):
        try:
            async with work.step(f"pharmacy-{number}", system="pharmacy", action="cancel_order") as step:
                await clients.pharmacy.cancel_order(
                    order_id, reason="the patient's data is being deleted", idempotency_key=step.idempotency_key
                )
            cancelled += 1
        except NotFound:
            pass
        except PermanentError as error:
            # Filled meanwhile: on its way to the patient.
            if error.code != _NOT_CANCELLABLE:
                raise
    return {
        "cancelled": {"orders": cancelled},
        "kept": "orders that were filled: the pharmacy's dispensing record (state pharmacy law)",
    }


async def forget_in_chargebee(person: Person, work: Work, clients: Clients) -> Proof:
    """Subscriptions end, and the person is struck out of the customer; invoices and payments stay: tax law."""
    if person.chargebee_customer_id is None:
        return _NOT_THERE
    cancelled = 0
    for number, subscription_id in enumerate(person.subscription_ids):
        try:
            if (await clients.chargebee.get_subscription(subscription_id)).status == "cancelled":
                continue
            action = "cancel_subscription"
            async with work.step(f"chargebee-{number}", system="chargebee", action=action) as step:
                await clients.chargebee.cancel_subscription(
                    subscription_id, effective=Effective.IMMEDIATELY, idempotency_key=step.idempotency_key
                )
        except NotFound:
            continue
        cancelled += 1
    try:
        async with work.step("chargebee", system="chargebee", action="clear_personal_data") as step:
            await clients.chargebee.clear_personal_data(
                person.chargebee_customer_id, idempotency_key=step.idempotency_key
            )
    except NotFound:
        return _NOT_THERE
    return {
        "found": True,
        "cancelled": {"subscriptions": cancelled},
        "cleared": {"customer": 1},
        "kept": "invoices, payments and credit notes under the customer's id (tax law)",
    }


async def forget_in_iterable(person: Person, work: Work, clients: Clients) -> Proof:
    """The profile, its events and messages go, and later data about the person is refused."""
    recipient = Recipient(user_id=str(person.customer_id), email=person.email)
    async with work.step("iterable", system="iterable", action="forget_user"):
        await clients.iterable.forget_user(recipient)
    return {"deleted": {"profile": 1}}


async def forget_in_zendesk(person: Person, work: Work, clients: Clients) -> Proof:
    """The person's tickets and requester record go for good."""
    zendesk, user_id = clients.zendesk, person.zendesk_user_id
    if user_id is None:
        user = await zendesk.find_user(str(person.customer_id))
        if user is None:
            return _NOT_THERE
        user_id = user.id
    tickets = await zendesk.list_tickets_of(user_id)
    for ticket in tickets:
        async with work.step(f"zendesk-ticket-{ticket.id}", system="zendesk", action="delete_ticket"):
            await zendesk.delete_ticket(ticket.id)
    async with work.step("zendesk", system="zendesk", action="delete_user"):
        deleted = await zendesk.delete_user(user_id)
    return {"found": deleted, "deleted": {"tickets": len(tickets), "requester": int(deleted)}}


#: In the order in which they are gone through; each is tried, also when another one is down.
SYSTEMS: Final[Mapping[str, Callable[[Person, Work, Clients], Awaitable[Proof]]]] = {
    "firebase": forget_in_firebase,
    "pharmacy": forget_in_pharmacy,
    "chargebee": forget_in_chargebee,
    "iterable": forget_in_iterable,
    "zendesk": forget_in_zendesk,
}
