"""By what a customer would be charged now, and whether it is another card than the one that was declined."""

from datetime import datetime

from agents.runtime.handler import Work
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import PaymentSource
from integrations.errors import NotFound


async def find_payment_source(
    chargebee_customer_id: str, work: Work, *, chargebee: ChargebeeClient
) -> PaymentSource | None:
    """What the customer would be charged by now; None when there is nothing."""
    async with work.step("look-at-customer", system="chargebee", action="get_customer", id=chargebee_customer_id):
        try:
            customer = await chargebee.get_customer(chargebee_customer_id)
        except NotFound:
            return None
    source_id = customer.raw.get("primary_payment_source_id")
    if not source_id:
        return None
    async with work.step("look-at-card", system="chargebee", action="get_payment_source", id=source_id):
        try:
            return await chargebee.get_payment_source(source_id)
        except NotFound:
            return None


def is_another(source: PaymentSource | None, *, declined: str | None, declined_at: datetime | None) -> bool:
    """Whether there is a card that isn't the one `declined`, or that one was brought up to date since."""
    if source is None or source.status in {"expired", "invalid"}:
        return False
    if source.id != declined:
        return True
    return bool(source.updated_at and declined_at and source.updated_at > declined_at)
