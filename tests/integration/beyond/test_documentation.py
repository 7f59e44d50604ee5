"""The examples of docs/beyond-hasura.md work as they stand there."""

import json
import re
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson

from permissions.session import Session
from resolvers.columns import read_columns
from resolvers.pool import Pool
from server.source import platform_source

PAGE: Final = (Path(__file__).resolve().parents[3] / "docs" / "beyond-hasura.md").read_text(encoding="utf-8")
EXAMPLES: Final = {
    name: (role, document)
    for role, document, name in re.findall(r"```graphql\n# as (\w+)\n((?:query|mutation) (\w+).*?)```", PAGE, re.DOTALL)
}


async def ask(database_url: str, name: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The response to an example, run dry."""
    role, document = EXAMPLES[name]
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        user = await connection.fetchval(
            "SELECT id::text FROM public.customer WHERE deleted_at IS NULL ORDER BY id LIMIT 1"
            if role == "user"
            else "SELECT id::text FROM public.staff WHERE role = 'cct' AND active ORDER BY id LIMIT 1"
        )
        if "customer" in variables:
            variables["customer"] = await connection.fetchval(variables["customer"])
    finally:
        await connection.close()
    pool = Pool(database_url, size=1)
    try:
        session = Session(role=role, variables={"x-hasura-user-id": user})
        body = await platform_source().engine(pool).execute(session, document, variables, dry_run=True)
    finally:
        await pool.close()
    answer: dict[str, Any] = orjson.loads(body)
    assert "errors" not in answer, answer
    return answer


async def test_a_customer_their_tickets_and_threads_are_changed_together(demo_database_url: str) -> None:
    somebody = """SELECT customer_id::text FROM public.message_thread
        JOIN public.customer ON customer.id = customer_id
        WHERE status = 'open' AND deleted_at IS NULL ORDER BY customer_id LIMIT 1"""
    answer = await ask(demo_database_url, "CalledBack", {"customer": somebody})
    customer = answer["data"]["update_customer_by_pk"]
    assert customer["phone"] == "+12025550199"
    assert customer["support_tickets"] == [{"subject": "Asked to be called back", "status": "new"}]
    assert {"body": "We have just tried to reach you by phone."} in [
        message for thread in customer["message_threads"] for message in thread["messages"]
    ]
    assert "message.sent" in [event["type"] for event in answer["extensions"]["dry_run"]["events"]]


async def test_pages_of_customers_follow_each_other(demo_database_url: str) -> None:
    first = (await ask(demo_database_url, "Newest", {}))["data"]["customer_page"]
    second = (await ask(demo_database_url, "Newest", {"after": first["next_cursor"]}))["data"]["customer_page"]
    assert len(first["nodes"]) == len(second["nodes"]) == 20
    assert first["has_more"]
    assert min(node["created_at"] for node in first["nodes"]) >= max(node["created_at"] for node in second["nodes"])


async def test_invoices_are_grouped_by_currency_and_month(demo_database_url: str) -> None:
    groups = (await ask(demo_database_url, "Billed", {}))["data"]["chargebee_invoice_group_by"]
    assert groups
    assert all(group["key"]["date"].endswith("-01T00:00:00+00:00") for group in groups)
    assert all(group["aggregate"]["count"] > 1 for group in groups)


async def test_the_catalogue_is_answered(demo_database_url: str) -> None:
    treatments = (await ask(demo_database_url, "Catalogue", {}))["data"]["treatment"]
    assert treatments[0].keys() == {"name", "monthly_price", "currency_code"}


async def test_a_dry_run_answers_as_the_page_says(demo_database_url: str) -> None:
    answer = await ask(demo_database_url, "Write", {})
    wanted = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
    for event in answer["extensions"]["dry_run"]["events"]:
        event["subject"] = "…"
    assert answer == wanted


async def test_rows_by_columns_are_inserted(demo_database_url: str) -> None:
    request = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])
    (name,) = request["extensions"]["columns"]
    columns = read_columns(request["variables"].pop(name))
    assert columns is not None
    pool = Pool(demo_database_url, size=1)
    engine, admin = platform_source().engine(pool), Session(role="admin")
    body = await engine.execute(admin, request["query"], request["variables"], columns={name: columns}, dry_run=True)
    await pool.close()
    assert orjson.loads(body)["data"] == {"insert_staff": {"affected_rows": 2}}


def test_every_example_has_a_test() -> None:
    assert set(EXAMPLES) == {"CalledBack", "Newest", "Billed", "Catalogue", "Write"}
    assert PAGE.count("```graphql") == len(EXAMPLES)
