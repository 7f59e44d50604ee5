"""Programs of the local platform get the settings they need, and only those."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from local.environment import Site, environment, operator_environment
from local.keys import LocalKeys, load_keys
from local.layout import AGENTS, read_layout, service_account
from local.parts import declare_parts


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(
        layout=read_layout({"CAREGRAPH_HOME": str(tmp_path), "CAREGRAPH_PORT_BASE": "9000"}),
        keys=LocalKeys(),
        database_url="postgresql://caregraph:hidden@127.0.0.1:9001/caregraph",
        inherited={"PATH": "/bin", "HTTP_PROXY": "http://proxy:3128", "CAREGRAPH_LOG_LEVEL": "debug", "SECRET": "x"},
    )


def test_every_declared_part_has_an_environment_and_depends_on_declared_ones_only(site: Site) -> None:
    parts = declare_parts(site, None)
    names = [part.name for part in parts]
    for index, part in enumerate(parts):
        assert environment(site, part.name)["GOOGLE_CLOUD_PROJECT"] == "caregraph-local"
        assert set(part.depends_on) <= set(names[:index]), "shown in the order in which they can start"


def test_agents_never_get_the_database(site: Site) -> None:
    for agent in AGENTS:
        assert site.database_url not in environment(site, f"agent-{agent}").values()


def test_agent_calls_the_api_under_its_own_account_and_is_pushed_to_under_its_own_address(site: Site) -> None:
    for agent in AGENTS:
        settings = environment(site, f"agent-{agent}")
        assert f"/service-accounts/{service_account(agent)}/identity" in settings["CAREGRAPH_ID_TOKEN_URL"]
        assert settings["CAREGRAPH_PUSH_AUDIENCE"] == f"http://127.0.0.1:{settings['PORT']}"
        assert settings["CAREGRAPH_API_AUDIENCE"] == environment(site, "api")["CAREGRAPH_API_AUDIENCE"]


def test_key_of_an_outside_system_reaches_its_client_and_its_stand_in_alone(site: Site) -> None:
    holders = [part.name for part in declare_parts(site, None) if "ITERABLE_API_KEY" in environment(site, part.name)]
    assert set(holders) == {"iterable", "agent-notification", "agent-invoice", "agent-data_deletion"}


def test_little_of_the_callers_environment_is_passed_on(site: Site) -> None:
    settings = environment(site, "api")
    assert settings["PATH"] == "/bin"
    assert settings["CAREGRAPH_LOG_LEVEL"] == "debug"
    assert not settings.keys() & {"HTTP_PROXY", "SECRET"}


def test_every_program_exports_its_spans_as_the_caller_says(site: Site) -> None:
    otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_SAMPLER": "always_on"}
    traced = replace(site, inherited=otel)
    for part in declare_parts(site, None):
        assert otel.items() <= environment(traced, part.name).items()


def test_operators_commands_find_moved_ports_again(site: Site) -> None:
    assert read_layout(operator_environment(site)).ports == site.layout.ports
    assert (
        json.loads(operator_environment(site)["CAREGRAPH_SERVICE_ACCOUNTS"])[service_account("contract")] == "contract"
    )


def test_keys_stay_the_same_once_made_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = load_keys(path)
    assert load_keys(path) == keys
    assert path.stat().st_mode & 0o077 == 0
    assert keys.admin_secret not in repr(keys)


def test_keys_added_by_a_newer_version_leave_the_old_ones_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"admin_secret": "kept"}))
    keys = load_keys(path)
    assert keys.admin_secret == "kept"
    assert keys.iterable_api_key
    assert load_keys(path) == keys
