"""What must hold at the end: every invoice has its end, every amount its place, nobody is told twice."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import asyncpg
import httpx

from agents.charging.declines import is_hard
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Resource
from tests.integration.agents.surroundings import Surroundings

#: One charge when it fell due, and those of the plan.
MOST_CHARGES: Final = 5


@dataclass(kw_only=True)
class Verdict:
    """What was found."""

    #: Sentences; empty when all is as it must be.
    wrong: list[str] = field(default_factory=list)
    #: Invoices by their end.
    invoices: Counter[str] = field(default_factory=Counter)
    #: Recoveries by their end.
    recoveries: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    def expect(self, holds: bool, sentence: str) -> None:
        """Note what is wrong."""
        if not holds:
            self.wrong.append(sentence)


async def judge(
    *,
    database: "asyncpg.Pool[Any]",
    client: httpx.AsyncClient,
    chargebee: ChargebeeClient,
    surroundings: Surroundings,
) -> Verdict:
    """Look at everything there is, in Chargebee, in the database and outside."""
    verdict = Verdict()
    invoices = {one["id"]: one for one in await _all(chargebee, Resource.INVOICES)}
    transactions = await _all(chargebee, Resource.TRANSACTIONS)
    recoveries = {row["invoice_id"]: row for row in await database.fetch("SELECT * FROM public.payment_recovery")}
    _judge_invoices(verdict, invoices, recoveries)
    _judge_charges(verdict, transactions)
    await _judge_money(verdict, transactions, database)
    await _judge_records(verdict, database, recoveries)
    await _judge_messages(verdict, database, client, surroundings)
    return verdict


async def _all(chargebee: ChargebeeClient, resource: Resource) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    offset: str | None = None
    while True:
        page = await chargebee.list_page(resource, offset=offset)
        found += [dict(one) for one in page.objects]
        offset = page.next_offset
        if offset is None:
            return found


def _judge_invoices(verdict: Verdict, invoices: dict[str, Any], recoveries: dict[str, Any]) -> None:
    for invoice_id, invoice in invoices.items():
        recovery = recoveries.get(invoice_id)
        status, end = invoice["status"], recovery["status"] if recovery else None
        verdict.invoices[f"{status} ({end})" if end else status] += 1
        verdict.expect(status in {"paid", "voided", "not_paid"}, f"invoice {invoice_id} is still {status}")
        given_back = any(note["cn_status"] == "refunded" for note in invoice.get("issued_credit_notes") or ())
        ended = end == "exhausted" or (end == "cancelled" and given_back)
        verdict.expect(status != "not_paid" or ended, f"invoice {invoice_id} is not paid, and {end}")
        settled = invoice.get("write_off_amount") or invoice.get("issued_credit_notes")
        paid = status == "paid" and not settled
        verdict.expect(end != "recovered" or status == "paid", f"invoice {invoice_id} is {status}, and recovered")
        verdict.expect(end != "cancelled" or not paid, f"invoice {invoice_id} is paid, and its recovery cancelled")
    for recovery in recoveries.values():
        verdict.recoveries[recovery["status"]] += 1
        verdict.expect(recovery["status"] != "open", f"the recovery of {recovery['invoice_id']} is still open")


def _judge_charges(verdict: Verdict, transactions: list[dict[str, Any]]) -> None:
    charges: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for transaction in sorted(transactions, key=lambda one: (one["date"], one["resource_version"])):
        if transaction["type"] == "payment" and transaction["payment_method"] == "card":
            charges[transaction["linked_invoices"][0]["invoice_id"]].append(transaction)
    for invoice_id, made in charges.items():
        verdict.expect(len(made) <= MOST_CHARGES, f"invoice {invoice_id} was charged {len(made)} times")
        days = [one["date"] // 86_400 for one in made]
        verdict.expect(len(set(days)) == len(days), f"invoice {invoice_id} was charged twice on one day")
        for one, following in pairwise(made):
            blind = is_hard(one.get("error_code")) and following["payment_source_id"] == one["payment_source_id"]
            verdict.expect(
                not blind, f"invoice {invoice_id}: a card that was {one.get('error_code')} was charged again"
            )
            verdict.expect(one["status"] != "success", f"invoice {invoice_id} was charged after it had been paid")


async def _judge_money(verdict: Verdict, transactions: list[dict[str, Any]], database: "asyncpg.Pool[Any]") -> None:
    received: Counter[str] = Counter()
    for transaction in transactions:
        if transaction["status"] == "success":
            sign = {"payment": 1, "refund": -1}[transaction["type"]]
            received[transaction["customer_id"]] += sign * transaction["amount"]
    for row in await database.fetch("SELECT chargebee_customer_id AS id, lifetime_value AS value FROM public.customer"):
        verdict.expect(
            row["value"] == received[row["id"]],
            f"{row['id']} has paid {received[row['id']]}, and is worth {row['value']}",
        )


async def _judge_records(verdict: Verdict, database: "asyncpg.Pool[Any]", recoveries: dict[str, Any]) -> None:
    (left,) = await database.fetch(
        """
        SELECT
            (SELECT count(*) FROM events.dead_letter) AS dead_letters,
            (SELECT count(*) FROM events.scheduled_task WHERE status NOT IN ('done', 'cancelled')) AS tasks,
            (SELECT count(*) FROM public.support_ticket WHERE status <> 'solved') AS tickets,
            (SELECT count(*) FROM public.support_ticket) AS all_tickets,
            (SELECT count(*) FROM public.payment_recovery WHERE next_retry_at IS NOT NULL) AS planned
        """
    )
    verdict.expect(left["dead_letters"] == 0, f"{left['dead_letters']} dead letters")
    verdict.expect(left["tasks"] == 0, f"{left['tasks']} tasks are left")
    verdict.expect(left["tickets"] == 0, f"{left['tickets']} tickets are not solved")
    verdict.expect(left["planned"] == 0, f"{left['planned']} recoveries that have ended have a next attempt")
    verdict.expect(
        left["all_tickets"] == len(recoveries), f"{left['all_tickets']} tickets for {len(recoveries)} recoveries"
    )


async def _judge_messages(
    verdict: Verdict, database: "asyncpg.Pool[Any]", client: httpx.AsyncClient, surroundings: Surroundings
) -> None:
    told = await database.fetch(
        """
        SELECT customer_id::text, template, channel, status, data ->> 'invoice_id' AS invoice_id
        FROM public.notification
        """
    )
    for row in told:
        verdict.messages[f"{row['template']} {row['status']}"] += 1
        verdict.expect(row["status"] in {"sent", "suppressed"}, f"a {row['template']} is {row['status']}")
    for key, count in Counter((row["invoice_id"], row["template"], row["channel"]) for row in told).items():
        verdict.expect(count == 1, f"{key} was told {count} times")
    sent: Counter[tuple[Any, ...]] = Counter()
    for customer_id in sorted({row["customer_id"] for row in told if row["status"] == "sent"}):
        sent.update(await _sent_to(customer_id, client, surroundings))
    for key, count in sent.items():
        verdict.expect(count == 1, f"Iterable sent {key} {count} times")
    recorded = sum(1 for row in told if row["status"] == "sent")
    verdict.expect(sum(sent.values()) == recorded, f"Iterable sent {sum(sent.values())} messages, we know {recorded}")
    ends = defaultdict(set)
    for row in told:
        ends[row["invoice_id"]].add(row["template"])
    for invoice_id, templates in ends.items():
        begun = templates & {"payment_failed", "new_card_needed"}
        verdict.expect(bool(begun), f"{invoice_id}: told {templates} without the failure")


async def _sent_to(
    customer_id: str, client: httpx.AsyncClient, surroundings: Surroundings
) -> Iterator[tuple[Any, ...]]:
    answer = await client.get(
        f"{surroundings.iterable}/api/users/getSentMessages",
        params={"userId": customer_id, "limit": 1000},
        headers={"api-key": "key"},
    )
    return iter(
        [
            (one["campaignName"], one["messageMedium"], one["dataFields"]["invoice_id"])
            for one in answer.json()["messages"]
        ]
    )
