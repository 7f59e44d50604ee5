"""Prescriptions to dispense, and what a pharmacy has of them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from integrations.pharmacy.settings import PharmacySettings
from integrations.zendesk.settings import ZendeskSettings
from tests.integration.agents.behaviour import QUICK
from tests.integration.agents.deliveries import Event, World

ADDRESS: Mapping[str, str] = {
    "address_line1": "1 Main Street",
    "city": "Denver",
    "state_code": "CO",
    "zip": "80202",
    "country": "US",
}


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A signed prescription of a new patient."""

    id: uuid.UUID
    customer_id: uuid.UUID
    patient_id: uuid.UUID
    pharmacy_id: uuid.UUID
    requester_id: uuid.UUID

    def data(self, **changes: Any) -> dict[str, Any]:
        """What events about it say."""
        given = {
            "prescription_id": str(self.id),
            "customer_id": str(self.customer_id),
            "patient_id": str(self.patient_id),
            "requester_id": str(self.requester_id),
            "pharmacy_id": str(self.pharmacy_id),
            "contract_id": None,
            "signed_at": datetime.now(UTC).isoformat(),
        }
        return given | changes


def pharmacy_settings(world: World) -> PharmacySettings:
    return PharmacySettings(base_url=world.surroundings.pharmacy, api_key=SecretStr("key"), **QUICK)


def zendesk_settings(world: World) -> ZendeskSettings:
    return ZendeskSettings(
        base_url=world.surroundings.zendesk, email="care@example.com", api_token=SecretStr("token"), **QUICK
    )


async def prescribe(world: World, *, customer: Mapping[str, Any] | None = None, **columns: Any) -> Signed:
    """A prescription that was signed a moment ago; without a fill, since nobody was told of it yet."""
    customer_id = await world.customer(**{**ADDRESS, **(customer or {})})
    unique = uuid.uuid4().int
    pharmacy_id = await world.insert("healthcare.pharmacy", {"name": "Apothecary", "ncpdp_id": f"{unique % 10**7:07}"})
    patient_id = await world.insert(
        "healthcare.patient", {"customer_id": customer_id, "gender": "female", "identifier": f"MRN-{unique}"}
    )
    requester_id = await world.insert(
        "public.staff",
        {
            "email": f"{unique}@example.com",
            "first_name": "Grace",
            "last_name": "Hopper",
            "role": "provider",
            "npi": f"{unique % 10**10:010}",
        },
    )
    medication_id = await world.insert(
        "healthcare.medication",
        {
            "code_system": "http://www.nlm.nih.gov/research/umls/rxnorm",
            "code": str(unique),
            "code_display": "Secretumab",
            "form": "tablet",
            "strength": "10 mg",
        },
    )
    given: dict[str, Any] = {
        "patient_id": patient_id,
        "requester_id": requester_id,
        "medication_id": medication_id,
        "pharmacy_id": pharmacy_id,
        "status": "active",
        "signed_at": datetime.now(UTC),
        "dosage_instruction": "One a day",
        "quantity": 30,
        "quantity_unit": "{tbl}",
        "days_supply": 30,
        "refills_allowed": 2,
        "refills_remaining": 2,
    }
    prescription_id = await world.insert("healthcare.prescription", given | columns)
    return Signed(
        id=prescription_id,
        customer_id=customer_id,
        patient_id=patient_id,
        pharmacy_id=pharmacy_id,
        requester_id=requester_id,
    )


async def fill(world: World, signed: Signed, number: int = 0, **columns: Any) -> uuid.UUID:
    """A fill's row."""
    given = {
        "prescription_id": signed.id,
        "pharmacy_id": signed.pharmacy_id,
        "fill_number": number,
        "quantity": 30,
        "days_supply": 30,
    }
    return await world.insert("healthcare.prescription_fill", given | columns)


async def fills(world: World, signed: Signed) -> list[dict[str, Any]]:
    """The rows of a prescription's fills, in order."""
    return await world.rows(
        "SELECT * FROM healthcare.prescription_fill WHERE prescription_id = $1 ORDER BY fill_number", signed.id
    )


async def orders(world: World, signed: Signed) -> list[dict[str, Any]]:
    """What the pharmacy has of a prescription, whoever asked for it how often, in the order of its fills."""
    found = []
    for number in range(4):
        answer = await world.client.get(
            f"{world.surroundings.pharmacy}/v1/orders",
            params={"reference": f"{signed.id}.{number}"},
            headers={"authorization": "Bearer key"},
        )
        found += answer.json()["orders"]
    return found


async def at_pharmacy(world: World, order_id: str, **move: Any) -> dict[str, Any]:
    """What a pharmacist does with an order; the order after it."""
    answer = await world.client.post(f"{world.surroundings.pharmacy}/_control/orders", json={"id": order_id, **move})
    assert answer.status_code == 200, answer.text
    order: dict[str, Any] = answer.json()["order"]
    return order


async def signed_event(world: World, signed: Signed) -> Event:
    return await world.publish("prescription.signed", signed.id, signed.data())


async def told(world: World, signed: Signed) -> list[str]:
    """The events about a prescription's fills, in order."""
    rows = await world.rows(
        "SELECT type FROM events.outbox WHERE subject = $1 AND type LIKE 'prescription.%'"
        " AND type NOT IN ('prescription.inserted', 'prescription.updated', 'prescription.signed') ORDER BY sequence",
        str(signed.id),
    )
    return [row["type"] for row in rows]
