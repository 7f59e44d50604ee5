"""The life of one local platform: check, start, run until told to stop, stop."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from local.display import Display
from local.environment import Site, operator_environment
from local.keys import load_keys
from local.layout import HOST, Layout
from local.parts import declare_parts
from local.postgres import Cluster, PostgresError, prepare_cluster
from local.supervisor.lock import AlreadyRunningError, find_holder, hold_lock
from local.supervisor.part import Part, State
from local.supervisor.ports import find_taken_ports
from local.supervisor.process import ProcessError
from local.supervisor.state import PartStatus, PlatformStatus, read_status
from local.supervisor.supervisor import PartFailedError, Supervisor

#: The grace of the slowest part, PostgreSQL, is longer, but it seldom needs a second.
_LEFT_OVERS_GONE_WITHIN = timedelta(seconds=10)
#: A fresh database with demo data and logs take 80 MB; PostgreSQL needs as much again to work in.
_FREE_BYTES_NEEDED = 200_000_000


class PlatformError(Exception):
    """The platform can't start or run on; the message is for the person who started it and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform on its way up, or up."""

    layout: Layout
    environ: Mapping[str, str]
    display: Display
    #: Called once everything is ready.
    on_ready: Callable[[Site], None]
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def run(self) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP; PlatformError when it can't. Nothing runs any more on return."""
        try:
            with hold_lock(lock_path(self.layout)):
                async with _stop_signals() as stop:
                    await self._run_until(stop)
        except AlreadyRunningError as error:
            raise PlatformError(_already_running(self.layout, error.pid)) from None
        except (PartFailedError, PostgresError, ProcessError) as error:
            raise PlatformError(str(error)) from error
        except PermissionError as error:
            raise PlatformError(
                f"Caregraph may not write to {error.filename}: it probably belongs to another user. Give the folder to "
                "this user, or name another one for the data: CAREGRAPH_HOME=/some/folder caregraph up"
            ) from error
        except OSError as error:
            raise PlatformError(
                f"Caregraph can't keep its data in {self.layout.home}: {error.strerror or error} ({error.filename}). "
                "Name another folder: CAREGRAPH_HOME=/some/folder caregraph up"
            ) from error

    async def _run_until(self, stop: asyncio.Event) -> None:
        external = self.environ.get("DATABASE_URL", "")
        await self._refuse_taken_ports(postgres_too=not external)
        for folder in self.layout.state_folders:
            folder.mkdir(parents=True, exist_ok=True)
        self._refuse_full_disk()
        _put_logs_aside(self.layout.logs)
        cluster = None if external else await self._prepare_database()
        site = Site(
            layout=self.layout,
            keys=load_keys(self.layout.keys),
            database_url=external or (cluster.url if cluster else ""),
            inherited=self.environ,
        )
        _write_private(environment_path(self.layout), json.dumps(operator_environment(site), indent=1))
        parts = declare_parts(site, cluster)
        purposes = {part.name: part.purpose for part in parts}
        supervisor = Supervisor(parts, on_change=lambda status: self._changed(supervisor, status, purposes))
        try:
            await self._start(supervisor, parts, stop)
            if not stop.is_set():
                self.on_ready(site)
            await stop.wait()
        finally:
            await supervisor.stop()
            self.display.close()

    async def _start(self, supervisor: Supervisor, parts: tuple[Part, ...], stop: asyncio.Event) -> None:
        """Start everything, or as much as there is time for before the order to stop."""
        for status, part in zip(supervisor.statuses, parts, strict=True):
            self.display.show(status, part.purpose)
        starting = asyncio.create_task(supervisor.start())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
        finally:
            for task in (starting, stopping):
                task.cancel()
            self.display.close()

    async def _prepare_database(self) -> Cluster:
        preparing = PartStatus(name="postgres", url="", state=State.STARTING, pid=None, detail="preparing its data")
        self.display.show(preparing, "")
        return await asyncio.to_thread(
            prepare_cluster,
            self.layout.postgres,
            port=self.layout.ports["postgres"],
            log=self.layout.log("postgres"),
        )

    def _changed(self, supervisor: Supervisor, status: PartStatus, purposes: Mapping[str, str]) -> None:
        self.display.show(status, purposes[status.name])
        whole = PlatformStatus(pid=os.getpid(), started_at=self.started_at, parts=supervisor.statuses)
        # On a full disk `caregraph status` shows an older state; that must neither end a part nor hinder its stop.
        with contextlib.suppress(OSError):
            whole.write(state_path(self.layout))

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self.layout.home).free
        if free < _FREE_BYTES_NEEDED:
            raise PlatformError(
                f"Only {free // 1_000_000} MB are free for {self.layout.home}; Caregraph needs "
                f"{_FREE_BYTES_NEEDED // 1_000_000}. Free some, or name a folder on another disk: "
                "CAREGRAPH_HOME=/some/folder caregraph up"
            )

    async def _refuse_taken_ports(self, *, postgres_too: bool) -> None:
        wanted = {name: port for name, port in self.layout.ports.items() if postgres_too or name != "postgres"}
        taken = find_taken_ports(wanted, host=HOST)
        if taken and self._earlier_run_was_killed():
            # Its guards are just ending its programs.
            deadline = time.monotonic() + _LEFT_OVERS_GONE_WITHIN.total_seconds()
            while taken and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
                taken = find_taken_ports(wanted, host=HOST)
        if not taken:
            return
        first = taken[0]
        lines = [f"- {one}" for one in taken]
        raise PlatformError(
            "Caregraph can't start, because not all of its ports are free:\n"
            + "\n".join(lines)
            + f"\nStop what holds them, or move one with CAREGRAPH_PORT_{first.name.upper()}={first.port + 1000} "
            "before the command, or all of them with CAREGRAPH_PORT_BASE=18000."
        )

    def _earlier_run_was_killed(self) -> bool:
        """Whether the last platform here didn't come to record that its programs have stopped."""
        earlier = read_status(state_path(self.layout))
        return earlier is not None and any(part.pid for part in earlier.parts)


def lock_path(layout: Layout) -> Path:
    """Locked while a platform runs."""
    return layout.run / "lock"


def state_path(layout: Layout) -> Path:
    """Where the platform writes its status."""
    return layout.run / "state.json"


def environment_path(layout: Layout) -> Path:
    """Where the platform writes what operators' commands need to reach it."""
    return layout.run / "environment.json"


def running_platform(layout: Layout) -> int | None:
    """Process id of the platform that runs on this layout's folder; None when none does."""
    return find_holder(lock_path(layout))


@contextlib.asynccontextmanager
async def _stop_signals() -> AsyncIterator[asyncio.Event]:
    """An event that is set by the signals that end a program politely."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _already_running(layout: Layout, pid: int | None) -> str:
    who = f" (process {pid})" if pid else ""
    return (
        f"Caregraph is already running here{who}, with its state in {layout.home}. `caregraph status` shows it and "
        "`caregraph down` stops it. A second one next to it needs a folder and ports of its own: "
        "CAREGRAPH_HOME=/some/folder CAREGRAPH_PORT_BASE=18000 caregraph up"
    )


def _put_logs_aside(logs: Path) -> None:
    """Start empty logs; those of the last run are kept beside them."""
    for log in logs.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
