"""How fast a back-fill of invoices is, beside the stand-in that serves them.

    python -m benchmarks.chargebee_backfill [--invoices 200000] [--rounds 3] [--quick]

Needs nothing but the environment: an embedded PostgreSQL, the API, the identity stand-in and Chargebee's are started as
programs of their own. In turns, a bare client reads all pages of the stand-in one after the other (HTTP, decoding, the
next offset), and a back-fill writes them into an empty mirror, with lines, audit and cursor, and an event for each that
has not ended, one in eight; the others are history. The figure is the median ratio of two that followed each other; the
target is a third. Beside it stands what a hundred invoices take of processor time in all programs together, which a
busy machine disturbs less.
"""

import argparse
import asyncio
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import orjson
import psutil
from pydantic import SecretStr

from agents.chargebee.backfill import PACE, backfill
from agents.chargebee.program import open_clients, run, settle_collector
from agents.chargebee.reading import Reader
from agents.chargebee.settings import CommandSettings, EndpointSettings, EtlSettings
from integrations.chargebee.settings import ChargebeeSettings
from integrations.chargebee.types import Resource
from integrations.telemetry import configure_telemetry
from local.environment import Site, environment
from local.keys import LocalKeys
from local.layout import read_layout
from local.postgres import temporary_postgres
from local.standin.store import Store
from migrations.runner import upgrade

_START_TIMEOUT_S: Final = 60.0
_FIRST: Final = 1_700_000_000
_TARGET: Final = 1 / 3
#: What stands in a program's command line, and its name here.
_PROGRAMS: Final = {"postgres": "postgres", "local.chargebee": "stand-in", "caregraph serve": "api"}
_WORTH_NAMING_MS: Final = 0.05


def main() -> None:
    """Measure and print; exit status 1 when the target is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chargebee_backfill", description="A back-fill's speed.")
    parser.add_argument("--invoices", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="20,000 invoices, one round")
    options = parser.parse_args()
    count, rounds = (20_000, 1) if options.quick else (options.invoices, options.rounds)
    os.environ.setdefault("CAREGRAPH_LOG_LEVEL", "warning")
    configure_telemetry("benchmark")
    # As the command does; the bare client has it, too.
    settle_collector()
    sys.exit(_measure(count, rounds))


def _measure(count: int, rounds: int) -> int:
    with ExitStack() as stack:
        postgres = stack.enter_context(temporary_postgres())
        asyncio.run(upgrade(postgres.url))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caregraph-benchmark-")))
        site = _site(folder, postgres.url)
        _fill(site, count)
        for name, command in (
            ("identity", (sys.executable, "-m", "local.identity")),
            ("chargebee", (sys.executable, "-m", "local.chargebee")),
            ("api", (str(Path(sys.executable).with_name("caregraph")), "serve")),
        ):
            stack.enter_context(_running(site, name, command))
        return _rounds(site, count, rounds)


def _rounds(site: Site, count: int, rounds: int) -> int:
    # Once in small, so that both sides have what they keep.
    asyncio.run(_bare(site, at_most=2_000))
    ratios: list[float] = []
    for number in range(rounds):
        before = _processor_s()
        bare = asyncio.run(_bare(site))
        between = _processor_s()
        filled = run(_back_fill(site, count))
        after = _processor_s()
        ratios.append(filled / bare)
        sys.stdout.write(
            f"round {number + 1}: bare client {bare:8,.0f} invoices/s, back-fill {filled:7,.0f} invoices/s,"
            f" ratio {ratios[-1]:.3f}; processor ms for 100: bare {_spent(before, between, count)},"
            f" back-fill {_spent(between, after, count)}\n"
        )
    median = statistics.median(ratios)
    met = "met" if median >= _TARGET else "missed"
    sys.stdout.write(f"median ratio {median:.3f} of {count:,} invoices; target {_TARGET:.3f}: {met}\n")
    return 0 if median >= _TARGET else 1


def _processor_s() -> dict[str, float]:
    """Processor time so far by program: this one (the client), those that it started, PostgreSQL's backends."""
    found: dict[str, float] = defaultdict(float)
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            words = " ".join(process.cmdline())
            name = next((name for sign, name in _PROGRAMS.items() if sign in words), "other")
            found["client" if process == own else name] += times.user + times.system
    return found


def _spent(before: Mapping[str, float], after: Mapping[str, float], count: int) -> str:
    spent = {name: (total - before.get(name, 0.0)) * 1_000 / count * 100 for name, total in after.items()}
    named = ", ".join(f"{name} {each:.1f}" for name, each in sorted(spent.items()) if each >= _WORTH_NAMING_MS)
    return f"{sum(spent.values()):.1f} ({named})"


async def _bare(site: Site, *, at_most: int | None = None) -> float:
    """Invoices a second that the stand-in alone serves to a client that only asks for the next page."""
    address = f"{site.layout.url('chargebee')}/api/v2/invoices"
    query = {"limit": "100", "sort_by[asc]": "updated_at", "include_deleted": "true"}
    read, offset = 0, None
    async with httpx.AsyncClient(trust_env=False, auth=(site.keys.chargebee_api_key, ""), timeout=30) as client:
        started = time.perf_counter()
        while True:
            answer = await client.get(address, params=query | ({"offset": offset} if offset else {}))
            page = orjson.loads(answer.content)
            read += len(page["list"])
            offset = page.get("next_offset")
            if offset is None or (at_most is not None and read >= at_most):
                return read / (time.perf_counter() - started)


async def _back_fill(site: Site, count: int) -> float:
    """Invoices a second into an empty mirror."""
    await _empty(site)
    own = environment(site, "agent-chargebee")
    settings = CommandSettings(
        endpoint=EndpointSettings(
            graphql_url=own["CAREGRAPH_GRAPHQL_URL"],
            api_audience=own["CAREGRAPH_API_AUDIENCE"],
            id_token_url=own["CAREGRAPH_ID_TOKEN_URL"],
        ),
        chargebee=ChargebeeSettings(
            site=own["CHARGEBEE_SITE"],
            domain=own["CHARGEBEE_DOMAIN"],
            protocol="http",
            api_key=SecretStr(own["CHARGEBEE_API_KEY"]),
        ),
        etl=EtlSettings(),
    )
    async with open_clients(settings) as clients:
        reader = Reader(graphql=clients.graphql, chargebee=clients.chargebee, pace=replace(PACE))
        started = time.perf_counter()
        (end,) = await backfill([Resource.INVOICES], graphql=clients.graphql, reader=reader, from_start=True)
        elapsed = time.perf_counter() - started
    written, told = await _count(site)
    if (end.rows_read, written, told) != (count, count, (count + 7) // 8):
        raise RuntimeError(f"{end.rows_read} of {count} invoices read, {written} written, {told} told of")
    return count / elapsed


async def _empty(site: Site) -> None:
    connection = await asyncpg.connect(site.database_url)
    try:
        await connection.execute(
            "TRUNCATE chargebee.invoice, chargebee.invoice_line_item, chargebee.sync_cursor, events.outbox CASCADE"
        )
    finally:
        await connection.close()


async def _count(site: Site) -> tuple[int, int]:
    """Invoices in the mirror, and events."""
    connection = await asyncpg.connect(site.database_url)
    try:
        return (
            int(await connection.fetchval("SELECT count(*) FROM chargebee.invoice")),
            int(await connection.fetchval("SELECT count(*) FROM events.outbox")),
        )
    finally:
        await connection.close()


def _site(folder: Path, database_url: str) -> Site:
    base = secrets.randbelow(5_000) + 20_000
    layout = read_layout({"CAREGRAPH_HOME": str(folder), "CAREGRAPH_PORT_BASE": str(base)})
    return Site(layout=layout, keys=LocalKeys(), database_url=database_url, inherited=os.environ)


def _fill(site: Site, count: int) -> None:
    """Invoices as the stand-in writes them itself, into its file."""
    folder = site.layout.home / "standins" / "chargebee"
    folder.mkdir(parents=True)
    store = Store(folder / "state.sqlite3")
    try:
        with store.transaction():
            for start in range(0, count, 1_000):
                invoices = [_invoice(number) for number in range(start, min(start + 1_000, count))]
                store.put_many(
                    "invoice",
                    [
                        (one["id"], one, one["date"], one["updated_at"], one["resource_version"], False)
                        for one in invoices
                    ],
                )
            store.set("seeded", value=True)
    finally:
        store.close()


def _invoice(number: int) -> dict[str, Any]:
    """One invoice in eight is not paid yet."""
    at, due = _FIRST + number * 60, number % 8 == 0
    owner = {"customer_id": f"customer{number // 12:07}", "subscription_id": f"subscription{number // 12:07}"}
    paid = {"amount_paid": 9_900, "amount_due": 0, "status": "paid", "paid_at": at}
    open_ = {"amount_paid": 0, "amount_due": 9_900, "status": "payment_due", "dunning_status": "in_progress"}
    return {
        "id": str(number + 1),
        **owner,
        **(open_ if due else paid),
        "recurring": True,
        "price_type": "tax_exclusive",
        "date": at,
        "due_date": at,
        "net_term_days": 0,
        "exchange_rate": 1.0,
        "currency_code": "USD",
        "base_currency_code": "USD",
        "sub_total": 9_900,
        "tax": 0,
        "total": 9_900,
        "amount_adjusted": 0,
        "write_off_amount": 0,
        "credits_applied": 0,
        "round_off_amount": 0,
        "first_invoice": number % 12 == 0,
        "new_sales_amount": 0,
        "has_advance_charges": False,
        "is_gifted": False,
        "term_finalized": True,
        "generated_at": at,
        "channel": "web",
        "line_items": [
            {
                "id": f"li_{number:016}",
                **owner,
                "date_from": at,
                "date_to": at + 2_592_000,
                "unit_amount": 9_900,
                "quantity": 1,
                "amount": 9_900,
                "pricing_model": "flat_fee",
                "is_taxed": False,
                "tax_amount": 0,
                "discount_amount": 0,
                "item_level_discount_amount": 0,
                "description": "basic-USD-Monthly",
                "entity_type": "plan_item_price",
                "entity_id": "basic-USD-Monthly",
                "object": "line_item",
            }
        ],
        "discounts": [],
        "linked_payments": [
            {
                "txn_id": f"txn_{number:016}",
                "applied_amount": 0 if due else 9_900,
                "applied_at": at,
                "txn_status": "failure" if due else "success",
                "txn_date": at,
                "txn_amount": 9_900,
            }
        ],
        "applied_credits": [],
        "adjustment_credit_notes": [],
        "issued_credit_notes": [],
        "linked_orders": [],
        "dunning_attempts": [],
        "amount_to_collect": 9_900 if due else 0,
        "updated_at": at,
        "resource_version": at * 1_000,
        "deleted": False,
        "object": "invoice",
    }


@contextmanager
def _running(site: Site, name: str, command: tuple[str, ...]) -> Iterator[None]:
    own = environment(site, name) | {"CAREGRAPH_LOG_LEVEL": "warning", "CAREGRAPH_LOG_FORMAT": "json"}
    log = site.layout.home / f"{name}.log"
    with log.open("wb") as output:
        program = subprocess.Popen(command, env=own, stdout=output, stderr=output)
        try:
            _wait_until_ready(site.layout.url(name), program, log)
            yield
        finally:
            program.terminate()
            program.wait(timeout=20)


def _wait_until_ready(url: str, program: subprocess.Popen[bytes], log: Path) -> None:
    give_up_at = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < give_up_at:
        if program.poll() is not None:
            raise RuntimeError(f"it ended with {program.returncode}:\n{log.read_text()[-2_000:]}")
        try:
            if httpx.get(f"{url}/healthz", trust_env=False, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} is not ready within {_START_TIMEOUT_S:g} s")


if __name__ == "__main__":
    main()
