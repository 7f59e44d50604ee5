"""A contract's subscription in Chargebee: made once, under the contract's id."""

from datetime import UTC, datetime, time

from agents.chargebee.operations import GetContract, GetCustomer, set_contract_subscription
from agents.graphql.operations import Mutation
from agents.runtime.errors import Rejected
from agents.runtime.handler import Work
from integrations.chargebee.client import ChargebeeClient

#: A customer of ours, as the operations read them.
Person = GetCustomer.Customer | GetContract.Contract.Customer


def billing_id_of(customer: Person) -> str:
    """The id of a customer's record in Chargebee: the one they have, or the one they get."""
    return customer.chargebee_customer_id or str(customer.id)


async def subscribe(
    contract: GetContract.Contract, work: Work, *, chargebee: ChargebeeClient, now: datetime
) -> Mutation:
    """Make the subscription, of the treatment's price and from the contract's start on, and give what records it.

    Raises PaymentDeclined when the first charge fails: then there is none.
    """
    assert contract.customer is not None, "asked before"
    treatment, subscription_id = contract.treatment, str(contract.id)
    if treatment is None:
        raise Rejected("the contract's treatment can't be read")
    upfront = treatment.upfront_item_price_id if treatment.has_upfront_payment_option else None
    start_at = datetime.combine(contract.start_date, time(), tzinfo=UTC)
    async with work.step(
        "create-subscription", system="chargebee", action="create_subscription", id=subscription_id
    ) as step:
        await chargebee.create_subscription(
            billing_id_of(contract.customer),
            subscription_id=subscription_id,
            item_price_id=upfront or treatment.monthly_item_price_id,
            contract_id=str(contract.id),
            # What began before now begins now: a term in the past would be billed at once, with those after it.
            start_at=start_at if start_at > now else None,
            idempotency_key=step.idempotency_key,
        )
    return set_contract_subscription(id=contract.id, subscription_id=subscription_id)
