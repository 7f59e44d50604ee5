"""The pharmacy network's orders → fills and the events that tell of them."""

from agents.event_routing.context import Context
from agents.event_routing.webhooks import PharmacyWebhook
from agents.fills.progress import fill_found, find_fill_of, progress
from agents.runtime.handler import Work, WriteBack


async def move_fill_on(webhook: PharmacyWebhook, _work: Work, context: Context) -> WriteBack:
    """The fill gets what the order shows, unless it knows more already."""
    order = webhook.order
    fill = fill_found(await context.graphql.query(find_fill_of(order)))
    if fill is None:
        # The network may tell of an order before the agent that made it has written its row.
        context.wait_for("the order's fill", webhook)
        return WriteBack(skipped="the order is of no fill of ours")
    mutations = progress(order, fill)
    return WriteBack(mutations=mutations, skipped=None if mutations else f"the fill is {fill.status} already")
