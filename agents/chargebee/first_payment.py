"""A contract's first charge is declined, and followed until it is paid or given up.

Chargebee makes no subscription whose first charge fails. That is an outcome, not a fault: the contract stays `future`
and has no subscription, the care coordination team has a ticket, the customer hears of it, and it is tried again on the
planned days, and as soon as there is another card. When the last planned attempt has failed, too, the customer hears
that, and the ticket is solved; another card starts the contract even then.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from agents.chargebee.attempts import FirstPayment, cancel_rest, card_attempt, plan_attempts
from agents.chargebee.declined import Contract, declined_event, exhausted_event, matter_of, price_of
from agents.chargebee.operations import (
    EventsScheduledTaskInsertInput,
    FindFirstPayment,
    PaymentRecoverySetInput,
    begin_first_payment,
    find_first_payment,
    find_paid_contracts,
    find_unpaid_contracts,
    get_contract,
    move_first_payment,
    plan_first_payments,
)
from agents.chargebee.subscribing import billing_id_of, subscribe
from agents.charging.cards import find_payment_source, is_another
from agents.charging.declines import is_hard
from agents.charging.doubles import OPEN
from agents.charging.operations import hold_contract
from agents.events.contract import ContractUpdated
from agents.events.customer import CustomerPaymentSourceChanged
from agents.events.envelope import derived_id
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.clock import Clock
from agents.runtime.handler import Work, WriteBack
from agents.runtime.operations import publish_event
from agents.tickets.support import conclude_ticket, open_ticket, ticket_row
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import PaymentSource
from integrations.errors import NotFound, PaymentDeclined
from integrations.zendesk.client import ZendeskClient

Recovery = FindFirstPayment.Recoveries

#: Between attempts at contracts for one treatment that another card gives rise to.
_APART: Final = timedelta(minutes=5)
#: Recoveries in these may still end well.
_WAITING: Final = ("open", "exhausted")


@dataclass(frozen=True, kw_only=True, slots=True)
class Billing:
    """What the handlers of contracts use."""

    graphql: GraphQLClient
    chargebee: ChargebeeClient
    zendesk: ZendeskClient
    clock: Clock
    #: Days after the first charge was declined on which it is tried again.
    retry_days: Sequence[int]


async def find_recovery(contract_id: UUID, use: Billing) -> Recovery | None:
    """How the recovery of a contract's first charge stands, if there is one."""
    return next(iter((await use.graphql.query(find_first_payment(contract_id=contract_id))).recoveries), None)


async def first_payment_declined(
    contract: Contract, declined: PaymentDeclined, work: Work, *, use: Billing
) -> tuple[Mutation, ...]:
    """A ticket, the plan of further attempts, and contract.payment_declined, which the customer is told of."""
    customer = contract.customer
    assert customer is not None, "asked before"
    now = use.clock()
    source = await find_payment_source(billing_id_of(customer), work, chargebee=use.chargebee)
    due_times = [now + timedelta(days=day) for day in use.retry_days]
    amount, currency_code = price_of(contract)
    matter = matter_of(contract, declined.code, use.retry_days)
    ticket = await open_ticket(matter, work, customer=customer, zendesk=use.zendesk)
    return (
        begin_first_payment(
            recovery={
                "customer_id": contract.customer_id,
                "contract_id": contract.id,
                "event_id": work.event_id,
                "amount": amount,
                "currency_code": currency_code,
                "retries": len(due_times),
                "next_retry_at": due_times[0],
                "last_decline_code": declined.code,
                "needs_new_card": is_hard(declined.code),
                "payment_source_id": source.id if source else None,
                "declined_at": _moment(now, source),
                "zendesk_ticket_id": ticket.id,
                "failed_at": now,
            }
        ),
        ticket_row(ticket, matter, customer_id=contract.customer_id),
        plan_attempts(contract.id, work.event_id, due_times),
        work.publish(declined_event(contract, declined.code, tried_again=not is_hard(declined.code))),
    )


async def first_payment(task: FirstPayment, work: Work, *, use: Billing) -> WriteBack:
    """Try it once more, unless there is nothing to pay for any more, or nothing to pay it with.

    A hard decline is not repeated with the same card, a soft one is on the planned days. The attempt that another card
    gave rise to is made with that card alone, also after the recovery had been given up.
    """
    recovery = await find_recovery(task.contract_id, use)
    waiting = _WAITING if task.number is None else ("open",)
    if recovery is None or recovery.event_id != task.event_id or recovery.status not in waiting:
        return WriteBack(skipped="the recovery has ended")
    if task.number is not None and recovery.attempts >= task.number:
        return WriteBack(skipped="a later attempt was made before")
    contract = (await use.graphql.query(get_contract(id=task.contract_id))).contract
    if contract is None or contract.customer is None or contract.customer.deleted_at is not None:
        return WriteBack(skipped="the contract or its customer is gone")
    if contract.status not in OPEN:
        reason = f"the contract is {contract.status}"
        return WriteBack(mutations=await _close(recovery, work, reason=reason, after=task.number, use=use))
    if contract.subscription_id is not None:
        return WriteBack(mutations=await _recovered(task, recovery, work, use))
    treated = find_paid_contracts(customer_id=contract.customer_id, treatment_id=contract.treatment_id)
    if (await use.graphql.query(treated)).contracts:
        # Whoever didn't wait and began anew isn't charged for both.
        return WriteBack(mutations=await _give_way(task, recovery, work, use))
    source = await find_payment_source(billing_id_of(contract.customer), work, chargebee=use.chargebee)
    another = is_another(source, declined=recovery.payment_source_id, declined_at=recovery.declined_at)
    if not another and (task.number is None or recovery.needs_new_card):
        work.skip(system="chargebee", action="create_subscription", reason="there is no other card yet")
        return WriteBack(mutations=await _over(task, recovery, contract, {}, work, use))
    try:
        subscribed = await subscribe(contract, work, chargebee=use.chargebee, now=use.clock())
    except PaymentDeclined as declined:
        return WriteBack(mutations=await _declined(task, recovery, contract, declined, source, work, use, another))
    return WriteBack(mutations=(subscribed, *await _recovered(task, recovery, work, use)))


async def payment_source_changed(event: CustomerPaymentSourceChanged, work: Work, *, use: Billing) -> WriteBack:
    """Another card: what waits for one is tried now.

    Chargebee tells of one card in several ways (`payment_source_added`, `card_added`): it is tried once, since the task
    is named after the card as it is. Of several contracts for one treatment the newest is tried first, and the others
    when it is known whether that was paid: who has tried again in place of waiting isn't charged for both.
    """
    found = (await use.graphql.query(find_unpaid_contracts(customer_id=event.customer_id))).recoveries
    billing_id = next((one.customer.chargebee_customer_id for one in found if one.customer), None)
    if billing_id is None:
        return WriteBack(skipped="no contract of the customer waits for its first payment")
    source = await find_payment_source(billing_id, work, chargebee=use.chargebee)
    tasks: list[EventsScheduledTaskInsertInput] = []
    tried: Counter[UUID] = Counter()
    for one in found:
        another = is_another(source, declined=one.payment_source_id, declined_at=one.declined_at)
        if one.contract_id is None or one.contract is None or source is None or not another:
            continue
        due_at = use.clock() + tried[one.contract.treatment_id] * _APART
        tried[one.contract.treatment_id] += 1
        tasks.append(card_attempt(one.contract_id, one.event_id, source, due_at=due_at))
    if not tasks:
        return WriteBack(skipped="the card on file is the one that was declined")
    return WriteBack(mutations=(plan_first_payments(tasks=tasks),))


async def contract_ended(event: ContractUpdated, work: Work, *, use: Billing) -> WriteBack | None:
    """A contract that ends before it was paid for needn't be paid; None when nothing waits for that."""
    recovery = await find_recovery(event.new.id, use)
    if recovery is None or recovery.status not in _WAITING:
        return None
    reason = f"the contract is {event.new.status}"
    return WriteBack(mutations=await _close(recovery, work, reason=reason, after=None, use=use))


async def _declined(
    task: FirstPayment,
    recovery: Recovery,
    contract: Contract,
    declined: PaymentDeclined,
    source: PaymentSource | None,
    work: Work,
    use: Billing,
    another: bool,
) -> tuple[Mutation, ...]:
    changes: PaymentRecoverySetInput = {
        "last_decline_code": declined.code,
        "needs_new_card": is_hard(declined.code),
        "payment_source_id": source.id if source else None,
        "declined_at": _moment(use.clock(), source),
    }
    mutations = await _over(task, recovery, contract, changes, work, use)
    if not task.is_last and (another or (is_hard(declined.code) and not recovery.needs_new_card)):
        # About another card, or for another reason, than what the customer has heard. After the last attempt they hear
        # that it was the last.
        tried_again = recovery.status == "open" and not is_hard(declined.code)
        mutations = (*mutations, work.publish(declined_event(contract, declined.code, tried_again=tried_again)))
    return mutations


async def _over(
    task: FirstPayment,
    recovery: Recovery,
    contract: Contract,
    changes: PaymentRecoverySetInput,
    work: Work,
    use: Billing,
) -> tuple[Mutation, ...]:
    """The attempt is over, and was in vain. After the last planned one the ticket and the customer are told so."""
    if task.number is None:
        return (_move(recovery, changes),) if changes else ()
    changes |= {"attempts": task.number, "next_retry_at": task.next_due_at}
    if not task.is_last:
        return (_move(recovery, changes),)
    code = changes.get("last_decline_code") or recovery.last_decline_code
    exhausted = exhausted_event(contract, code)
    comment = (
        f"Contract {contract.id}: every planned attempt at the first charge of {exhausted.amount_text} has failed. It "
        "hasn't begun, and the customer is told so. Another card still starts it."
    )
    return (
        # It may have been cancelled or paid for in this very moment: then nobody is told that it wasn't paid.
        hold_contract(id=contract.id, updated_at=contract.updated_at),
        _move(recovery, changes | {"status": "exhausted", "closed_at": use.clock()}),
        # Once a recovery.
        publish_event(
            id=derived_id(recovery.event_id, exhausted.TYPE),
            type=exhausted.TYPE,
            subject=exhausted.subject,
            data=exhausted.data(),
        ),
        *await _conclude(recovery, work, comment=comment, use=use, tags=("first-payment-exhausted",)),
    )


async def _recovered(task: FirstPayment, recovery: Recovery, work: Work, use: Billing) -> tuple[Mutation, ...]:
    comment = f"Contract {recovery.contract_id} has its subscription: the first charge was paid."
    ended = _end(recovery, {"status": "recovered"}, after=task.number, use=use)
    return (*ended, *await _conclude(recovery, work, comment=comment, use=use))


async def _give_way(task: FirstPayment, recovery: Recovery, work: Work, use: Billing) -> tuple[Mutation, ...]:
    """Another contract took its place: this one isn't charged, and a person is to cancel it."""
    reason = "another contract for the same treatment is paid for"
    await _comment(
        recovery,
        f"Contract {recovery.contract_id}: {reason}. This one isn't charged any more; please cancel it.",
        work,
        use,
    )
    return _end(recovery, {"status": "cancelled", "status_reason": reason}, after=task.number, use=use)


async def _close(
    recovery: Recovery, work: Work, *, reason: str, after: int | None, use: Billing
) -> tuple[Mutation, ...]:
    """End a recovery that has nothing to recover any more; the ticket is solved, the customer isn't told."""
    comment = f"Contract {recovery.contract_id}: {reason}. No further attempt is made."
    ended = _end(recovery, {"status": "cancelled", "status_reason": reason}, after=after, use=use)
    return (*ended, *await _conclude(recovery, work, comment=comment, use=use))


async def _conclude(
    recovery: Recovery, work: Work, *, comment: str, use: Billing, tags: Sequence[str] | None = None
) -> tuple[Mutation, ...]:
    return await conclude_ticket(
        recovery.zendesk_ticket_id, work, zendesk=use.zendesk, comment=comment, now=use.clock(), tags=tags
    )


async def _comment(recovery: Recovery, comment: str, work: Work, use: Billing) -> None:
    """Tell the ticket, and leave it to a person."""
    ticket_id = recovery.zendesk_ticket_id
    if ticket_id is None:
        return
    async with work.step("tell-ticket", system="zendesk", action="add_comment", id=str(ticket_id)) as step:
        try:
            await use.zendesk.add_comment(ticket_id, comment, public=False, idempotency_key=step.idempotency_key)
        except NotFound:
            step.id = None


def _end(
    recovery: Recovery, changes: PaymentRecoverySetInput, *, after: int | None, use: Billing
) -> tuple[Mutation, ...]:
    """End the recovery with the attempts that come after that one; None: after those that were made."""
    assert recovery.contract_id is not None, "asked for"
    changes |= {"closed_at": use.clock(), "next_retry_at": None}
    last = recovery.attempts if after is None else after
    return (
        _move(recovery, changes),
        *cancel_rest(recovery.contract_id, recovery.event_id, after=last, retries=recovery.retries),
    )


def _move(recovery: Recovery, changes: PaymentRecoverySetInput) -> Mutation:
    assert recovery.contract_id is not None, "asked for"
    return move_first_payment(
        contract_id=recovery.contract_id, event_id=recovery.event_id, statuses=list(_WAITING), set=changes
    )


def _moment(now: datetime, source: PaymentSource | None) -> datetime:
    """When that card was declined: never before it was there, however Chargebee's clock and ours differ.

    Or it would pass for another card at once.
    """
    return now if source is None or source.updated_at is None else max(now, source.updated_at)
