"""The image's recipe names every program, and what it copies is there."""

import json
import re
from pathlib import Path

from agents.registry import AGENTS
from local.layout import AGENTS as LOCAL_AGENTS

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "Dockerfile").read_text()


def commands() -> dict[str, list[str]]:
    """What each target of the recipe starts."""
    found = re.findall(r"^FROM caregraph AS (\S+)\nCMD (\[.*\])$", RECIPE, re.MULTILINE)
    return {target: json.loads(command) for target, command in found}


def test_every_agent_has_an_entry_point_of_its_own() -> None:
    expected = {f"agent-{name.replace('_', '-')}": ["agent", name] for name in AGENTS}
    assert {target: command for target, command in commands().items() if command[0] == "agent"} == expected


def test_every_agent_is_part_of_the_local_platform() -> None:
    assert set(LOCAL_AGENTS) == set(AGENTS)


def test_everything_of_ours_is_compiled_before_a_container_starts() -> None:
    copied = [source for source in re.findall(r"^COPY (\S+) \S+$", RECIPE, re.MULTILINE) if (ROOT / source).is_dir()]
    (compiled,) = re.findall(r"-m compileall -q --invalidation-mode unchecked-hash \\\s+(.*)$", RECIPE, re.MULTILINE)
    assert sorted(compiled.split()) == sorted(copied)


def test_everything_that_is_copied_is_there() -> None:
    for sources in re.findall(r"^COPY (.+) \S+$", RECIPE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
