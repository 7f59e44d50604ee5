"""Flow 7: a person signs up: a role with the next token, a record in Chargebee and in Zendesk, a welcome."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

SIGN_UP = """
    mutation {
      sign_up(first_name: "Nora", last_name: "Newcomer", state_code: "CO", timezone: "America/Denver") {
        customer_id patient_id repeated
      }
    }
"""
ME = "query { customer { id email first_name patient { id } } }"
OUTSIDE = """
    query ($id: uuid!) {
      customer_by_pk(id: $id) { chargebee_customer_id zendesk_user_id notifications { template channel status } }
    }
"""


@pytest.fixture
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def test_who_signs_up_is_a_customer_with_the_next_token_and_is_welcomed(view: View) -> None:
    email = f"nora.{uuid.uuid4().hex}@example.com"
    account = toolkit(view, "accounts:signUp", email=email, password=uuid.uuid4().hex, returnSecureToken=True)

    signed_up = view.ask(SIGN_UP, account["idToken"])["sign_up"]
    assert signed_up["repeated"] is False
    assert view.ask(SIGN_UP, account["idToken"])["sign_up"] == signed_up | {"repeated": True}

    customer_id = signed_up["customer_id"]
    view.platform.wait_until(lambda: is_known(view, customer_id), within_s=60)
    # The account has the role with the next token, and sees itself and nobody else.
    token = refreshed(view, account["refreshToken"])
    assert view.ask(ME, token)["customer"] == [
        {"id": customer_id, "email": email, "first_name": "Nora", "patient": {"id": signed_up["patient_id"]}}
    ]

    row = view.ask(OUTSIDE, id=customer_id)["customer_by_pk"]
    assert [(one["template"], one["channel"], one["status"]) for one in row["notifications"]] == [
        ("welcome", "email", "sent")
    ]
    assert len(view.messages(customer_id)) == 1
    (requester,) = view.requesters(customer_id)
    assert (requester["id"], requester["email"]) == (row["zendesk_user_id"], email)


def is_known(view: View, customer_id: str) -> bool:
    """Whether all agents have done their part."""
    row = view.ask(OUTSIDE, id=customer_id)["customer_by_pk"]
    done = {("customer.signed_up", agent, "done") for agent in ("identity", "notification")}
    return (
        row["chargebee_customer_id"] is not None
        and row["zendesk_user_id"] is not None
        and done <= view.ends(customer_id)
    )


def toolkit(view: View, action: str, **body: Any) -> dict[str, Any]:
    """What the Firebase SDK in the portal asks Identity Toolkit."""
    answer = view.client.post(
        f"{view.platform.layout.url('identity')}/identitytoolkit.googleapis.com/v1/{action}",
        params={"key": "any"},
        json=body,
    )
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def refreshed(view: View, refresh_token: str) -> str:
    """A new ID token, with the claims that the account has by now."""
    answer = view.client.post(
        f"{view.platform.layout.url('identity')}/securetoken.googleapis.com/v1/token",
        params={"key": "any"},
        data={"grant_type": "refresh_token", "refresh_token": refresh_token},
    )
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["id_token"]
    return token
