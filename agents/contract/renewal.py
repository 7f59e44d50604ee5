"""A contract's term is about to end: it is renewed, or completed."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from agents.charging.operations import hold_contract
from agents.contract.operations import (
    GetEndingContract,
    continue_contract,
    end_contract,
    get_ending_contract,
    schedule_renewal,
)
from agents.events.contract import ContractCompleted, ContractRenewed
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.handler import Work, WriteBack
from agents.runtime.tasks import Task
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective

#: Subscriptions in these won't pay for another term.
_ENDING: Final = frozenset({"non_renewing", "cancelled"})


class ContractRenewal(Task):
    """Due the day before a contract's last."""

    TYPE: ClassVar[str] = "contract.renewal"

    contract_id: UUID


def plan_renewal(contract_id: UUID, *, end_date: date) -> Mutation:
    """Plan the renewal for the start (UTC) of the day before the contract's last; what is planned already stays."""
    return schedule_renewal(
        name=f"contract-renewal-{contract_id}",
        due_at=datetime.combine(end_date - timedelta(days=1), time(), tzinfo=UTC),
        payload={"contract_id": str(contract_id)},
    )


async def contract_renewal(
    task: ContractRenewal, work: Work, *, graphql: GraphQLClient, chargebee: ChargebeeClient
) -> WriteBack:
    """What was paid upfront, or is not to go on, is completed; anything else is renewed.

    What has no subscription any more that could pay for another term (it was cancelled, or ends with this term) is
    completed, too.

    - completed: the subscription goes back to the monthly price and forgets the contract; contract.completed.
    - renewed: another contract for another term takes its place on the subscription; contract.renewed. Its own
      contract.inserted makes Chargebee's subscription point to it and plans its renewal.

    A contract that changes meanwhile, because it is cancelled, say, is looked at again.
    """
    contract = (await graphql.query(get_ending_contract(id=task.contract_id))).contract
    if contract is None:
        return WriteBack(skipped="the contract is gone")
    if contract.status != "active":
        return WriteBack(skipped=f"the contract is {contract.status}")
    ends = contract.subscription is not None and contract.subscription.status in _ENDING
    if contract.treatment.has_upfront_payment_option or not contract.auto_renew or ends:
        return await _complete(contract, work, chargebee)
    return WriteBack(
        mutations=(
            hold_contract(id=contract.id, updated_at=contract.updated_at),
            end_contract(id=contract.id, status="renewed", completed_at=datetime.now(UTC)),
            continue_contract(
                customer_id=contract.customer_id,
                subscription_id=contract.subscription_id,
                treatment_id=contract.treatment_id,
                start_date=contract.end_date,
                renewed_from_id=contract.id,
            ),
            work.publish(ContractRenewed(contract_id=contract.id, **_told(contract, status="renewed"))),
        )
    )


async def _complete(contract: GetEndingContract.Contract, work: Work, chargebee: ChargebeeClient) -> WriteBack:
    subscription_id, price_id = contract.subscription_id, contract.treatment.monthly_item_price_id
    status = contract.subscription.status if contract.subscription else None
    if subscription_id is None or status == "cancelled":
        reason = "the contract has no subscription" if subscription_id is None else "the subscription is cancelled"
        work.skip(system="chargebee", action="change_plan", reason=reason)
    else:
        action = "update_subscription_contract"
        async with work.step("clear-contract", system="chargebee", action=action, id=subscription_id) as step:
            await chargebee.update_subscription_contract(subscription_id, None, step.idempotency_key)
        if contract.treatment.has_upfront_payment_option and price_id is not None and status not in _ENDING:
            async with work.step("to-monthly", system="chargebee", action="change_plan", id=subscription_id) as step:
                # At the term's end: what was paid upfront lasts until then.
                await chargebee.change_plan(
                    subscription_id,
                    item_price_id=price_id,
                    effective=Effective.END_OF_TERM,
                    idempotency_key=step.idempotency_key,
                )
    return WriteBack(
        mutations=(
            hold_contract(id=contract.id, updated_at=contract.updated_at),
            end_contract(id=contract.id, status="completed", completed_at=datetime.now(UTC)),
            work.publish(ContractCompleted(contract_id=contract.id, **_told(contract, status="completed"))),
        )
    )


def _told(contract: GetEndingContract.Contract, *, status: str) -> dict[str, Any]:
    """The fields that every event about a contract tells, beside its id."""
    return contract.model_dump(exclude={"id", "auto_renew", "updated_at", "treatment", "subscription"}) | {
        "status": status
    }
