"""`CAREGRAPH_LIMITS`: what is given is laid over the defaults, and lifts nothing that it doesn't name."""

import json
from typing import Any

import pytest

from resolvers.limits import UNLIMITED, OperationLimits
from server.limits import RoleLimits, operation_limits
from server.settings import SettingsError, read_server_settings

LIFTED = {"depth": None, "root_fields": None, "aliases": None, "estimated_rows": None}


def limits(monkeypatch: pytest.MonkeyPatch, given: dict[str, dict[str, Any]] | None) -> dict[str, RoleLimits]:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1/none")
    if given is None:
        monkeypatch.delenv("CAREGRAPH_LIMITS", raising=False)
    else:
        monkeypatch.setenv("CAREGRAPH_LIMITS", json.dumps(given))
    return read_server_settings().limits


def test_a_limit_of_one_role_leaves_every_other_role_its_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    found = operation_limits(limits(monkeypatch, {"user": {"depth": 3}}))
    assert found["*"] == OperationLimits()
    assert found["admin"] == found["service"] == UNLIMITED
    assert found["user"] == OperationLimits(depth=3)


def test_an_empty_object_lifts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits(monkeypatch, {}) == limits(monkeypatch, None)


def test_a_role_without_defaults_builds_on_what_is_given_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = limits(monkeypatch, {"*": {"rate": "600/minute", "depth": 9}, "user": {"depth": None}, "cct": {}})
    assert (found["user"].rate, found["user"].depth, found["user"].aliases) == ("600/minute", None, 500)
    assert found["cct"] == found["*"]


def test_admin_and_service_build_on_their_own_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    found = limits(monkeypatch, {"*": {"depth": 4, "allow_list": True}, "admin": {"rate": "9/second"}})
    assert (found["admin"].rate, found["admin"].depth, found["admin"].allow_list) == ("9/second", None, False)
    assert operation_limits(found)["service"] == UNLIMITED


def test_nulls_for_the_others_lift_every_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    found = operation_limits(limits(monkeypatch, {"*": LIFTED}))
    assert set(found.values()) == {UNLIMITED}


def test_a_storage_of_rates_that_nobody_knows_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREGRAPH_RATE_LIMIT_STORAGE", "memcached://host")
    with pytest.raises(SettingsError) as caught:
        limits(monkeypatch, None)
    assert "it must begin with async+memory://, async+redis:// or async+rediss://" in str(caught.value)
