"""An endpoint that does what a test tells it: keeps an inbox, remembers what was written, fails on demand.

The real endpoint can't be made to answer 502 or to lose an answer after its commit; what it does when it works is
tested against itself, in `tests/integration/agents`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from graphql import FieldNode, OperationDefinitionNode, parse, value_from_ast_untyped
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from agents.graphql.connections import Answer

#: Looks at a request (operation name, variables) and may answer instead of the endpoint.
Script = Callable[[str, dict[str, Any]], Response | None]


class InProcess:
    """Sends requests to an application without a network between."""

    def __init__(self, app: ASGIApp) -> None:
        self.url = "http://api/v1/graphql"
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))

    async def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        async with asyncio.timeout(timeout_s):
            response = await self._http.post(self.url, content=body, headers=dict(headers))
        return Answer(status=response.status_code, body=response.content)


class Token:
    """A token source that counts how often its token was thrown away."""

    def __init__(self) -> None:
        self.discarded = 0

    async def get_token(self) -> str:
        return f"token-{self.discarded}"

    def discard(self) -> None:
        self.discarded += 1


@dataclass
class ScriptedEndpoint:
    """Root fields with their arguments, as they were written; the inbox refuses a second row."""

    agent: str = "probe"
    #: Consulted in order; one that answers is taken off.
    scripts: list[Script] = field(default_factory=list)
    #: Answers that are lost although the work was done: operation names, each once.
    lost_answers: list[str] = field(default_factory=list)
    written: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    inbox: set[str] = field(default_factory=set)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    #: Cleared, it holds every mutation back.
    open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/graphql", self._answer, methods=["POST"])])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What was inserted into a table."""
        return [row for name, args in self.written if name == f"insert_{table}" for row in args["objects"]]

    async def _answer(self, request: Request) -> Response:
        body = orjson.loads(await request.body())
        operation = parse(body["query"]).definitions[0]
        assert isinstance(operation, OperationDefinitionNode)
        name = operation.name.value if operation.name else ""
        variables = body.get("variables", {})
        self.requests.append((name, dict(request.headers)))
        for script in self.scripts:
            answer = script(name, variables)
            if answer is not None:
                self.scripts.remove(script)
                return answer
        if operation.operation.value == "query":
            found = variables.get("event_id") in self.inbox
            return JSONResponse({"data": {"entry": {"event_id": variables["event_id"]} if found else None}})
        await self.open.wait()
        return self._mutate(operation, name, variables)

    def _mutate(self, operation: OperationDefinitionNode, name: str, variables: dict[str, Any]) -> Response:
        fields: list[tuple[str, dict[str, Any]]] = []
        for node in operation.selection_set.selections:
            assert isinstance(node, FieldNode)
            args = {arg.name.value: value_from_ast_untyped(arg.value, variables) for arg in node.arguments or ()}
            fields.append((node.name.value, args))
        for field_name, args in fields:
            if field_name == "insert_events_inbox" and args["objects"][0]["event_id"] in self.inbox:
                return refusal(
                    "constraint-violation",
                    'Uniqueness violation. duplicate key value violates unique constraint "inbox_pkey"',
                )
        for field_name, args in fields:
            if field_name == "insert_events_inbox":
                self.inbox.add(args["objects"][0]["event_id"])
        self.written.extend(fields)
        if name in self.lost_answers:
            self.lost_answers.remove(name)
            return unavailable()
        return JSONResponse({"data": {}})


def refusal(code: str, message: str = "no", path: str = "$") -> Response:
    """What the endpoint answers when it refuses."""
    return JSONResponse({"errors": [{"message": message, "extensions": {"code": code, "path": path}}]})


def unavailable(status: int = 502) -> Response:
    """What a proxy answers when the endpoint is down."""
    return PlainTextResponse("Bad Gateway", status_code=status)


def on(operation: str, answer: Response) -> Script:
    """Answer one request of that name (or whose name starts so) with this."""
    return lambda name, _variables: answer if name.startswith(operation) else None
