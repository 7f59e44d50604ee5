"""Iterable's client against the stand-in."""

import pytest

from integrations.errors import PermanentError
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from local.standin.run import Running
from tests.integration.standins.conftest import Operator, iterable_settings

ADA = Recipient(user_id="ada", email="Ada@Example.com", phone="+15550123456")


async def test_a_message_is_sent_to_someone_iterable_has_never_heard_of(
    iterable: Running, iterable_client: IterableClient
) -> None:
    sent = await iterable_client.send_email("welcome", ADA, {"first_name": "Ada"}, idempotency_key="event-1:welcome")
    [message] = iterable.service.store.all("message")
    assert message["messageId"] == sent.message_id
    assert (message["campaignName"], message["email"], message["messageMedium"]) == (
        "welcome",
        "ada@example.com",
        "Email",
    )
    assert message["dataFields"]["first_name"] == "Ada"


async def test_the_same_key_sends_one_message_and_another_key_another(
    iterable: Running, iterable_client: IterableClient
) -> None:
    first = await iterable_client.send_email("welcome", ADA, {}, idempotency_key="event-1:welcome")
    again = await iterable_client.send_email("welcome", ADA, {}, idempotency_key="event-1:welcome")
    other = await iterable_client.send_email("welcome", ADA, {}, idempotency_key="event-2:welcome")
    assert (first.replayed, again.replayed, other.replayed) == (False, True, False)
    assert again.message_id == first.message_id
    assert len(iterable.service.store.all("message")) == 2


async def test_one_event_may_send_an_email_and_an_sms(iterable: Running, iterable_client: IterableClient) -> None:
    await iterable_client.send_email("payment_failed", ADA, {}, idempotency_key="event-1")
    await iterable_client.send_sms("payment_failed", ADA, {}, idempotency_key="event-1")
    assert {one["messageMedium"] for one in iterable.service.store.all("message")} == {"Email", "SMS"}


async def test_an_sms_goes_to_the_number_of_the_profile(iterable: Running, iterable_client: IterableClient) -> None:
    await iterable_client.update_user(ADA, {"phoneNumber": "+15550199999"})
    await iterable_client.send_sms("payment_failed", ADA, {}, idempotency_key="event-1")
    [message] = iterable.service.store.all("message")
    assert message["phoneNumber"] == "+15550199999"


async def test_a_template_without_a_campaign_is_named(iterable_client: IterableClient) -> None:
    with pytest.raises(PermanentError) as raised:
        await iterable_client.send_email("weclome", ADA, {}, idempotency_key="event-1")
    assert (raised.value.code, raised.value.param) == ("unknown_template", "weclome")


async def test_a_campaign_may_be_given_by_number_in_the_settings(iterable: Running) -> None:
    number = next(one["id"] for one in iterable.service.store.all("campaign") if one["messageMedium"] == "Email")
    async with IterableClient(iterable_settings(iterable.url, campaigns={"hello": number})) as client:
        assert (await client.send_email("hello", ADA, {}, idempotency_key="event-1")).campaign_id == number


async def test_campaigns_are_looked_up_once(
    iterable: Running, iterable_client: IterableClient, operator: Operator
) -> None:
    for number in range(3):
        await iterable_client.send_email("welcome", ADA, {}, idempotency_key=f"event-{number}")
    assert len(await operator.received(iterable, path="/api/campaigns")) == 1


async def test_an_event_is_recorded_once_for_its_key(iterable: Running, iterable_client: IterableClient) -> None:
    for _ in range(2):
        await iterable_client.track_event(ADA, "contract_created", {"contract_id": "c"}, idempotency_key="event-1")
    [event] = iterable.service.store.all("event")
    assert (event["id"], event["eventName"], event["userId"]) == ("event-1", "contract_created", "ada")


async def test_a_person_enters_a_journey(iterable: Running, iterable_client: IterableClient) -> None:
    await iterable_client.trigger_workflow("payment_recovery", ADA, {"invoice_id": "7"}, idempotency_key="event-1")
    [entry] = iterable.service.store.all("journey_entry")
    assert (entry["name"], entry["userId"], entry["dataFields"]["invoice_id"]) == ("payment_recovery", "ada", "7")


async def test_profiles_are_changed_found_and_deleted(iterable_client: IterableClient) -> None:
    await iterable_client.update_user(ADA, {"plan": {"name": "basic"}})
    await iterable_client.update_user(ADA, {"plan": {"term": 6}})
    user = await iterable_client.find_user("ada")
    assert user is not None
    assert user.fields["plan"] == {"name": "basic", "term": 6}
    assert await iterable_client.delete_user("ada") is True
    assert await iterable_client.delete_user("ada") is False
    assert await iterable_client.find_user("ada") is None


async def test_a_forgotten_person_leaves_nothing_and_cannot_come_back(
    iterable: Running, iterable_client: IterableClient
) -> None:
    await iterable_client.send_email("welcome", ADA, {}, idempotency_key="event-1")
    await iterable_client.track_event(ADA, "signed_up", {}, idempotency_key="event-1")
    await iterable_client.forget_user(ADA)
    assert iterable.service.store.all("message") == iterable.service.store.all("event") == []
    with pytest.raises(PermanentError) as raised:
        await iterable_client.send_email("welcome", ADA, {}, idempotency_key="event-2")
    assert raised.value.code == "ForgottenUserError"


async def test_the_page_shows_what_was_sent(
    iterable: Running, iterable_client: IterableClient, operator: Operator
) -> None:
    await iterable_client.send_email("welcome", ADA, {"first_name": "<Ada>"}, idempotency_key="event-1:welcome")
    page = (await operator.get(f"{iterable.url}/")).text
    assert "ada@example.com" in page
    assert "event-1:welcome" in page
    assert "&lt;Ada&gt;" in page
    assert "<Ada>" not in page
