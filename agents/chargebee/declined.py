"""What is told of a first charge that was declined: to the customer by events, to the care team by a ticket."""

from collections.abc import Sequence
from typing import Any

from agents.chargebee.operations import GetContract
from agents.charging.declines import NO_CARD, is_hard
from agents.charging.money import amount_text
from agents.events.contract import ContractPaymentDeclined, ContractPaymentExhausted
from agents.tickets.support import Matter
from integrations.zendesk.types import Priority

Contract = GetContract.Contract


def declined_event(contract: Contract, decline_code: str, *, tried_again: bool) -> ContractPaymentDeclined:
    """It was declined; `tried_again` when the same card is charged again on the planned days."""
    return ContractPaymentDeclined(**_told(contract, decline_code), tried_again=tried_again)


def exhausted_event(contract: Contract, decline_code: str | None) -> ContractPaymentExhausted:
    """It was declined as often as it was planned."""
    return ContractPaymentExhausted(**_told(contract, decline_code))


def _told(contract: Contract, decline_code: str | None) -> dict[str, Any]:
    """What every event about a contract's first charge tells."""
    amount, currency_code = price_of(contract)
    return {
        "contract_id": contract.id,
        "customer_id": contract.customer_id,
        "subscription_id": None,
        "treatment_id": contract.treatment_id,
        "status": contract.status,
        "start_date": contract.start_date,
        "end_date": contract.end_date,
        "renewed_from_id": contract.renewed_from_id,
        "amount": amount,
        "currency_code": currency_code,
        "amount_text": amount_text(amount, currency_code),
        "decline_code": decline_code,
        "new_card_needed": is_hard(decline_code),
    }


def price_of(contract: Contract) -> tuple[int, str]:
    """What is charged first, in minor units, and its currency."""
    treatment = contract.treatment
    upfront = treatment.upfront_price if treatment.has_upfront_payment_option else None
    return upfront or treatment.monthly_price, treatment.currency_code


def matter_of(contract: Contract, decline_code: str, retry_days: Sequence[int]) -> Matter:
    """What the ticket is about."""
    days = ", ".join(str(day) for day in retry_days)
    amount = amount_text(*price_of(contract))
    plan = f"It is tried again on days {days}, and as soon as there is another card."
    if is_hard(decline_code):
        plan = f"It is tried again as soon as there is another card, which is looked for on days {days}."
    what, happened = "declined", f"The first charge for contract {contract.id} was declined ({decline_code}): {amount}."
    if decline_code == NO_CARD:
        what, happened = "missing", f"There is no card to charge for contract {contract.id}: {amount}."
        plan = f"It is charged as soon as there is one, which is looked for on days {days}."
    return Matter(
        subject=f"First payment {what}: contract {contract.id}",
        body=f"{happened} Until it is paid, the contract has no subscription and doesn't begin. {plan}",
        category="payment",
        # Nobody has refused anything where there is no card yet: most people are on their way to enter one.
        priority=Priority.HIGH if is_hard(decline_code) and decline_code != NO_CARD else Priority.NORMAL,
        tags=("first-payment-declined",),
    )
