"""The platform's Chargebee client, through the official SDK, against the stand-in over HTTP."""

from datetime import UTC, datetime

import httpx
import pytest
from chargebee import Chargebee, InvalidRequestError

from integrations.chargebee import transport
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective, Resource
from integrations.errors import CredentialsRefused, NotFound, PaymentDeclined, PermanentError
from local.standin.run import Running
from tests.integration.standins.conftest import START, Operator, chargebee_settings


async def test_the_contract_is_set_on_the_subscription_and_nothing_else_changes(
    chargebee: Running, chargebee_client: ChargebeeClient
) -> None:
    before = await chargebee_client.get_subscription("ada-basic")
    after = await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1:link")
    assert (before.contract_id, after.contract_id) == (None, "contract-1")
    assert after.resource_version > before.resource_version
    assert after.updated_at is not None
    assert before.updated_at is not None
    assert after.updated_at > before.updated_at
    changed = {name for name in after.raw if after.raw[name] != before.raw.get(name)}
    assert changed == {"cf_contract_id", "resource_version", "updated_at"}
    assert chargebee.service.store.all("invoice") == []


async def test_the_contract_can_be_cleared(chargebee_client: ChargebeeClient) -> None:
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1:link")
    cleared = await chargebee_client.update_subscription_contract("ada-basic", None, "event-2:clear")
    assert cleared.contract_id is None


async def test_the_same_key_is_answered_from_memory_and_done_once(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    first = await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1:link")
    second = await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1:link")
    assert (first.replayed, second.replayed) == (False, True)
    assert second.resource_version == first.resource_version
    received = await operator.received(chargebee, path="update_for_items")
    assert [(one["idempotency_key"], one["replayed"]) for one in received] == [
        ("event-1:link", False),
        ("event-1:link", True),
    ]
    assert received[0]["body"] == "cf_contract_id=contract-1"


async def test_a_key_used_with_other_parameters_is_refused(chargebee_client: ChargebeeClient) -> None:
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1:link")
    with pytest.raises(PermanentError) as raised:
        await chargebee_client.update_subscription_contract("ada-basic", "contract-2", "event-1:link")
    assert raised.value.param == "chargebee-idempotency-key"


async def test_a_key_longer_than_chargebee_allows_is_shortened_the_same_way_each_time(
    chargebee_client: ChargebeeClient,
) -> None:
    key = "event-1:" + "x" * 200
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", key)
    assert (await chargebee_client.update_subscription_contract("ada-basic", "contract-1", key)).replayed


async def test_a_customer_is_made_once_whatever_the_key(chargebee: Running, chargebee_client: ChargebeeClient) -> None:
    for key in ("event-1:create", "event-2:create"):
        customer = await chargebee_client.create_customer(
            "bo", email="bo@example.com", first_name="Bo", last_name="Lind", idempotency_key=key
        )
        assert (customer.id, customer.email) == ("bo", "bo@example.com")
    assert len(chargebee.service.store.find_by("customer", "email", "bo@example.com")) == 1


async def test_what_changed_between_two_attempts_does_not_make_the_key_refuse_the_second(
    chargebee_client: ChargebeeClient,
) -> None:
    made = [
        await chargebee_client.create_customer(
            "bo", email=email, first_name="Bo", last_name=None, idempotency_key="event-1:create"
        )
        for email in ("bo@example.com", "bo@example.org")
    ]
    updated = [
        await chargebee_client.update_customer("bo", email=email, idempotency_key="event-2:update")
        for email in ("bo@example.net", "bo@example.org")
    ]
    begun = [
        await chargebee_client.create_subscription(
            "bo",
            subscription_id="bo-1",
            item_price_id="basic-USD-Monthly",
            start_at=start,
            idempotency_key="event-3:begin",
        )
        for start in (datetime.fromtimestamp(START + 60 * 86_400, UTC), None)
    ]
    assert [customer.email for customer in made] == ["bo@example.com", "bo@example.com"]
    assert [customer.email for customer in updated] == ["bo@example.net", "bo@example.org"]
    assert [subscription.status for subscription in begun] == ["future", "future"]


async def test_a_subscription_begins_with_an_invoice_that_is_paid(
    chargebee: Running, chargebee_client: ChargebeeClient
) -> None:
    subscription = await chargebee_client.create_subscription(
        "ada",
        subscription_id="ada-plus",
        item_price_id="plus-USD-Monthly",
        contract_id="contract-1",
        idempotency_key="event-1:subscribe",
    )
    assert (subscription.status, subscription.contract_id) == ("active", "contract-1")
    [invoice] = chargebee.service.store.find_by("invoice", "subscription_id", "ada-plus")
    assert (invoice["status"], invoice["total"], invoice["amount_paid"]) == ("paid", 6000, 6000)
    again = await chargebee_client.create_subscription(
        "ada", subscription_id="ada-plus", item_price_id="plus-USD-Monthly", idempotency_key="event-2:subscribe"
    )
    assert again.id == "ada-plus"
    assert len(chargebee.service.store.find_by("invoice", "subscription_id", "ada-plus")) == 1


async def test_a_subscription_may_begin_in_the_future(chargebee: Running, chargebee_client: ChargebeeClient) -> None:
    start = datetime.fromtimestamp(START + 60 * 86_400, UTC)
    subscription = await chargebee_client.create_subscription(
        "ada", subscription_id="later", item_price_id="plus-USD-Monthly", start_at=start, idempotency_key="event-1"
    )
    assert subscription.status == "future"
    assert chargebee.service.store.find_by("invoice", "subscription_id", "later") == []


async def test_a_declined_card_makes_no_subscription_and_says_why(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await operator.post(chargebee, "cards", {"customer_id": "ada", "decline": "insufficient_funds"})
    with pytest.raises(PaymentDeclined) as raised:
        await chargebee_client.create_subscription(
            "ada", subscription_id="ada-plus", item_price_id="plus-USD-Monthly", idempotency_key="event-1:subscribe"
        )
    assert raised.value.code == "insufficient_funds"
    with pytest.raises(NotFound):
        await chargebee_client.get_subscription("ada-plus")


async def test_changing_the_plan_now_charges_what_is_left_of_the_term(
    chargebee: Running, chargebee_client: ChargebeeClient
) -> None:
    await chargebee_client.create_subscription(
        "ada", subscription_id="ada-2", item_price_id="basic-USD-Monthly", idempotency_key="event-1"
    )
    changed = await chargebee_client.change_plan(
        "ada-2", item_price_id="plus-USD-Monthly", effective=Effective.IMMEDIATELY, idempotency_key="event-2"
    )
    assert changed.item_price_ids == ("plus-USD-Monthly",)
    first, second = chargebee.service.store.find_by("invoice", "subscription_id", "ada-2")
    assert (first["total"], second["total"], second["credits_applied"]) == (3000, 6000, 3000)


async def test_changing_the_plan_at_the_end_of_the_term_waits_for_it(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    scheduled = await chargebee_client.change_plan(
        "ada-basic", item_price_id="plus-USD-Monthly", effective=Effective.END_OF_TERM, idempotency_key="event-1"
    )
    assert scheduled.item_price_ids == ("basic-USD-Monthly",)
    await operator.post(chargebee, "clock", {"advance_s": 30 * 86_400})
    assert (await chargebee_client.get_subscription("ada-basic")).item_price_ids == ("plus-USD-Monthly",)


async def test_a_plan_change_can_clear_the_contract(chargebee_client: ChargebeeClient) -> None:
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    reset = await chargebee_client.change_plan(
        "ada-basic",
        item_price_id="basic-USD-Monthly",
        effective=Effective.IMMEDIATELY,
        clear_contract=True,
        idempotency_key="event-2",
    )
    assert reset.contract_id is None


async def test_a_subscription_is_paused_resumed_and_cancelled(chargebee_client: ChargebeeClient) -> None:
    paused = await chargebee_client.pause_subscription(
        "ada-basic", effective=Effective.IMMEDIATELY, idempotency_key="event-1"
    )
    resumed = await chargebee_client.resume_subscription("ada-basic", idempotency_key="event-2")
    ending = await chargebee_client.cancel_subscription(
        "ada-basic", effective=Effective.END_OF_TERM, reason_code="too_expensive", idempotency_key="event-3"
    )
    assert (paused.status, resumed.status, ending.status) == ("paused", "active", "non_renewing")


async def test_an_invoice_is_collected_after_the_card_works_again(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await operator.post(chargebee, "cards", {"customer_id": "ada", "decline": "expired_card"})
    await operator.post(chargebee, "renew", {"subscription_id": "ada-basic"})
    [invoice] = chargebee.service.store.all("invoice")
    assert (invoice["status"], invoice["dunning_status"], invoice["amount_due"]) == ("payment_due", "in_progress", 3000)
    with pytest.raises(PaymentDeclined) as raised:
        await chargebee_client.collect_payment(invoice["id"], idempotency_key="event-1")
    assert raised.value.code == "expired_card"
    attempts = (await chargebee_client.get_invoice(invoice["id"])).raw["dunning_attempts"]
    assert len(attempts) == 2, "the failed attempt is kept although it was answered with an error"
    await operator.post(chargebee, "cards", {"customer_id": "ada", "decline": None})
    paid = await chargebee_client.collect_payment(invoice["id"], idempotency_key="event-2")
    assert (paid.status, paid.amount_due, paid.dunning_status) == ("paid", 0, "success")


async def test_a_credit_is_given_once_even_after_chargebee_has_forgotten_the_key(
    chargebee: Running, chargebee_client: ChargebeeClient
) -> None:
    async def give() -> bool:
        credit = await chargebee_client.add_promotional_credit(
            "ada", amount=500, currency_code="USD", description="Referral", idempotency_key="event-1:reward"
        )
        return credit.replayed

    assert await give() is False
    chargebee.service.store.execute("DELETE FROM answer")
    assert await give() is True
    assert (await chargebee_client.get_customer("ada")).promotional_credits == 500


async def test_wrong_credentials_are_told_apart(chargebee: Running) -> None:
    async with ChargebeeClient(chargebee_settings(chargebee.port, api_key="wrong")) as client:
        with pytest.raises(CredentialsRefused) as raised:
            await client.get_subscription("ada-basic")
    assert raised.value.code == "api_authentication_failed"


async def test_an_id_cannot_name_another_resource(chargebee_client: ChargebeeClient) -> None:
    with pytest.raises(PermanentError) as raised:
        await chargebee_client.get_subscription("ada-basic/../../customers/ada")
    assert raised.value.code == "invalid_id"


async def test_pages_go_through_everything_changed_oldest_first(chargebee_client: ChargebeeClient) -> None:
    for number in range(25):
        await chargebee_client.create_customer(
            f"c{number:02}", email=None, first_name="C", last_name=str(number), idempotency_key=f"event-{number}"
        )
    seen: list[str] = []
    offset = None
    while True:
        page = await chargebee_client.list_page(
            Resource.CUSTOMERS, updated_after=datetime.fromtimestamp(START, UTC), offset=offset, limit=10
        )
        seen += [one["id"] for one in page.objects]
        offset = page.next_offset
        if offset is None:
            break
    assert seen == [f"c{number:02}" for number in range(25)]


async def test_the_sdk_keeps_its_connection_between_calls(chargebee: Running) -> None:
    async with ChargebeeClient(chargebee_settings(chargebee.port)) as client:
        for _ in range(5):
            await client.get_subscription("ada-basic")
            await client.update_subscription_contract("ada-basic", "some-contract", "key")
        reading = client._pool._session().connector
        assert reading is not None
        assert [len(connections) for connections in reading._conns.values()] == [1]
        changing = client._pool._changes._transport._pool.connections  # type: ignore[attr-defined]
        assert len(changing) == 1


async def test_the_sdk_works_as_before_for_others_in_the_process(chargebee: Running) -> None:
    async with ChargebeeClient(chargebee_settings(chargebee.port)):
        sdk = Chargebee("site-key", site="127", chargebee_domain=f"0.0.1:{chargebee.port}", protocol="http",
                        use_async_client=True)  # fmt: skip
        response = await sdk.Subscription.retrieve("ada-basic")
        assert response.subscription.id == "ada-basic"
        with pytest.raises(InvalidRequestError) as raised:
            await sdk.Subscription.retrieve("nobody")
        assert raised.value.api_error_code == "resource_not_found"


async def test_the_sdk_still_has_the_function_that_the_pool_replaces() -> None:
    # A new version of the SDK that names it otherwise would silently open a connection for each call again.
    original = transport._sdk_make_request_async
    assert (original.__module__, original.__name__) == ("chargebee.http_request", "_make_request_async")
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, json={"a": 1}))) as pool:
        with transport.use_pool(pool):
            data, _, status = await transport._make_request_async(
                {"method": "GET", "url": "http://x.test/", "headers": {}, "verify": True, "timeout": 1}
            )
    assert (data, status) == ({"a": 1}, 200)
