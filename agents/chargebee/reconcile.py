"""All of Chargebee compared with all of the mirror: what is missing, what is too much, what differs.

Both change while they are read. So whatever looks different is asked for again at the end, on both sides, and only what
still differs is reported.

Rows of customers whose data was deleted are hidden from agents. Chargebee says of such a customer that their personal
data was cleared: what is missing of them is counted apart, and is no difference.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from agents.chargebee import operations
from agents.chargebee.differences import Difference, differences
from agents.chargebee.pages import pages_from
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Query
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.listing import PAGE_SIZE
from integrations.chargebee.rows import Resource as Raw
from integrations.chargebee.rows import Row, Rows, Unmirrorable, collect, rows_of
from integrations.chargebee.types import Page, Resource

_PAGES_AHEAD: Final = 6
_PAGES_AT_ONCE: Final = 4
_ROWS_AT_ONCE: Final = 500
_IDS_AT_ONCE: Final = 1_000

#: Table → rows by their ids.
_ROWS: Final[Mapping[str, Callable[..., Query[Any]]]] = MappingProxyType(
    {
        "customer": operations.mirrored_customers,
        "item_price": operations.mirrored_item_prices,
        "subscription": operations.mirrored_subscriptions,
        "invoice": operations.mirrored_invoices,
        "invoice_line_item": operations.mirrored_invoice_line_items,
        "transaction": operations.mirrored_transactions,
        "credit_note": operations.mirrored_credit_notes,
    }
)
#: Table → ids of the rows that are not deleted, in order.
_IDS: Final[Mapping[str, Callable[..., Query[Any]]]] = MappingProxyType(
    {
        "customer": operations.mirrored_customer_ids,
        "item_price": operations.mirrored_item_price_ids,
        "subscription": operations.mirrored_subscription_ids,
        "invoice": operations.mirrored_invoice_ids,
        "invoice_line_item": operations.mirrored_invoice_line_item_ids,
        "transaction": operations.mirrored_transaction_ids,
        "credit_note": operations.mirrored_credit_note_ids,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How one resource stands."""

    resource: Resource
    #: Resources that Chargebee has, deleted ones too.
    compared: int
    differences: tuple[Difference, ...]
    #: What no table could hold, a sentence each; such a resource is missing, too.
    unmirrorable: tuple[str, ...]
    #: Hidden from agents, because the customer's data was deleted.
    withheld: int


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What is known while a resource is read. Mutable: it grows."""

    compared: int = 0
    #: Ids of Chargebee's rows by table.
    seen: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Ids of resources that have a difference, or a line that has one.
    suspects: set[str] = field(default_factory=set)
    unmirrorable: list[str] = field(default_factory=list)


class Reconciler:
    """Compares resources, one after the other. Customers go before what is theirs: they say what is withheld."""

    def __init__(self, *, graphql: GraphQLClient, chargebee: ChargebeeClient) -> None:
        self._graphql = graphql
        self._chargebee = chargebee
        #: Customers whose personal data was cleared in Chargebee.
        self._cleared: set[str] = set()

    async def compare(self, resource: Resource, *, tell: Callable[[int], None] = lambda _count: None) -> Report:
        """The report of one resource; `tell` gets the number compared so far. Raises what the clients raise."""
        findings = _Findings()

        async def fetch(offset: str | None) -> Page:
            return await self._chargebee.list_page(resource, offset=offset)

        async with pages_from(fetch, lambda page: page, None, ahead=_PAGES_AHEAD) as pages:
            while batch := await pages.next(at_most=_PAGES_AT_ONCE):
                raws = [raw for page in batch for raw in page.objects]
                await self._compare_some(resource, raws, findings)
                tell(findings.compared)
        await self._find_extra(resource, findings)
        return await self._report(resource, findings)

    async def _compare_some(self, resource: Resource, raws: Sequence[Raw], findings: _Findings) -> None:
        kind = resource.object_name
        found: list[Rows] = []
        for raw in raws:
            if raw.get("pii_cleared") in ("cleared", "scheduled_for_clear"):
                self._cleared.add(raw["id"])
            try:
                found.append(rows_of(kind, raw))
            except Unmirrorable as problem:
                findings.unmirrorable.append(str(problem))
                findings.suspects.add(str(raw["id"]))
        findings.compared += len(raws)
        rows = collect(found)
        for table, listed in rows.items():
            findings.seen[table].update(row["id"] for row in listed)
        for difference, row in [pair async for pair in self._differences(rows)]:
            findings.suspects.add(_resource_id(difference.table, row))

    async def _differences(self, rows: Rows) -> AsyncIterator[tuple[Difference, Row]]:
        for table, listed in rows.items():
            for some in _chunks(listed, _ROWS_AT_ONCE):
                answer: Any = await self._graphql.query(_ROWS[table](ids=[row["id"] for row in some]))
                mirrored = {row.id: row.model_dump() for row in answer.rows}
                for row in some:
                    for difference in differences(table, row, mirrored.get(row["id"])):
                        yield difference, row

    async def _find_extra(self, resource: Resource, findings: _Findings) -> None:
        tables = [resource.object_name, *(["invoice_line_item"] if resource is Resource.INVOICES else [])]
        for table in tables:
            async for row in self._mirrored_ids(table):
                if row.id not in findings.seen[table]:
                    findings.suspects.add(row.invoice_id if table == "invoice_line_item" else row.id)

    async def _mirrored_ids(self, table: str) -> AsyncIterator[Any]:
        after = ""
        while True:
            answer: Any = await self._graphql.query(_IDS[table](after=after, limit=_IDS_AT_ONCE))
            for row in answer.rows:
                yield row
            if len(answer.rows) < _IDS_AT_ONCE:
                return
            after = answer.rows[-1].id

    async def _report(self, resource: Resource, findings: _Findings) -> Report:
        """Look at the suspects once more, both sides as close together as can be."""
        kept: list[Difference] = []
        withheld = 0
        for ids in _chunks(sorted(findings.suspects), PAGE_SIZE):
            page = await self._chargebee.list_page(resource, ids=ids)
            found: list[Rows] = []
            unmirrorable: set[str] = set()
            for raw in page.objects:
                try:
                    found.append(rows_of(resource.object_name, raw))
                except Unmirrorable:
                    unmirrorable.add(str(raw["id"]))
                    kept.append(Difference(table=resource.object_name, id=str(raw["id"]), kind="missing"))
            rows = collect(found)
            async for difference, row in self._differences(rows):
                if difference.kind == "missing" and self._is_cleared(row):
                    withheld += 1
                else:
                    kept.append(difference)
            kept.extend(await self._extra(resource, ids, rows, unmirrorable))
        return Report(
            resource=resource,
            compared=findings.compared,
            differences=tuple(kept),
            unmirrorable=tuple(findings.unmirrorable),
            withheld=withheld,
        )

    async def _extra(
        self, resource: Resource, ids: Sequence[str], rows: Rows, unmirrorable: set[str]
    ) -> list[Difference]:
        """Rows of the mirror that none of these resources makes, deleted ones aside."""
        kind = resource.object_name
        wanted = {row["id"] for row in rows.get(kind, ())} | unmirrorable
        answer: Any = await self._graphql.query(_ROWS[kind](ids=list(ids)))
        extra = [
            Difference(table=kind, id=row.id, kind="extra")
            for row in answer.rows
            if row.id not in wanted and not row.deleted
        ]
        if resource is Resource.INVOICES:
            lines = {row["id"] for row in rows.get("invoice_line_item", ())}
            answer = await self._graphql.query(operations.mirrored_lines_of(invoice_ids=list(ids)))
            extra.extend(
                Difference(table="invoice_line_item", id=row.id, kind="extra")
                for row in answer.rows
                if row.id not in lines and row.invoice_id not in unmirrorable
            )
        return extra

    def _is_cleared(self, row: Row) -> bool:
        return row.get("customer_id", row["id"]) in self._cleared


def _resource_id(table: str, row: Row) -> str:
    return str(row["invoice_id"] if table == "invoice_line_item" else row["id"])


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
