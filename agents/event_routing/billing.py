"""Chargebee's events → rows of its mirror, the same that the ETL writes."""

from agents.event_routing.context import Context
from agents.event_routing.operations import find_billed_customer
from agents.event_routing.webhooks import ChargebeeWebhook
from agents.events.customer import CustomerPaymentSourceChanged
from agents.mirror.upserts import mirror
from agents.runtime.errors import Rejected
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.rows import Unmirrorable, rows_of_event


async def card_changed(webhook: ChargebeeWebhook, work: Work, context: Context) -> WriteBack:
    """The same, and if the customer is ours, customer.payment_source_changed: what waits for another card is tried."""
    mirrored = await mirror_resources(webhook, work, context)
    given = (webhook.content.get(kind) for kind in ("payment_source", "card", "customer"))
    billing_id = next((one.get("customer_id") or one.get("id") for one in given if one and isinstance(one, dict)), None)
    if not isinstance(billing_id, str):
        return mirrored
    found = (await context.graphql.query(find_billed_customer(chargebee_customer_id=billing_id))).customers
    if not found:
        return mirrored
    event = CustomerPaymentSourceChanged(customer_id=found[0].id)
    return WriteBack(mutations=(*mirrored.mutations, work.publish(event)))


async def mirror_resources(webhook: ChargebeeWebhook, _work: Work, _context: Context) -> WriteBack:
    """Every mirrored resource in the event, as it was then; the database keeps rows that are newer."""
    try:
        mutations = mirror(rows_of_event(webhook.content))
    except Unmirrorable as error:
        raise Rejected(str(error)) from error
    return WriteBack(mutations=mutations, skipped=None if mutations else "nothing in it has a mirror")
