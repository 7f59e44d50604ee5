"""A small clinic for operations: two customers, their care, and the people who look after them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson

from local.demo.people import ADA, BO, INES, MIRA, THEO

if TYPE_CHECKING:
    from tests.integration.operations.conftest import Endpoint

OTHER_PROVIDER = uuid.UUID("018cc251-f400-7000-8001-000000000009")
TREATMENT = uuid.UUID("018cc251-f400-7000-8002-000000000001")
OTHER_TREATMENT = uuid.UUID("018cc251-f400-7000-8002-000000000002")
PHARMACY = uuid.UUID("018cc251-f400-7000-8003-000000000001")
MEDICATION = uuid.UUID("018cc251-f400-7000-8004-000000000001")
CONTROLLED = uuid.UUID("018cc251-f400-7000-8004-000000000002")
#: Ada's patient.
PATIENT = uuid.UUID("018cc251-f400-7000-8005-000000000001")
SUBSCRIPTION = "sub_ada"

_ROWS = f"""
INSERT INTO public.customer (id, firebase_uid, chargebee_customer_id, email, first_name, last_name) VALUES
    ('{ADA}', 'firebase-ada', 'cb_ada', 'ada@example.com', 'Ada', 'Lindqvist'),
    ('{BO}', 'firebase-bo', 'cb_bo', 'bo@example.com', 'Bo', 'Marsh');
INSERT INTO public.staff (id, firebase_uid, email, first_name, last_name, role, npi, license_states) VALUES
    ('{MIRA}', 'firebase-mira', 'mira@example.com', 'Mira', 'Solberg', 'provider', '1234567890', '{{CA,OR}}'),
    ('{OTHER_PROVIDER}', 'firebase-noor', 'noor@example.com', 'Noor', 'Dahl', 'provider', '1234567891', '{{CA}}'),
    ('{THEO}', 'firebase-theo', 'theo@example.com', 'Theo', 'Brandt', 'cct', NULL, '{{}}'),
    ('{INES}', 'firebase-ines', 'ines@example.com', 'Ines', 'Okoye', 'admin', NULL, '{{}}');
INSERT INTO public.treatment
    (id, name, monthly_item_price_id, monthly_price, upfront_item_price_id, upfront_price, has_upfront_payment_option)
VALUES
    ('{TREATMENT}', 'Sleep', 'sleep-monthly', 9900, 'sleep-upfront', 50000, true),
    ('{OTHER_TREATMENT}', 'Skin', 'skin-monthly', 7900, NULL, NULL, false);
INSERT INTO chargebee.subscription
    (id, customer_id, plan_item_price_id, currency_code, status, current_term_end, created_at, updated_at,
     resource_version)
VALUES ('{SUBSCRIPTION}', 'cb_ada', 'sleep-monthly', 'USD', 'active', '2040-01-31T12:00:00Z', now(), now(), 1);
INSERT INTO healthcare.pharmacy (id, name, ncpdp_id) VALUES ('{PHARMACY}', 'Harbour Pharmacy', '1234567');
INSERT INTO healthcare.patient (id, customer_id, state_code, preferred_pharmacy_id)
VALUES ('{PATIENT}', '{ADA}', 'CA', '{PHARMACY}');
INSERT INTO healthcare.care_team (patient_id, staff_id) VALUES ('{PATIENT}', '{MIRA}');
INSERT INTO healthcare.medication (id, code_system, code, code_display, form, strength, is_controlled) VALUES
    ('{MEDICATION}', 'http://www.nlm.nih.gov/research/umls/rxnorm', '1', 'melatonin', 'tablet', '3 mg', false),
    ('{CONTROLLED}', 'http://www.nlm.nih.gov/research/umls/rxnorm', '2', 'zolpidem', 'tablet', '5 mg', true);
DELETE FROM events.outbox;
"""  # noqa: S608 -- ids of our own


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Its database, seen from behind, and the endpoint in front of it."""

    connection: asyncpg.Connection
    endpoint: "Endpoint"

    @classmethod
    async def open(cls, connection: asyncpg.Connection, endpoint: "Endpoint") -> "Clinic":
        """Fill an empty database."""
        await connection.execute(_ROWS)
        return cls(connection=connection, endpoint=endpoint)

    async def answer(self, document: str, *, role: str, me: uuid.UUID | str, **variables: Any) -> Any:
        """What a mutation's only field answers."""
        answer = await self.endpoint.ask(document, role=role, me=str(me), **variables)
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    async def refusal(self, document: str, *, role: str, me: uuid.UUID | str, **variables: Any) -> str:
        """The code of the only error."""
        answer = await self.endpoint.ask(document, role=role, me=str(me), **variables)
        assert set(answer) == {"errors"}, answer
        (error,) = answer["errors"]
        code: str = error["extensions"]["code"]
        return code

    async def set(self, table: str, key: object, **columns: Any) -> None:
        """Change a row behind everybody's back."""
        changes = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, 2))
        await self.connection.execute(f"UPDATE {table} SET {changes} WHERE id = $1", key, *columns.values())  # noqa: S608 -- our names

    async def row(self, sql: str, *arguments: Any) -> dict[str, Any]:
        """The only row of a query."""
        (row,) = await self.connection.fetch(sql, *arguments)
        return dict(row)

    async def contract(self, **columns: Any) -> uuid.UUID:
        """An active contract of Ada's for the first treatment."""
        values = {"customer_id": ADA, "treatment_id": TREATMENT, "status": "active", "subscription_id": SUBSCRIPTION}
        return await self._insert("public.contract", values | columns)

    async def prescription(self, **columns: Any) -> uuid.UUID:
        """A draft that Mira has written for Ada."""
        values: dict[str, Any] = {
            "patient_id": PATIENT,
            "requester_id": MIRA,
            "medication_id": MEDICATION,
            "dosage_instruction": "One in the evening.",
            "quantity": 30,
            "quantity_unit": "{tbl}",
            "days_supply": 30,
            "refills_allowed": 3,
        }
        return await self._insert("healthcare.prescription", values | columns)

    async def events(self, *types: str) -> Sequence[dict[str, Any]]:
        """Events of these types, in order: type, subject, data, session."""
        rows = await self.connection.fetch(
            "SELECT type, subject, data::text, session_variables::text AS session FROM events.outbox"
            " WHERE type = ANY ($1) ORDER BY sequence",
            types,
        )
        return [dict(row) | {"data": orjson.loads(row["data"])} for row in rows]

    async def _insert(self, table: str, values: dict[str, Any]) -> uuid.UUID:
        places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        key: uuid.UUID = await self.connection.fetchval(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places}) RETURNING id",  # noqa: S608 -- our names
            *values.values(),
        )
        await self.connection.execute("DELETE FROM events.outbox")
        return key
