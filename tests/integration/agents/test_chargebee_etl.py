"""Chargebee into the mirror: by the ETL, by webhooks, in any order, through outages, kills and limits."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.chargebee.backfill import Busy, backfill
from agents.chargebee.etl import run_etl
from agents.chargebee.reading import MIRRORED, Progress
from agents.runtime.jobs import JobRun
from integrations.chargebee.rows import collect, rows_of, rows_of_event
from integrations.chargebee.types import Effective, Resource
from integrations.errors import CredentialsRefused, IntegrationError, RateLimited, ServerFault
from tests.integration.agents.billing import QUICK_PACE, TABLES, Billing, billing_of
from tests.integration.agents.deliveries import World

INVOICES = "/api/v2/invoices"


@pytest.fixture
async def billing(world: World, tmp_path: Path) -> AsyncIterator[Billing]:
    async with billing_of(world, tmp_path / "site") as opened:
        yield opened


# A resource becomes a row


async def test_every_resource_comes_into_its_table(billing: Billing) -> None:
    for resource in MIRRORED:
        billing.save(resource.object_name, "one")
    for resource in MIRRORED:
        assert (await billing.read(resource)).ended

    for resource in MIRRORED:
        (row,) = await billing.mirrored(resource.object_name)
        assert row["id"] == f"{billing.name}one"
    (line,) = await billing.mirrored("invoice_line_item")
    assert line["description"] == "Line 1"


async def test_a_new_invoice_is_an_event_and_one_that_was_read_before_is_none(billing: Billing) -> None:
    billing.save("invoice", "one")
    await billing.read()
    await billing.read()
    billing.save("invoice", "one", status="payment_due", amount_paid=0, amount_due=9900)
    await billing.read()

    rows = await billing.world.rows(
        "SELECT type FROM events.outbox WHERE subject = $1 ORDER BY sequence", f"{billing.name}one"
    )
    assert [row["type"] for row in rows] == ["invoice.inserted", "invoice.updated"]


async def test_an_invoice_of_a_customer_that_is_unknown_here_is_mirrored_all_the_same(billing: Billing) -> None:
    billing.save("invoice", "one", customer_id=f"{billing.name}nobody", subscription_id="nor-this")
    await billing.read()
    (row,) = await billing.mirrored("invoice")
    assert (row["customer_id"], row["subscription_id"]) == (f"{billing.name}nobody", "nor-this")


async def test_yen_have_no_decimals_here_either(billing: Billing) -> None:
    billing.save("invoice", "one", currency_code="JPY", total=1500, sub_total=1500, amount_paid=1500)
    await billing.read()
    (row,) = await billing.mirrored("invoice")
    assert (row["currency_code"], row["total"]) == ("JPY", 1500)


async def test_a_deleted_record_stays_as_deleted(billing: Billing) -> None:
    billing.save("customer", "one")
    billing.save("item_price", "one")
    await billing.read(Resource.CUSTOMERS)
    await billing.read(Resource.ITEM_PRICES)

    billing.save("customer", "one", deleted=True)
    billing.save("item_price", "one", status="deleted")
    await billing.read(Resource.CUSTOMERS)
    await billing.read(Resource.ITEM_PRICES)

    for table in ("customer", "item_price"):
        (row,) = await billing.mirrored(table)
        assert row["deleted"] is True


async def test_what_a_table_cannot_hold_is_named_and_keeps_nothing_else_out(billing: Billing) -> None:
    billing.save("invoice", "1")
    billing.save("invoice", "2", status="imagined")
    billing.save("invoice", "3", currency_code="dollars")
    billing.save("invoice", "4")

    progress = await billing.read()

    assert [row["id"].removeprefix(billing.name) for row in await billing.mirrored("invoice")] == ["1", "4"]
    assert progress.ended
    assert [problem.split(": ")[0].removeprefix(f"invoice {billing.name}") for problem in progress.unmirrorable] == [
        "2",
        "3",
    ]
    assert "invoice" in str((await billing.place())["last_error"])


@pytest.mark.parametrize(
    ("kind", "changes", "problem"),
    [
        ("invoice", {"total": 2**63}, "total has the wrong form or size"),
        ("invoice", {"date": 10**15}, "an attribute has the wrong form"),
        ("transaction", {"amount": 2**63}, "amount is no number, or one too large for the mirror"),
        ("transaction", {"date": 10**15}, "an attribute has the wrong form"),
        ("transaction", {"updated_at": 10**15}, "an attribute has the wrong form"),
        ("transaction", {"updated_at": "x"}, "an attribute has the wrong form"),
        ("transaction", {"resource_version": "x"}, "resource_version is no number"),
        ("invoice", {"updated_at": 10**15}, "an attribute has the wrong form"),
    ],
)
async def test_a_number_or_moment_that_no_column_holds_is_named_and_keeps_nothing_else_out(
    billing: Billing, kind: str, changes: dict[str, Any], problem: str
) -> None:
    billing.save(kind, "1")
    given = billing.save(kind, "2")
    # As Chargebee doesn't write it; its listing goes by what it knew before.
    billing.service.store.put(
        kind,
        given["id"],
        given | changes,
        created_at=given["date"],
        updated_at=given["updated_at"],
        resource_version=given["resource_version"],
        deleted=False,
    )
    billing.save(kind, "3")

    progress = await billing.read(Resource(f"{kind}s"))

    assert [row["id"].removeprefix(billing.name) for row in await billing.mirrored(kind)] == ["1", "3"]
    assert progress.ended
    (named,) = progress.unmirrorable
    assert named.startswith(f"{kind} {billing.name}2: {problem}")


async def test_what_only_the_database_refuses_keeps_nothing_else_out(billing: Billing) -> None:
    billing.save("invoice", "1")
    billing.save("invoice", "2", currency_code="dollars")
    billing.save("invoice", "3")

    progress = await billing.read()

    assert [row["id"].removeprefix(billing.name) for row in await billing.mirrored("invoice")] == ["1", "3"]
    assert len(await billing.mirrored("invoice_line_item")) == 2
    (problem,) = progress.unmirrorable
    assert problem.startswith(f"invoice {billing.name}2: the database refuses it")


# The newest version stays


async def test_an_older_version_never_overwrites_a_newer_one(billing: Billing) -> None:
    old = dict(billing.save("invoice", "one", total=1))
    new = dict(billing.save("invoice", "one", total=2))

    for raws in ([new, old], [old, new], [old]):
        await billing.write(collect(rows_of("invoice", raw) for raw in raws))
        await billing.write(rows_of("invoice", old))
        (row,) = await billing.mirrored("invoice")
        assert (row["total"], row["resource_version"]) == (2, new["resource_version"])


async def test_a_copy_of_the_same_version_that_says_something_else_is_put_right(billing: Billing) -> None:
    raw = billing.save("invoice", "one")
    await billing.write(rows_of("invoice", raw))
    await billing.world.database.execute("UPDATE chargebee.invoice SET total = 1 WHERE id = $1", f"{billing.name}one")
    await billing.write(rows_of("invoice", raw))
    (row,) = await billing.mirrored("invoice")
    assert row["total"] == 9900


async def test_lines_that_an_invoice_lost_are_deleted_in_whatever_order_its_versions_come(billing: Billing) -> None:
    found = []
    for order in ("old first", "new first"):
        key = order.replace(" ", "-")
        old = dict(billing.save("invoice", key, line_items=[billing.line(key, 1), billing.line(key, 2)]))
        new = dict(billing.save("invoice", key, line_items=[billing.line(key, 1)]))
        for raw in (old, new) if order == "old first" else (new, old):
            await billing.write(rows_of("invoice", raw))
        rows = await billing.mirrored("invoice_line_item")
        found.append(
            [
                (row["description"], row["deleted"], row["resource_version"] == new["resource_version"])
                for row in rows
                if row["invoice_id"].endswith(key)
            ]
        )
    assert found == [[("Line 1", False, True), ("Line 2", True, True)]] * 2


async def test_etl_and_webhooks_give_the_same_rows_in_any_order_and_twice(billing: Billing) -> None:
    subscription_id = await a_life_of_a_subscription(billing)
    contents = [event["content"] for event in billing.events()]
    assert len(contents) > 8

    # Webhooks before the ETL, twice and shuffled.
    shuffled = contents * 2
    random.Random(7).shuffle(shuffled)  # noqa: S311 - an order, not a secret
    for content in shuffled:
        await billing.write(rows_of_event(content))
    await read_all(billing)
    webhooks_first = await billing.everything()

    # The ETL before webhooks: a mirror that knows nothing yet.
    await forget(billing)
    await read_all(billing)
    etl_alone = await billing.everything()
    for content in contents:
        await billing.write(rows_of_event(content))
    etl_first = await billing.everything()

    assert webhooks_first == etl_first == etl_alone
    assert [row["id"] for row in etl_first["subscription"]] == [subscription_id]
    assert {row["status"] for row in etl_first["invoice"]} == {"paid", "payment_due"}
    assert {row["type"] for row in etl_first["transaction"]} == {"payment", "refund"}


# Where a run goes on


async def test_a_run_begins_a_little_before_the_last_ones_end(billing: Billing) -> None:
    billing.save("invoice", "one")
    await billing.read()
    until = (await billing.place())["updated_after"]

    await billing.read()

    first, second = [request["query"] for request in await billing.requests()]
    assert "updated_at" not in first.replace("sort_by%5Basc%5D=updated_at", "")
    assert f"updated_at%5Bafter%5D={int((until - QUICK_PACE.overlap).timestamp())}" in second
    assert (await billing.place())["updated_after"] == until


async def test_a_change_of_the_very_second_in_which_the_last_run_ended_is_not_lost(billing: Billing) -> None:
    billing.save("invoice", "one")
    await billing.read()
    billing.save("invoice", "two")
    await billing.read()
    assert len(await billing.mirrored("invoice")) == 2


async def test_a_run_that_breaks_off_in_the_middle_goes_on_after_the_last_page_that_was_written(
    billing: Billing,
) -> None:
    many(billing, 250)
    pages = 0

    def tell(_: Progress) -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await billing.read(tell=tell)
    place = await billing.place()
    assert (place["rows_read"], place["next_offset"] is None) == (200, False)
    assert place["updated_after"] is None
    assert len(await billing.mirrored("invoice")) == 200

    seen = len(await billing.requests())
    progress = await billing.read()

    assert (progress.ended, progress.rows_read) == (True, 250)
    assert len(await billing.requests()) - seen == 1
    assert len(await billing.mirrored("invoice")) == 250
    place = await billing.place()
    assert (place["status"], place["next_offset"], place["updated_after"] is None) == ("idle", None, False)


async def test_an_offset_that_chargebee_has_forgotten_begins_a_new_listing(billing: Billing) -> None:
    many(billing, 150)
    await billing.read(time_left=lambda: False)
    await billing.world.database.execute(
        "UPDATE chargebee.sync_cursor SET next_offset = 'forgotten' WHERE resource = $1",
        billing.cursor(Resource.INVOICES),
    )
    assert (await billing.read()).ended
    assert len(await billing.mirrored("invoice")) == 150


async def test_a_run_whose_time_is_over_lets_the_next_one_go_on(billing: Billing) -> None:
    many(billing, 250)
    progress = await billing.read(time_left=lambda: False)
    assert (progress.ended, progress.rows_read) == (False, 100)
    assert (await billing.place())["status"] == "idle"
    assert (await billing.read()).rows_read == 250


async def test_one_run_at_a_time_has_a_resource_until_its_lease_is_over(billing: Billing) -> None:
    many(billing, 150)
    held, let_go = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def a_run_under_way() -> AsyncIterator[None]:
        run = asyncio.create_task(slow_run())
        await held.wait()
        yield
        let_go.set()
        await run

    async def slow_run() -> None:
        taken = await billing.read(time_left=lambda: False, pace={"lease": timedelta(seconds=30)})
        assert not taken.ended
        await billing.world.database.execute(
            "UPDATE chargebee.sync_cursor SET status = 'running', lease_until = now() + '30 s' WHERE resource = $1",
            billing.cursor(Resource.INVOICES),
        )
        held.set()
        await let_go.wait()

    async with a_run_under_way():
        assert (await billing.read()).busy
        await billing.world.database.execute(
            "UPDATE chargebee.sync_cursor SET lease_until = now() - interval '1 s' WHERE resource = $1",
            billing.cursor(Resource.INVOICES),
        )
        assert (await billing.read()).ended


# Limits and outages


async def test_a_limit_is_waited_out_as_long_as_chargebee_asks(billing: Billing) -> None:
    billing.save("invoice", "one")
    await billing.control("faults", {"status": 429, "retry_after_s": 1, "times": 1, "path": INVOICES})
    started = datetime.now(UTC)
    assert (await billing.read()).ended
    assert datetime.now(UTC) - started >= timedelta(seconds=1)


async def test_a_limit_that_does_not_end_ends_the_run_and_a_patient_reader_outwaits_it(billing: Billing) -> None:
    billing.save("invoice", "one")
    await billing.control("faults", {"status": 429, "retry_after_s": 0, "times": 5, "path": INVOICES})
    with pytest.raises(RateLimited):
        await billing.read()
    place = await billing.place()
    assert (place["status"], "api_request_limit_exceeded" in place["last_error"]) == ("failed", True)

    progress = await billing.read(pace={"patience": 10, "longest_wait": timedelta(milliseconds=5)})
    assert progress.ended
    assert (await billing.place())["last_error"] is None


async def test_after_an_hour_of_outage_one_run_catches_up(billing: Billing) -> None:
    billing.save("invoice", "before")
    assert (await billing.read()).ended
    await billing.control("faults", {"status": 503, "times": 1000, "path": INVOICES})
    for minute in range(60):
        await billing.advance(timedelta(minutes=1))
        billing.save("invoice", f"during-{minute:02}")
        if minute % 20 == 0:
            with pytest.raises(ServerFault):
                await billing.read()
    assert len(await billing.mirrored("invoice")) == 1

    await billing.world.client.delete(f"{billing.site.url}/_control/faults")
    progress = await billing.read()

    assert (progress.ended, progress.unmirrorable) == (True, ())
    assert len(await billing.mirrored("invoice")) == 61


# The job and the commands


async def test_the_job_reads_all_resources_and_one_that_fails_keeps_none_of_the_others_out(billing: Billing) -> None:
    await billing.world.database.execute("DELETE FROM chargebee.sync_cursor")
    for resource in MIRRORED:
        billing.save(resource.object_name, "one")
    await billing.control("faults", {"status": 500, "times": 2, "path": "/api/v2/customers"})
    run = JobRun(job="etl", due_at=datetime.now(UTC))
    reader = billing.reader()

    with pytest.raises(IntegrationError):
        await run_etl(run, reader=reader)
    assert [len(await billing.mirrored(resource.object_name)) for resource in MIRRORED] == [1, 0, 1, 1, 1, 1]

    result = await run_etl(run, reader=reader)
    assert result["customers"] == 1
    assert len(await billing.mirrored("customer")) == 1


async def test_a_back_fill_reads_everything_again_and_leaves_a_place_for_the_etl(billing: Billing) -> None:
    billing.save("credit_note", "one")
    clients, reader = billing.clients, billing.reader()
    told: list[Progress] = []

    for _ in range(2):
        (end,) = await backfill([Resource.CREDIT_NOTES], graphql=clients.graphql, reader=reader, tell=told.append)
        assert (end.ended, end.rows_read) == (True, 1)

    assert told[-1].ended
    queries = [request["query"] for request in await billing.requests()]
    assert len(queries) == 2
    assert not any("updated_at%5Bafter%5D" in query for query in queries)
    row = await billing.world.row("SELECT * FROM chargebee.sync_cursor WHERE resource = 'credit_note'")
    assert row["updated_after"] is not None


async def test_two_back_fills_at_once_are_one(billing: Billing) -> None:
    await billing.world.database.execute(
        """
        INSERT INTO chargebee.sync_cursor (resource, status, lease_until)
        VALUES ('backfill:transaction', 'running', now() + interval '1 hour')
        """
    )
    try:
        with pytest.raises(Busy, match="another back-fill of transactions is under way"):
            await backfill(
                [Resource.TRANSACTIONS],
                graphql=billing.clients.graphql,
                reader=billing.reader(),
                lease=timedelta(seconds=-1),
            )
    finally:
        await billing.world.database.execute(
            "DELETE FROM chargebee.sync_cursor WHERE resource = 'backfill:transaction'"
        )


async def test_a_back_fill_with_wrong_credentials_says_so_at_once(billing: Billing) -> None:
    await billing.control("faults", {"status": 401, "times": 1000, "path": "/api/v2/item_prices"})
    reader = billing.reader(patience=30)
    with pytest.raises(CredentialsRefused):
        await backfill([Resource.ITEM_PRICES], graphql=billing.clients.graphql, reader=reader)
    await billing.world.client.delete(f"{billing.site.url}/_control/faults")


async def test_a_back_fill_that_is_killed_goes_on_where_it_was(billing: Billing, tmp_path: Path) -> None:
    many(billing, 2_000)
    await billing.control("faults", {"delay_s": 0.05, "times": 1000, "path": INVOICES})
    environment = billing.environment | {"PATH": os.environ["PATH"], "CAREGRAPH_ETL_LEASE": "1"}
    command = [str(Path(sys.executable).with_name("caregraph")), "chargebee", "backfill", "invoices"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: ASYNC220 - awaited below
        try:
            async with asyncio.timeout(60):
                while len(await billing.mirrored("invoice")) == 0:
                    assert process.poll() is None, (tmp_path / "log").read_text()
                    await asyncio.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait, 10)
    written = len(await billing.mirrored("invoice"))
    assert 0 < written < 2_000
    before = len(await billing.requests())
    await billing.world.client.delete(f"{billing.site.url}/_control/faults")

    ran = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "invoices: 2,000 read"), ran.stderr
    assert len(await billing.mirrored("invoice")) == 2_000
    # Not a page twice, those under way when it was killed aside.
    assert len(await billing.requests()) - before <= 20 - written // 100 + 9


# Helpers


def many(billing: Billing, count: int) -> None:
    with billing.service.store.transaction():
        for number in range(count):
            billing.save("invoice", f"{number:05}")


async def read_all(billing: Billing) -> None:
    for resource in MIRRORED:
        assert (await billing.read(resource)).ended


async def forget(billing: Billing) -> None:
    """Empty this test's part of the mirror, and its cursors."""
    database = billing.world.database
    for table in TABLES:
        by = "id" if table in ("customer", "item_price") else "customer_id"
        await database.execute(f"DELETE FROM chargebee.{table} WHERE starts_with({by}, $1)", billing.name)  # noqa: S608 - names from a list
    await database.execute("DELETE FROM chargebee.sync_cursor WHERE starts_with(resource, $1)", billing.name)


async def a_life_of_a_subscription(billing: Billing) -> str:
    """A customer signs up, pays, changes the plan, is declined and gets money back. Ids begin with the test's name."""
    service = billing.service
    names = iter(range(1000))

    def new_id(prefix: str = "") -> str:
        return f"{billing.name}{prefix}{next(names)}"

    service.site.new_id = new_id  # type: ignore[method-assign] # so that all of them are this test's
    service.store.set("seeded", value=True)
    price = {"period": 1, "period_unit": "month", "currency_code": "USD"}
    await billing.control("item_prices", {"id": f"{billing.name}basic", "price": 3000, **price})
    await billing.control("item_prices", {"id": f"{billing.name}plus", "price": 6000, **price})
    # Invoices are numbered; these numbers are nobody else's.
    service.store.next("invoice", at_least=random.SystemRandom().randrange(10**9, 10**15))
    chargebee = billing.clients.chargebee
    customer_id, subscription_id = f"{billing.name}cus", f"{billing.name}sub"
    await chargebee.create_customer(
        customer_id, email="ada@example.com", first_name="Ada", last_name=None, idempotency_key=new_id()
    )
    await chargebee.create_subscription(
        customer_id, subscription_id=subscription_id, item_price_id=f"{billing.name}basic", idempotency_key=new_id()
    )
    await chargebee.update_subscription_contract(subscription_id, "some-contract", new_id())
    await billing.advance(timedelta(days=10))
    await chargebee.change_plan(
        subscription_id,
        item_price_id=f"{billing.name}plus",
        effective=Effective.IMMEDIATELY,
        idempotency_key=new_id(),
    )
    first = service.store.find_by("invoice", "subscription_id", subscription_id)[0]
    answer = await billing.world.client.post(
        f"{billing.site.url}/api/v2/invoices/{first['id']}/refund", data={"refund_amount": "1000"}, auth=("key", "")
    )
    assert answer.status_code == 200, answer.text
    await billing.advance(timedelta(days=32))
    await billing.control("cards", {"customer_id": customer_id, "decline": "insufficient_funds"})
    await billing.advance(timedelta(days=31))
    return subscription_id
