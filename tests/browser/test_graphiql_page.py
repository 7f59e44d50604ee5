"""The GraphiQL page in a browser, against a small endpoint that notes what it is asked."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from graphql import build_schema, graphql
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.graphiql import DIST, GraphiQLSettings, graphiql_routes
from tests.browser.chromium import Browser, Page

SCHEMA = build_schema(
    """
    type treatment { id: ID! name: String }
    type contract { id: ID! status: String }
    type query_root { treatment: [treatment!]! contract: [contract!]! }
    type subscription_root { contract: [contract!]! }
    schema { query: query_root subscription: subscription_root }
    """
)
PEOPLE = [
    {"role": role, "user_id": f"{role}-{number}", "email": f"{name}@example.org", "name": name.title()}
    for role in ("user", "cct", "admin")
    for number, name in enumerate(("ada", "grace"))
]
HOUR_S = 3600
READY = "document.querySelector('.graphiql-query-editor .view-line')"
EDITOR_INPUT = ".graphiql-query-editor textarea, .graphiql-query-editor .native-edit-context"
RESPONSE = "document.querySelector('.graphiql-response').innerText"


def id_token(lifetime_s: float, *, serial: int = 0, roles: tuple[str, ...] = ()) -> str:
    """A token that says what the page reads; nobody verifies it here."""
    claims = {"exp": time.time() + lifetime_s, "email": "ada@example.org", "serial": serial}
    if roles:
        claims["https://hasura.io/jwt/claims"] = {
            "x-hasura-default-role": roles[0],
            "x-hasura-allowed-roles": list(roles),
        }
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "RS256"}, claims)
    ]
    return ".".join([*parts, "signature"])


@dataclass
class Endpoint:
    """An API and an identity service in one, and what they were asked."""

    lifetime_s: float = HOUR_S
    url: str = ""
    #: Per request to /v1/graphql: its role and its token.
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    #: Requests for tokens.
    signed_in: list[dict[str, Any]] = field(default_factory=list)
    #: Payloads of connection_init.
    connections: list[dict[str, Any]] = field(default_factory=list)

    async def graphql(self, request: Request) -> Response:
        body = await request.json()
        self.asked.append((request.headers.get("x-hasura-role"), request.headers.get("authorization")))
        rows = {"treatment": [{"id": "t-1", "name": "Migraine"}], "contract": [{"id": "c-1", "status": "active"}]}
        result = await graphql(SCHEMA, body["query"], root_value=rows, operation_name=body.get("operationName"))
        return JSONResponse(result.formatted)

    async def subscribe(self, websocket: WebSocket) -> None:
        await websocket.accept(subprotocol="graphql-transport-ws")
        opening = await websocket.receive_json()
        self.connections.append(opening["payload"])
        await websocket.send_json({"type": "connection_ack"})
        operation = await websocket.receive_json()
        for status in ("future", "active"):
            data = {"contract": [{"id": "c-live", "status": status}]}
            await websocket.send_json({"type": "next", "id": operation["id"], "payload": {"data": data}})
        await websocket.send_json({"type": "complete", "id": operation["id"]})
        try:
            await websocket.receive()
        except WebSocketDisconnect:
            return

    async def identities(self, _: Request) -> Response:
        return JSONResponse(PEOPLE)

    async def token(self, request: Request) -> Response:
        body = await request.json()
        self.signed_in.append(body)
        return JSONResponse({"id_token": id_token(self.lifetime_s, serial=len(self.signed_in)), **body})


@asynccontextmanager
async def served(routes: list[BaseRoute]) -> AsyncIterator[str]:
    config = uvicorn.Config(
        Starlette(routes=routes), port=0, log_config=None, access_log=False, ws="websockets-sansio", lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await serving


@asynccontextmanager
async def platform(
    *, environment: str = "development", lifetime_s: float = HOUR_S, subscriptions: bool = True
) -> AsyncIterator[Endpoint]:
    assert (DIST / "index.html").is_file(), "the page is not built: make graphiql"
    endpoint = Endpoint(lifetime_s=lifetime_s)
    identity: list[BaseRoute] = [
        Route("/dev/identities", endpoint.identities),
        Route("/dev/token", endpoint.token, methods=["POST"]),
    ]
    async with served(identity) as identity_url:
        settings = GraphiQLSettings(environment=environment, identity_url=identity_url)
        api: list[BaseRoute] = [
            *graphiql_routes(settings),
            Route("/v1/graphql", endpoint.graphql, methods=["POST"]),
        ]
        if subscriptions:
            api.append(WebSocketRoute("/v1/graphql", endpoint.subscribe))
        async with served(api) as endpoint.url:
            yield endpoint


async def run_query(page: Page, kind: str, selection: str) -> None:
    """Write an operation into a new tab and run it; the editor closes the brackets that the selection leaves open."""
    await page.wait_for(f"{READY}.innerText.trim() !== ''")
    await page.click("button[aria-label='New tab']")
    await page.wait_for(f"{READY}.innerText.trim() === ''")
    await page.evaluate(f"document.querySelector({json.dumps(EDITOR_INPUT)}).focus()")
    await page.send("Input.insertText", text=f"{kind} Mine {selection}")
    # The tab takes the operation's name a moment later, and until then another one's would be run.
    await page.wait_for("[...document.querySelectorAll('[role=tab]')].some(tab => tab.innerText.includes('Mine'))")
    await page.click(".graphiql-execute-button")


async def test_the_page_works_under_its_policy_and_asks_no_other_host(browser: Browser) -> None:
    async with platform() as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await page.wait_for(READY)
        await page.choose("Role", "user")
        await page.wait_for("document.querySelector('[role=status]').innerText === 'Signed in'")
        await run_query(page, "query", "{ contract { id status ")
        await page.wait_for(f"{RESPONSE}.includes('c-1')")
    assert page.problems == []
    here = endpoint.url.removeprefix("http://")
    assert [url for url in page.requests if here not in url and not url.startswith("data:")] == []
    workers = {worker.removeprefix(f"{endpoint.url}/assets/").split(".worker-")[0] for worker in page.workers}
    assert workers == {"editor", "graphql", "json"}


async def test_a_chosen_person_is_sent_with_each_request_and_remembered(browser: Browser) -> None:
    async with platform() as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await page.wait_for(READY)
        assert endpoint.asked[0] == (None, None), "a first visitor is anonymous"
        await page.choose("Role", "cct")
        await page.choose("Person", "cct-1")
        await page.wait_for("document.querySelector('[role=status]').innerText === 'Signed in'")
        endpoint.asked.clear()
        await run_query(page, "query", "{ contract { id ")
        await page.wait_for(f"{RESPONSE}.includes('c-1')")
        assert endpoint.signed_in == [{"role": "cct", "user_id": "cct-0"}, {"role": "cct", "user_id": "cct-1"}]
        role, authorization = endpoint.asked[-1]
        assert role == "cct"
        assert authorization is not None
        assert authorization.startswith("Bearer ey")
        stored = await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        assert "signature" not in stored, "a token was left in the browser's storage"
        endpoint.asked.clear()
        await page.send("Page.reload")
        await page.wait_for("document.querySelector('select.person')?.value === 'cct-1'")
        await page.wait_for(READY)
        assert {role for role, _ in endpoint.asked} == {"cct"}, "no request left as somebody else"


async def test_a_token_is_renewed_before_it_ends(browser: Browser) -> None:
    async with platform(lifetime_s=90) as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await page.choose("Role", "user")
        await page.wait_for(READY)
        async with asyncio.timeout(15):
            while len(endpoint.signed_in) < 3:  # noqa: ASYNC110 - the page decides when
                await asyncio.sleep(0.05)
        assert await page.evaluate("document.querySelector('[role=status]').innerText") == "Signed in"


async def test_a_subscription_runs_over_the_socket_with_the_same_credentials(browser: Browser) -> None:
    async with platform() as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await page.choose("Role", "user")
        await page.wait_for("document.querySelector('[role=status]').innerText === 'Signed in'")
        await run_query(page, "subscription", "{ contract { id status ")
        await page.wait_for(f"{RESPONSE}.includes('c-live') && {RESPONSE}.includes('active')")
    (payload,) = endpoint.connections
    assert payload["headers"]["x-hasura-role"] == "user"
    assert payload["headers"]["authorization"].startswith("Bearer ey")
    assert page.problems == []


async def test_a_server_without_subscriptions_is_named_as_the_cause(browser: Browser) -> None:
    async with platform(subscriptions=False) as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await run_query(page, "subscription", "{ contract { id ")
        await page.wait_for(f"{RESPONSE}.replace(/\\s+/g, ' ').includes('may not offer subscriptions')")
        assert "stack" not in await page.evaluate(RESPONSE)


async def test_outside_development_a_token_is_pasted_and_forgotten(browser: Browser) -> None:
    token = id_token(HOUR_S, roles=("cct", "user"))
    async with platform(environment="production") as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await page.wait_for(READY)
        await page.fill("ID token", f"Bearer {token}\n")
        await page.click(".paste button")
        await page.wait_for("document.querySelector('[role=status]').innerText.startsWith('ada@example.org, until')")
        await page.choose("Role", "user")
        async with asyncio.timeout(10):
            while endpoint.asked[-1] != ("user", f"Bearer {token}"):  # noqa: ASYNC110 - the page decides when
                await asyncio.sleep(0.05)
        await page.click("button.plain")
        await page.wait_for("document.querySelector('[role=status]').innerText === 'Not signed in'")
        assert "signature" not in await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        assert endpoint.signed_in == []
    assert page.problems == []


@pytest.mark.parametrize(
    ("token", "words"), [("nonsense", "three parts"), ("a.!!.c", "cannot be read"), (id_token(-5), "has ended")]
)
async def test_a_token_that_cannot_work_is_refused_in_plain_words(browser: Browser, token: str, words: str) -> None:
    async with platform(environment="production") as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await page.fill("ID token", token)
        await page.click(".paste button")
        await page.wait_for(f"document.querySelector('[role=status]').innerText.includes('{words}')")


async def test_every_control_of_the_bar_has_a_name(browser: Browser) -> None:
    async with platform() as endpoint, browser.page() as page:
        await page.open(endpoint.url)
        await page.choose("Role", "user")
        await page.wait_for("document.querySelector('select.person')")
        tree = await page.send("Accessibility.getFullAXTree")
    named = {
        (node["role"]["value"], node["name"]["value"])
        for node in tree["nodes"]
        if not node.get("ignored")
        and node["role"]["value"] in {"combobox", "banner", "main", "region", "button", "tab"}
    }
    assert ("combobox", "Role") in named
    assert ("combobox", "Person") in named
    assert ("region", "Who you are") in named
    assert [role for role, name in named if not name and role in {"button", "combobox", "tab"}] == []
