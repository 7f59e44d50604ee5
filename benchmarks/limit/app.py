"""The ASGI function; uvicorn loads `app`, settings are `DATABASE_URL`, `POOL_SIZE` and `SESSIONS`."""

import asyncio
import os
from collections import deque
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
from starlette.types import Receive, Scope, Send

CASES: Final = Path(__file__).parent.parent / "cases"
_TIMEOUT_S: Final = 30

Arguments = tuple[str, ...]


def read_statements() -> dict[str, tuple[str, Arguments]]:
    """By path: the statement, and the names of what it takes (`$session` and `$user_id`, else variables)."""
    found = {}
    for file in sorted(CASES.glob("*/limit.sql")):
        first, _, sql = file.read_text().partition("\n")
        names = first.removeprefix("-- takes:").replace(",", " ").split()
        found[f"/{file.parent.name}"] = (sql, tuple(names))
    return found


class Limit:
    """The application: a stack of connections, each with all statements prepared."""

    def __init__(self, database_url: str, *, size: int, sessions: dict[bytes, tuple[str, str]]) -> None:
        """`sessions` are the tokens that are believed: `Authorization` header → session as JSON, user's id."""
        self._database_url = database_url
        self._size = size
        self._sessions = sessions
        self._arguments = {path: names for path, (_, names) in read_statements().items()}
        self._idle: list[dict[str, Any]] = []
        self._waiters: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._connections: list[Any] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._lifespan(receive, send)
            return
        message = await receive()
        raw = message["body"]
        while message["more_body"]:
            message = await receive()
            raw += message["body"]
        variables = orjson.loads(raw)["variables"]
        path = scope["path"]
        names = self._arguments[path]
        if names[:1] == ("$session",):
            authorization = next(value for name, value in scope["headers"] if name == b"authorization")
            arguments = [*self._sessions[authorization], *[variables[name] for name in names[2:]]]
        else:
            arguments = [variables[name] for name in names]
        statements = self._idle.pop() if self._idle else await self._wait()
        try:
            rows = await statements[path].fetch(*arguments)
        finally:
            self._give_back(statements)
        body = b'{"data":{"answer":%b}}' % (rows[0][0] if rows else b"null")
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"application/json; charset=utf-8"),
                    (b"content-length", b"%d" % len(body)),
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    async def _wait(self) -> dict[str, Any]:
        waiter: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return await waiter

    def _give_back(self, statements: dict[str, Any]) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(statements)
                return
        self._idle.append(statements)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        for _ in range(self._size):
            await self._connect()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for connection in self._connections:
            await connection.close(timeout=_TIMEOUT_S)
        await send({"type": "lifespan.shutdown.complete"})

    async def _connect(self) -> None:
        connection = await asyncpg.connect(
            self._database_url,
            timeout=_TIMEOUT_S,
            server_settings={"application_name": "limit", "TimeZone": "UTC", "jit": "off"},
        )
        await connection.set_type_codec("json", schema="pg_catalog", encoder=_same, decoder=_same, format="binary")
        self._connections.append(connection)
        self._idle.append({path: await connection.prepare(sql) for path, (sql, _) in read_statements().items()})


def _same(value: Any) -> Any:
    return value


def app() -> Limit:
    """The application, from the environment."""
    sessions = orjson.loads(Path(os.environ["SESSIONS"]).read_bytes())
    return Limit(
        os.environ["DATABASE_URL"],
        size=int(os.environ["POOL_SIZE"]),
        sessions={token.encode(): (session, user) for token, (session, user) in sessions.items()},
    )
