"""A friend's first contract begins, and both who brought it about are rewarded."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from agents.events.contract import ContractActivated
from agents.events.customer import CustomerUpdated, ReferralCompleted
from agents.events.envelope import derived_id
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.referral.operations import (
    GetActivation,
    complete_referral,
    earn_reward,
    fail_reward,
    get_activation,
    grant_reward,
    list_outstanding_rewards,
)
from agents.runtime.handler import Work, WriteBack
from agents.runtime.operations import publish_event
from integrations.chargebee.client import ChargebeeClient
from integrations.errors import PermanentError

_SYSTEM: Final = "chargebee"
_ACTION: Final = "add_promotional_credit"
#: What stands on the invoice.
_DESCRIPTION: Final = "Thank you for recommending us"

#: A row of either: the generated types differ in name only.
Person = GetActivation.Referrals.Referrer | GetActivation.Referrals.Referred


async def contract_activated(
    event: ContractActivated,
    work: Work,
    *,
    graphql: GraphQLClient,
    chargebee: ChargebeeClient,
    amounts: Mapping[str, int],
) -> WriteBack:
    """The first active contract of a friend completes the referral; both get credit in Chargebee.

    That it is the first follows from the rules of `redeem_referral`: codes are for people without a contract that has
    begun, so the first one that begins afterwards finds the referral waiting, and any later one finds it completed.
    """
    found = await graphql.query(get_activation(contract_id=event.contract_id, customer_id=event.customer_id))
    if found.contract is None or found.contract.customer_id != event.customer_id:
        return WriteBack(skipped="the contract is gone")
    if found.contract.status in {"future", "cancelled"}:
        return WriteBack(skipped=f"the contract is {found.contract.status}")
    referral = next(iter(found.referrals), None)
    if referral is None:
        return WriteBack(skipped="nobody has recommended us to this customer")
    if referral.status != "signed_up":
        return WriteBack(skipped=f"the referral is {referral.status}")
    mutations: list[Mutation] = [complete_referral(id=referral.id, completed_at=datetime.now(UTC))]
    for person in (referral.referrer, referral.referred):
        # Whose data was deleted isn't there any more.
        if person is not None:
            mutations += await _reward(referral.id, person, work, chargebee, amounts)
    told = ReferralCompleted(customer_id=referral.referrer_id, referral_id=referral.id)
    # Named after the referral, not the event: two contracts that begin at once complete it once.
    event_id = derived_id(referral.id, told.TYPE)
    mutations.append(publish_event(id=event_id, type=told.TYPE, subject=told.subject, data=told.data()))
    return WriteBack(mutations=tuple(mutations))


async def customer_updated(
    event: CustomerUpdated, work: Work, *, graphql: GraphQLClient, chargebee: ChargebeeClient
) -> WriteBack:
    """A customer got a record in Chargebee: what they have earned before is given now."""
    if "chargebee_customer_id" not in event.changed:
        return WriteBack(skipped="nothing changed that a reward waits for")
    outstanding = (await graphql.query(list_outstanding_rewards(customer_id=event.new.id))).rewards
    mutations: list[Mutation] = []
    for reward in outstanding:
        person = reward.customer
        if person is not None and person.deleted_at is None and person.chargebee_customer_id is not None:
            mutations.append(
                await _credit(
                    reward.referral_id,
                    person.id,
                    person.chargebee_customer_id,
                    work,
                    chargebee,
                    amount=reward.amount,
                    currency_code=reward.currency_code,
                )
            )
    return WriteBack(mutations=tuple(mutations), skipped=None if mutations else "no reward waits")


async def _reward(
    referral_id: UUID, person: Person, work: Work, chargebee: ChargebeeClient, amounts: Mapping[str, int]
) -> tuple[Mutation, ...]:
    """What one of the two gets, given if it can be given now."""
    if person.deleted_at is not None:
        work.skip(system=_SYSTEM, action=_ACTION, reason="the customer's data was deleted")
        return ()
    amount = amounts.get(person.currency_code)
    if amount is None:
        work.skip(system=_SYSTEM, action=_ACTION, reason=f"no reward is set in {person.currency_code}")
        return ()
    earned = earn_reward(
        referral_id=referral_id, customer_id=person.id, amount=amount, currency_code=person.currency_code
    )
    if person.chargebee_customer_id is None:
        work.skip(system=_SYSTEM, action=_ACTION, reason="the customer has no record in Chargebee yet")
        return (earned,)
    credited = await _credit(
        referral_id,
        person.id,
        person.chargebee_customer_id,
        work,
        chargebee,
        amount=amount,
        currency_code=person.currency_code,
    )
    return earned, credited


async def _credit(
    referral_id: UUID,
    customer_id: UUID,
    chargebee_customer_id: str,
    work: Work,
    chargebee: ChargebeeClient,
    *,
    amount: int,
    currency_code: str,
) -> Mutation:
    """Give the credit, once for referral and customer whatever event asks for it; gives what records it."""
    async with work.step(f"credit-{customer_id}", system=_SYSTEM, action=_ACTION) as step:
        try:
            credit = await chargebee.add_promotional_credit(
                chargebee_customer_id,
                amount=amount,
                currency_code=currency_code,
                description=_DESCRIPTION,
                # Not the step's: another event may ask for the same credit.
                idempotency_key=f"referral-{referral_id}-{customer_id}",
            )
        except PermanentError as error:
            # The other one's reward must not wait for this one.
            return fail_reward(referral_id=referral_id, customer_id=customer_id, reason=str(error))
        step.id = credit.id
    return grant_reward(
        referral_id=referral_id, customer_id=customer_id, credit_id=credit.id, granted_at=datetime.now(UTC)
    )
