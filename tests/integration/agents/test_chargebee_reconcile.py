"""Chargebee and the mirror compared: each kind of difference is found and named, and nothing about a person."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.chargebee.reading import MIRRORED
from agents.chargebee.reconcile import Reconciler, Report
from integrations.chargebee.types import Resource
from tests.integration.agents.billing import Billing, billing_of
from tests.integration.agents.deliveries import World
from tests.integration.agents.test_chargebee_etl import read_all


@pytest.fixture
async def billing(world: World, tmp_path: Path) -> AsyncIterator[Billing]:
    """A site and a mirror that are the same. All of the mirror is compared, so what other tests left there goes."""
    for table in (
        "invoice_line_item",
        "invoice",
        "transaction",
        "credit_note",
        "subscription",
        "customer",
        "item_price",
    ):
        await world.database.execute(f"DELETE FROM chargebee.{table}")  # noqa: S608 - names from a list
    async with billing_of(world, tmp_path / "site") as opened:
        for resource in MIRRORED:
            opened.save(resource.object_name, "one")
            opened.save(resource.object_name, "two")
        await read_all(opened)
        yield opened


async def compare(billing: Billing, resource: Resource) -> Report:
    reconciler = Reconciler(graphql=billing.clients.graphql, chargebee=billing.clients.chargebee)
    await reconciler.compare(Resource.CUSTOMERS)
    return await reconciler.compare(resource)


def named(report: Report, billing: Billing) -> list[str]:
    return [str(difference).replace(billing.name, "") for difference in report.differences]


@pytest.mark.parametrize("resource", MIRRORED)
async def test_what_is_the_same_has_no_difference(billing: Billing, resource: Resource) -> None:
    report = await compare(billing, resource)
    assert (report.compared, report.differences, report.unmirrorable) == (2, (), ())


@pytest.mark.parametrize("resource", MIRRORED)
async def test_what_is_missing_and_what_is_too_much_is_named(billing: Billing, resource: Resource) -> None:
    kind, database = resource.object_name, billing.world.database
    await database.execute(f"DELETE FROM chargebee.{kind} WHERE id = $1", f"{billing.name}one")  # noqa: S608 - a resource's name
    billing.service.store.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, f"{billing.name}two"))
    found = named(await compare(billing, resource), billing)
    assert f"{kind} one: in Chargebee, not in the mirror" in found
    assert f"{kind} two: in the mirror, not in Chargebee" in found
    # An invoice that is too much has lines that are.
    assert len(found) == 2 + (resource is Resource.INVOICES)


async def test_a_field_that_differs_is_named_with_both_values(billing: Billing) -> None:
    await billing.world.database.execute(
        """
        UPDATE chargebee.invoice
        SET amount_due = 100, status = 'payment_due', due_date = '2028-02-29T00:00:00Z'
        WHERE id = $1
        """,
        f"{billing.name}one",
    )
    assert sorted(named(await compare(billing, Resource.INVOICES), billing)) == [
        "invoice one: amount_due: Chargebee 0, mirror 100",
        "invoice one: due_date: Chargebee empty, mirror 2028-02-29T00:00:00+00:00",
        "invoice one: status: Chargebee paid, mirror payment_due",
    ]


async def test_lines_are_compared_with_their_invoice(billing: Billing) -> None:
    database = billing.world.database
    await database.execute("UPDATE chargebee.invoice_line_item SET amount = 1 WHERE id = $1", f"{billing.name}one-1")
    await database.execute("DELETE FROM chargebee.invoice_line_item WHERE id = $1", f"{billing.name}two-1")
    await database.execute(
        """
        INSERT INTO chargebee.invoice_line_item
            (id, invoice_id, customer_id, entity_type, description, unit_amount, amount, updated_at, resource_version)
        SELECT $1 || 'two-9', id, customer_id, 'adhoc', 'A line', 1, 1, updated_at, resource_version
        FROM chargebee.invoice WHERE id = $1 || 'two'
        """,
        billing.name,
    )
    assert sorted(named(await compare(billing, Resource.INVOICES), billing)) == [
        "invoice_line_item one-1: amount: Chargebee 9900, mirror 1",
        "invoice_line_item two-1: in Chargebee, not in the mirror",
        "invoice_line_item two-9: in the mirror, not in Chargebee",
    ]


async def test_what_is_deleted_on_both_sides_is_the_same_and_on_one_side_is_not(billing: Billing) -> None:
    billing.save("customer", "one", deleted=True)
    await billing.read(Resource.CUSTOMERS)
    assert named(await compare(billing, Resource.CUSTOMERS), billing) == []

    await billing.world.database.execute(
        "UPDATE chargebee.customer SET deleted = true WHERE id = $1", f"{billing.name}two"
    )
    assert named(await compare(billing, Resource.CUSTOMERS), billing) == [
        "customer two: deleted: Chargebee False, mirror True"
    ]


async def test_what_the_mirror_cannot_hold_is_missing_and_named(billing: Billing) -> None:
    billing.save("transaction", "three", status="imagined")
    await billing.read(Resource.TRANSACTIONS)
    report = await compare(billing, Resource.TRANSACTIONS)
    assert named(report, billing) == ["transaction three: in Chargebee, not in the mirror"]
    assert len(report.unmirrorable) == 1


async def test_rows_of_customers_whose_data_was_deleted_are_no_difference(billing: Billing) -> None:
    world, customer_id = billing.world, f"{billing.name}cus"
    billing.save("customer", "cus", pii_cleared="cleared")
    await billing.read(Resource.CUSTOMERS)
    await world.customer(chargebee_customer_id=customer_id)
    await world.database.execute("UPDATE customer SET deleted_at = now() WHERE chargebee_customer_id = $1", customer_id)

    report = await compare(billing, Resource.INVOICES)

    assert (report.differences, report.withheld) == ((), 4)


async def test_the_command_says_what_differs_without_values_of_persons_and_exits_with_1(billing: Billing) -> None:
    async def reconcile(*options: str) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("caregraph")), "chargebee", "reconcile", *options]
        return await asyncio.to_thread(
            subprocess.run, command, env=billing.environment, capture_output=True, text=True, timeout=60, check=False
        )

    same = await reconcile()
    assert (same.returncode, same.stdout.count("2 compared, no difference")) == (0, 6), same.stderr

    billing.save("customer", "one", email="grace@example.com", resource_version=1)
    await billing.world.database.execute(
        "UPDATE chargebee.customer SET email = 'ada@example.com', net_term_days = 9 WHERE id = $1", f"{billing.name}two"
    )
    different = await reconcile()
    as_json = await reconcile("customers", "--json")

    assert (different.returncode, as_json.returncode) == (1, 1)
    assert f"customer {billing.name}two: email: Chargebee empty, mirror withheld (15 characters)" in different.stdout
    assert f"customer {billing.name}two: net_term_days: Chargebee 0, mirror 9" in different.stdout
    assert "example.com" not in different.stdout + different.stderr + as_json.stdout + as_json.stderr
    columns = {json.loads(line)["column"] for line in as_json.stdout.splitlines()}
    assert {"email", "net_term_days"} <= columns
