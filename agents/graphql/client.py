"""Sends operations to the endpoint as this agent."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import orjson
import structlog
from pydantic import ValidationError
from pydantic_core import to_json

from agents.graphql.columns import request_of
from agents.graphql.combination import combine
from agents.graphql.connections import Answer, Connections, Unanswered
from agents.graphql.documents import Document
from agents.graphql.errors import AnswerMismatch, CredentialsRefused, EndpointUnavailable, error_from_answer
from agents.graphql.operations import Mutation, Query, Result
from integrations.telemetry.metrics import histogram
from integrations.telemetry.tracing import SpanKind, propagation_headers, span


class TokenSource(Protocol):
    """Gives this agent's ID token for the endpoint (`integrations.identity.id_tokens.IdTokenProvider`)."""

    async def get_token(self) -> str:
        """A valid token; asked for every request, so it is kept until it nears its end."""
        ...

    def discard(self) -> None:
        """Forget the token that is kept: the endpoint refused it."""
        ...


class Sender(Protocol):
    """What requests go through (`agents.graphql.connections.Connections`)."""

    #: Where they go.
    url: str

    async def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        """The answer; raises Unanswered and TimeoutError."""
        ...


_ROLE: Final = "service"
#: For one attempt.
_ATTEMPT_S: Final = 10.0
#: The longest pauses between attempts.
_PAUSES_S: Final = (0.1, 0.2)
_READY: Final = Document(name="Ready", kind="query", text="query Ready {\n  __typename\n}")

_log = structlog.get_logger(__name__)


class GraphQLClient:
    """Runs typed operations; raises GraphQLError and its kinds, and whatever the token source raises.

    A request that got no answer is sent again, mutations too: they are write-backs that carry the event's inbox row,
    so the one that came through first wins and its repetition is refused by the inbox's key. Don't send a mutation
    through here that may not be repeated.
    """

    def __init__(self, *, endpoint: Sender, token: TokenSource, deadline_s: float = 15.0) -> None:
        """The caller owns and closes `endpoint`; `deadline_s` bounds one operation with all its attempts."""
        self._url = endpoint.url
        self._endpoint = endpoint
        self._token = token
        self._deadline_s = deadline_s
        self._duration = histogram(
            "caregraph_agent_graphql_duration_seconds",
            "Time of an agent's operations at the endpoint, retries included, in seconds.",
            ["operation"],
        )

    async def query(self, query: Query[Result] | Mutation[Result]) -> Result:
        """The typed answer of a query, or of a mutation that may be repeated and whose answer matters."""
        data = await self._run(query.document, query.variables)
        try:
            return query.answer.model_validate(data)
        except ValidationError as error:
            where = [".".join(str(part) for part in problem["loc"]) for problem in error.errors(include_input=False)]
            raise AnswerMismatch(
                f"{query.document.name}: the answer doesn't fit {query.answer.__name__} at {', '.join(where)}; "
                "deploy the agent and the endpoint from one version"
            ) from None

    async def mutate(self, *mutations: Mutation) -> None:
        """Run the mutations as one, in one transaction: all of them happen, or none."""
        mutation = combine(mutations)
        await self._run(mutation.document, mutation.variables)

    async def ready(self) -> None:
        """Return when the endpoint answers this agent; raise otherwise. For readiness checks."""
        await self._send(_READY, b'{"query":"query Ready { __typename }"}')

    async def _run(self, document: Document, variables: Mapping[str, Any]) -> Any:
        body = _encode(request_of(document.text, variables, document.name))
        with (
            self._duration.labels(document.name).time(),
            span(f"graphql {document.name}", kind=SpanKind.CLIENT),
        ):
            try:
                async with asyncio.timeout(self._deadline_s):
                    try:
                        return await self._send_patiently(document, body)
                    except CredentialsRefused:
                        # Once more with a fresh token: keys are rotated and services move while a token is kept.
                        self._token.discard()
                        return await self._send_patiently(document, body)
            except TimeoutError as error:
                raise EndpointUnavailable(
                    f"{document.name}: no answer from {self._url} within {self._deadline_s:g} s"
                ) from error

    async def _send_patiently(self, document: Document, body: bytes) -> Any:
        """The answer, asked for again when there is none."""
        for pause_s in _PAUSES_S:
            try:
                return await self._send(document, body)
            except EndpointUnavailable:
                await asyncio.sleep(random.uniform(0, pause_s))  # noqa: S311 - so that agents don't come in step
        return await self._send(document, body)

    async def _send(self, document: Document, body: bytes) -> Any:
        headers = {
            "authorization": f"Bearer {await self._token.get_token()}",
            "content-type": "application/json",
            "x-hasura-role": _ROLE,
            **propagation_headers(),
        }
        try:
            response = await self._endpoint.post(body, headers, timeout_s=_ATTEMPT_S)
        except (Unanswered, TimeoutError) as error:
            raise EndpointUnavailable(f"{document.name}: {self._url}: {type(error).__name__}") from error
        try:
            answer = orjson.loads(response.body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise EndpointUnavailable(
                f"{document.name}: {self._url} answered {response.status} without GraphQL's `data` or `errors`"
            )
        if answer.get("errors"):
            refusal = error_from_answer(document.name, answer["errors"])
            _log.debug("graphql.refused", operation=document.name, error_type=type(refusal).__name__)
            raise refusal
        return answer.get("data")


def _encode(request: Mapping[str, Any]) -> bytes:
    try:
        # A quarter of the time: a back-fill's rows are half a megabyte a request.
        return orjson.dumps(request)
    except TypeError:
        # Decimal, and whatever else pydantic knows beyond it.
        return to_json(request)


@asynccontextmanager
async def open_graphql(*, url: str, token: TokenSource, certificates: ssl.SSLContext) -> AsyncIterator[GraphQLClient]:
    """A client with connections of its own, as many as are needed at once, closed at the end."""
    async with Connections(url, certificates=certificates) as connections:
        yield GraphQLClient(endpoint=connections, token=token)
