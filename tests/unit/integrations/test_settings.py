from datetime import timedelta

import pytest

from integrations.chargebee.settings import ChargebeeSettings
from integrations.iterable.settings import IterableSettings
from integrations.settings import ConfigurationError, load
from integrations.zendesk.settings import ZendeskSettings


def test_one_message_names_every_missing_and_wrong_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SITE", "API_KEY", "DOMAIN", "PROTOCOL"):
        monkeypatch.delenv(f"CHARGEBEE_{name}", raising=False)
    monkeypatch.setenv("CHARGEBEE_ATTEMPTS", "0")
    with pytest.raises(ConfigurationError) as raised:
        load(ChargebeeSettings)
    message = str(raised.value)
    assert "CHARGEBEE_SITE is missing" in message
    assert "CHARGEBEE_API_KEY is missing" in message
    assert "CHARGEBEE_ATTEMPTS" in message


def test_durations_are_seconds_or_iso_8601(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZENDESK_BASE_URL", "https://caregraph.zendesk.com")
    monkeypatch.setenv("ZENDESK_EMAIL", "care@example.com")
    monkeypatch.setenv("ZENDESK_API_TOKEN", "token")
    monkeypatch.setenv("ZENDESK_READ_TIME_OUT", "2.5")
    monkeypatch.setenv("ZENDESK_DEADLINE", "PT1M")
    settings = load(ZendeskSettings)
    assert settings.read_time_out == timedelta(seconds=2.5)
    assert settings.deadline == timedelta(minutes=1)


def test_secrets_print_as_stars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITERABLE_API_KEY", "very-secret")
    monkeypatch.setenv("ITERABLE_CAMPAIGNS", '{"welcome": 42}')
    settings = load(IterableSettings)
    assert settings.campaigns == {"welcome": 42}
    assert "very-secret" not in repr(settings)


def test_a_wrong_value_is_not_repeated_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITERABLE_API_KEY", "very-secret")
    monkeypatch.setenv("ITERABLE_ATTEMPTS", "very-secret")
    with pytest.raises(ConfigurationError) as raised:
        load(IterableSettings)
    assert "very-secret" not in str(raised.value)


def test_chargebees_address_is_put_together_as_the_sdk_does() -> None:
    settings = ChargebeeSettings(site="127", domain="0.0.1:8201", protocol="http", api_key="k")
    assert settings.address == "http://127.0.0.1:8201"
