"""A Chargebee site of a test's own beside the shared endpoint, and the mirror that it fills."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from agents.chargebee.program import Clients, open_clients
from agents.chargebee.reading import Pace, Progress, Reader
from agents.chargebee.settings import CommandSettings, EndpointSettings, EtlSettings
from agents.mirror.upserts import mirror
from integrations.chargebee.rows import Rows
from integrations.chargebee.settings import ChargebeeSettings
from integrations.chargebee.types import Resource
from local.chargebee.service import ChargebeeService
from local.standin.run import Running, running
from tests.integration.agents.behaviour import QUICK, unique
from tests.integration.agents.deliveries import World

QUICK_PACE = Pace(overlap=timedelta(seconds=5), lease=timedelta(seconds=30), pages_ahead=2, pages_at_once=1)
TABLES = ("customer", "item_price", "subscription", "invoice", "invoice_line_item", "transaction", "credit_note")
#: Of rows, what says when they were copied.
_LEFT_OUT = "synced_at"


@dataclass(frozen=True, kw_only=True)
class Billing:
    """One site, its mirror, and who reads it. Ids begin with `name`, so that tests don't meet in the mirror."""

    world: World
    site: Running
    clients: Clients
    name: str

    @property
    def service(self) -> ChargebeeService:
        """The site itself."""
        assert isinstance(self.site.service, ChargebeeService)
        return self.site.service

    def reader(self, **pace: Any) -> Reader:
        """A reader with this pace."""
        return Reader(graphql=self.clients.graphql, chargebee=self.clients.chargebee, pace=replace(QUICK_PACE, **pace))

    async def read(self, resource: Resource = Resource.INVOICES, **how: Any) -> Progress:
        """One run of the ETL over a resource."""
        return await self.reader(**how.pop("pace", {})).read(resource, cursor=self.cursor(resource), **how)

    def cursor(self, resource: Resource) -> str:
        """The name of this test's cursor."""
        return f"{self.name}:{resource.object_name}"

    async def place(self, resource: Resource = Resource.INVOICES) -> dict[str, Any]:
        """The cursor as it is."""
        cursor = self.cursor(resource)
        return dict(await self.world.row("SELECT * FROM chargebee.sync_cursor WHERE resource = $1", cursor))

    async def mirrored(self, table: str) -> list[dict[str, Any]]:
        """The rows of this test: its own prices, its own customers and what is theirs."""
        by = "id" if table in ("customer", "item_price") else "customer_id"
        # The table is a literal of a test's.
        statement = f"SELECT * FROM chargebee.{table} WHERE starts_with({by}, $1) ORDER BY id"  # noqa: S608
        rows = await self.world.rows(statement, self.name)
        return [{column: value for column, value in row.items() if column != _LEFT_OUT} for row in rows]

    async def everything(self) -> dict[str, list[dict[str, Any]]]:
        """All rows of this test, by table."""
        return {table: await self.mirrored(table) for table in TABLES}

    def save(self, kind: str, key: str, **values: Any) -> dict[str, Any]:
        """A resource in Chargebee, in a new version."""
        now = self.service.site.now()
        known = self.service.store.find(kind, f"{self.name}{key}") or self._new(kind, key, now)
        return self.service.site.save(kind, known | values)

    def _new(self, kind: str, key: str, now: int) -> dict[str, Any]:
        common: dict[str, Any] = {"id": f"{self.name}{key}", "currency_code": "USD"}
        owner: dict[str, Any] = {"customer_id": f"{self.name}cus"}
        invoice = {"date": now, "status": "paid", "sub_total": 9900, "total": 9900, "amount_paid": 9900}
        note = {"date": now, "type": "refundable", "status": "refund_due", "sub_total": 1, "total": 1}
        kinds: dict[str, dict[str, Any]] = {
            "customer": {"created_at": now},
            "item_price": {"created_at": now, "name": key, "item_id": key, "item_type": "plan", "status": "active"},
            "subscription": owner | {"created_at": now, "status": "active", "subscription_items": []},
            "invoice": owner | invoice | {"line_items": [self.line(key, 1)]},
            "transaction": owner | {"date": now, "type": "payment", "status": "success", "amount": 9900},
            "credit_note": owner | note,
        }
        return common | kinds[kind]

    def line(self, invoice: str, number: int) -> dict[str, Any]:
        """A line of an invoice."""
        return {
            "id": f"{self.name}{invoice}-{number}",
            "entity_type": "adhoc",
            "description": f"Line {number}",
            "unit_amount": 9900,
            "amount": 9900,
        }

    async def write(self, rows: Rows) -> None:
        """Write rows as a webhook's agent does."""
        mutations = mirror(rows)
        if mutations:
            await self.clients.graphql.mutate(*mutations)

    def events(self) -> list[Mapping[str, Any]]:
        """All that Chargebee has told, oldest first: what its webhooks would bring."""
        rows = self.service.store.rows("SELECT body FROM document WHERE kind = 'event' ORDER BY rowid")
        return [json.loads(row["body"]) for row in rows]

    async def control(self, path: str, body: Any) -> dict[str, Any]:
        """Use one of the stand-in's controls."""
        answer = await self.world.client.post(f"{self.site.url}/_control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def advance(self, by: timedelta) -> None:
        """Turn the site's clock; what falls due happens."""
        await self.control("clock", {"advance_s": by.total_seconds()})

    async def requests(self) -> list[dict[str, Any]]:
        """What the site received, listings only."""
        answer = await self.world.client.get(f"{self.site.url}/_received", params={"method": "GET", "limit": 1000})
        found: list[dict[str, Any]] = answer.json()["received"]
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs that acts on this site."""
        surroundings = self.world.surroundings
        runtime = surroundings.runtime_environment("chargebee", "http://127.0.0.1:1")
        site, _, domain = urlsplit(self.site.url).netloc.partition(".")
        return {
            "CAREGRAPH_ENVIRONMENT": "development",
            "CAREGRAPH_GRAPHQL_URL": runtime["graphql_url"],
            "CAREGRAPH_ID_TOKEN_URL": runtime["id_token_url"],
            "CHARGEBEE_SITE": site,
            "CHARGEBEE_DOMAIN": domain,
            "CHARGEBEE_PROTOCOL": "http",
            "CHARGEBEE_API_KEY": "key",
        }


@asynccontextmanager
async def billing_of(world: World, folder: Path) -> AsyncIterator[Billing]:
    """An empty site; its clock stands at now."""
    async with running(ChargebeeService, folder) as site:
        address, domain = urlsplit(site.url).netloc.partition(".")[::2]
        surroundings = world.surroundings
        settings = CommandSettings(
            endpoint=EndpointSettings(
                graphql_url=f"{surroundings.api}/v1/graphql",
                id_token_url=surroundings.runtime_environment("chargebee", "")["id_token_url"],
            ),
            chargebee=ChargebeeSettings(
                site=address, domain=domain, protocol="http", api_key=SecretStr("key"), **QUICK
            ),
            etl=EtlSettings(),
        )
        async with open_clients(settings) as clients:
            yield Billing(world=world, site=site, clients=clients, name=f"{unique()[:10]}-")
