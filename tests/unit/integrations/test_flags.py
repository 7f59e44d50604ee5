"""Flags: typed, with defaults, from a file or from Kameleoon; asking never fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.notification.flags import SMS_NOTIFICATIONS
from integrations.errors import ServerFault
from integrations.flags.configuration import choose_variation, parse_configuration
from integrations.flags.flags import Flag, Flags, open_flags
from integrations.flags.kameleoon import KameleoonProvider
from integrations.flags.settings import FlagSettings
from tests.integration.agents.serving import serving

LIMIT = Flag(key="limit", default=3)
RATE = Flag(key="rate", default=0.5)
GREETING = Flag(key="greeting", default="Hello")
DAYS: Flag[list[Any]] = Flag(key="days", default=[1, 3])

#: Half of 80 % of people.
EXPERIMENT = {
    "id": 4711,
    "type": "EXPERIMENTATION",
    "exposition": 0.8,
    "experimentId": 815,
    "respoolTime": 1_700_000_000,
    "segmentId": None,
    "variationByExposition": [
        {"variationKey": "on", "variationId": 1, "exposition": 0.5},
        {"variationKey": "off", "variationId": 2, "exposition": 0.5},
    ],
}


def flag(key: str = "sms-notifications", **changes: Any) -> dict[str, Any]:
    """A flag as Kameleoon has it."""
    return {
        "id": 1,
        "featureKey": key,
        "environmentEnabled": True,
        "defaultVariationKey": "off",
        "variations": [{"key": "off", "variables": []}, {"key": "on", "variables": []}],
        "rules": [],
        **changes,
    }


def variable(value: Any, kind: str, name: str = "value") -> dict[str, Any]:
    return {"key": name, "type": kind, "value": value}


class Kameleoon:
    """A stand-in for the one address that is asked."""

    def __init__(self) -> None:
        self.flags: list[dict[str, Any]] = []
        self.status = 200
        self.requests: list[str] = []

    def app(self, _url: str) -> Starlette:
        return Starlette(routes=[Route("/v3/{site_code}", self._configuration)])

    async def _configuration(self, request: Request) -> Response:
        self.requests.append(f"{request.path_params['site_code']}?{request.url.query}")
        if self.status != 200:
            return JSONResponse({}, status_code=self.status)
        return JSONResponse({"configuration": {}, "segments": [], "featureFlags": self.flags})


@pytest.fixture
def kameleoon() -> Kameleoon:
    return Kameleoon()


@pytest.fixture
async def address(kameleoon: Kameleoon) -> AsyncIterator[str]:
    async with serving(kameleoon.app) as url:
        yield url


def settings(url: str, **changes: Any) -> FlagSettings:
    return FlagSettings(
        base_url=url,
        site_code="abc123",
        **{"attempts": 1, "refresh_every": timedelta(milliseconds=20), "first_wait": timedelta(seconds=2), **changes},
    )


# The file


async def test_a_file_gives_values_of_the_declared_types(tmp_path: Path) -> None:
    file = tmp_path / "flags.json"
    values = {"sms-notifications": False, "limit": 7, "rate": 2, "greeting": "Hi", "days": [2]}
    file.write_text(json.dumps(values))

    async with open_flags(FlagSettings(file=file)) as flags:
        assert flags.value(SMS_NOTIFICATIONS, subject="ada") is False
        assert (flags.value(LIMIT), flags.value(RATE), flags.value(GREETING), flags.value(DAYS)) == (7, 2, "Hi", [2])


async def test_a_change_of_the_file_counts_at_once_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "flags.json"
    seen = []

    async with open_flags(FlagSettings(file=file)) as flags:
        for text in (None, '{"limit": 5}', '{"limit": ', "[]", '{"limit": 60}', None):
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(text)
            seen.append(flags.value(LIMIT))

    assert seen == [3, 5, 5, 5, 60, 3]


@pytest.mark.parametrize("value", [True, "7", 7.5, None, [7]])
async def test_a_value_of_another_type_is_not_used(tmp_path: Path, value: object) -> None:
    file = tmp_path / "flags.json"
    file.write_text(json.dumps({"limit": value}))

    async with open_flags(FlagSettings(file=file)) as flags:
        assert flags.value(LIMIT) == 3


async def test_two_providers_in_one_process_keep_apart(tmp_path: Path) -> None:
    for name, limit in (("one", 1), ("two", 2)):
        (tmp_path / name).write_text(json.dumps({"limit": limit}))

    async with (
        open_flags(FlagSettings(file=tmp_path / "one")) as one,
        open_flags(FlagSettings(file=tmp_path / "two")) as two,
        open_flags(FlagSettings()) as none,
    ):
        assert [each.value(LIMIT) for each in (one, two, none)] == [1, 2, 3]


def test_two_sources_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="not both"):
        FlagSettings(site_code="abc123", file=tmp_path)


# Kameleoon


def test_everyone_gets_the_variation_that_kameleoons_own_sdk_gives_them() -> None:
    # What kameleoon-client-python 3.22.2 gives these twelve codes for this rule.
    theirs = ["off", "off", "off", "on", "on", "off", "off", "off", "off", "on", "off", "off"]
    experiment = parse_configuration({"featureFlags": [flag(rules=[EXPERIMENT])]})["sms-notifications"]

    ours = [choose_variation(experiment, f"00000000-0000-7000-8000-{number:012x}") for number in range(12)]

    assert ours == theirs


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"type": "TARGETED_DELIVERY", "exposition": 1.0}, "on"),
        ({"type": "TARGETED_DELIVERY", "exposition": 0.0}, "off"),
        ({"type": "TARGETED_DELIVERY", "exposition": 1.0, "segmentId": 9}, "off"),
        ({"type": "EXPERIMENTATION", "exposition": 0.0}, "off"),
        ({"type": "SOMETHING_NEW", "exposition": 1.0}, "off"),
    ],
)
def test_a_rule_decides_for_whom_it_is_about(rule: dict[str, Any], wanted: str) -> None:
    known = parse_configuration({"featureFlags": [flag(rules=[{**EXPERIMENT, **rule}])]})["sms-notifications"]

    assert choose_variation(known, "ada") == wanted


async def test_kameleoons_flags_have_their_types(kameleoon: Kameleoon, address: str) -> None:
    def on(key: str, *variables: dict[str, Any]) -> dict[str, Any]:
        return flag(key, defaultVariationKey="on", variations=[{"key": "on", "variables": list(variables)}])

    kameleoon.flags = [
        flag(),
        on("limit", variable(7, "NUMBER", "size"), variable(9, "NUMBER")),
        on("rate", variable(0.25, "NUMBER", "share")),
        on("greeting", variable("Hi", "STRING")),
        on("days", variable("[2, 4]", "JSON")),
    ]

    async with open_flags(settings(address, environment="staging")) as flags:
        assert flags.value(SMS_NOTIFICATIONS, subject="ada") is False
        assert (flags.value(LIMIT), flags.value(RATE), flags.value(GREETING)) == (9, 0.25, "Hi")
        assert flags.value(DAYS) == [2, 4]
    assert set(kameleoon.requests) == {"abc123?environment=staging"}


async def test_a_flag_that_is_off_in_this_environment_or_unknown_has_its_default(
    kameleoon: Kameleoon, address: str
) -> None:
    kameleoon.flags = [flag(environmentEnabled=False)]

    async with open_flags(settings(address)) as flags:
        assert flags.value(SMS_NOTIFICATIONS, subject="ada") is True
        assert flags.value(LIMIT) == 3


async def test_a_switched_flag_counts_soon_and_what_is_known_outlasts_an_outage(
    kameleoon: Kameleoon, address: str
) -> None:
    kameleoon.flags = [flag()]
    quick = settings(address)
    async with KameleoonProvider(quick) as provider:
        found = provider.find("sms-notifications", "ada")
        assert found is not None
        assert found.value is False

        kameleoon.status = 500
        with pytest.raises(ServerFault):
            await provider.refresh()
        assert provider.find("sms-notifications", "ada") == found

        kameleoon.status, kameleoon.flags = 200, [flag(defaultVariationKey="on")]
        await provider.refresh()
        changed = provider.find("sms-notifications", "ada")
        assert changed is not None
        assert changed.value is True


async def test_the_configuration_is_fetched_again_by_itself(kameleoon: Kameleoon, address: str) -> None:
    async with open_flags(settings(address)) as flags:
        assert flags.value(SMS_NOTIFICATIONS) is True
        kameleoon.flags = [flag()]
        await until(lambda: flags.value(SMS_NOTIFICATIONS) is False)


@pytest.mark.parametrize("broken", [{"featureKey": "x"}, {"featureKey": "x", "environmentEnabled": True}, 7])
async def test_what_is_no_configuration_changes_nothing(kameleoon: Kameleoon, address: str, broken: Any) -> None:
    kameleoon.flags = [broken]

    async with open_flags(settings(address)) as flags:
        assert flags.value(SMS_NOTIFICATIONS) is True


async def test_a_program_starts_without_kameleoon() -> None:
    async with open_flags(settings("http://127.0.0.1:1")) as flags:
        assert isinstance(flags, Flags)
        assert flags.value(SMS_NOTIFICATIONS) is True


async def until(holds: Any) -> None:
    async with asyncio.timeout(5):
        # A refresh tells nobody that it was made.
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
