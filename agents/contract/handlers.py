"""What happens to a contract, and what the contract agent does about it."""

from datetime import timedelta
from typing import Any, Final

from agents.charging.doubles import OPEN, why_not_wanted
from agents.contract.activation import begin
from agents.contract.operations import GetContract, get_contract
from agents.contract.renewal import plan_renewal
from agents.events.contract import ContractActivated, ContractCreated, ContractInserted, ContractUpdated
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.clock import Clock
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.client import ChargebeeClient

#: A contract that begins within this of being written began at once.
_AT_ONCE: Final = timedelta(minutes=5)


async def contract_inserted(
    event: ContractInserted, work: Work, *, graphql: GraphQLClient, chargebee: ChargebeeClient, clock: Clock
) -> WriteBack:
    """A new contract: its subscription learns of it, its renewal is planned, contract.created tells the others.

    One that has its subscription and whose first day has come begins with that, however late the event is. The second
    of one that was asked for twice at once isn't told of.
    """
    # As it is now: it may have been cancelled while the event was under way.
    contract = (await graphql.query(get_contract(id=event.new.id))).contract
    if contract is None:
        return WriteBack(skipped="the contract is gone")
    if contract.status not in OPEN:
        return WriteBack(skipped=f"the contract is {contract.status}")
    unwanted = await why_not_wanted(contract, graphql=graphql)
    if unwanted is not None:
        return WriteBack(skipped=unwanted)
    await _link(contract, work, chargebee)
    return WriteBack(
        mutations=(
            # Also without auto_renew: that may change until then, so the renewal itself decides.
            plan_renewal(contract.id, end_date=contract.end_date),
            work.publish(ContractCreated(contract_id=contract.id, **_told(contract))),
            # Last: its events come in this order.
            *_begin(contract, clock),
        )
    )


async def contract_updated(
    event: ContractUpdated, work: Work, *, graphql: GraphQLClient, chargebee: ChargebeeClient, clock: Clock
) -> WriteBack:
    """A changed contract: a subscription that came later learns of it; contract.activated tells of the term's begin.

    With its subscription, or with an earlier first day, it may be time for it to begin.
    """
    activated = event.new.status == "active" != event.old.status
    linked = event.new.subscription_id is not None and event.new.subscription_id != event.old.subscription_id
    moved = event.new.start_date != event.old.start_date
    if not activated and not linked and not moved:
        return WriteBack(skipped="neither its status nor its subscription asks for anything")
    contract = (await graphql.query(get_contract(id=event.new.id))).contract
    if contract is None:
        return WriteBack(skipped="the contract is gone")
    if contract.status not in OPEN:
        return WriteBack(skipped=f"the contract is {contract.status}")
    mutations: list[Mutation] = []
    if linked:
        await _link(contract, work, chargebee)
    if activated:
        mutations.append(
            work.publish(
                ContractActivated(contract_id=contract.id, at_once=_began_at_once(contract), **_told(contract))
            )
        )
    else:
        mutations += _begin(contract, clock)
    return WriteBack(mutations=tuple(mutations))


def _began_at_once(contract: GetContract.Contract) -> bool:
    """Whether its welcome says all; who has heard of a declined charge since then is told that it began after all."""
    if contract.activated_at is None or contract.payment_recovery is not None:
        return False
    return contract.activated_at - contract.created_at < _AT_ONCE


def _begin(contract: GetContract.Contract, clock: Clock) -> tuple[Mutation, ...]:
    if contract.status != "future":
        return ()
    return begin(contract.id, start_date=contract.start_date, subscription_id=contract.subscription_id, now=clock())


async def _link(contract: GetContract.Contract, work: Work, chargebee: ChargebeeClient) -> None:
    """Set `cf_contract_id` on the contract's subscription in Chargebee, if it has one."""
    action = "update_subscription_contract"
    if contract.subscription_id is None:
        work.skip(system="chargebee", action=action, reason="the contract has no subscription")
        return
    async with work.step("link-subscription", system="chargebee", action=action, id=contract.subscription_id) as step:
        await chargebee.update_subscription_contract(contract.subscription_id, str(contract.id), step.idempotency_key)


def _told(contract: GetContract.Contract) -> dict[str, Any]:
    """The fields that every event about a contract tells, beside its id."""
    return contract.model_dump(exclude={"id", "created_at", "activated_at", "payment_recovery"})
