"""Chargebee's ways of saying that a customer can't be charged, as its documentation has them, read by our client."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.charging.declines import is_hard
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.settings import ChargebeeSettings
from integrations.errors import PaymentDeclined, PermanentError
from tests.integration.agents.behaviour import QUICK
from tests.integration.agents.serving import serving

#: As in the sample of the documentation.
DECLINED = (
    "Subscription cannot be created as we are not able to collect EUR 10,00 from your card on file. "
    "Error message: (insufficient_funds) Your card has insufficient funds."
)


@pytest.mark.parametrize(
    ("status", "answer", "code", "hard"),
    [
        (400, {"type": "payment", "api_error_code": "payment_processing_failed", "message": DECLINED},
         "insufficient_funds", False),
        (402, {"type": "payment", "api_error_code": "payment_processing_failed", "message": "No."},
         "payment_processing_failed", False),
        (400, {"type": "payment", "api_error_code": "payment_processing_failed", "message": "No: (3009) Do not honour",
               "error_cause_id": "gateway.payment_method.not_found"}, "gateway.payment_method.not_found", True),
        (400, {"type": "payment", "api_error_code": "payment_processing_failed", "message": "No.",
               "error_cause_id": "gateway.general.decline"}, "gateway.general.decline", False),
        (400, {"type": "payment", "api_error_code": "payment_method_not_present", "message": "There is no card."},
         "payment_method_not_present", True),
        (400, {"type": "invalid_request", "api_error_code": "payment_method_not_present", "message": "There is none."},
         "payment_method_not_present", True),
        (400, {"type": "payment", "api_error_code": "payment_method_verification_failed", "message": "Wrong."},
         "payment_method_verification_failed", True),
    ],
)  # fmt: skip
async def test_what_keeps_a_customer_from_being_charged_is_a_decline_with_its_reason(
    status: int, answer: dict[str, Any], code: str, hard: bool
) -> None:
    error = await refusal(status, answer)
    assert isinstance(error, PaymentDeclined)
    assert (error.code, is_hard(error.code)) == (code, hard)


async def test_another_refusal_of_the_same_call_is_none() -> None:
    error = await refusal(400, {"type": "invalid_request", "api_error_code": "param_wrong_value", "message": "No."})
    assert not isinstance(error, PaymentDeclined)
    assert error.code == "param_wrong_value"


async def refusal(status: int, answer: dict[str, Any]) -> PermanentError:
    """What the client makes of that answer to the creation of a subscription."""

    async def answer_so(_: Request) -> Response:
        return JSONResponse({**answer, "error_code": answer["api_error_code"], "error_msg": "No."}, status)

    def build(_: str) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", answer_so, methods=["POST"])])

    async with serving(build) as url:
        site, _, domain = urlsplit(url).netloc.partition(".")
        settings = ChargebeeSettings(site=site, domain=domain, protocol="http", api_key=SecretStr("key"), **QUICK)
        async with ChargebeeClient(settings) as chargebee:
            with pytest.raises(PermanentError) as raised:
                await chargebee.create_subscription(
                    "cus-1", subscription_id="sub-1", item_price_id="monthly", idempotency_key="key-1"
                )
    return raised.value
