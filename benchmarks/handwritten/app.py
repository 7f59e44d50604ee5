"""The ASGI application; uvicorn loads `app`, settings are `DATABASE_URL`, `POOL_SIZE`, `ADMIN_SECRET`, `JWT_KEY`."""

import os
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

import jwt
import orjson
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

from benchmarks.handwritten.context import Context, Sessions, User
from benchmarks.handwritten.schema import schema

_REMEMBERED_TOKENS: Final = 10_000


class Tokens:
    """Verifies bearer tokens, each of them once."""

    def __init__(self, public_key: str) -> None:
        self._public_key = public_key
        self._known: OrderedDict[str, tuple[User, float]] = OrderedDict()

    def user(self, authorization: str) -> User:
        """Whose token it is. Raises jwt.PyJWTError."""
        known = self._known.get(authorization)
        if known is None or known[1] < time.time():
            claims = jwt.decode(
                authorization.removeprefix("Bearer "), self._public_key, algorithms=["RS256"], audience="caregraph"
            )
            session = claims["https://hasura.io/jwt/claims"]
            user = User(id=UUID(session["x-hasura-user-id"]), session=orjson.dumps(session).decode())
            known = self._known[authorization] = (user, claims["exp"])
            if len(self._known) > _REMEMBERED_TOKENS:
                self._known.popitem(last=False)
        return known[0]


class View(GraphQL[Context, None]):
    """Strawberry's view with orjson and our context."""

    def __init__(self, *, read: Sessions, write: Sessions, admin_secret: str, tokens: Tokens) -> None:
        super().__init__(schema, graphql_ide=None)
        self._read = read
        self._write = write
        self._admin_secret = admin_secret
        self._tokens = tokens

    async def get_context(self, request: Request | Any, response: Response | Any) -> Context:  # noqa: ARG002 - its form
        """Who asks, and loaders for this request. Raises jwt.PyJWTError and PermissionError."""
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return Context(read=self._read, write=self._write, user=self._tokens.user(authorization))
        if not compare_digest(request.headers.get("x-admin-secret", ""), self._admin_secret):
            raise PermissionError("a token or the admin secret is needed")
        return Context(read=self._read, write=self._write, user=None)

    def encode_json(self, data: object) -> bytes:
        """JSON text of the response."""
        return orjson.dumps(data)

    def decode_json(self, data: str | bytes) -> object:
        """The request's body."""
        return orjson.loads(data)


def app() -> Starlette:
    """The application, from the environment."""
    engine = create_async_engine(
        os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=int(os.environ["POOL_SIZE"]),
        max_overflow=0,
        connect_args={"server_settings": {"application_name": "handwritten", "jit": "off", "TimeZone": "UTC"}},
    )
    # Reads need no transaction: two round trips less for every statement.
    reading = engine.execution_options(isolation_level="AUTOCOMMIT")
    view = View(
        read=async_sessionmaker(reading, expire_on_commit=False),
        write=async_sessionmaker(engine, expire_on_commit=False),
        admin_secret=os.environ["ADMIN_SECRET"],
        tokens=Tokens(os.environ["JWT_KEY"]),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    return Starlette(routes=[Route("/graphql", view, methods=["POST"])], lifespan=lifespan)
