"""Customers with a billing record, and invoices of theirs: in Chargebee's stand-in, and in the mirror."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from integrations.chargebee.rows import rows_of
from integrations.chargebee.settings import ChargebeeSettings
from tests.integration.agents.behaviour import QUICK
from tests.integration.agents.deliveries import World


@dataclass(frozen=True, kw_only=True)
class Billed:
    """A customer with an active subscription."""

    world: World
    id: uuid.UUID
    chargebee_id: str
    subscription_id: str

    async def decline(self, code: str | None) -> None:
        """Have the card declined from now on; None: accepted."""
        await control(self.world, "cards", customer_id=self.chargebee_id, decline=code)

    async def replace_card(self) -> None:
        """Another card, which is accepted unless it is declined again."""
        await control(self.world, "cards", customer_id=self.chargebee_id, replace=True)

    async def next_invoice(self) -> dict[str, Any]:
        """The term ends, the next one is charged; the invoice as Chargebee has it then."""
        answer = await control(self.world, "renew", subscription_id=self.subscription_id)
        return await self.invoice(answer["invoice"]["id"])

    async def invoice(self, invoice_id: str) -> dict[str, Any]:
        """An invoice as Chargebee has it now."""
        found: dict[str, Any] = (await api(self.world, "GET", f"/invoices/{invoice_id}"))["invoice"]
        return found

    async def subscription(self) -> dict[str, Any]:
        """The subscription as Chargebee has it now."""
        found: dict[str, Any] = (await api(self.world, "GET", f"/subscriptions/{self.subscription_id}"))["subscription"]
        return found

    async def charges(self, invoice_id: str) -> list[str]:
        """How each attempt to collect an invoice went, in order."""
        answer = await api(self.world, "GET", f"/invoices/{invoice_id}/payments")
        return [one["transaction"]["status"] for one in answer["list"]]

    async def sync(self, invoice_id: str) -> None:
        """Bring the invoice into the mirror as it is now."""
        await mirror(self.world, "invoice", await self.invoice(invoice_id))


async def billed(world: World, *, price: int = 9900, currency: str = "USD", **customer: Any) -> Billed:
    """A new customer of ours who has a subscription."""
    name = uuid.uuid4().hex
    price_id = f"monthly-{price}-{currency}"
    await control(world, "item_prices", id=price_id, price=price, currency_code=currency)
    await api(world, "POST", "/customers", id=f"cus-{name}", first_name="Ada")
    form = {"id": f"sub-{name}", "subscription_items[item_price_id][0]": price_id}
    await api(world, "POST", f"/customers/cus-{name}/subscription_for_items", **form)
    id_ = await world.customer(chargebee_customer_id=f"cus-{name}", currency_code=currency, **customer)
    return Billed(world=world, id=id_, chargebee_id=f"cus-{name}", subscription_id=f"sub-{name}")


async def mirror(world: World, kind: str, raw: dict[str, Any]) -> None:
    """Write a resource into the mirror as the ETL and webhooks do; the database leaves newer versions alone."""
    for table, rows in rows_of(kind, raw).items():
        for row in rows:
            columns = ", ".join(row)
            # Table and columns are the mirror's own, values are binds.
            await world.database.execute(
                f"""
                INSERT INTO chargebee.{table} ({columns})
                SELECT {columns} FROM jsonb_populate_record(NULL::chargebee.{table}, $1)
                ON CONFLICT (id) DO UPDATE SET ({columns}) = ROW({", ".join(f"excluded.{name}" for name in row)})
                """,  # noqa: S608
                json.dumps(row),
            )


async def control(world: World, name: str, **body: Any) -> dict[str, Any]:
    """A control of Chargebee's stand-in."""
    answer = await world.client.post(f"{world.surroundings.chargebee}/_control/{name}", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def api(world: World, method: str, path: str, **form: Any) -> dict[str, Any]:
    """A call of Chargebee's API, as somebody in its office makes it."""
    answer = await world.client.request(
        method, f"{world.surroundings.chargebee}/api/v2{path}", data=form or None, auth=("key", "")
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def chargebee_settings(world: World) -> ChargebeeSettings:
    """How the SDK reaches the stand-in: it joins site and domain with a dot."""
    site, _, rest = urlsplit(world.surroundings.chargebee).netloc.partition(".")
    return ChargebeeSettings(site=site, domain=rest, protocol="http", api_key=SecretStr("key"), **QUICK)


def moment(epoch_s: int) -> datetime:
    """A time of Chargebee's."""
    return datetime.fromtimestamp(epoch_s, UTC)
