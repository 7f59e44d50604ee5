from datetime import timedelta

import pytest
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.chargebee.settings import ChargebeeSettings
from integrations.flags.settings import FlagSettings
from integrations.identity.settings import FirebaseSettings
from integrations.iterable.settings import IterableSettings
from integrations.settings import ConfigurationError, Secrets, load
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


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ITERABLE_BASE_URL", "ftp://iterable", "ITERABLE_BASE_URL: must be an address like https://host/path"),
        ("ITERABLE_BASE_URL", "iterable.com", "ITERABLE_BASE_URL: must be an address like https://host/path"),
        ("ITERABLE_READ_TIME_OUT", "-1", "ITERABLE_READ_TIME_OUT: can't be negative"),
        ("ITERABLE_CAMPAIGNS", "welcome", "ITERABLE_CAMPAIGNS: must be JSON"),
        ("ITERABLE_CAMPAIGNS", '{"welcome": "one"}', "ITERABLE_CAMPAIGNS[welcome]: Input should be a valid integer"),
    ],
)
def test_what_can_not_be_stops_the_start_and_is_named_as_it_was_given(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv("ITERABLE_API_KEY", "key")
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        load(IterableSettings)
    assert str(refused.value).startswith(message)


def test_a_variable_without_the_prefix_of_its_neighbours_is_named_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREGRAPH_FIREBASE_PROJECT", raising=False)
    monkeypatch.setenv("FIREBASE_ATTEMPTS", "0")
    with pytest.raises(ConfigurationError) as refused:
        load(FirebaseSettings)
    assert str(refused.value).startswith("FIREBASE_ATTEMPTS: ")
    assert str(refused.value).endswith("; CAREGRAPH_FIREBASE_PROJECT is missing")


def test_what_is_wrong_about_two_variables_together_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAMELEOON_SITE_CODE", "abc")
    monkeypatch.setenv("CAREGRAPH_FLAGS_FILE", "flags.json")
    with pytest.raises(ConfigurationError, match=r"^set KAMELEOON_SITE_CODE or CAREGRAPH_FLAGS_FILE, not both$"):
        load(FlagSettings)


def test_a_site_of_chargebee_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARGEBEE_SITE", "https://caregraph.chargebee.com")
    monkeypatch.setenv("CHARGEBEE_API_KEY", "key")
    with pytest.raises(ConfigurationError, match=r"^CHARGEBEE_SITE: "):
        load(ChargebeeSettings)


class Signed(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True)

    signed_secret: Secrets


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("one", ["one"]),
        ("new, old", ["new", "old"]),
        ('["with, comma", "old"]', ["with, comma", "old"]),
        (' ["one"]', ["one"]),
    ],
)
def test_several_secrets_may_be_in_force_at_once(monkeypatch: pytest.MonkeyPatch, given: str, meant: list[str]) -> None:
    monkeypatch.setenv("SIGNED_SECRET", given)
    settings = load(Signed)
    assert [secret.get_secret_value() for secret in settings.signed_secret] == meant
    assert not any(secret in repr(settings) for secret in meant)


@pytest.mark.parametrize("given", ["s3cret,", ",", "[]", '["s3cret", ""]', '["s3cret"', '["s3cret", 7]'])
def test_an_empty_or_unreadable_secret_stops_the_start_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SIGNED_SECRET", given)
    with pytest.raises(ConfigurationError) as refused:
        load(Signed)
    assert "SIGNED_SECRET" in str(refused.value)
    assert "s3cret" not in str(refused.value)
