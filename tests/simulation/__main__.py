"""`python -m tests.simulation`: 1,000 subscriptions over 90 days, and what became of every invoice.

Exit status 1 when something is wrong. `--seed` repeats a run.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from integrations.telemetry import configure_telemetry
from local.postgres import temporary_postgres
from migrations.runner import upgrade
from tests.databases import create_database
from tests.simulation.run import Plan, simulate


async def main(plan: Plan, time_out_s: float) -> int:
    """Simulate on a database of its own; 1 when something is wrong."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="caregraph-simulation-") as folder, temporary_postgres() as server:
        url = await create_database(server.url)
        await upgrade(url)
        async with asyncio.timeout(time_out_s):
            verdict, counts, seconds = await simulate(
                plan,
                database_url=url,
                folder=Path(folder),
                tell=lambda day: console.print(f"day {day}", highlight=False) if day % 10 == 0 else None,
            )
    table = Table(box=None, pad_edge=False)
    for heading in ("what", "how many"):
        table.add_column(heading)
    for group, counted in (
        ("invoices", verdict.invoices),
        ("recoveries", verdict.recoveries),
        ("messages", verdict.messages),
        ("", counts),
    ):
        for name, count in sorted(counted.items()):
            table.add_row(f"{group} {name}".strip(), str(count))
    console.print(table)
    console.print(
        f"{plan.subscriptions} subscriptions over {plan.days} days (seed {plan.seed}) in {seconds:.0f} s: "
        + (f"{len(verdict.wrong)} things are wrong" if verdict.wrong else "all as it must be")
    )
    for sentence in verdict.wrong[:20]:
        console.print(f"  {sentence}")
    return 1 if verdict.wrong else 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--subscriptions", type=int, default=1000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--spread-days", type=int, default=28, help="First terms begin in the first so many days.")
    parser.add_argument("--trouble", type=float, default=0.012, help="The chance that a good card goes bad, a day.")
    parser.add_argument("--time-out", type=float, default=3600, help="Seconds after which it is given up.")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    # Agents and stand-ins tell of every fault that they are given; here the verdict counts.
    os.environ.setdefault("CAREGRAPH_LOG_LEVEL", "critical")
    configure_telemetry("simulation")
    sys.exit(
        asyncio.run(
            main(
                Plan(
                    subscriptions=arguments.subscriptions,
                    days=arguments.days,
                    seed=arguments.seed,
                    spread_days=arguments.spread_days,
                    trouble=arguments.trouble,
                ),
                arguments.time_out,
            )
        )
    )
