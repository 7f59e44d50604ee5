"""A customer recommends us, the friend signs up with the code and begins: both get credit, once."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

TODAY = datetime.now(UTC).date()
INVITE = "mutation { insert_referral_one(object: {}) { id code status } }"
SIGN_UP = """
    mutation ($code: String) {
      sign_up(first_name: "Frances", last_name: "Friend", state_code: "CO", referral_code: $code) { customer_id }
    }
"""
REDEEM = "mutation ($code: String!) { redeem_referral(code: $code) { status } }"
BEGIN = """
    mutation ($customer_id: uuid!, $treatment_id: uuid!, $start_date: date!) {
      insert_contract_one(
        object: {customer_id: $customer_id, treatment_id: $treatment_id, start_date: $start_date, status: "future"}
      ) { id }
    }
"""
CANCEL = """
    mutation ($id: uuid!) { update_contract_by_pk(pk_columns: {id: $id}, _set: {status: "cancelled"}) { id } }
"""
STORY = """
    query ($id: uuid!) {
      referral_by_pk(id: $id) {
        status completed_at
        referral_rewards(order_by: {id: asc}) {
          customer_id amount currency_code status status_reason chargebee_credit_id
          customer { chargebee_customer_id }
        }
      }
    }
"""


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def test_the_friends_first_contract_rewards_both_once(view: View) -> None:
    # From the end of the list: other tests take the first.
    *_, referrer, _, _ = view.people()
    invitation = view.ask(INVITE, view.platform.token("user", referrer.email))["insert_referral_one"]
    assert invitation["status"] == "invited"

    friend_id = view.ask(SIGN_UP, newcomer(view), code=invitation["code"].lower())["sign_up"]["customer_id"]
    assert story(view, invitation["id"])["status"] == "signed_up"

    # One that is cancelled before it begins earns nothing.
    first = begin(view, friend_id, referrer.treatment_id, start_date=TODAY + timedelta(days=3))
    view.ask(CANCEL, id=first)
    second = begin(view, friend_id, referrer.treatment_id)
    view.platform.wait_until(lambda: all_granted(view, invitation["id"]), within_s=60)

    done = story(view, invitation["id"])
    assert done["status"] == "completed"
    for reward in done["referral_rewards"]:
        (credit,) = credited(view, reward["customer"]["chargebee_customer_id"])
        assert (credit["id"], credit["amount"]) == (reward["chargebee_credit_id"], reward["amount"])
    assert {reward["customer_id"] for reward in done["referral_rewards"]} == {referrer.id, friend_id}

    # A further contract (from another day, or it would be one that was asked for twice), and every event once more,
    # change nothing.
    third = begin(view, friend_id, referrer.treatment_id, start_date=TODAY - timedelta(days=1))
    view.platform.wait_until(lambda: ("contract.activated", "referral", "skipped") in view.ends(third))
    view.platform.caregraph("events", "replay", "--key", second, "--yes")
    view.platform.wait_until(lambda: ("contract.activated", "referral", "duplicate") in view.ends(second))
    assert story(view, invitation["id"]) == done
    for reward in done["referral_rewards"]:
        assert len(credited(view, reward["customer"]["chargebee_customer_id"])) == 1
    completed = [event for event in view.events(referrer.id) if event["type"] == "referral.completed"]
    assert [event["data"]["referral_id"] for event in completed] == [invitation["id"]]
    assert friend_id not in json.dumps([event["data"] for event in completed])


def test_own_and_unknown_codes_are_refused(view: View) -> None:
    *_, referrer, _ = view.people()
    token = view.platform.token("user", referrer.email)
    code = view.ask(INVITE, token)["insert_referral_one"]["code"]
    answers = [view.platform.graphql(REDEEM, {"code": each}, token=token) for each in (code, "NOSUCHCODE")]
    assert [answer["errors"][0]["extensions"]["code"] for answer in answers] == ["own-referral", "not-found"]


def newcomer(view: View) -> str:
    """The token of somebody who has just made an account in Firebase."""
    answer = view.client.post(
        f"{view.platform.layout.url('identity')}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any",
        json={"email": f"{uuid.uuid4().hex}@example.com", "password": "correct horse", "returnSecureToken": True},
    )
    token: str = answer.json()["idToken"]
    return token


def begin(view: View, customer_id: str, treatment_id: str, *, start_date: date = TODAY) -> str:
    """A contract of the friend's, which begins by itself once it is paid for and its day has come."""
    variables = {"customer_id": customer_id, "treatment_id": treatment_id, "start_date": start_date.isoformat()}
    contract_id: str = view.ask(BEGIN, **variables)["insert_contract_one"]["id"]
    return contract_id


def story(view: View, referral_id: str) -> dict[str, Any]:
    found: dict[str, Any] = view.ask(STORY, id=referral_id)["referral_by_pk"]
    return found


def all_granted(view: View, referral_id: str) -> bool:
    return [reward["status"] for reward in story(view, referral_id)["referral_rewards"]] == ["granted", "granted"]


def credited(view: View, chargebee_customer_id: str) -> list[dict[str, Any]]:
    """What a customer was credited in Chargebee."""
    keys = json.loads(view.platform.layout.keys.read_text())
    answer = view.client.get(
        f"{view.platform.layout.url('chargebee')}/api/v2/promotional_credits",
        params={"customer_id[is]": chargebee_customer_id},
        auth=(keys["chargebee_api_key"], ""),
    )
    return [entry["promotional_credit"] for entry in answer.json()["list"]]
