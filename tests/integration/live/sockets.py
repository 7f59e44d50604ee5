"""WebSocket clients of both protocols, as bare as they can be: messages out, messages in."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import jwt
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECRET = "a secret of thirty-two bytes or more"
ADMIN_SECRET = "administrator"
ADMIN = {"x-hasura-admin-secret": ADMIN_SECRET}
WAIT_S = 5.0
TRANSPORT = "graphql-transport-ws"
OLDER = "graphql-ws"


def bearer(role: str, user_id: str | None = None, *, lasts_s: float = 600) -> dict[str, str]:
    """Headers with a token of that role."""
    claims: dict[str, Any] = {"x-hasura-allowed-roles": [role], "x-hasura-default-role": role}
    if user_id is not None:
        claims["x-hasura-user-id"] = user_id
    token = jwt.encode(
        {"sub": "someone", "exp": time.time() + lasts_s, "https://hasura.io/jwt/claims": claims}, SECRET, "HS256"
    )
    return {"Authorization": f"Bearer {token}"}


class Client:
    """One socket. Messages are sorted by the operation's id."""

    def __init__(self, socket: ClientConnection, protocol: str) -> None:
        self.socket = socket
        self.protocol = protocol
        self._by_id: defaultdict[str, asyncio.Queue[dict[str, Any]]] = defaultdict(asyncio.Queue)
        self._others: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._reader = asyncio.create_task(self._read())
        self._started = 0

    async def send(self, message: object) -> None:
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def start(self, query: str, variables: Mapping[str, Any] | None = None, *, id_: str | None = None) -> str:
        """Start an operation; its id."""
        self._started += 1
        id_ = id_ or str(self._started)
        payload = {"query": query, "variables": variables or {}}
        await self.send({"id": id_, "type": "subscribe" if self.protocol == TRANSPORT else "start", "payload": payload})
        return id_

    async def stop(self, id_: str) -> None:
        await self.send({"id": id_, "type": "complete" if self.protocol == TRANSPORT else "stop"})

    async def message(self, id_: str, *, within_s: float = WAIT_S) -> dict[str, Any]:
        """The next message of an operation."""
        return await asyncio.wait_for(self._by_id[id_].get(), within_s)

    async def data(self, id_: str, *, within_s: float = WAIT_S) -> Any:
        """The data of the next result of an operation."""
        message = await self.message(id_, within_s=within_s)
        assert message["type"] == ("next" if self.protocol == TRANSPORT else "data"), message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def error(self, id_: str) -> Any:
        """The error object of an operation that fails."""
        message = await self.message(id_)
        assert message["type"] == "error", message
        payload = message["payload"]
        return payload[0] if self.protocol == TRANSPORT else payload

    async def other(self) -> dict[str, Any]:
        """The next message of no operation."""
        return await asyncio.wait_for(self._others.get(), WAIT_S)

    async def closed(self, *, within_s: float = WAIT_S) -> tuple[int | None, str | None]:
        """Code and reason, once the server has closed the socket."""
        await asyncio.wait_for(asyncio.shield(self._reader), within_s)
        return self.socket.close_code, self.socket.close_reason

    async def nothing(self, id_: str, *, for_s: float = 0.15) -> None:
        """Assert that no message of the operation comes for a while."""
        try:
            message = await self.message(id_, within_s=for_s)
        except TimeoutError:
            return
        raise AssertionError(f"unexpected: {message}")

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                assert isinstance(text, str), "the protocols know text messages only"
                message = json.loads(text)
                if "id" in message:
                    self._by_id[message["id"]].put_nowait(message)
                elif message["type"] != "ka":
                    self._others.put_nowait(message)
        except ConnectionClosed:
            return

    async def close(self) -> None:
        await self.socket.close()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)


@asynccontextmanager
async def opened(
    url: str, *, protocol: str | None = TRANSPORT, headers: Mapping[str, str] | None = None, origin: str | None = None
) -> AsyncIterator[Client]:
    """A socket before `connection_init`; `headers` are the upgrade request's."""
    async with connect(
        url.replace("http://", "ws://") + "/v1/graphql",
        subprotocols=[protocol] if protocol else None,  # type: ignore[list-item] # a NewType of str
        additional_headers=dict(headers or {}),
        origin=origin,  # type: ignore[arg-type] # a NewType of str
        proxy=None,
        open_timeout=WAIT_S,
        close_timeout=1,
        compression=None,
    ) as socket:
        client = Client(socket, protocol or "")
        try:
            yield client
        finally:
            await client.close()


@asynccontextmanager
async def connected(url: str, credentials: Mapping[str, str], *, protocol: str = TRANSPORT) -> AsyncIterator[Client]:
    """A socket that is acknowledged."""
    async with opened(url, protocol=protocol) as client:
        await client.send({"type": "connection_init", "payload": {"headers": dict(credentials)}})
        assert (await client.other())["type"] == "connection_ack"
        yield client
