"""What was found, as tables and as JSON."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.cases import CAREGRAPH, HANDWRITTEN, LIMIT, POSTGRAPHILE, Case
from benchmarks.run import Series

LABELS: Final = {LIMIT: "limit", CAREGRAPH: "Caregraph", POSTGRAPHILE: "PostGraphile", HANDWRITTEN: "hand-written"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A figure with its target."""

    title: str
    value: float
    target: float
    #: For latencies, less is better.
    at_most: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool:
        """Whether the figure is as good as it should be."""
        return self.value <= self.target if self.at_most else self.value >= self.target

    def as_json(self) -> dict[str, Any]:
        """With its verdict."""
        return {"title": self.title, "value": round(self.value, 3), "target": self.target, "met": self.is_met}


@dataclass(slots=True)
class Report:
    """All results."""

    machine: Mapping[str, Any]
    cases: list[tuple[Case, Mapping[str, Series]]] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def show(self, console: Console) -> None:
        """Print the tables."""
        present = [name for name in LABELS if any(name in series for _, series in self.cases)]
        if self.cases:
            console.print(_rates(self.cases, present))
        if CAREGRAPH in present:
            console.print(_costs(self.cases, present))
        if self.ratios:
            console.print(_ratios(self.ratios))
        for line in self.skipped:
            console.print(f"[yellow]Not measured:[/] {line}")

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "machine": dict(self.machine),
            "cases": {
                case.name: {
                    "title": case.title,
                    "peers": {name: one.as_json() for name, one in series.items()},
                    "ratios": {
                        peer: Ratio(title=peer, value=value, target=target).as_json()
                        for peer, target, value in _against(case, series)
                    },
                }
                for case, series in self.cases
            },
            "ratios": [ratio.as_json() for ratio in self.ratios],
            "skipped": self.skipped,
        }


def describe_machine(*, postgres: int, connections: int, pool_size: int, peers: Mapping[str, str]) -> dict[str, Any]:
    """What the figures depend on. Reads the machine."""
    return {
        "processors": os.cpu_count(),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "postgresql": postgres,
        "connections": connections,
        "database_connections": pool_size,
        "load_average": [round(load, 2) for load in os.getloadavg()],
        "packages": {
            name: version(name) for name in ("uvicorn", "uvloop", "asyncpg", "strawberry-graphql", "SQLAlchemy")
        },
        "peers": dict(peers),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _against(case: Case, series: Mapping[str, Series]) -> list[tuple[str, float, float]]:
    """Our ratio to each peer: its name, the target, the ratio."""
    if CAREGRAPH not in series:
        return []
    return [
        (peer, target, series[CAREGRAPH].ratio(series[peer])) for peer, target in case.targets.items() if peer in series
    ]


def _rates(cases: Sequence[tuple[Case, Mapping[str, Series]]], present: Sequence[str]) -> Table:
    table = Table(title="Requests a second, and Caregraph's divided by the others' (targets in brackets)")
    table.add_column("case")
    for name in present:
        table.add_column(LABELS[name], justify="right")
    others = [name for name in present if name != CAREGRAPH] if CAREGRAPH in present else []
    for name in others:
        table.add_column(f"by {LABELS[name]}", justify="right")
    for case, series in cases:
        ratios = {
            peer: _mark(f"{value:.2f}", target, value >= target) for peer, target, value in _against(case, series)
        }
        table.add_row(
            case.title,
            *(f"{series[name].median('rate'):,.0f}" if name in series else "" for name in present),
            *(ratios.get(name, "") for name in others),
        )
    return table


def _costs(cases: Sequence[tuple[Case, Mapping[str, Series]]], present: Sequence[str]) -> Table:
    table = Table(title="Processor time a request in µs: server / PostgreSQL; bytes of Caregraph's answer")
    table.add_column("case")
    for name in present:
        table.add_column(LABELS[name], justify="right")
    table.add_column("bytes", justify="right")
    for case, series in cases:
        table.add_row(
            case.title,
            *(
                f"{series[name].median('server_us'):,.0f} / {series[name].median('postgres_us'):,.0f}"
                if name in series
                else ""
                for name in present
            ),
            f"{series[CAREGRAPH].median('response_bytes'):,.0f}" if CAREGRAPH in series else "",
        )
    return table


def _ratios(ratios: Sequence[Ratio]) -> Table:
    table = Table(title="Other ratios")
    table.add_column("what")
    table.add_column("ratio", justify="right")
    table.add_column("note")
    for ratio in ratios:
        word = "at most " if ratio.at_most else ""
        table.add_row(ratio.title, _mark(f"{ratio.value:.2f}", f"{word}{ratio.target}", ratio.is_met), ratio.note)
    return table


def _mark(value: str, target: float | str, is_met: bool) -> str:
    colour, sign = ("green", "✓") if is_met else ("red", "✗")
    return f"[{colour}]{value} {sign}[/] ({target})"
