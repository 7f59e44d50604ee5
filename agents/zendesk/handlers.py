"""A customer comes or changes, and their requester record in Zendesk follows."""

from typing import Final
from uuid import UUID

from agents.events.contract import ContractCreated
from agents.events.customer import CustomerInserted, CustomerSignedUp, CustomerUpdated
from agents.graphql.client import GraphQLClient
from agents.runtime.handler import Work, WriteBack
from agents.zendesk.operations import get_customer, set_zendesk_user
from agents.zendesk.requesters import upsert_requester
from integrations.zendesk.client import ZendeskClient

#: The columns that a requester record is made of. Its own id isn't among them: our write-back of it comes here too, as
#: a customer.updated, and ends here.
_SHOWN: Final = frozenset({"email", "first_name", "last_name", "phone"})


async def contract_created(
    event: ContractCreated, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """Whoever has a contract has a requester record."""
    return await _keep_requester(event.customer_id, work, graphql, zendesk)


async def customer_inserted(
    event: CustomerInserted, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """A new customer gets a requester record."""
    return await _keep_requester(event.new.id, work, graphql, zendesk)


async def customer_signed_up(
    event: CustomerSignedUp, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """Who signs up has given a name and an address by now."""
    return await _keep_requester(event.customer_id, work, graphql, zendesk)


async def customer_updated(
    event: CustomerUpdated, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """A new name, address or number is passed on."""
    if not event.changed & _SHOWN:
        return WriteBack(skipped="nothing changed that Zendesk shows")
    return await _keep_requester(event.new.id, work, graphql, zendesk)


async def _keep_requester(customer_id: UUID, work: Work, graphql: GraphQLClient, zendesk: ZendeskClient) -> WriteBack:
    """The requester record as the customer is now, and its id at the customer if that is news.

    The customer is read rather than taken from the event: events of a contract and of its customer overtake each other.
    """
    customer = (await graphql.query(get_customer(id=customer_id))).customer
    if customer is None or customer.deleted_at is not None:
        return WriteBack(skipped="the customer is gone")
    user = await upsert_requester(customer, work, zendesk)
    if user.id == customer.zendesk_user_id:
        return WriteBack()
    return WriteBack(mutations=(set_zendesk_user(id=customer.id, zendesk_user_id=user.id),))
