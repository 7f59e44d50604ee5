"""A customer clicks twice: they are charged once, welcomed once, and see one contract that counts."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.billing import mails
from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform
from tests.e2e.test_billing_flow import of_chargebee
from tests.e2e.test_sign_up_flow import SIGN_UP, is_known, refreshed, toolkit

TREATMENT = "{ treatment(where: {active: {_eq: true}}, order_by: {id: asc}, limit: 1) { id } }"
BEGIN = """
    mutation ($treatment_id: uuid!) { insert_contract_one(object: {treatment_id: $treatment_id}) { id status } }
"""
MINE = """
    query { contract(order_by: {status: asc}) { id status subscription_id cancelled_at cancel_reason activated_at } }
"""


@pytest.fixture
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def test_two_clicks_at_once_are_one_contract_one_charge_and_one_welcome(view: View) -> None:
    email = f"nora.{uuid.uuid4().hex}@example.com"
    account = toolkit(view, "accounts:signUp", email=email, password=uuid.uuid4().hex, returnSecureToken=True)
    customer_id = view.ask(SIGN_UP, account["idToken"])["sign_up"]["customer_id"]
    view.platform.wait_until(lambda: is_known(view, customer_id), within_s=60)
    token = refreshed(view, account["refreshToken"])
    treatment_id = view.ask(TREATMENT)["treatment"][0]["id"]

    def click(_: int) -> str:
        contract_id: str = view.ask(BEGIN, token, treatment_id=treatment_id)["insert_contract_one"]["id"]
        return contract_id

    with ThreadPoolExecutor(2) as clicks:
        both = list(clicks.map(click, range(2)))

    def mine() -> list[dict[str, Any]]:
        contracts: list[dict[str, Any]] = view.ask(MINE, token)["contract"]
        return contracts

    def settled() -> bool:
        """Whether one has begun, one has ended, and nobody has anything left to do about either."""
        if [one["status"] for one in mine()] != ["active", "cancelled"]:
            return False
        counting, double = (view.ends(one["id"]) for one in mine())
        done, ended = ({(event, agent) for event, agent, _ in ends} for ends in (counting, double))
        return done >= COUNTED and ended >= ENDED

    view.platform.wait_until(settled, within_s=60)

    counting, double = mine()
    assert {counting["id"], double["id"]} == set(both)
    assert (counting["subscription_id"], counting["cancelled_at"]) == (counting["id"], None)
    assert (double["subscription_id"], double["activated_at"]) == (None, None)
    assert (double["cancelled_at"] is not None, double["cancel_reason"]) == (True, "asked for twice at once")

    subscriptions = of_chargebee(view, f"/subscriptions?customer_id[is]={customer_id}")["list"]
    assert [(one["subscription"]["id"], one["subscription"]["status"]) for one in subscriptions] == [
        (counting["id"], "active")
    ]
    charges = of_chargebee(view, f"/transactions?customer_id[is]={customer_id}")["list"]
    assert [(one["transaction"]["type"], one["transaction"]["status"]) for one in charges] == [("payment", "success")]
    assert mails(view, customer_id) == ["welcome", "contract_welcome"]
    assert mails(view, customer_id, contract_id=counting["id"]) == ["contract_welcome"]
    told = {event["type"] for event in view.events(double["id"])}
    assert told == {"contract.inserted", "contract.updated"}
    assert all(outcome != "dead_letter" for one in both for _, _, outcome in view.ends(one))


#: What is done about both, about the one that counts, and about the other one: (event type, agent).
BOTH = {("contract.inserted", "chargebee"), ("contract.inserted", "contract")}
COUNTED = BOTH | {("contract.created", "notification"), ("contract.activated", "notification")}
ENDED = BOTH | {("contract.updated", "chargebee"), ("contract.updated", "contract")}
