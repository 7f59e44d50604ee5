"""The supervisor starts parts in order, revives what crashes, and leaves nothing behind; shown with small programs."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from local.supervisor.lock import AlreadyRunningError, find_holder, hold_lock
from local.supervisor.part import Part, State
from local.supervisor.ports import find_taken_ports
from local.supervisor.process import Command, GuardedProcess, ProcessError
from local.supervisor.readiness import TcpReady
from local.supervisor.state import PartStatus
from local.supervisor.supervisor import PartFailedError, Supervisor

SERVE = """
    import signal, socket, sys
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        server.accept()[0].close()
"""
IGNORE_TERM_WITH_CHILD = """
    import signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(child.pid, flush=True)
    time.sleep(600)
"""
WITHIN_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., Command]:
    """Make a command that runs a few lines of Python."""

    def make(source: str, *arguments: object, grace: float = 5.0) -> Command:
        return Command(
            argv=(sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)),
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"},
            cwd=tmp_path,
            log=tmp_path / "part.log",
            grace=timedelta(seconds=grace),
        )

    return make


@pytest.fixture
def program(python: Callable[..., Command]) -> Callable[..., Part]:
    """Make a part that serves a port of its own."""

    def make(name: str, *, depends_on: tuple[str, ...] = ()) -> Part:
        port = free_port()
        return Part(
            name=name, command=python(SERVE, port), readiness=TcpReady("127.0.0.1", port), depends_on=depends_on
        )

    return make


class Watched:
    """A supervisor, and every change it reported."""

    def __init__(self, *parts: Part) -> None:
        self.changes: list[PartStatus] = []
        self._news = asyncio.Event()
        self.supervisor = Supervisor(parts, on_change=self._note)

    def _note(self, status: PartStatus) -> None:
        self.changes.append(status)
        self._news.set()

    async def until(self, holds: Callable[[dict[str, PartStatus]], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not holds({status.name: status for status in self.supervisor.statuses}):
                self._news.clear()
                await self._news.wait()

    def states_of(self, name: str) -> list[State]:
        states = [change.state for change in self.changes if change.name == name]
        return [state for index, state in enumerate(states) if index == 0 or state != states[index - 1]]


@asynccontextmanager
async def watched(*parts: Part) -> AsyncIterator[Watched]:
    watched = Watched(*parts)
    try:
        yield watched
    finally:
        await watched.supervisor.stop()


async def test_parts_start_after_what_they_depend_on_and_stop_before_it(
    program: Callable[..., Part], python: Callable[..., Command]
) -> None:
    step = Part(name="step", command=python("pass"), depends_on=("first",))
    async with watched(program("last", depends_on=("step",)), step, program("first")) as platform:
        await platform.supervisor.start()
        reached = [change.name for change in platform.changes if change.state.settled]
        assert reached == ["first", "step", "last"]
        pids = [status.pid for status in platform.supervisor.statuses if status.pid]
    stopped = [change.name for change in platform.changes if change.state is State.STOPPED]
    assert stopped == ["last", "first"]
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_killed_program_is_started_again(program: Callable[..., Part]) -> None:
    async with watched(program("server")) as platform:
        await platform.supervisor.start()
        first = platform.supervisor.statuses[0]
        assert first.pid is not None
        os.kill(first.pid, signal.SIGKILL)
        await platform.until(lambda parts: parts["server"].restarts == 1 and parts["server"].state is State.READY)
        second = platform.supervisor.statuses[0]
        assert second.pid != first.pid
        assert platform.states_of("server")[2:5] == [State.RESTARTING, State.STARTING, State.READY]
        assert any("signal 9" in change.detail for change in platform.changes)


async def test_program_that_was_ready_is_started_again_however_long_the_machine_refuses_to(
    program: Callable[..., Part], tmp_path: Path
) -> None:
    interpreter = tmp_path / "interpreter"
    interpreter.symlink_to(sys.executable)
    part = program("server")
    part = replace(part, command=replace(part.command, argv=(str(interpreter), *part.command.argv[1:])))
    async with watched(part) as platform:
        await platform.supervisor.start()
        pid = platform.supervisor.statuses[0].pid
        assert pid is not None
        interpreter.unlink()
        os.kill(pid, signal.SIGKILL)
        await platform.until(lambda parts: "cannot start" in parts["server"].detail)
        interpreter.symlink_to(sys.executable)
        await platform.until(lambda parts: parts["server"].state is State.READY)


async def test_failed_step_ends_the_start_with_the_end_of_its_log(
    program: Callable[..., Part], python: Callable[..., Command]
) -> None:
    step = Part(name="migrate", command=python("raise SystemExit('no such table: treatment')"))
    async with watched(step, program("api", depends_on=("migrate",))) as platform:
        with pytest.raises(PartFailedError, match=r"migrate did not start: ended with status 1.*(?s:.*)no such table"):
            await platform.supervisor.start()
        assert platform.states_of("api") == []


async def test_failed_step_that_is_not_required_holds_nothing_up(
    program: Callable[..., Part], python: Callable[..., Command]
) -> None:
    step = Part(name="page", command=python("raise SystemExit('no registry')"), required=False)
    async with watched(step, program("api", depends_on=("page",))) as platform:
        await platform.supervisor.start()
        page, api = platform.supervisor.statuses
        assert (page.state, api.state) == (State.FAILED, State.READY)
        assert "ended with status 1; the rest works without it" in page.detail


async def test_program_that_is_never_ready_is_given_up_after_three_attempts(
    python: Callable[..., Command],
) -> None:
    part = Part(name="broken", command=python("raise SystemExit(3)"), readiness=TcpReady("127.0.0.1", free_port()))
    async with watched(part) as platform:
        with pytest.raises(PartFailedError, match="broken did not start: ended with status 3"):
            await platform.supervisor.start()
        assert platform.states_of("broken").count(State.STARTING) == 3


async def test_slow_step_is_ended_when_its_time_is_over(python: Callable[..., Command]) -> None:
    command = python("import time; time.sleep(600)")
    async with watched(Part(name="slow", command=command, start_timeout=timedelta(seconds=0.3))) as platform:
        with pytest.raises(PartFailedError, match=r"not done after 0\.3 s"):
            await platform.supervisor.start()


async def test_program_that_cannot_be_executed_is_named(tmp_path: Path, python: Callable[..., Command]) -> None:
    command = replace(python(""), argv=(str(tmp_path / "missing"),))
    async with watched(Part(name="absent", command=command)) as platform:
        with pytest.raises(PartFailedError, match=r"absent did not start: cannot start .*missing"):
            await platform.supervisor.start()


async def test_stop_during_the_start_leaves_nothing_running(program: Callable[..., Part]) -> None:
    async with watched(*(program(f"server-{number}") for number in range(3))) as platform:
        starting = asyncio.create_task(platform.supervisor.start())
        await platform.until(lambda parts: any(part.pid for part in parts.values()))
        starting.cancel()
    assert all(part.pid is None for part in platform.supervisor.statuses)
    assert not _descendants_running(SERVE)


def test_stubborn_program_and_its_children_are_killed_when_the_grace_is_over(python: Callable[..., Command]) -> None:
    process = GuardedProcess.start(python(IGNORE_TERM_WITH_CHILD, grace=0.2))
    child = psutil.Process(_first_number(process.command.log))
    assert process.stop() == 128 + signal.SIGKILL
    _, alive = psutil.wait_procs([child], timeout=WITHIN_S)
    assert alive == []


def test_killing_the_supervisor_ends_its_programs_and_their_children(python: Callable[..., Command]) -> None:
    command = python(IGNORE_TERM_WITH_CHILD, grace=0.2)
    starter = textwrap.dedent(f"""
        import pathlib, time
        from datetime import timedelta
        from local.supervisor.process import Command, GuardedProcess
        process = GuardedProcess.start(Command(
            argv={command.argv!r}, env={dict(command.env)!r}, cwd=pathlib.Path({str(command.cwd)!r}),
            log=pathlib.Path({str(command.log)!r}), grace=timedelta(seconds=0.2)))
        print(process.pid, flush=True)
        time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        family = [psutil.Process(int(supervisor.stdout.readline())), psutil.Process(_first_number(command.log))]
        supervisor.kill()
    _, alive = psutil.wait_procs(family, timeout=WITHIN_S)
    assert alive == []


def test_unknown_program_is_an_error_of_the_start(tmp_path: Path, python: Callable[..., Command]) -> None:
    with pytest.raises(ProcessError, match="cannot start"):
        GuardedProcess.start(replace(python(""), argv=(str(tmp_path / "missing"),)))


def test_lock_names_its_holder_and_is_free_again_after_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold_lock(path):
        assert find_holder(path) == os.getpid()
        with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}"), hold_lock(path):
            pass
    assert find_holder(path) is None


def test_taken_port_names_who_holds_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        (taken,) = find_taken_ports({"api": port, "relay": free_port()}, host="127.0.0.1")
    assert str(taken).startswith(f"port {port} for api is held by ")
    assert f"(process {os.getpid()})" in str(taken)


def _first_number(log: Path) -> int:
    """The number a program printed first; the log grows while this reads it, so it is asked for again."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        if log.exists() and (text := log.read_text()).endswith("\n"):
            return int(text.split()[0])
        time.sleep(0.02)
    raise AssertionError(f"nothing in {log}")


def _descendants_running(source: str) -> list[psutil.Process]:
    mine = psutil.Process().children(recursive=True)
    return [process for process in mine if textwrap.dedent(source) in process.cmdline()]
