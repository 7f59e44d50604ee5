"""Row changes under SIGKILL: `make chaos`.

A platform of its own starts, with a second relay. Writers change prescriptions, contracts and customers by SQL; six
agents act on that, those of customers by calls to outside systems. Meanwhile relays, these agents, the endpoint,
PostgreSQL and the local Pub/Sub are killed at random. In the end the database tells what was lost, had twice or out of
order (`verdict.sql`). Exit status 1 unless all of it is 0.

All of it is meant to be over within three minutes. Where a machine is too slow for that, writing and killing are, and
agents have as long again for what waits: an event that comes late isn't lost, and the table says how many did.
"""

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from tests.e2e.platform import CAREGRAPH, RunningPlatform, new_home

#: Whoever has a handler for what is changed; `verdict.sql` says who for which.
AGENTS = (
    *("agent-prescription", "agent-contract", "agent-chargebee"),
    *("agent-zendesk", "agent-identity", "agent-referral"),
)
VICTIMS = ("relay", "second relay", *AGENTS, "api", "postgres", "pubsub")
WRITERS = 8
BOUND_S = 180.0
#: Past the bound, for so long agents may handle nothing before what is under way is given up.
STILL_S = 30.0
BETWEEN_KILLS_S = (4.0, 8.0)
#: The last part of the time belongs to what is still under way.
KILLING_SHARE = 0.4
ERRORS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

SET_UP = """
CREATE SCHEMA IF NOT EXISTS chaos;
CREATE TABLE IF NOT EXISTS chaos.change (number integer PRIMARY KEY, key text NOT NULL, type text NOT NULL);
"""
#: In one transaction; a change whose commit was never answered is found by its number when it is tried again.
NOTED = """
WITH change AS (
    INSERT INTO chaos.change (number, key, type) VALUES ($1, $2::uuid::text, '{type}')
    ON CONFLICT DO NOTHING RETURNING number
)
"""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Rows that are changed."""

    type: str
    #: Of a hundred keys.
    share: int
    #: Makes $1 of them.
    make: str
    #: Changes the one of the id $2.
    change: str

    @property
    def statement(self) -> str:
        """The change, and its note."""
        return NOTED.format(type=self.type) + self.change


KINDS = (
    Kind(
        type="customer.updated",
        share=1,
        make="INSERT INTO public.customer (email, first_name)"
        " SELECT 'chaos-' || n || '@example.com', 'Chaos' FROM generate_series(1, $1) AS n RETURNING id",
        change="UPDATE public.customer AS c SET phone = '+1555' || lpad(change.number::text, 7, '0')"
        " FROM change WHERE c.id = $2",
    ),
    Kind(
        type="contract.updated",
        share=39,
        make="INSERT INTO public.contract (customer_id, treatment_id, status)"
        " SELECT (SELECT id FROM public.customer LIMIT 1), (SELECT id FROM public.treatment LIMIT 1), 'cancelled'"
        " FROM generate_series(1, $1) RETURNING id",
        change="UPDATE public.contract AS c SET auto_renew = NOT c.auto_renew FROM change WHERE c.id = $2",
    ),
    Kind(
        type="prescription.updated",
        share=60,
        make="INSERT INTO healthcare.prescription"
        " (patient_id, requester_id, medication_id, dosage_instruction, quantity, quantity_unit, days_supply)"
        " SELECT p.patient_id, p.requester_id, p.medication_id, 'One nightly', 30, '{tbl}', 30"
        " FROM (SELECT * FROM healthcare.prescription LIMIT 1) AS p, generate_series(1, $1) RETURNING id",
        change="UPDATE healthcare.prescription AS p SET valid_until = current_date + change.number"
        " FROM change WHERE p.id = $2",
    ),
)


@dataclass(kw_only=True)
class Chaos:
    """One run."""

    platform: RunningPlatform
    database_url: str
    changes: int
    keys: int
    bound_s: float
    deadline: float
    killed: Counter[str] = field(default_factory=Counter)
    #: Effects that were yet to come at the deadline.
    late: int = 0
    relay: "subprocess.Popen[bytes] | None" = None

    async def run(self) -> Any:
        """The verdict."""
        self.start_relay()
        keys = await self.prepare()
        writing = asyncio.create_task(self.write(keys))
        killing = asyncio.create_task(self.kill())
        try:
            await writing
            return await self.wait_for_verdict(killing)
        finally:
            killing.cancel()
            if self.relay is not None:
                self.relay.kill()
                self.relay.wait()

    def start_relay(self) -> None:
        environ = {**self.platform.operator_environment, "PATH": os.environ["PATH"], "PORT": "0"}
        self.relay = subprocess.Popen(
            [CAREGRAPH, "relay"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    async def prepare(self) -> list[tuple[str, Any]]:
        """The keys, each with the statement that changes it."""
        connection = await asyncpg.connect(self.database_url)
        await connection.execute(SET_UP)
        keys: list[tuple[str, Any]] = []
        for kind in KINDS:
            count = self.keys - len(keys) if kind is KINDS[-1] else self.keys * kind.share // 100
            keys += [(kind.statement, row["id"]) for row in await connection.fetch(kind.make, count)]
        await connection.close()
        # So that the writers change rows of all kinds all the time.
        random.shuffle(keys)
        return keys

    async def write(self, keys: list[tuple[str, Any]]) -> None:
        numbers = iter(range(self.changes))
        # Spread over the time in which programs are killed.
        pause_s = WRITERS * (self.deadline - time.monotonic()) * KILLING_SHARE * 0.5 / self.changes

        async def writer() -> None:
            connection: Any = None
            for number in numbers:
                change, key = keys[number % len(keys)]
                while True:
                    try:
                        if connection is None:
                            connection = await asyncpg.connect(self.database_url, timeout=5)
                        await connection.execute(change, number, key, timeout=10)
                        break
                    except ERRORS:
                        if connection is not None:
                            connection.terminate()
                            connection = None
                        await asyncio.sleep(0.1)
                await asyncio.sleep(pause_s)
            if connection is not None:
                await connection.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(writer())

    async def kill(self) -> None:
        end = time.monotonic() + (self.deadline - time.monotonic()) * KILLING_SHARE
        victims: list[str] = []
        while time.monotonic() < end:
            await asyncio.sleep(random.uniform(*BETWEEN_KILLS_S))  # noqa: S311 - any will do
            # Everyone once, in any order, before anyone twice.
            victims = victims or random.sample(VICTIMS, len(VICTIMS))
            victim = victims.pop()
            if victim == "second relay":
                assert self.relay is not None
                self.relay.kill()
                self.relay.wait()
                self.start_relay()
            else:
                part = self.platform.parts()[victim]
                if part["state"] != "ready":
                    continue
                os.kill(part["pid"], signal.SIGKILL)
            self.killed[victim] += 1

    async def wait_for_verdict(self, killing: "asyncio.Task[None]") -> Any:
        statement = Path(__file__).with_name("verdict.sql").read_text()
        verdict: Any = None
        latest = self.deadline + self.bound_s
        moved_at = time.monotonic()
        while (now := time.monotonic()) < self.deadline or now < min(latest, moved_at + STILL_S):
            before = verdict
            try:
                connection: Any = await asyncpg.connect(self.database_url, timeout=5)
                verdict = await connection.fetchrow(statement, timeout=30)
                await connection.close()
            except ERRORS:
                await asyncio.sleep(0.5)
                continue
            if killing.done() and verdict["unhandled"] == 0:
                return verdict
            if before is None or verdict["unhandled"] != before["unhandled"]:
                moved_at = time.monotonic()
            if time.monotonic() >= self.deadline and not self.late:
                self.late = verdict["unhandled"]
            await asyncio.sleep(2)
        return verdict


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, default=20_000)
    parser.add_argument("--keys", type=int, default=500)
    parser.add_argument(
        "--seconds", type=float, default=BOUND_S, help="how long it may take; what is late has as long again"
    )
    given = parser.parse_args()
    console = Console()
    with new_home() as home:
        platform = RunningPlatform.start(home)
        try:
            began = time.monotonic()
            chaos = Chaos(
                platform=platform,
                database_url=platform.database_url,
                changes=given.changes,
                keys=given.keys,
                bound_s=given.seconds,
                deadline=began + given.seconds,
            )
            verdict = asyncio.run(chaos.run())
            took_s = time.monotonic() - began
        finally:
            platform.stop()
    if verdict is None:
        console.print("No verdict: PostgreSQL didn't answer.")
        return 1
    bad = {
        "changes not written": given.changes - verdict["changes"],
        "lost (committed without an event)": verdict["without_event"],
        "not handled in the end": verdict["unhandled"],
        "effects repeated": verdict["repeated"],
        "order violations": verdict["out_of_order"],
        "dead letters": verdict["dead_letters"],
    }
    table = Table(title=f"{verdict['changes']} changes over {given.keys} keys in {took_s:.0f} s")
    table.add_column("what")
    table.add_column("count", justify="right")
    for what, count in bad.items():
        table.add_row(what, str(count), style="green" if count == 0 else "red")
    table.add_row(
        "handled, by agent", ", ".join(f"{agent} {count}" for agent, count in json.loads(verdict["handled"]).items())
    )
    if chaos.late:
        table.add_row(f"handled later than after {given.seconds:.0f} s", str(chaos.late - verdict["unhandled"]))
    table.add_row("deliveries that came twice and did nothing", str(verdict["duplicates"]))
    table.add_row("killed", ", ".join(f"{name} {times}" for name, times in sorted(chaos.killed.items())))
    console.print(table)
    if verdict["reasons"]:
        console.print(f"Dead letters of the whole platform: {verdict['reasons']}", markup=False)
    return 1 if any(bad.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
