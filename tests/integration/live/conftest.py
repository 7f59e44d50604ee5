"""The API on a real socket, over a database of the test's own with a few people in it."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import asyncpg
import pytest

from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.settings import ServerSettings
from tests.integration.identity.serving import serve
from tests.integration.live.sockets import ADMIN_SECRET, SECRET

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Api = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    """A connection that writes as any client of the database would."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def api(database_url: str) -> Api:
    """Starts a server: `async with api(…) as url`, with settings of the server's."""
    return partial(serve_api, database_url)


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    """The base URL of a server with the usual settings."""
    async with api() as base_url:
        yield base_url


def serve_api(database_url: str, **settings: Any) -> AbstractAsyncContextManager[str]:
    authentication = AuthenticationSettings(
        own_admin_secret=ADMIN_SECRET,
        jwt_configurations=({"type": "HS256", "key": SECRET},),
        own_unauthorized_role="anonymous",
    )
    return serve(create_application(ServerSettings(database_url=database_url, **settings), authentication))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer with a patient."""

    id: str
    patient_id: str


@pytest.fixture
async def new_person(database: Connection) -> Callable[[], Awaitable[Person]]:
    """Makes customers."""

    async def make() -> Person:
        name = uuid.uuid4().hex[:12]
        customer = await database.fetchval(
            "INSERT INTO public.customer (email, first_name, chargebee_customer_id) VALUES ($1, $2, $3) RETURNING id",
            f"{name}@example.com",
            name,
            f"cb-{name}",
        )
        patient = await database.fetchval(
            "INSERT INTO healthcare.patient (customer_id) VALUES ($1) RETURNING id", customer
        )
        return Person(id=str(customer), patient_id=str(patient))

    return make
