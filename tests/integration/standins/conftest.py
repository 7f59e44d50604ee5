"""Stand-ins served on free ports in the test's own loop, and the platform's clients pointed at them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.settings import ChargebeeSettings
from integrations.iterable.client import IterableClient
from integrations.iterable.settings import IterableSettings
from integrations.pharmacy.client import PharmacyClient
from integrations.pharmacy.settings import PharmacySettings
from integrations.pharmacy.types import Address, Medication, NewOrder, Patient, Prescriber, Prescription
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.settings import ZendeskSettings
from local.chargebee.service import ChargebeeService
from local.iterable.service import IterableService
from local.pharmacy.service import PharmacyService
from local.standin.run import Running, running
from local.standin.store import Store
from local.zendesk.service import ZendeskService

START = 1_767_225_600  # 2026-01-01T00:00:00Z

#: Retries without noticeable waits; time-outs that a test can sit out.
FAST: dict[str, Any] = {
    "retry_wait": timedelta(milliseconds=1),
    "read_time_out": timedelta(milliseconds=300),
    "deadline": timedelta(seconds=5),
    "attempts": 3,
}


def chargebee_objects() -> dict[str, list[dict[str, Any]]]:
    """A catalogue of two plans, and Ada with an active subscription."""
    price = {"item_family_id": "care", "item_type": "plan", "status": "active", "pricing_model": "flat_fee"}
    common = {"currency_code": "USD", "created_at": START, "updated_at": START, "resource_version": START * 1000}
    return {
        "item_price": [
            {"id": "basic-USD-Monthly", "price": 3000, "period": 1, "period_unit": "month", **price, **common},
            {"id": "basic-USD-Every-6-Months", "price": 15000, "period": 6, "period_unit": "month", **price, **common},
            {"id": "plus-USD-Monthly", "price": 6000, "period": 1, "period_unit": "month", **price, **common},
            {"id": "coaching-USD-Monthly", "price": 2500, "period": 1, "period_unit": "month", **price, **common,
             "item_type": "addon"},
        ],
        "customer": [
            {"id": "ada", "email": "ada@example.com", "first_name": "Ada", "auto_collection": "on", **common}
        ],
        "subscription": [
            {
                "id": "ada-basic",
                "customer_id": "ada",
                "status": "active",
                "auto_collection": "on",
                "billing_period": 1,
                "billing_period_unit": "month",
                "current_term_start": START,
                "current_term_end": START + 31 * 86_400,
                "next_billing_at": START + 31 * 86_400,
                "subscription_items": [
                    {"item_price_id": "basic-USD-Monthly", "item_type": "plan", "quantity": 1, "unit_price": 3000,
                     "amount": 3000}
                ],
                **common,
            }
        ],
    }  # fmt: skip


def build_chargebee(store: Store) -> ChargebeeService:
    return ChargebeeService(store, api_key="site-key", objects=chargebee_objects)


def build_iterable(store: Store) -> IterableService:
    return IterableService(store, api_key="api-key", templates=lambda: ["welcome", "payment_failed"])


def build_zendesk(store: Store) -> ZendeskService:
    return ZendeskService(store, email="care@example.com", api_token="token", webhook_secret="shared")


def build_pharmacy(store: Store) -> PharmacyService:
    return PharmacyService(store, api_key="pharmacy-key", webhook_secret="shared")


def chargebee_settings(port: int, **more: Any) -> ChargebeeSettings:
    return ChargebeeSettings(
        site="127", domain=f"0.0.1:{port}", protocol="http", **{"api_key": "site-key", **FAST, **more}
    )


def iterable_settings(url: str, **more: Any) -> IterableSettings:
    return IterableSettings(base_url=url, **{"api_key": "api-key", **FAST, **more})


def zendesk_settings(url: str, **more: Any) -> ZendeskSettings:
    return ZendeskSettings(base_url=url, **{"email": "care@example.com", "api_token": "token", **FAST, **more})


def pharmacy_settings(url: str, **more: Any) -> PharmacySettings:
    return PharmacySettings(base_url=url, **{"api_key": "pharmacy-key", **FAST, **more})


def pharmacy_order(reference: str = "rx.0", **prescription: Any) -> NewOrder:
    """Grace's order, with parts of its prescription changed."""
    given: dict[str, Any] = {
        "id": "rx",
        "signed_at": datetime(2026, 1, 1, tzinfo=UTC),
        "valid_until": None,
        "dosage_instruction": "One a day",
        "quantity": Decimal(30),
        "quantity_unit": "{tbl}",
        "days_supply": 30,
        "refills_allowed": 2,
        "fill_number": 0,
        "note": None,
    }
    address = Address(line1="1 Main Street", line2=None, city="Denver", state="CO", zip="80202", country="US")
    return NewOrder(
        reference=reference,
        pharmacy_ncpdp_id="5601234",
        patient=Patient(
            identifier="MRN-1",
            first_name="Grace",
            last_name="Hopper",
            birth_date=date(1990, 2, 28),
            gender="female",
            phone="+15550123456",
            address=address,
        ),
        prescriber=Prescriber(npi="1234567893", first_name="Ada", last_name="Lovelace"),
        medication=Medication(
            code_system="http://www.nlm.nih.gov/research/umls/rxnorm",
            code="1",
            display="Secretumab",
            form="tablet",
            strength="10 mg",
        ),
        prescription=Prescription(**(given | prescription)),
    )


def plain_client(**more: Any) -> httpx.AsyncClient:
    """An HTTP client for addresses on this machine; a TLS context would cost more than the test."""
    return httpx.AsyncClient(trust_env=False, verify=False, **more)  # noqa: S501 - nothing here speaks TLS


@pytest.fixture
async def chargebee(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(build_chargebee, tmp_path / "chargebee") as standin:
        # The site's time is the seed's, so that terms and amounts are the same whenever the test runs.
        with standin.service.store.transaction():
            standin.service.clock.set(datetime.fromtimestamp(START + 10 * 86_400, UTC))
        yield standin


@pytest.fixture
async def iterable(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(build_iterable, tmp_path / "iterable") as standin:
        yield standin


@pytest.fixture
async def zendesk(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(build_zendesk, tmp_path / "zendesk") as standin:
        yield standin


@pytest.fixture
async def pharmacy(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(build_pharmacy, tmp_path / "pharmacy") as standin:
        yield standin


@pytest.fixture
async def pharmacy_client(pharmacy: Running) -> AsyncIterator[PharmacyClient]:
    async with PharmacyClient(pharmacy_settings(pharmacy.url)) as client:
        yield client


@pytest.fixture
async def chargebee_client(chargebee: Running) -> AsyncIterator[ChargebeeClient]:
    async with ChargebeeClient(chargebee_settings(chargebee.port)) as client:
        yield client


@pytest.fixture
async def iterable_client(iterable: Running) -> AsyncIterator[IterableClient]:
    async with IterableClient(iterable_settings(iterable.url)) as client:
        yield client


@pytest.fixture
async def zendesk_client(zendesk: Running) -> AsyncIterator[ZendeskClient]:
    async with ZendeskClient(zendesk_settings(zendesk.url)) as client:
        yield client


class Operator:
    """Uses a stand-in's controls over HTTP."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def post(self, standin: Running, control: str, body: Any) -> Any:
        response = await self._http.post(f"{standin.url}/_control/{control}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def raw(self, standin: Running, control: str, body: Any) -> httpx.Response:
        return await self._http.post(f"{standin.url}/_control/{control}", json=body)

    async def delete(self, url: str) -> None:
        (await self._http.delete(url)).raise_for_status()

    async def fault(self, standin: Running, **fault: Any) -> None:
        await self.post(standin, "faults", fault)

    async def received(self, standin: Running, **query: Any) -> list[dict[str, Any]]:
        response = await self._http.get(f"{standin.url}/_received", params=query)
        found: list[dict[str, Any]] = response.json()["received"]
        return found

    async def get(self, url: str, **more: Any) -> httpx.Response:
        return await self._http.get(url, **more)


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    async with plain_client(timeout=10) as http:
        yield Operator(http)
