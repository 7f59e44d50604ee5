"""One behaviour suite for all clients: whatever goes wrong on the way, the work is done once or the caller knows."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from integrations.chargebee.client import ChargebeeClient
from integrations.errors import CircuitOpen, CredentialsRefused, RateLimited, ServerFault, TimedOut, Unreachable
from integrations.guard import Guard
from integrations.http import HttpClient
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from integrations.pharmacy.client import PharmacyClient
from integrations.telemetry.tracing import continue_trace
from integrations.zendesk.client import ZendeskClient
from local.standin.run import Build, Running, running
from tests.integration.standins.conftest import (
    Operator,
    build_chargebee,
    build_iterable,
    build_pharmacy,
    build_zendesk,
    chargebee_settings,
    iterable_settings,
    pharmacy_order,
    pharmacy_settings,
    zendesk_settings,
)

EMAIL = "grace.hopper@example.com"
NAME = "Grace Hopper"
PHONE = "+15550123456"

KEY = "0197-event:step"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A client with a piece of work that must be done once."""

    standin: Running
    guard: Guard
    work: Callable[[], Awaitable[Any]]
    #: How often the stand-in has done it.
    times_done: Callable[[], int]
    #: Which of the client's requests are to fail.
    method: str
    path: str


async def chargebee_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(ChargebeeClient(chargebee_settings(standin.port, **settings)))
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.add_promotional_credit(
            "ada", amount=500, currency_code="USD", description=f"For {NAME}", idempotency_key=KEY
        ),
        times_done=lambda: len(standin.service.store.all("promotional_credit")),
        method="POST",
        path="promotional_credits/add",
    )


async def chargebee_contract_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(ChargebeeClient(chargebee_settings(standin.port, **settings)))
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.update_subscription_contract("ada-basic", "contract-1", KEY),
        times_done=lambda: len(
            [one for one in standin.service.store.all("event") if one["event_type"] == "subscription_changed"]
        ),
        method="POST",
        path="update_for_items",
    )


async def iterable_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(IterableClient(iterable_settings(standin.url, **settings)))
    recipient = Recipient(user_id="customer-1", email=EMAIL, phone=PHONE)
    # Known before, so that the request which fails is the one that does the work.
    await client.update_user(recipient, {})
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.send_email("welcome", recipient, {"name": NAME}, idempotency_key=KEY),
        times_done=lambda: len(standin.service.store.all("message")),
        method="POST",
        path="/email/target",
    )


async def iterable_event_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(IterableClient(iterable_settings(standin.url, **settings)))
    recipient = Recipient(user_id="customer-1", email=EMAIL, phone=PHONE)
    # Known before, so that the request which fails is the one that does the work.
    await client.update_user(recipient, {})
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.track_event(recipient, "payment_succeeded", {"name": NAME}, idempotency_key=KEY),
        times_done=lambda: len(standin.service.store.all("event")),
        method="POST",
        path="/events/track",
    )


async def zendesk_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(ZendeskClient(zendesk_settings(standin.url, **settings)))
    user = await client.upsert_user("customer-1", name=NAME, email=EMAIL, phone=PHONE)
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.create_ticket(
            requester_id=user.id, subject=f"Payment of {NAME}", body=f"Call {PHONE}", idempotency_key=KEY
        ),
        times_done=lambda: len(standin.service.store.all("ticket")),
        method="POST",
        path="/tickets",
    )


async def zendesk_comment_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(ZendeskClient(zendesk_settings(standin.url, **settings)))
    user = await client.upsert_user("customer-1", name=NAME, email=EMAIL, phone=PHONE)
    ticket = await client.create_ticket(requester_id=user.id, subject="Payment", body="First", idempotency_key="other")
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.update_ticket(ticket.id, comment=f"Wrote to {EMAIL}", idempotency_key=KEY),
        # The ticket's description is its first comment.
        times_done=lambda: len(standin.service.store.all("comment")) - 1,
        method="PUT",
        path="/tickets/",
    )


async def pharmacy_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(PharmacyClient(pharmacy_settings(standin.url, **settings)))
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.create_order(pharmacy_order(), idempotency_key=KEY),
        times_done=lambda: len(standin.service.store.all("order")),
        method="POST",
        path="/v1/orders",
    )


async def pharmacy_cancel_case(standin: Running, stack: AsyncExitStack, **settings: Any) -> Case:
    client = await stack.enter_async_context(PharmacyClient(pharmacy_settings(standin.url, **settings)))
    order = await client.create_order(pharmacy_order(), idempotency_key="other")
    return Case(
        standin=standin,
        guard=client.guard,
        work=lambda: client.cancel_order(order.id, reason="prescription_stopped", idempotency_key=KEY),
        times_done=lambda: len(standin.service.store.all("event")),
        method="POST",
        path="/cancel",
    )


CASES: dict[str, tuple[Build, Callable[..., Awaitable[Case]]]] = {
    "chargebee-credit": (build_chargebee, chargebee_case),
    "chargebee-contract": (build_chargebee, chargebee_contract_case),
    "iterable-email": (build_iterable, iterable_case),
    "iterable-event": (build_iterable, iterable_event_case),
    "zendesk-ticket": (build_zendesk, zendesk_case),
    "zendesk-comment": (build_zendesk, zendesk_comment_case),
    "pharmacy-order": (build_pharmacy, pharmacy_case),
    "pharmacy-cancel": (build_pharmacy, pharmacy_cancel_case),
}

MakeCase = Callable[..., Awaitable[Case]]


@pytest.fixture(params=CASES)
async def make_case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MakeCase]:
    """Each client's case in turn, with the settings that the test asks for, all on one stand-in."""
    build, make = CASES[request.param]
    async with running(build, tmp_path) as standin, AsyncExitStack() as stack:

        async def opened(**settings: Any) -> Case:
            return await make(standin, stack, **settings)

        yield opened


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 500, "after_work": True},
        {"status": 503, "times": 2},
        {"status": 503, "times": 2, "after_work": True},
        {"drop": True},
        {"drop": True, "after_work": True},
        {"delay_s": 2},
        {"status": 429, "retry_after_s": 0},
    ],
    ids=str,
)
async def test_a_passing_failure_is_survived_and_the_work_is_done_once(
    make_case: MakeCase, operator: Operator, fault: dict[str, Any]
) -> None:
    # 150 ms are enough here, and keep the slow answer from slowing the suite.
    case = await make_case(read_time_out=timedelta(milliseconds=150))
    await operator.fault(case.standin, method=case.method, path=case.path, **fault)
    await case.work()
    assert case.times_done() == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500, "after_work": True}, ServerFault),
        ({"drop": True, "after_work": True}, Unreachable),
        ({"delay_s": 2}, TimedOut),
    ],
    ids=["500", "drop", "slow"],
)
async def test_work_whose_answer_was_lost_is_not_done_again_when_the_event_comes_back(
    make_case: MakeCase, operator: Operator, fault: dict[str, Any], kind: type[Exception]
) -> None:
    first = await make_case(attempts=1, read_time_out=timedelta(milliseconds=150))
    await operator.fault(first.standin, method=first.method, path=first.path, **fault)
    with pytest.raises(kind) as raised:
        await first.work()
    assert raised.value.maybe_done  # type: ignore[attr-defined]
    # The event is delivered again, to a program that has started meanwhile.
    await (await make_case()).work()
    assert first.times_done() == 1


async def test_a_long_rate_limit_is_handed_to_the_caller(make_case: MakeCase, operator: Operator) -> None:
    case = await make_case()
    await operator.fault(case.standin, method=case.method, path=case.path, status=429, retry_after_s=60)
    with pytest.raises(RateLimited) as raised:
        await case.work()
    assert raised.value.retry_after == timedelta(seconds=60)
    assert case.times_done() == 0


async def test_a_service_that_keeps_failing_is_left_alone_and_taken_up_again(
    make_case: MakeCase, operator: Operator
) -> None:
    case = await make_case(attempts=1, circuit_failures=2, circuit_open_for=timedelta(milliseconds=100))
    await operator.fault(case.standin, status=503, times=2)
    for _ in range(2):
        with pytest.raises(ServerFault):
            await case.work()
    asked = len(await operator.received(case.standin))
    with pytest.raises(CircuitOpen):
        await case.work()
    assert len(await operator.received(case.standin)) == asked, "an open circuit asks nothing"
    await asyncio.sleep(0.12)
    await case.work()
    assert await case.guard.circuit_state() == "closed"
    assert case.times_done() == 1


async def test_nothing_private_and_no_secret_is_logged(
    make_case: MakeCase, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        case = await make_case(read_time_out=timedelta(milliseconds=150))
        await operator.fault(case.standin, method=case.method, path=case.path, status=500, after_work=True)
        await operator.fault(case.standin, method=case.method, path=case.path, drop=True)
        await case.work()
    ours = [line for line in lines if line["event"].startswith("integration.")]
    assert {"integration.retried", "integration.done"} <= {line["event"] for line in ours}
    # The stand-in and the test's own HTTP client run in this process too; the clients' lines are what counts.
    told = repr(ours) + "".join(
        record.getMessage() for record in caplog.records if record.name.startswith(("httpx", "httpcore", "chargebee"))
    )
    for private in (
        EMAIL,
        EMAIL.replace("@", "%40"),
        NAME,
        PHONE,
        "site-key",
        "api-key",
        "token",
        "pharmacy-key",
        "Secretumab",
        "Main Street",
    ):
        assert private not in told


async def test_refused_credentials_are_not_tried_again(iterable: Running, zendesk: Running, operator: Operator) -> None:
    async with IterableClient(iterable_settings(iterable.url, api_key="wrong")) as client:
        with pytest.raises(CredentialsRefused):
            await client.find_user("customer-1")
    async with ZendeskClient(zendesk_settings(zendesk.url, api_token="wrong")) as client:
        with pytest.raises(CredentialsRefused):
            await client.find_user("customer-1")
    assert [one["status"] for one in await operator.received(iterable)] == [401]
    assert [one["status"] for one in await operator.received(zendesk)] == [401]


async def test_a_page_instead_of_json_is_the_fault_of_what_stands_between(zendesk: Running) -> None:
    async with HttpClient(service="s", base_url=zendesk.url, settings=zendesk_settings(zendesk.url)) as client:
        with pytest.raises(ServerFault) as raised:
            await client.send("o", "GET", "/")
    assert raised.value.code == "unexpected_answer"


async def test_nobody_listening_is_unreachable() -> None:
    settings = zendesk_settings("http://127.0.0.1:9", attempts=1)
    async with ZendeskClient(settings) as client:
        with pytest.raises(Unreachable) as raised:
            await client.find_user("customer-1")
    assert raised.value.code == "connect_error"


async def test_calls_carry_the_trace_of_what_caused_them(zendesk: Running, operator: Operator) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with ZendeskClient(zendesk_settings(zendesk.url)) as client:
        with continue_trace(f"00-{trace_id}-00f067aa0ba902b7-01"):
            await client.find_user("customer-1")
    [request] = await operator.received(zendesk)
    assert request["traceparent"].split("-")[1] == trace_id
