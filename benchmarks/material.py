"""What requests are made of: keys of rows that are there, and signed tokens of the customers they belong to."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import jwt
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLAIMS: Final = "https://hasura.io/jwt/claims"
AUDIENCE: Final = "caregraph"
#: A multiple of the connections, so that no two of them ask for the same row at a time.
CUSTOMERS: Final = 512
_TOKENS_LIVE_S: Final = 24 * 3600

_CUSTOMERS_SQL: Final = """
SELECT
    customer.id::text AS id,
    customer.chargebee_customer_id AS billing_id,
    (
        SELECT contract.id::text
        FROM public.contract
        WHERE contract.customer_id = customer.id
        ORDER BY contract.id
        LIMIT 1
    ) AS contract_id
FROM public.customer
ORDER BY md5(customer.id::text)
LIMIT $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Somebody who asks."""

    id: str
    billing_id: str
    contract_id: str
    #: The header's value, `Bearer …`.
    authorization: str = field(repr=False)
    #: The session variables that the token grants.
    session: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All of it."""

    customers: tuple[Customer, ...]
    treatment_ids: tuple[str, ...]
    contract_statuses: tuple[str, ...]
    invoice_statuses: tuple[str, ...]
    last_names: tuple[str, ...]
    #: A day that contracts may begin on.
    next_month: str
    #: PEM; who verifies tokens needs it.
    public_key: str

    def sessions(self) -> bytes:
        """For the limit: JSON, `Authorization` header → [session as JSON, user's id]."""
        return orjson.dumps({one.authorization: [orjson.dumps(one.session).decode(), one.id] for one in self.customers})


async def gather(database_url: str) -> Material:
    """Read the keys and sign the tokens: half a second."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    public_key = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        rows = await connection.fetch(_CUSTOMERS_SQL, CUSTOMERS)
        return Material(
            customers=tuple(_customer(key, **row) for row in rows),
            treatment_ids=await _column(connection, "SELECT id::text FROM public.treatment ORDER BY id"),
            contract_statuses=await _column(connection, "SELECT DISTINCT status FROM public.contract ORDER BY 1"),
            invoice_statuses=await _column(connection, "SELECT DISTINCT status FROM chargebee.invoice ORDER BY 1"),
            last_names=await _column(connection, "SELECT DISTINCT last_name FROM public.customer ORDER BY 1"),
            next_month=await connection.fetchval("SELECT (current_date + 30)::text"),
            public_key=public_key.decode(),
        )
    finally:
        await connection.close(timeout=10)


async def _column(connection: Any, sql: str) -> tuple[str, ...]:
    return tuple(row[0] for row in await connection.fetch(sql))


def _customer(key: rsa.RSAPrivateKey, **row: str) -> Customer:
    session = {
        "x-hasura-default-role": "user",
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-user-id": row["id"],
    }
    now = int(time.time())
    claims = {"sub": row["id"], "aud": AUDIENCE, "iat": now, "exp": now + _TOKENS_LIVE_S, CLAIMS: session}
    token = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "benchmark"})
    return Customer(**row, authorization=f"Bearer {token}", session=session)
