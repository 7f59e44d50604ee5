"""The days of a simulation."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
import httpx
from pydantic import SecretStr

from agents.chargebee.etl import run_etl
from agents.chargebee.program import open_clients
from agents.chargebee.reading import Pace, Reader
from agents.chargebee.settings import CommandSettings, EndpointSettings, EtlSettings
from agents.invoice.app import create_app as create_invoice_agent
from agents.invoice.settings import RecoverySettings
from agents.invoice.settings import Settings as InvoiceSettings
from agents.notification.app import create_app as create_notification_agent
from agents.notification.settings import SendingSettings
from agents.notification.settings import Settings as NotificationSettings
from agents.runtime.jobs import JobRun
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.settings import ChargebeeSettings
from integrations.flags.settings import FlagSettings
from integrations.iterable.settings import IterableSettings
from integrations.zendesk.settings import ZendeskSettings
from local.layout import PROJECT
from tests.integration.agents.behaviour import QUICK
from tests.integration.agents.serving import NO_TLS, serving
from tests.integration.agents.surroundings import Surroundings, surroundings_of
from tests.simulation.courier import Courier, Door
from tests.simulation.fortune import Fortune
from tests.simulation.verdict import Verdict, judge

TASKS_ACCOUNT: Final = f"tasks@{PROJECT}.iam.gserviceaccount.com"
PRICES: Final = {"monthly-usd": (9900, "USD"), "monthly-jpy": (12000, "JPY"), "monthly-kwd": (30250, "KWD")}
#: Days after which the last plan of retries has ended, and one for good measure.
RUN_OUT_DAYS: Final = 9


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How large a simulation is."""

    subscriptions: int
    days: int
    seed: int
    #: First terms begin in the first so many days.
    spread_days: int = 28
    #: The chance that a good card goes bad, a day.
    trouble: float = 0.012


@dataclass(kw_only=True)
class Simulation:
    """One run, set up."""

    plan: Plan
    surroundings: Surroundings
    database: "asyncpg.Pool[Any]"
    client: httpx.AsyncClient
    chargebee: ChargebeeClient
    reader: Reader
    courier: Courier
    fortune: Fortune
    chance: random.Random
    started: datetime
    now: datetime
    #: Told of each day that is over.
    tell: Callable[[int], None]
    counts: Counter[str] = field(default_factory=Counter)

    async def run(self) -> Verdict:
        """Live through all days, and judge."""
        await self._settle()
        for day in range(1, self.plan.days + 1):
            await self._live(day)
        await self._end_subscriptions()
        for day in range(self.plan.days + 1, self.plan.days + 1 + RUN_OUT_DAYS):
            await self._live(day, charging=False)
        self.counts["deliveries"] = sum(self.courier.deliveries.values())
        return await judge(
            database=self.database, client=self.client, chargebee=self.chargebee, surroundings=self.surroundings
        )

    async def _settle(self) -> None:
        """Prices, customers, subscriptions; a name in four has no e-mail address."""
        for price_id, (price, currency) in PRICES.items():
            await self._control("chargebee", "item_prices", id=price_id, price=price, currency_code=currency)
        slots = asyncio.Semaphore(8)

        async def settle(number: int, price_id: str, start: datetime) -> None:
            async with slots:
                name = f"s{number:05d}"
                await self._api("/customers", id=f"cus-{name}", first_name="Ada")
                await self._api(
                    f"/customers/cus-{name}/subscription_for_items",
                    id=f"sub-{name}",
                    start_date=int(start.timestamp()),
                    **{"subscription_items[item_price_id][0]": price_id},
                )
                await self.database.execute(
                    """
                    INSERT INTO public.customer (first_name, email, currency_code, chargebee_customer_id)
                    VALUES ('Ada', $1, $2, $3)
                    """,
                    None if number % 4 == 0 else f"{name}@example.com",
                    PRICES[price_id][1],
                    f"cus-{name}",
                )

        await asyncio.gather(
            *(
                settle(
                    number,
                    self.chance.choices(tuple(PRICES), (8, 1, 1))[0],
                    self.started + timedelta(hours=self.chance.randint(1, self.plan.spread_days * 24)),
                )
                for number in range(self.plan.subscriptions)
            )
        )

    async def _live(self, day: int, *, charging: bool = True) -> None:
        if changes := self.fortune.cards(day, trouble=charging):
            await self._control("chargebee", "cards", cards=changes)
        self.now = self.started + timedelta(days=day)
        for service in ("chargebee", "iterable", "zendesk"):
            await self._control(service, "clock", now=self.now.isoformat())
        await self._sync()
        if charging:
            deed = await self.fortune.office(self.client, self.surroundings.chargebee)
            if deed is not None:
                self.counts[f"office: {deed}"] += 1
            for service, fault in self.fortune.faults():
                self.counts[f"fault: {service}"] += 1
                await self._control(service, "faults", **fault)
        # What the office did is heard of before or after the attempts that are due, by chance.
        if self.chance.random() < 0.5:
            await self._sync()
            await self.courier.deliver_events()
        while True:
            events = await self.courier.deliver_events()
            tasks = await self.courier.run_tasks(self.now)
            self.counts["events"] += events
            self.counts["tasks"] += tasks
            if not events and not tasks:
                break
            await self._sync()
        for service in ("chargebee", "iterable", "zendesk"):
            await self.client.delete(f"{self.surroundings.outside[service]}/_control/faults")
        await self._sync()
        self.counts["events"] += await self.courier.deliver_events()
        self.tell(day)

    async def _sync(self) -> None:
        """The ETL's next run, again until Chargebee answers."""
        for _ in range(20):
            try:
                await run_etl(JobRun(job="etl", due_at=self.now), reader=self.reader)
            except Exception:
                # The scheduler tries again as well, whatever it was.
                self.counts["etl tried again"] += 1
                await asyncio.sleep(0.01)
            else:
                return
        raise AssertionError("the ETL did not get through")

    async def _end_subscriptions(self) -> None:
        """No further invoices: what is open runs out."""
        for number in range(self.plan.subscriptions):
            await self.client.post(
                f"{self.surroundings.chargebee}/api/v2/subscriptions/sub-s{number:05d}/cancel_for_items",
                auth=("key", ""),
            )

    async def _control(self, service: str, name: str, **body: Any) -> None:
        answer = await self.client.post(f"{self.surroundings.outside[service]}/_control/{name}", json=body)
        assert answer.status_code == 200, answer.text

    async def _api(self, path: str, **form: Any) -> None:
        answer = await self.client.post(f"{self.surroundings.chargebee}/api/v2{path}", data=form, auth=("key", ""))
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def open_simulation(
    plan: Plan, *, database_url: str, folder: Path, tell: Callable[[int], None]
) -> AsyncIterator[Simulation]:
    """Everything started, on a database that is migrated and empty; stopped at the end."""
    chance = random.Random(plan.seed)  # noqa: S311 - the same run for the same seed
    async with AsyncExitStack() as stack:
        surroundings = await asyncio.to_thread(stack.enter_context, surroundings_of(database_url, folder))
        client = await stack.enter_async_context(_client())
        database = await stack.enter_async_context(asyncpg.create_pool(database_url, min_size=1, max_size=4))
        chargebee_settings = _chargebee(surroundings)
        chargebee = await stack.enter_async_context(ChargebeeClient(chargebee_settings))
        clients = await stack.enter_async_context(
            open_clients(
                CommandSettings(
                    endpoint=EndpointSettings(
                        **{
                            name: value
                            for name, value in surroundings.runtime_environment("chargebee", "").items()
                            if name in {"graphql_url", "id_token_url"}
                        }
                    ),
                    chargebee=chargebee_settings,
                    etl=EtlSettings(),
                )
            )
        )
        started = datetime.now(UTC)
        holder: list[Simulation] = []
        doors = {
            agent: await stack.enter_async_context(_door(agent, surroundings, chargebee_settings, holder))
            for agent in ("invoice", "notification")
        }
        simulation = Simulation(
            plan=plan,
            surroundings=surroundings,
            database=database,
            client=client,
            chargebee=chargebee,
            reader=Reader(
                graphql=clients.graphql, chargebee=clients.chargebee, pace=Pace(overlap=timedelta(minutes=2))
            ),
            courier=Courier(database=database, client=client, doors=doors, chance=chance),
            fortune=Fortune(
                chance=random.Random(f"{plan.seed} cards"),  # noqa: S311 - as above
                mood=chance,
                trouble=plan.trouble,
                customers=tuple(f"cus-s{number:05d}" for number in range(plan.subscriptions)),
            ),
            chance=chance,
            started=started,
            now=started,
            tell=tell,
        )
        holder.append(simulation)
        yield simulation


@asynccontextmanager
async def _door(
    agent: str, surroundings: Surroundings, chargebee: ChargebeeSettings, simulation: list[Simulation]
) -> AsyncIterator[Door]:
    """An agent, served here, with the simulation's clock."""
    iterable = IterableSettings(base_url=surroundings.iterable, api_key=SecretStr("key"), **QUICK)
    zendesk = ZendeskSettings(
        base_url=surroundings.zendesk, email="agent@example.com", api_token=SecretStr("token"), **QUICK
    )

    def build(url: str) -> Any:
        runtime = surroundings.runtime_settings(
            agent, url, tasks_service_account=TASKS_ACCOUNT, turn_time_out=timedelta(seconds=60)
        )
        if agent == "notification":
            sending = SendingSettings(send_time_out=timedelta(seconds=20))
            return create_notification_agent(
                NotificationSettings(runtime=runtime, iterable=iterable, sending=sending, flags=FlagSettings())
            )
        return create_invoice_agent(
            InvoiceSettings(
                runtime=runtime, chargebee=chargebee, iterable=iterable, zendesk=zendesk, recovery=RecoverySettings()
            ),
            clock=lambda: simulation[0].now,
        )

    async with serving(build) as url:
        yield Door(
            url=url,
            push_token=await surroundings.push_token(url),
            tasks_token=await surroundings.push_token(url, account=TASKS_ACCOUNT),
        )


def _client() -> httpx.AsyncClient:
    # Servers close what is idle for five seconds; on a slow machine that comes in the very moment of the next request.
    limits = httpx.Limits(max_connections=40, max_keepalive_connections=40, keepalive_expiry=2)
    return httpx.AsyncClient(timeout=120, trust_env=False, verify=NO_TLS, limits=limits)


def _chargebee(surroundings: Surroundings) -> ChargebeeSettings:
    site, _, rest = urlsplit(surroundings.chargebee).netloc.partition(".")
    return ChargebeeSettings(site=site, domain=rest, protocol="http", api_key=SecretStr("key"), **QUICK)


async def simulate(
    plan: Plan, *, database_url: str, folder: Path, tell: Callable[[int], None] = lambda _day: None
) -> tuple[Verdict, Counter[str], float]:
    """The verdict over one run, what happened in it, and how many seconds it took."""
    begun = time.monotonic()
    async with open_simulation(plan, database_url=database_url, folder=folder, tell=tell) as simulation:
        verdict = await simulation.run()
        return verdict, simulation.counts, time.monotonic() - begun
