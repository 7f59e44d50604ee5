"""Our customers and contracts, out to Chargebee.

Ids are chosen here: a customer and a subscription in Chargebee have the id of our customer and of the contract that the
subscription was made for. So whatever is delivered twice, late, or to two processes finds what is there already.
"""

from datetime import UTC, datetime, time
from typing import Any, Final

from agents.chargebee.operations import (
    GetContract,
    GetCustomer,
    get_contract,
    get_customer,
    set_chargebee_customer,
    set_contract_subscription,
)
from agents.events.contract import ContractInserted, ContractUpdated
from agents.events.customer import CustomerInserted, CustomerSignedUp, CustomerUpdated
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.errors import Rejected
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.client import ChargebeeClient
from integrations.errors import PaymentDeclined

#: What Chargebee knows of a person.
_PERSONAL: Final = frozenset({"email", "first_name", "last_name", "phone"})
#: Contracts in these have a term before them or in course; the others are over.
_OPEN: Final = frozenset({"future", "active"})


#: A customer of ours, as the operations read them.
Person = GetCustomer.Customer | GetContract.Contract.Customer


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


async def contract_came(
    event: ContractInserted | ContractUpdated, work: Work, *, graphql: GraphQLClient, chargebee: ChargebeeClient
) -> WriteBack:
    """A contract without a subscription gets one, of its treatment's price, from its start on.

    The contract agent hears of the contract's new subscription like of any other change. Raises Rejected when the
    customer's card is declined: Chargebee makes no subscription then, and somebody must speak with the customer.
    """
    if event.new.subscription_id is not None or event.new.status not in _OPEN:
        return WriteBack(skipped="the contract needs no subscription")
    contract = (await graphql.query(get_contract(id=event.new.id))).contract
    if contract is None or contract.customer is None or contract.customer.deleted_at is not None:
        return WriteBack(skipped="the contract or its customer is gone")
    if contract.status not in _OPEN:
        return WriteBack(skipped=f"the contract is {contract.status}")
    if contract.subscription_id is not None:
        return WriteBack(skipped="the contract has a subscription already")
    mutations: list[Mutation[Any]] = []
    if contract.customer.chargebee_customer_id is None:
        # The event of the customer may be under way still: another topic, no order between them.
        mutations.append(await _create_customer(contract.customer, work, chargebee))
    mutations.append(await _create_subscription(contract, work, chargebee))
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


async def _create_subscription(contract: GetContract.Contract, work: Work, chargebee: ChargebeeClient) -> Mutation[Any]:
    assert contract.customer is not None, "asked before"
    treatment, subscription_id = contract.treatment, str(contract.id)
    if treatment is None:
        raise Rejected("the contract's treatment can't be read")
    upfront = treatment.upfront_item_price_id if treatment.has_upfront_payment_option else None
    start_at = datetime.combine(contract.start_date, time(), tzinfo=UTC)
    async with work.step(
        "create-subscription", system="chargebee", action="create_subscription", id=subscription_id
    ) as step:
        try:
            await chargebee.create_subscription(
                contract.customer.chargebee_customer_id or str(contract.customer.id),
                subscription_id=subscription_id,
                item_price_id=upfront or treatment.monthly_item_price_id,
                contract_id=str(contract.id),
                # What began before now begins now: a term in the past would be billed at once, with those after it.
                start_at=start_at if start_at > datetime.now(UTC) else None,
                idempotency_key=step.idempotency_key,
            )
        except PaymentDeclined as declined:
            raise Rejected(f"no subscription: the customer's card was declined ({declined.code})") from declined
    return set_contract_subscription(id=contract.id, subscription_id=subscription_id)
