"""The short way to the GraphQL endpoint: from the bytes of a request to those of its answer, with no ASGI between.

A small read costs PostgreSQL less than ASGI's messages, scopes and wrappers cost Python (docs/performance.md). So
`server.protocol` asks here for requests that are as nearly all are: one POST, a body of moderate size, nothing special
in the headers. All others take the long way through `server.application`, and get the same answers.
"""

from collections.abc import Sequence
from typing import Final

from integrations.telemetry.http import HttpTelemetry
from server.endpoint import CONTENT_TYPE, DRY_RUN, GraphQLEndpoint, is_true

#: The key under which the application leaves its `DirectEndpoint` in the server's state.
DIRECT: Final = "caregraph.direct"
#: Longer bodies are read with the server's flow control.
_LARGEST_BODY: Final = 64 * 1024
#: Headers that need what only the long way does.
_SPECIAL: Final = frozenset({b"transfer-encoding", b"content-encoding", b"upgrade"})

_HEAD: Final = b"content-type: " + CONTENT_TYPE + b"\r\ncontent-length: %d\r\nx-request-id: %b\r\n"

_NO_LENGTH: Final = _LARGEST_BODY + 1

Headers = dict[bytes, bytes]


class DirectEndpoint:
    """The GraphQL endpoint with its telemetry, as a server's protocol calls it."""

    def __init__(
        self, endpoint: GraphQLEndpoint, *, path: str, detours: frozenset[bytes] = frozenset(), lines: bytes = b""
    ) -> None:
        """`detours` are further headers (lower case) whose requests go the long way, `lines` headers of each answer."""
        self.path: Final = path.encode("ascii")
        self._endpoint = endpoint
        self._telemetry = HttpTelemetry(routes=(path,))
        self._backlog = self._telemetry.backlog(method="POST", path=path)
        self._scope = {"type": "http", "method": "POST", "path": path}
        self._special = _SPECIAL | detours
        self._head: Final = _HEAD + lines

    def find_headers(self, headers: Sequence[tuple[bytes, bytes]]) -> Headers | None:
        """A POST's headers by name (in lower case); None when the request has to go the long way."""
        found = dict(headers)
        # What is there twice has rules of its own, header by header.
        if len(found) < len(headers) or not self._special.isdisjoint(found):
            return None
        return found if int(found.get(b"content-length", _NO_LENGTH)) <= _LARGEST_BODY else None

    async def respond(self, headers: Headers, body: bytes, address: str) -> tuple[bytes, bytes]:
        """The response, which has status 200: its header lines and its body.

        Raises only what is a mistake of ours; it has been counted and logged as a request by then.
        """
        dry_run = DRY_RUN in headers and is_true(headers[DRY_RUN])
        request_id, traceparent = headers.get(b"x-request-id"), headers.get(b"traceparent")
        request = self._backlog.begin(request_id, traceparent)
        if request is None:
            with self._telemetry.exchange(self._scope, request_id=request_id, traceparent=traceparent) as exchange:
                answer = await self._endpoint.answer(headers.items(), body, address, dry_run=dry_run)
                exchange.status = 200
                exchange.sent_bytes = len(answer)
            return self._head % (len(answer), exchange.request.request_id.encode("ascii")), answer
        status, answer = 499, b""
        try:
            answer = await self._endpoint.answer(headers.items(), body, address, dry_run=dry_run)
            status = 200
        except Exception:
            status = 500
            raise
        finally:
            self._backlog.conclude(request, status, len(answer))
        return self._head % (len(answer), request.request_id.encode("ascii")), answer
