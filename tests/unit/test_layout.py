"""Ports and folders of the local platform follow the environment, and wrong values are named."""

from pathlib import Path

import pytest

from local.layout import AGENTS, DEFAULT_PORTS, LayoutError, read_layout, service_account


def test_empty_environment_gives_the_documented_ports_and_a_folder_in_the_checkout() -> None:
    layout = read_layout({})
    assert layout.ports == DEFAULT_PORTS
    assert layout.home == layout.root / ".caregraph"
    assert (layout.root / "pyproject.toml").exists()
    assert layout.url("api") == "http://127.0.0.1:8080"


def test_every_agent_has_a_port_of_its_own() -> None:
    layout = read_layout({})
    assert len({layout.agent_url(agent) for agent in AGENTS}) == len(AGENTS)
    assert layout.agent_url("zendesk") != layout.url("zendesk")


def test_port_base_moves_every_port_to_a_number_of_its_own() -> None:
    layout = read_layout({"CAREGRAPH_PORT_BASE": "9000"})
    assert sorted(layout.ports.values()) == list(range(9000, 9000 + len(DEFAULT_PORTS)))


def test_named_port_wins_over_the_base() -> None:
    layout = read_layout({"CAREGRAPH_PORT_BASE": "9000", "CAREGRAPH_PORT_API": "7777"})
    assert layout.ports["api"] == 7777
    assert layout.ports["postgres"] == 9001


def test_home_moves_everything_that_is_written(tmp_path: Path) -> None:
    layout = read_layout({"CAREGRAPH_HOME": str(tmp_path)})
    assert all(path.is_relative_to(tmp_path) for path in (layout.postgres, layout.keys, *layout.state_folders))


def test_all_wrong_ports_are_named_in_one_message() -> None:
    with pytest.raises(LayoutError, match=r"CAREGRAPH_PORT_API .*'eighty'.*CAREGRAPH_PORT_RELAY .*'70000'"):
        read_layout({"CAREGRAPH_PORT_API": "eighty", "CAREGRAPH_PORT_RELAY": "70000"})


def test_one_port_for_two_parts_is_refused() -> None:
    with pytest.raises(LayoutError, match="port 8432 is given to api and postgres"):
        read_layout({"CAREGRAPH_PORT_API": "8432"})


def test_port_base_without_room_above_it_is_refused() -> None:
    with pytest.raises(LayoutError, match="CAREGRAPH_PORT_BASE=65530 leaves no room"):
        read_layout({"CAREGRAPH_PORT_BASE": "65530"})


def test_service_account_spells_names_the_way_google_allows() -> None:
    assert service_account("event_routing") == "event-routing-agent@caregraph-local.iam.gserviceaccount.com"
