"""Who gets a message and who doesn't."""

import uuid
from datetime import UTC, datetime, time

import pytest

from agents.events.contract import ContractCreated
from agents.notification.handlers import suppression
from agents.notification.operations import GetRecipient
from agents.notification.templates import MESSAGES, Channel, Message

CUSTOMER = GetRecipient.Customer(
    id=uuid.UUID(int=1),
    email="ada@example.com",
    phone="+12025550142",
    first_name="Ada",
    email_opt_out=False,
    sms_opt_out=False,
    timezone="America/Denver",
    quiet_hours_start=time(21),
    quiet_hours_end=time(8),
    deleted_at=None,
)


def message(channel: Channel, *, essential: bool = False) -> Message:
    return Message(event=ContractCreated, template="t", channel=channel, essential=essential)


@pytest.mark.parametrize("channel", Channel)
def test_a_customer_who_can_be_reached_gets_every_message(channel: Channel) -> None:
    assert suppression(message(channel), CUSTOMER) is None


@pytest.mark.parametrize(
    ("channel", "changes", "reason"),
    [
        (Channel.EMAIL, {"email": None}, "the customer has no e-mail address"),
        (Channel.EMAIL, {"email": ""}, "the customer has no e-mail address"),
        (Channel.EMAIL, {"email_opt_out": True}, "the customer opted out of e-mail"),
        (Channel.SMS, {"phone": None}, "the customer has no phone number"),
        (Channel.SMS, {"sms_opt_out": True}, "the customer opted out of text messages"),
        (Channel.PORTAL, {"deleted_at": datetime.now(UTC)}, "the customer's data was deleted"),
        (Channel.EMAIL, {"deleted_at": datetime.now(UTC)}, "the customer's data was deleted"),
        (Channel.EMAIL, {"sms_opt_out": True}, None),
        (Channel.SMS, {"email_opt_out": True, "email": None}, None),
        (Channel.PORTAL, {"email_opt_out": True, "sms_opt_out": True, "email": None, "phone": None}, None),
    ],
)
def test_each_channel_has_its_own_reasons(channel: Channel, changes: dict[str, object], reason: str | None) -> None:
    assert suppression(message(channel), CUSTOMER.model_copy(update=changes)) == reason


def test_what_care_or_law_require_is_sent_despite_an_opt_out_but_not_without_an_address() -> None:
    opted_out = CUSTOMER.model_copy(update={"email_opt_out": True})
    unreachable = opted_out.model_copy(update={"email": None})

    assert suppression(message(Channel.EMAIL, essential=True), opted_out) is None
    assert suppression(message(Channel.EMAIL, essential=True), unreachable) is not None


def test_a_renewal_is_no_reason_to_welcome_somebody_again() -> None:
    (welcome,) = (message for message in MESSAGES if message.template == "contract_welcome")
    first = ContractCreated.model_validate(
        {
            "contract_id": str(uuid.UUID(int=2)),
            "customer_id": str(uuid.UUID(int=1)),
            "subscription_id": None,
            "treatment_id": str(uuid.UUID(int=3)),
            "status": "future",
            "start_date": "2026-01-01",
            "end_date": "2026-07-01",
        }
    )
    renewal = first.model_copy(update={"renewed_from_id": uuid.UUID(int=4)})

    assert welcome.audience is not None
    assert welcome.audience(first)
    assert not welcome.audience(renewal)
