"""The systems that know a person, and how each of them forgets: a function a system, each safe to repeat.

What it returns is its part of the proof: counts and reasons, no personal data and no ids. Effects carry no ids either:
they are kept with the delivery.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from agents.events.payload import Payload
from agents.fills.progress import reference
from agents.runtime.handler import Work
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective
from integrations.errors import NotFound, PermanentError
from integrations.identity.accounts import HASURA_NAMESPACE, Accounts
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from integrations.pharmacy.client import PharmacyClient
from integrations.pharmacy.types import OrderStatus
from integrations.zendesk.client import ZendeskClient

Proof = Mapping[str, Any]

_NOT_CANCELLABLE: Final = "order_not_cancellable"
#: Orders that can be cancelled.
_OPEN: Final = frozenset({OrderStatus.RECEIVED, OrderStatus.ACCEPTED})
_NOT_THERE: Final = {"found": False}


#: Ids in a system, by what they are of.
Found = Mapping[str, tuple[str, ...]]


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be done in one system, written down before it is begun.

    What is half deleted is often found no more: without the plan, whoever goes on would leave it so, and the proof
    would tell of the rest alone.
    """

    #: So far.
    found: Found
    write: Callable[[Found], Awaitable[None]]

    async def add(self, kind: str, ids: Iterable[str]) -> tuple[str, ...]:
        """Write down what was found now; with what had been found before, in that order."""
        known = self.found.get(kind, ())
        together = tuple(dict.fromkeys([*known, *ids]))
        if together != known:
            self.found = {**self.found, kind: together}
            await self.write(self.found)
        return together


class NextFill(Payload):
    """The fill after those of a prescription that are written down: its order may be, at the pharmacy alone."""

    prescription_id: UUID
    fill_number: int


class Person(Payload):
    """By which ids the other systems know the person, as `begin_data_deletion` answers."""

    customer_id: UUID
    firebase_uid: str | None
    email: str | None
    zendesk_user_id: int | None
    chargebee_customer_id: str | None
    #: Orders at the pharmacy that may not be filled yet.
    open_order_ids: tuple[str, ...]
    next_fills: tuple[NextFill, ...]
    #: What attempts that were cut short had found, by system.
    planned: dict[str, Found]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """One for each system."""

    accounts: Accounts
    chargebee: ChargebeeClient
    iterable: IterableClient
    zendesk: ZendeskClient
    pharmacy: PharmacyClient


async def forget_in_firebase(person: Person, work: Work, clients: Clients, _plan: Plan) -> Proof:
    """The account goes, with its sign-ins and refresh tokens."""
    uid = person.firebase_uid or await _find_uid(person, clients.accounts)
    if uid is None:
        return _NOT_THERE
    async with work.step("firebase", system="firebase", action="delete_account"):
        deleted = await clients.accounts.delete(uid)
    # By an attempt that was cut short, most likely.
    gone_before = {} if deleted else {"gone_before": {"account": 1}}
    return {"found": True, "deleted": {"account": int(deleted)}, **gone_before}


async def _find_uid(person: Person, accounts: Accounts) -> str | None:
    """The account of a sign-up that was never completed: with the person's address, and nobody else's by its claims."""
    account = None if person.email is None else await accounts.find_by_email(person.email)
    if account is None:
        return None
    owner = account.claims.get(HASURA_NAMESPACE, {}).get("x-hasura-user-id")
    return account.uid if owner in {None, str(person.customer_id)} else None


async def forget_in_pharmacy(person: Person, work: Work, clients: Clients, plan: Plan) -> Proof:
    """Nothing more is sent. What was dispensed stays on the pharmacy's own record, which the law has it keep."""
    pharmacy = clients.pharmacy
    order_ids = [*person.open_order_ids]
    for fill in person.next_fills:
        # Whoever ordered it may have been killed before it was written down.
        order = await pharmacy.find_order(reference(fill.prescription_id, fill.fill_number))
        if order is not None and order.status in _OPEN:
            order_ids.append(order.id)
    cancelled = 0
    for order_id in await plan.add("orders", order_ids):
        try:
            # Named by its order: which ones are still open changes from attempt to attempt.
            async with work.step(f"pharmacy-{order_id}", system="pharmacy", action="cancel_order") as step:
                await pharmacy.cancel_order(
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


async def forget_in_chargebee(person: Person, work: Work, clients: Clients, plan: Plan) -> Proof:
    """Subscriptions end, and the person is struck out of the customer; invoices and payments stay: tax law."""
    chargebee = clients.chargebee
    # The chargebee agent makes customers under our id, and may have been killed before it wrote that down.
    billing_id = person.chargebee_customer_id or str(person.customer_id)
    # Asked there: what was made a moment ago is not in our mirror yet.
    subscriptions = await chargebee.list_subscriptions_of(billing_id)
    running = [one.id for one in subscriptions if one.status != "cancelled"]
    planned = await plan.add("subscriptions", running)
    for subscription_id in running:
        action = "cancel_subscription"
        async with work.step(f"chargebee-{subscription_id}", system="chargebee", action=action) as step:
            await chargebee.cancel_subscription(
                subscription_id, effective=Effective.IMMEDIATELY, idempotency_key=step.idempotency_key
            )
    try:
        async with work.step("chargebee", system="chargebee", action="clear_personal_data") as step:
            await chargebee.clear_personal_data(billing_id, idempotency_key=step.idempotency_key)
    except NotFound:
        return _NOT_THERE
    return {
        "found": True,
        "cancelled": {"subscriptions": len(planned)},
        "cleared": {"customer": 1},
        "kept": "invoices, payments and credit notes under the customer's id (tax law)",
    }


async def forget_in_iterable(person: Person, work: Work, clients: Clients, _plan: Plan) -> Proof:
    """The profile, its events and messages go, and later data about the person is refused."""
    recipient = Recipient(user_id=str(person.customer_id), email=person.email)
    async with work.step("iterable", system="iterable", action="forget_user"):
        await clients.iterable.forget_user(recipient)
    return {"deleted": {"profile": 1}}


async def forget_in_zendesk(person: Person, work: Work, clients: Clients, plan: Plan) -> Proof:
    """The person's tickets and requester record go for good."""
    zendesk = clients.zendesk
    known = [] if person.zendesk_user_id is None else [person.zendesk_user_id]
    found = [*known, *await _find_requesters(person, zendesk)]
    requesters = await plan.add("requesters", map(str, found))
    if not requesters:
        return _NOT_THERE
    asked = [str(ticket.id) for user_id in requesters for ticket in await zendesk.list_tickets_of(int(user_id))]
    tickets = await plan.add("tickets", asked)
    for ticket_id in tickets:
        async with work.step(f"zendesk-ticket-{ticket_id}", system="zendesk", action="delete_ticket"):
            await zendesk.delete_ticket(int(ticket_id))
    for user_id in requesters:
        async with work.step(f"zendesk-{user_id}", system="zendesk", action="delete_user"):
            await zendesk.delete_user(int(user_id))
    return {"found": True, "deleted": {"tickets": len(tickets), "requester": len(requesters)}}


async def _find_requesters(person: Person, zendesk: ZendeskClient) -> list[int]:
    """Records of the person that ours doesn't name: of an upsert that wasn't written down, of a mail to the team."""
    mine = str(person.customer_id)
    named = await zendesk.find_user(mine)
    mailed = [] if person.email is None else await zendesk.find_requesters_by_email(person.email)
    # Who has another customer's id is that customer, whatever their address is.
    found = [*([] if named is None else [named]), *(user for user in mailed if user.external_id in {None, mine})]
    return [user.id for user in found]


#: In the order in which they are gone through; each is tried, also when another one is down.
SYSTEMS: Final[Mapping[str, Callable[[Person, Work, Clients, Plan], Awaitable[Proof]]]] = {
    "firebase": forget_in_firebase,
    "pharmacy": forget_in_pharmacy,
    "chargebee": forget_in_chargebee,
    "iterable": forget_in_iterable,
    "zendesk": forget_in_zendesk,
}
