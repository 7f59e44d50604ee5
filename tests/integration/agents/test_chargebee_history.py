"""A back-fill tells nobody of what was over before the mirror was begun, and loses nothing else."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.chargebee.backfill import backfill
from agents.mirror.history import MARGIN, Counted, count, history_of
from integrations.chargebee.rows import rows_of
from integrations.chargebee.types import Resource
from tests.integration.agents.billing import Billing, billing_of
from tests.integration.agents.deliveries import World

LONG_AGO = datetime(2020, 2, 29, 12, tzinfo=UTC)
DUE: dict[str, Any] = {"status": "payment_due", "amount_paid": 0, "amount_due": 9900, "dunning_status": "in_progress"}


@pytest.fixture
async def billing(world: World, tmp_path: Path) -> AsyncIterator[Billing]:
    async with billing_of(world, tmp_path / "site") as opened:
        yield opened


async def test_invoices_that_were_over_before_the_mirror_was_begun_come_without_an_event(billing: Billing) -> None:
    keep(billing, "paid")
    keep(billing, "voided", status="voided", amount_paid=0)
    keep(billing, "deleted", deleted=True, **DUE)
    notes = [
        {"cn_id": "1", "cn_status": "refunded", "cn_total": 900},
        {"cn_id": "2", "cn_status": "adjusted", "cn_total": 5000},
    ]
    keep(billing, "refunded", issued_credit_notes=notes)
    # What another invoice's credit note paid is off that one's share.
    keep(billing, "credited", amount_paid=9000, credits_applied=900)

    await fill(billing)

    assert await marks(billing) == {"paid": 9900, "voided": 0, "deleted": 0, "refunded": 9000, "credited": 9900}
    assert await events(billing) == {}
    changes = await billing.world.rows(
        "SELECT user_id, new ->> 'history_by' AS by FROM audit.change WHERE row_id = $1", f"{billing.name}paid"
    )
    assert [tuple(dict(change).values()) for change in changes] == [("chargebee", "chargebee")]


async def test_what_is_not_over_or_changed_since_the_mirror_was_begun_is_told(billing: Billing) -> None:
    # So that it is begun.
    await fill(billing)
    keep(billing, "failing", **DUE)
    keep(billing, "posted", status="posted", amount_paid=0, amount_due=9900)
    keep(billing, "old", at=await begun(billing) - MARGIN - timedelta(seconds=2))
    keep(billing, "recent", at=await begun(billing) - MARGIN + timedelta(seconds=2))
    billing.save("invoice", "new")

    await fill(billing)

    assert await marks(billing) == {"failing": None, "posted": None, "old": 9900, "recent": None, "new": None}
    inserted = ["invoice.inserted"]
    assert await events(billing) == {"failing": inserted, "posted": inserted, "recent": inserted, "new": inserted}


async def test_an_invoice_that_is_here_already_is_never_history_and_its_change_is_told(billing: Billing) -> None:
    keep(billing, "one", version=1, **DUE)
    await billing.read()
    # Paid at a time that would be history, had it come now.
    keep(billing, "one", version=2)

    await fill(billing)

    (row,) = await billing.mirrored("invoice")
    assert (row["status"], row["history_by"]) == ("paid", None)
    assert await events(billing) == {"one": ["invoice.inserted", "invoice.updated"]}


async def test_what_a_webhook_brought_stays_and_all_that_comes_with_it_is_written_once(billing: Billing) -> None:
    keep(billing, "before")
    raw = keep(billing, "here")
    keep(billing, "behind")
    newer = raw | {"status": "voided", "resource_version": raw["resource_version"] + 1}
    await billing.write(rows_of("invoice", newer))

    await fill(billing)

    # The transaction took all three to be new, and was refused whole.
    assert await marks(billing) == {"before": 9900, "here": None, "behind": 9900}
    assert {row["status"] for row in await billing.mirrored("invoice") if row["id"].endswith("here")} == {"voided"}
    assert len(await billing.mirrored("invoice_line_item")) == 3
    written = await billing.world.rows(
        "SELECT row_id FROM audit.change WHERE table_name = 'invoice' AND starts_with(row_id, $1)", billing.name
    )
    assert len(written) == 3


async def test_pages_with_more_rows_than_a_transaction_takes_are_written_in_several(billing: Billing) -> None:
    for number in range(350):
        key = f"long{number}"
        keep(billing, key, line_items=[billing.line(key, line) for line in range(12)])
    reader = billing.reader(pages_ahead=4, pages_at_once=4)

    (end,) = await backfill([Resource.INVOICES], graphql=billing.clients.graphql, reader=reader, from_start=True)

    assert (end.ended, end.rows_read) == (True, 350)
    assert len(await billing.mirrored("invoice")) == 350
    assert len(await billing.mirrored("invoice_line_item")) == 350 * 12


async def test_what_happens_later_to_history_is_told_whoever_brings_it(billing: Billing) -> None:
    for key in ("by-etl", "by-webhook", "by-back-fill"):
        keep(billing, key)
    await fill(billing)

    voided: dict[str, Any] = {"status": "voided", "amount_paid": 0}
    billing.save("invoice", "by-etl", **voided)
    await billing.read()
    await billing.write(rows_of("invoice", billing.save("invoice", "by-webhook", **voided)))
    billing.save("invoice", "by-back-fill", **voided)
    await fill(billing)

    told = ["invoice.updated"]
    assert await events(billing) == {"by-etl": told, "by-webhook": told, "by-back-fill": told}
    # It stays what it was, with what it brought.
    assert await marks(billing) == {"by-etl": 9900, "by-webhook": 9900, "by-back-fill": 9900}


async def test_the_etls_first_run_tells_as_little_of_history_and_the_others_tell_all(billing: Billing) -> None:
    keep(billing, "before")
    billing.save("invoice", "news")
    payer = await customer(billing, "payer", "USD")
    keep(billing, "paid", customer_id=f"{billing.name}payer")
    assert (await billing.read()).counted is not None
    billing.save("invoice", "later")
    # As if Chargebee's listing had been late with it.
    keep(billing, "late", at=datetime.now(UTC))
    assert (await billing.read()).counted is None

    told = ["invoice.inserted"]
    assert await events(billing) == {"news": told, "later": told, "late": told}
    assert await marks(billing) == {"before": 9900, "news": None, "later": None, "late": None, "paid": 9900}
    assert await lifetime_value(billing, payer) == 9900


async def test_a_mirror_was_begun_by_the_first_run_that_kept_its_place_there(billing: Billing) -> None:
    names = [billing.cursor(Resource.INVOICES), f"{billing.name}:another"]
    now = datetime.now(UTC)
    graphql = billing.clients.graphql
    assert (await history_of(names, graphql=graphql, now=now)).before == now - MARGIN
    await billing.world.database.execute(
        "INSERT INTO chargebee.sync_cursor (resource, created_at) VALUES ($1, $3), ($2, $4)", *names, LONG_AGO, now
    )
    assert (await history_of(names, graphql=graphql, now=now)).before == LONG_AGO - MARGIN

    # So a back-fill after a long absence tells of all that happened meanwhile.
    keep(billing, "meanwhile", at=LONG_AGO)
    keep(billing, "before", at=LONG_AGO - MARGIN - timedelta(seconds=1))
    await billing.read(everything=True)
    assert await events(billing) == {"meanwhile": ["invoice.inserted"]}


@pytest.mark.parametrize("by", ["chargebee", "event_routing"])
async def test_no_other_agent_can_keep_an_invoice_silent(billing: Billing, by: str) -> None:
    row = {
        "id": f"{billing.name}one",
        "customer_id": f"{billing.name}cus",
        "status": "paid",
        "date": LONG_AGO.isoformat(),
        "updated_at": LONG_AGO.isoformat(),
        "currency_code": "USD",
        "sub_total": 1,
        "total": 1,
        "resource_version": 1,
        "history_by": by,
        "history_paid": 1,
    }
    insert = """
        mutation Insert($row: chargebee_invoice_insert_input!) {
          insert_chargebee_invoice(objects: [$row]) { affected_rows }
        }
    """
    answer = await ask(billing, "event_routing", insert, {"row": row})
    assert answer["errors"][0]["extensions"]["code"] == "permission-error"
    assert await billing.mirrored("invoice") == []


async def test_nobody_makes_history_of_an_invoice_that_is_here(billing: Billing) -> None:
    billing.save("invoice", "one")
    await billing.read()
    update = """
        mutation Update($id: String!) {
          update_chargebee_invoice(where: {id: {_eq: $id}}, _set: {history_by: "chargebee"}) { affected_rows }
        }
    """
    answer = await ask(billing, "chargebee", update, {"id": f"{billing.name}one"})
    assert "history_by" in answer["errors"][0]["message"]


async def test_history_counts_once_in_its_customers_lifetime_value(billing: Billing) -> None:
    payer, stranger = await customer(billing, "payer", "USD"), await customer(billing, "stranger", "EUR")
    for key in ("1", "2"):
        keep(billing, key, customer_id=f"{billing.name}payer")
    keep(
        billing,
        "3",
        customer_id=f"{billing.name}payer",
        issued_credit_notes=[{"cn_status": "refunded", "cn_total": 900}],
    )
    # What is told counts by its event.
    billing.save("invoice", "4", customer_id=f"{billing.name}payer")
    keep(billing, "5", customer_id=f"{billing.name}stranger")
    first = await fill(billing)

    again = await fill(billing)

    assert first is not None
    assert (first.customers, again) == (1, Counted(customers=0, left_out=first.left_out))
    assert first.left_out >= 1
    assert [await lifetime_value(billing, one) for one in (payer, stranger)] == [28_800, 0]

    # One more comes; a payment that the platform was told of had its own way into the value.
    await billing.world.database.execute("UPDATE customer SET lifetime_value = lifetime_value + 5 WHERE id = $1", payer)
    keep(billing, "6", customer_id=f"{billing.name}payer")
    await fill(billing)
    assert await lifetime_value(billing, payer) == 28_800 + 9_900 + 5

    # Who is linked to a billing record later is counted then.
    late = await customer(billing, "nobody", "USD")
    await billing.world.database.execute(
        "UPDATE customer SET chargebee_customer_id = $2 WHERE id = $1", late, f"{billing.name}cus"
    )
    keep(billing, "7")
    await fill(billing)
    assert (await count(billing.clients.graphql)).customers == 0
    assert await lifetime_value(billing, late) == 9_900


# Helpers


def keep(billing: Billing, key: str, *, at: datetime = LONG_AGO, version: int = 1, **values: Any) -> dict[str, Any]:
    """An invoice of Chargebee that last changed then."""
    epoch = int(at.timestamp())
    body: dict[str, Any] = {
        "id": f"{billing.name}{key}",
        "customer_id": f"{billing.name}cus",
        "currency_code": "USD",
        "date": epoch,
        "status": "paid",
        "sub_total": 9900,
        "total": 9900,
        "amount_paid": 9900,
        "line_items": [billing.line(key, 1)],
        "updated_at": epoch,
        "resource_version": epoch * 1000 + version,
        "deleted": False,
        "object": "invoice",
    } | values
    billing.service.store.put(
        "invoice",
        body["id"],
        body,
        created_at=epoch,
        updated_at=epoch,
        resource_version=body["resource_version"],
        deleted=body["deleted"],
    )
    return body


async def fill(billing: Billing) -> Counted | None:
    (end,) = await backfill(
        [Resource.INVOICES], graphql=billing.clients.graphql, reader=billing.reader(), from_start=True
    )
    assert end.ended
    assert end.unmirrorable == ()
    return end.counted


async def begun(billing: Billing) -> datetime:
    """When the mirror of invoices was begun."""
    row = await billing.world.row(
        "SELECT min(created_at) AS begun FROM chargebee.sync_cursor WHERE resource IN ('invoice', 'backfill:invoice')"
    )
    found: datetime = row["begun"]
    return found


async def marks(billing: Billing) -> dict[str, int | None]:
    """What each invoice brought as history; None for one that is none."""
    rows = await billing.mirrored("invoice")
    assert all((row["history_by"] == "chargebee") == (row["history_paid"] is not None) for row in rows)
    return {row["id"].removeprefix(billing.name): row["history_paid"] for row in rows}


async def events(billing: Billing) -> dict[str, list[str]]:
    """Types of the events about each invoice, in their order."""
    rows = await billing.world.rows(
        "SELECT subject, type FROM events.outbox WHERE starts_with(subject, $1) AND topic = 'invoice-events'"
        " ORDER BY sequence",
        billing.name,
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["subject"].removeprefix(billing.name), []).append(row["type"])
    return found


async def customer(billing: Billing, key: str, currency_code: str) -> uuid.UUID:
    """A customer of ours with a billing record."""
    row = await billing.world.row(
        "INSERT INTO public.customer (chargebee_customer_id, currency_code) VALUES ($1, $2) RETURNING id",
        f"{billing.name}{key}",
        currency_code,
    )
    found: uuid.UUID = row["id"]
    return found


async def lifetime_value(billing: Billing, customer_id: uuid.UUID) -> int:
    row = await billing.world.row("SELECT lifetime_value FROM public.customer WHERE id = $1", customer_id)
    found: int = row["lifetime_value"]
    return found


async def ask(billing: Billing, agent: str, query: str, variables: dict[str, Any]) -> Any:
    """An operation as an agent."""
    surroundings = billing.world.surroundings
    address = surroundings.runtime_environment(agent, "")["id_token_url"]
    async with httpx.AsyncClient() as client:
        token = await client.get(
            address, params={"audience": surroundings.api, "format": "full"}, headers={"metadata-flavor": "Google"}
        )
        answer = await client.post(
            f"{surroundings.api}/v1/graphql",
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {token.text}", "x-hasura-role": "service"},
        )
    return answer.json()
