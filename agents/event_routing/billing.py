"""Chargebee's events → rows of its mirror, the same that the ETL writes."""

from agents.event_routing.context import Context
from agents.event_routing.webhooks import ChargebeeWebhook
from agents.mirror.upserts import mirror
from agents.runtime.errors import Rejected
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.rows import Unmirrorable, rows_of_event


async def mirror_resources(webhook: ChargebeeWebhook, _work: Work, _context: Context) -> WriteBack:
    """Every mirrored resource in the event, as it was then; the database keeps rows that are newer."""
    try:
        mutations = mirror(rows_of_event(webhook.content))
    except Unmirrorable as error:
        raise Rejected(str(error)) from error
    return WriteBack(mutations=mutations, skipped=None if mutations else "nothing in it has a mirror")
