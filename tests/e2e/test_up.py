"""`caregraph up` brings everything to life, what it prints works as printed, and nothing outlives it."""

import os
import re
import shutil
import signal
import subprocess

import httpx
import psutil
import pytest

from local.layout import AGENTS
from tests.e2e.platform import CAREGRAPH, RunningPlatform, new_home

STEPS = {"migrate", "seed", "provision", "graphiql"}
PROGRAMS = {
    *("postgres", "pubsub", "identity", "chargebee", "iterable", "zendesk", "pharmacy", "api", "relay"),
    *("tasks", "scheduler", "cron"),
    *(f"agent-{agent}" for agent in AGENTS),
}


def test_status_tells_name_address_state_and_process_of_every_part(platform: RunningPlatform) -> None:
    status = platform.status()
    assert status["running"] is True
    parts = {part["name"]: part for part in status["parts"]}
    assert parts.keys() == STEPS | PROGRAMS
    assert parts == platform.parts()
    assert {name for name, part in parts.items() if part["state"] == "done"} == STEPS
    for name in PROGRAMS:
        assert parts[name]["state"] == "ready"
        assert psutil.pid_exists(parts[name]["pid"])
        assert str(platform.layout.ports[name.replace("-", "_")]) in parts[name]["url"]


def test_every_program_that_speaks_http_is_healthy_where_status_says(platform: RunningPlatform) -> None:
    for name, part in platform.parts().items():
        if part["url"].startswith("http"):
            assert httpx.get(part["url"] + "/healthz", timeout=10, trust_env=False).status_code == 200, name


def test_status_for_people_is_a_line_a_part(platform: RunningPlatform) -> None:
    lines = platform.caregraph("status").splitlines()
    assert [line.split()[0] for line in lines] == ["part", *platform.parts()]
    assert all(line == line.rstrip() for line in lines)


def test_status_for_people_hides_the_password_of_the_database(platform: RunningPlatform) -> None:
    password = platform.database_url.split(":")[2].split("@")[0]
    assert password
    assert password not in platform.caregraph("status")
    assert password not in platform.output.read_text()


@pytest.mark.skipif(shutil.which("curl") is None, reason="the things to try use curl")
def test_things_to_try_work_as_printed(platform: RunningPlatform) -> None:
    page = platform.output.read_text().partition("Three things to try")[2]
    commands = [block for block in re.split(r"\n\n", page) if block.startswith(("curl", "contract="))]
    assert len(commands) == 2

    listing, story = (_shell(command, platform) for command in commands)

    assert '"name":"Weight Management"' in listing
    assert "notification agent done" in story
    for effect in ("chargebee: update_subscription_contract", "iterable: send_email", "zendesk: upsert_user"):
        assert effect in story
    page = httpx.get(platform.layout.url("api") + "/", timeout=10, trust_env=False).text
    assert "GraphiQL" in page


@pytest.mark.parametrize("role", ["user", "provider", "cct", "admin"])
def test_token_of_each_role_opens_the_endpoint(platform: RunningPlatform, role: str) -> None:
    answer = platform.graphql("{ treatment { name } }", token=platform.token(role))
    assert answer["data"]["treatment"], answer


def test_second_start_in_the_same_place_is_refused_with_a_way_out(platform: RunningPlatform) -> None:
    second = subprocess.run(
        [CAREGRAPH, "up"], env=platform.environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert f"already running here (process {platform.supervisor.pid})" in second.stderr
    assert "caregraph down" in second.stderr


def test_start_on_taken_ports_names_who_holds_them(platform: RunningPlatform) -> None:
    with new_home() as home:
        environ = {**platform.environ, "CAREGRAPH_HOME": str(home)}
        second = subprocess.run([CAREGRAPH, "up"], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    api = platform.parts()["api"]
    assert f"port {platform.layout.ports['api']} for api is held by" in second.stderr
    assert f"(process {api['pid']})" in second.stderr
    assert "CAREGRAPH_PORT_BASE=" in second.stderr


def test_part_that_is_killed_comes_back(platform: RunningPlatform) -> None:
    before = platform.parts()["agent-zendesk"]
    os.kill(before["pid"], signal.SIGKILL)
    platform.wait_until(lambda: platform.parts()["agent-zendesk"]["restarts"] == before["restarts"] + 1)
    platform.wait_until(lambda: platform.parts()["agent-zendesk"]["state"] == "ready")
    assert platform.parts()["agent-zendesk"]["pid"] != before["pid"]


def test_nothing_survives_a_killed_supervisor_and_the_next_start_finds_the_data() -> None:
    with new_home() as home:
        first = RunningPlatform.start(home)
        everything = first.processes()
        assert len(everything) > 2 * len(PROGRAMS), "a guard and a program each"
        first.supervisor.kill()
        first.supervisor.wait()
        _, alive = psutil.wait_procs(everything, timeout=30)
        assert alive == []
        assert '"running": false' in _status_of_nothing(first)

        second = RunningPlatform.start(home)
        everything = second.processes()
        assert "there already" in second.layout.log("seed").read_text()
        assert second.stop() == 0
        _, alive = psutil.wait_procs(everything, timeout=10)
        assert alive == []


def _shell(command: str, platform: RunningPlatform) -> str:
    """What a command prints that was copied to a shell in the folder where the platform was started."""
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=platform.environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def _status_of_nothing(platform: RunningPlatform) -> str:
    done = subprocess.run(
        [CAREGRAPH, "status", "--json"], env=platform.environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    return done.stdout
