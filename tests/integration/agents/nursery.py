"""Agents as processes of their own that start in no time: everything is imported once, and each is a fork of that.

`python -m tests.integration.agents.nursery AGENT` reads a line of JSON for each process, its port and its environment,
and answers with its pid. A child does what `caregraph agent` does. They all end with standard input.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.cli import agent as run_agent
from agents.registry import AGENTS


@dataclass(frozen=True, kw_only=True)
class Nursery:
    """A running one."""

    process: subprocess.Popen[str]

    async def start(self, *, port: int, environment: Mapping[str, str]) -> int:
        """A new process of the agent; its pid."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"port": port, "environment": dict(environment)}) + "\n")
        stdin.flush()
        return int(await asyncio.to_thread(stdout.readline))


@contextmanager
def nursery(agent: str, folder: Path) -> Iterator[Nursery]:
    """One for an agent; what its processes print goes to the file `log`."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.agents.nursery", agent],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield Nursery(process=process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        process.wait(timeout=20)
        process.stdout.close()


def main(name: str) -> None:
    """Fork for each line."""
    AGENTS[name].load()
    # Nobody waits for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children: list[int] = []
    for line in sys.stdin:
        wanted = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be(name, wanted["port"], wanted["environment"])
        children.append(pid)
        print(pid, flush=True)  # noqa: T201 -- the answer
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _be(name: str, port: int, environment: Mapping[str, str]) -> None:
    """Be the agent's process, and end with it."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # Its pipes are the nursery's; what it prints goes to the log.
        os.dup2(2, 1)
        os.close(0)
        os.environ.clear()
        os.environ.update(environment)
        run_agent(name, port=port, host="127.0.0.1")
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1])
