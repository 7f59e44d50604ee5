"""What `caregraph chargebee` does; returns exit statuses."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn

from agents.chargebee import backfill as filling
from agents.chargebee.program import open_clients, run, settle_collector
from agents.chargebee.reading import MIRRORED, Reader
from agents.chargebee.reading import Progress as ReadProgress
from agents.chargebee.reconcile import Reconciler, Report
from agents.chargebee.settings import CommandSettings, read_command_settings
from agents.graphql.errors import GraphQLError, OperationRefused
from integrations.chargebee.types import Resource
from integrations.errors import IntegrationError
from integrations.identity.errors import IdTokenUnavailableError
from integrations.settings import ConfigurationError
from integrations.telemetry import configure_telemetry

DONE: Final = 0
DIFFERENT: Final = 1
CANNOT: Final = 2


def run_backfill(names: Sequence[str], *, from_start: bool) -> int:
    """Fill the mirror: 0, 1 when something could not be mirrored, 2 when it can't go on."""
    return _run(lambda settings: _backfill(settings, _resources(names), from_start=from_start))


def run_reconcile(names: Sequence[str], *, as_json: bool) -> int:
    """Compare: 0 when all is the same, 1 when not, 2 when it can't be found out."""
    return _run(lambda settings: _reconcile(settings, _resources(names), as_json=as_json))


def _run(command: Callable[[CommandSettings], Any]) -> int:
    configure_telemetry("chargebee-command")
    try:
        settings = read_command_settings()
    except ConfigurationError as error:
        sys.stderr.write(f"caregraph chargebee can't start: {error}.\n")
        return CANNOT
    settle_collector()
    try:
        status: int = run(command(settings))
    except (IntegrationError, filling.Busy, IdTokenUnavailableError) as error:
        sys.stderr.write(f"{error}. Nothing is lost; run it again to go on.\n")
        return CANNOT
    except GraphQLError as error:
        # The endpoint's sentence can repeat values of a row.
        reason = f"{error.code} at {error.path}" if isinstance(error, OperationRefused) else str(error)
        sys.stderr.write(f"The endpoint: {reason}. Nothing is lost; run it again to go on.\n")
        return CANNOT
    return status


def _resources(names: Sequence[str]) -> list[Resource]:
    # In the order of the mirror whatever was typed: customers tell what is withheld of the others.
    return [resource for resource in MIRRORED if not names or resource.value in names]


async def _backfill(settings: CommandSettings, resources: Sequence[Resource], *, from_start: bool) -> int:
    console = Console()
    bars = Bars(console)
    pace = replace(filling.PACE, lease=settings.etl.lease, overlap=settings.etl.overlap)
    async with open_clients(settings) as clients:
        reader = Reader(graphql=clients.graphql, chargebee=clients.chargebee, pace=pace)
        with bars:
            ends = await filling.backfill(
                resources,
                graphql=clients.graphql,
                reader=reader,
                from_start=from_start,
                lease=pace.lease,
                tell=bars.tell,
            )
    problems = [problem for end in ends for problem in end.unmirrorable]
    for end in ends:
        console.print(f"{end.resource.value}: {end.rows_read:,} read", highlight=False)
        if end.counted is not None and end.counted.customers:
            console.print(
                f"customers whose lifetime value gained by history: {end.counted.customers:,}", highlight=False
            )
        if end.counted is not None and end.counted.left_out:
            console.print(
                "invoices of history that count nowhere, being in another currency than their customers' values:"
                f" {end.counted.left_out:,}",
                highlight=False,
                soft_wrap=True,
            )
    for problem in problems:
        console.print(f"not mirrored: {problem}", highlight=False, soft_wrap=True)
    return DIFFERENT if problems else DONE


class Bars:
    """A bar a resource. Chargebee doesn't say how many there are, so a bar shows how near to now the changes are."""

    def __init__(self, console: Console) -> None:
        columns: tuple[ProgressColumn, ...] = (
            TextColumn("{task.description:<14}"),
            BarColumn(),
            TextColumn("{task.fields[rows]:>10,} read"),
            TextColumn("{task.fields[rate]:>7,.0f}/s"),
            TextColumn("up to {task.fields[until]}"),
            TimeElapsedColumn(),
        )
        # In a file or a pipe, the lines at the end say it all.
        shown = console.is_terminal
        self._progress = Progress(*columns, console=console) if shown else None
        self._tasks: dict[Resource, tuple[TaskID, datetime, int]] = {}
        self._started = datetime.now(UTC)

    def __enter__(self) -> None:
        """Show them."""
        self._shown: AbstractContextManager[Any] = self._progress or nullcontext()
        self._shown.__enter__()

    def __exit__(self, *error: object) -> None:
        """Leave them as they are."""
        self._shown.__exit__(None, None, None)

    def tell(self, read: ReadProgress) -> None:
        """Move a resource's bar."""
        if self._progress is None:
            return
        until = read.seen_until or self._started
        if read.resource not in self._tasks:
            task = self._progress.add_task(read.resource.value, rows=0, rate=0.0, until="", total=1.0)
            self._tasks[read.resource] = (task, until, read.rows_read)
        task, first, rows_before = self._tasks[read.resource]
        whole = max((self._started - first).total_seconds(), 1.0)
        done = whole if read.ended else min((until - first).total_seconds(), whole * 0.99)
        elapsed = self._progress.tasks[self._progress.task_ids.index(task)].elapsed or 0.0
        self._progress.update(
            task,
            total=whole,
            completed=done,
            rows=read.rows_read,
            rate=(read.rows_read - rows_before) / elapsed if elapsed > 0 else 0.0,
            until=f"{until:%Y-%m-%d}",
        )


async def _reconcile(settings: CommandSettings, resources: Sequence[Resource], *, as_json: bool) -> int:
    different = False
    # Customers are always read: they say whose rows are hidden.
    needed = [one for one in MIRRORED if one in resources or one is Resource.CUSTOMERS]
    async with open_clients(settings) as clients:
        reconciler = Reconciler(graphql=clients.graphql, chargebee=clients.chargebee)
        for resource in needed:
            report = await reconciler.compare(resource)
            if resource in resources:
                different = different or bool(report.differences)
                _print(report, as_json=as_json)
    return DIFFERENT if different else DONE


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        for difference in report.differences:
            sys.stdout.write(orjson.dumps(asdict(difference)).decode() + "\n")
        return
    count = len(report.differences)
    withheld = f", {report.withheld:,} of customers whose data was deleted" if report.withheld else ""
    found = "no difference" if not count else f"{count:,} difference{'s' if count > 1 else ''}"
    sys.stdout.write(f"{report.resource.value}: {report.compared:,} compared, {found}{withheld}\n")
    for difference in report.differences:
        sys.stdout.write(f"  {difference}\n")
    for problem in report.unmirrorable:
        sys.stdout.write(f"  not mirrored: {problem}\n")
