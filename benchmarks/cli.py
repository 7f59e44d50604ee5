"""The command: `python -m benchmarks`."""

import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import orjson
import typer
from rich.console import Console

from benchmarks.answers import Disagreement, compare_answers
from benchmarks.cases import CAREGRAPH, CASES, HANDWRITTEN, LIMIT, POSTGRAPHILE, Case
from benchmarks.database import Database, filled_database
from benchmarks.generator import load_generator
from benchmarks.node import NodeUnavailable, install_postgraphile
from benchmarks.others import measure_latency, measure_processes, measure_roles, measure_shared_reads
from benchmarks.peers import (
    POOL_SIZE,
    Peer,
    PeerError,
    RunningPeer,
    caregraph,
    handwritten,
    limit,
    postgraphile,
    running,
)
from benchmarks.report import Report, describe_machine
from benchmarks.run import Bench, Pace
from local.postgres import PostgresError

app = typer.Typer(add_completion=False)

_CONNECTIONS: Final = 32
_FULL: Final = Pace(rounds=7, warm_up_s=0.3, window_s=1.2, first_warm_up_s=2.5)
_QUICK: Final = Pace(rounds=3, warm_up_s=0.3, window_s=0.8, first_warm_up_s=0.8)


class Optional(StrEnum):
    """Peers that can be left out."""

    POSTGRAPHILE = POSTGRAPHILE
    HANDWRITTEN = HANDWRITTEN


@app.command()
def bench(
    quick: Annotated[
        bool, typer.Option(help="A minute: four cases against the limit and the hand-written peer.")
    ] = False,
    without: Annotated[list[Optional], typer.Option(help="Leave a peer out.", show_default=False)] = [],  # noqa: B006
    case: Annotated[list[str], typer.Option(help="Only this case (its folder's name).", show_default=False)] = [],  # noqa: B006
    rounds: Annotated[int | None, typer.Option(min=1, max=100, help="Windows of each peer at each case.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, max=60, help="Length of a window.")] = None,
    others: Annotated[bool, typer.Option(help="Measure roles, processes and latency, too.")] = True,
    processes: Annotated[bool, typer.Option("--processes", help="Only measure two processes beside one.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write everything to this file, too.", dir_okay=False)] = None,
) -> None:
    """Measure the endpoint against its peers, on rows made for it: ten minutes, or one with --quick.

    Needs nothing but the environment; PostGraphile's packages are fetched by npm once.
    """
    pace = _QUICK if quick else _FULL
    pace = replace(pace, rounds=rounds or pace.rounds, window_s=seconds or pace.window_s)
    cases = _chosen(case, quick=quick)
    if quick:
        without = [*without, Optional.POSTGRAPHILE]
    # Tables are not to be folded where nobody looks at a terminal.
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        if processes:
            report = _measure_processes(console, pace)
        else:
            report = _measure(console, pace, cases, without=set(without), others=others and not quick and not case)
    except (PostgresError, PeerError, Disagreement) as error:
        console.print(f"[red]Error:[/] {error}", markup=True, highlight=False)
        raise typer.Exit(1) from None
    report.show(console)
    if json is not None:
        json.write_bytes(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2))


def _chosen(names: list[str], *, quick: bool) -> list[Case]:
    unknown = set(names) - {case.name for case in CASES}
    if unknown:
        known = ", ".join(case.name for case in CASES)
        raise typer.BadParameter(f"there is no case {', '.join(sorted(unknown))}; there are: {known}")
    return [case for case in CASES if case.name in names or (not names and (case.quick or not quick))]


def _measure(console: Console, pace: Pace, cases: list[Case], *, without: set[Optional], others: bool) -> Report:
    with ExitStack() as stack:
        status = stack.enter_context(console.status("starting PostgreSQL and making the rows"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caregraph-bench-")))
        database = stack.enter_context(filled_database())
        skipped: list[str] = []
        status.update("starting the peers")
        peers = _peers(database, folder, without, skipped)
        versions = {peer.name: peer.version for peer in peers if peer.version}
        servers = stack.enter_context(running(peers, folder))
        generator = stack.enter_context(load_generator())
        report = Report(
            machine=describe_machine(
                postgres=database.version, connections=_CONNECTIONS, pool_size=POOL_SIZE, peers=versions
            ),
            skipped=skipped,
        )
        status.update("comparing answers")
        compare_answers(cases, servers, database)
        measuring = Bench(database=database, generator=generator, pace=pace, progress=status.update)
        for case in cases:
            series = measuring.compete(case, measuring.contestants(case, servers), connections=_CONNECTIONS)
            report.cases.append((case, series))
        if others:
            try:
                _measure_others(report, measuring, servers, folder)
            except BaseException:
                # What took ten minutes to find is told whatever comes after it.
                report.show(console)
                raise
        return report


def _measure_others(report: Report, measuring: Bench, servers: Mapping[str, RunningPeer], folder: Path) -> None:
    database, ours = measuring.database, servers[CAREGRAPH]
    report.ratios += measure_roles(measuring, ours, connections=_CONNECTIONS)
    report.ratios += measure_latency(measuring, servers)
    with running([caregraph(database, shares_reads=True)], folder) as shared:
        report.ratios += measure_shared_reads(measuring, servers, shared[CAREGRAPH], connections=_CONNECTIONS)
    with running([caregraph(database, workers=2)], folder) as two:
        report.ratios += measure_processes(measuring, ours, two[CAREGRAPH], connections=_CONNECTIONS)


def _measure_processes(console: Console, pace: Pace) -> Report:
    with ExitStack() as stack:
        status = stack.enter_context(console.status("starting PostgreSQL and making the rows"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caregraph-bench-")))
        database = stack.enter_context(filled_database())
        one = stack.enter_context(running([caregraph(database)], folder))
        two = stack.enter_context(running([caregraph(database, workers=2)], folder))
        generator = stack.enter_context(load_generator())
        measuring = Bench(database=database, generator=generator, pace=pace, progress=status.update)
        report = Report(
            machine=describe_machine(
                postgres=database.version, connections=_CONNECTIONS, pool_size=POOL_SIZE, peers={}
            ),
            skipped=["all but processes"],
        )
        report.ratios += measure_processes(measuring, one[CAREGRAPH], two[CAREGRAPH], connections=_CONNECTIONS)
        return report


def _peers(database: Database, folder: Path, without: set[Optional], skipped: list[str]) -> list[Peer]:
    peers = [limit(database, folder), caregraph(database)]
    if Optional.POSTGRAPHILE in without:
        skipped.append("PostGraphile, which was left out")
    else:
        try:
            peers.append(postgraphile(database, install_postgraphile()))
        except NodeUnavailable as error:
            skipped.append(f"PostGraphile: {error}")
    if Optional.HANDWRITTEN in without:
        skipped.append("the hand-written peer, which was left out")
    else:
        peers.append(handwritten(database))
    assert peers[0].name == LIMIT, "answers are compared with the limit's"
    return peers
