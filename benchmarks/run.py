"""Rounds: the peers take turns at a case, so that what else the machine does meets all of them alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.cases import Case
from benchmarks.database import Database
from benchmarks.generator import Generator, LoadError
from benchmarks.peers import PeerError, RunningPeer

#: Is called with a line for everything that begins.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long is measured."""

    rounds: int
    warm_up_s: float
    window_s: float
    #: Before the first round, once a peer and case: compilers warm up, statements are prepared.
    first_warm_up_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One window."""

    rate: float
    median_ms: float
    p99_ms: float
    #: Processor time a request, of the server's processes and of PostgreSQL's, in microseconds.
    server_us: float
    postgres_us: float
    response_bytes: float


@dataclass(slots=True)
class Series:
    """The windows of one contestant at one case, a round each."""

    samples: list[Sample] = field(default_factory=list)

    def median(self, name: str) -> float:
        """The median of one of a sample's figures."""
        found: float = statistics.median(getattr(sample, name) for sample in self.samples)
        return found

    def ratio(self, other: "Series", name: str = "rate") -> float:
        """How many times `other`: the median of the rounds' ratios, since what disturbs a round disturbs both."""
        found: float = statistics.median(
            getattr(mine, name) / getattr(theirs, name)
            for mine, theirs in zip(self.samples, other.samples, strict=True)
        )
        return found

    def as_json(self) -> dict[str, Any]:
        """Medians and the rates of all rounds."""
        names = ("rate", "median_ms", "p99_ms", "server_us", "postgres_us", "response_bytes")
        return {
            **{name: round(self.median(name), 4) for name in names},
            "rates": [round(sample.rate, 2) for sample in self.samples],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A peer with the requests that it is sent."""

    name: str
    peer: RunningPeer
    requests: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What measuring needs."""

    database: Database
    generator: Generator
    pace: Pace
    progress: Progress

    def contestants(self, case: Case, peers: Mapping[str, RunningPeer]) -> list[Contestant]:
        """Every peer with the case's requests."""
        calls = case.calls(self.database.material)
        return [
            Contestant(
                name=name,
                peer=peer,
                # A request names its server's port.
                requests=self.generator.write_requests(f"{case.name}-{name}-{peer.port}", peer.requests(case, calls)),
            )
            for name, peer in peers.items()
        ]

    def compete(self, case: Case, contestants: Sequence[Contestant], *, connections: int) -> dict[str, Series]:
        """All rounds. Raises PeerError."""
        found = {one.name: Series() for one in contestants}
        for one in contestants:
            self.progress(f"{case.title}: warming {one.name} up")
            self._window(case, one, connections=connections, warm_up_s=0.0, window_s=self.pace.first_warm_up_s)
        for number in range(self.pace.rounds):
            # Each round begins with another, so that nobody is always the one after the slowest.
            first = number % len(contestants)
            for one in (*contestants[first:], *contestants[:first]):
                self.progress(f"{case.title}: round {number + 1} of {self.pace.rounds}, {one.name}")
                sample = self._window(
                    case, one, connections=connections, warm_up_s=self.pace.warm_up_s, window_s=self.pace.window_s
                )
                found[one.name].samples.append(sample)
        return found

    def _window(self, case: Case, one: Contestant, *, connections: int, warm_up_s: float, window_s: float) -> Sample:
        before = _processor_s(one.peer.pid), _processor_s(self.database.pid)
        try:
            counted = self.generator.measure(
                one.requests, port=one.peer.port, connections=connections, warm_up_s=warm_up_s, window_s=window_s
            )
        except LoadError as error:
            raise PeerError(f"{case.name}, {one.name}: {error}; {one.peer.last_words()}") from error
        after = _processor_s(one.peer.pid), _processor_s(self.database.pid)
        if case.changes is not None:
            self.database.tidy(case.changes)
        one.peer.forget_log()
        return Sample(
            rate=counted.rate,
            median_ms=counted.median_ms,
            p99_ms=counted.p99_ms,
            server_us=(after[0] - before[0]) / counted.all_requests * 1e6,
            postgres_us=(after[1] - before[1]) / counted.all_requests * 1e6,
            response_bytes=counted.response_bytes,
        )


def _processor_s(pid: int) -> float:
    """Processor time so far of a process and its descendants."""
    process = psutil.Process(pid)
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
