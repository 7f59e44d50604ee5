"""Our customers and contracts, out to Chargebee.

Ids are chosen here: a customer and a subscription in Chargebee have the id of our customer and of the contract that the
subscription was made for. So whatever is delivered twice, late, or to two processes finds what is there already.
"""

from typing import Any, Final

from agents.chargebee.first_payment import Billing, contract_ended, find_recovery, first_payment_declined
from agents.chargebee.operations import get_contract, get_customer, set_chargebee_customer
from agents.chargebee.subscribing import Person, subscribe
from agents.charging.doubles import OPEN, why_not_wanted
from agents.events.contract import ContractInserted, ContractUpdated
from agents.events.customer import CustomerInserted, CustomerSignedUp, CustomerUpdated
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.client import ChargebeeClient
from integrations.errors import PaymentDeclined

#: What Chargebee knows of a person.
_PERSONAL: Final = frozenset({"email", "first_name", "last_name", "phone"})


async def customer_came(
    event: CustomerInserted | CustomerSignedUp, work: Work, *, graphql: GraphQLClient, chargebee: ChargebeeClient
) -> WriteBack:
    """A new customer gets their record in Chargebee."""
    customer_id = event.customer_id if isinstance(event, CustomerSignedUp) else event.new.id
    customer = (await graphql.query(get_customer(id=customer_id))).customer
    if customer is None or customer.deleted_at is not None:
        return WriteBack(skipped="the customer is gone")
    if customer.chargebee_customer_id is not None:
        return WriteBack(skipped="the customer is in Chargebee already")
    return WriteBack(mutations=(await _create_customer(customer, work, chargebee),))


async def customer_updated(
    event: CustomerUpdated, work: Work, *, graphql: GraphQLClient, chargebee: ChargebeeClient
) -> WriteBack:
    """A changed name, address or number reaches Chargebee; what was taken away goes there, too."""
    if not event.changed & _PERSONAL:
        return WriteBack(skipped="nothing changed that Chargebee knows")
    customer = (await graphql.query(get_customer(id=event.new.id))).customer
    if customer is None or customer.deleted_at is not None:
        return WriteBack(skipped="the customer is gone")
    billing_id = customer.chargebee_customer_id
    if billing_id is None:
        return WriteBack(mutations=(await _create_customer(customer, work, chargebee),))
    async with work.step("update-customer", system="chargebee", action="update_customer", id=billing_id) as step:
        # All of it as it is now: of two changes that come together, the first event brings both.
        await chargebee.update_customer(
            billing_id,
            email=customer.email or "",
            first_name=customer.first_name or "",
            last_name=customer.last_name or "",
            phone=customer.phone or "",
            idempotency_key=step.idempotency_key,
        )
    return WriteBack()


async def contract_came(event: ContractInserted | ContractUpdated, work: Work, *, use: Billing) -> WriteBack:
    """A contract without a subscription gets one, of its treatment's price, from its start on.

    The contract agent hears of the contract's new subscription like of any other change. When the first charge is
    declined there is none, and `first_payment` has the rest; what is being recovered there isn't charged from here.
    The second of one that was asked for twice at once gets none, and is over.
    """
    if event.new.subscription_id is None and event.new.status not in OPEN and isinstance(event, ContractUpdated):
        ended = await contract_ended(event, work, use=use)
        if ended is not None:
            return ended
    if event.new.subscription_id is not None or event.new.status not in OPEN:
        return WriteBack(skipped="the contract needs no subscription")
    contract = (await use.graphql.query(get_contract(id=event.new.id))).contract
    if contract is None or contract.customer is None or contract.customer.deleted_at is not None:
        return WriteBack(skipped="the contract or its customer is gone")
    if contract.status not in OPEN:
        return WriteBack(skipped=f"the contract is {contract.status}")
    if contract.subscription_id is not None:
        return WriteBack(skipped="the contract has a subscription already")
    if await find_recovery(contract.id, use) is not None:
        return WriteBack(skipped="the contract's first payment was declined, and is tried again as planned")
    unwanted = await why_not_wanted(contract, graphql=use.graphql)
    if unwanted is not None:
        return WriteBack(skipped=unwanted)
    mutations: list[Mutation[Any]] = []
    if contract.customer.chargebee_customer_id is None:
        # The event of the customer may be under way still: another topic, no order between them.
        mutations.append(await _create_customer(contract.customer, work, use.chargebee))
    try:
        mutations.append(await subscribe(contract, work, chargebee=use.chargebee, now=use.clock()))
    except PaymentDeclined as declined:
        mutations += await first_payment_declined(contract, declined, work, use=use)
    return WriteBack(mutations=tuple(mutations))


async def _create_customer(customer: Person, work: Work, chargebee: ChargebeeClient) -> Mutation[Any]:
    billing_id = str(customer.id)
    async with work.step("create-customer", system="chargebee", action="create_customer", id=billing_id) as step:
        await chargebee.create_customer(
            billing_id,
            email=customer.email,
            first_name=customer.first_name,
            last_name=customer.last_name,
            phone=customer.phone,
            idempotency_key=step.idempotency_key,
        )
    return set_chargebee_customer(id=customer.id, chargebee_customer_id=billing_id)
