import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.telemetry.http import RequestContextMiddleware
from server.graphiql import DIST, GraphiQLSettings, graphiql_routes

INDEX = (DIST.parent / "index.html").read_text()
SCRIPT = "console.log('built')\n"
DEVELOPMENT = "development"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A small build: the real index.html and one script in both its forms."""
    folder = tmp_path / "dist"
    assets = folder / "assets"
    assets.mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (assets / "index-abc123.js").write_text(SCRIPT)
    (assets / "index-abc123.js.br").write_bytes(b"brotli of it")
    (tmp_path / "secret.txt").write_text("not yours")
    return folder


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """`app` on loopback at a port of its own; its base URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def application(dist: Path, **settings: Any) -> RequestContextMiddleware:
    routes = graphiql_routes(GraphiQLSettings(**settings), dist=dist)
    return RequestContextMiddleware(Starlette(routes=list(routes)))


@asynccontextmanager
async def page(dist: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that serves the page with these settings."""
    transport = httpx.ASGITransport(application(dist, **settings))
    async with httpx.AsyncClient(base_url="http://caregraph.test", transport=transport) as client:
        yield client


@asynccontextmanager
async def identity(asked: list[tuple[str, Any, str | None]]) -> AsyncIterator[str]:
    """An identity service with one person, which notes what it is asked; its base URL."""

    async def identities(request: Request) -> Response:
        asked.append(("identities", None, request.headers.get("traceparent")))
        return JSONResponse([{"role": "user", "user_id": "u-1", "email": "ada@example.org", "name": "Ada"}])

    async def token(request: Request) -> Response:
        body = await request.json()
        asked.append(("token", body, request.headers.get("traceparent")))
        if body["role"] != "user":
            return JSONResponse({"error": {"code": 404, "message": "nobody has that role"}}, status_code=404)
        return JSONResponse({"id_token": "a.b.c", "user_id": "u-1", "email": "ada@example.org", "role": "user"})

    routes = [Route("/dev/identities", identities), Route("/dev/token", token, methods=["POST"])]
    async with served(Starlette(routes=routes)) as url:
        yield url


def directives(response: httpx.Response) -> dict[str, str]:
    policy = response.headers["content-security-policy"]
    return {name: value for name, _, value in (part.strip().partition(" ") for part in policy.split(";"))}


async def test_the_page_and_its_assets_carry_the_strict_policy(dist: Path) -> None:
    async with page(dist) as client:
        answers = [await client.get(path) for path in ("/", "/assets/index-abc123.js", "/assets/gone.js")]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    for answer in answers:
        assert directives(answer) == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self' 'unsafe-inline'",
            "font-src": "'self' data:",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "worker-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-frame-options"] == "DENY"


async def test_the_page_is_asked_for_each_time_and_sent_only_when_it_changed(dist: Path) -> None:
    async with page(dist) as client:
        first = await client.get("/")
        again = await client.get("/", headers={"if-none-match": first.headers["etag"]})
        weak = await client.get("/", headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
        (dist / "index.html").write_text(INDEX.replace("<title>", "<title>New "))
        changed = await client.get("/", headers={"if-none-match": first.headers["etag"]})
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content, weak.status_code) == (304, b"", 304)
    assert changed.status_code == 200
    assert "<title>New Caregraph" in changed.text


async def test_assets_are_kept_for_ever_and_revalidated_without_a_body(dist: Path) -> None:
    async with page(dist) as client:
        first = await client.get("/assets/index-abc123.js", headers={"accept-encoding": "gzip"})
        again = await client.get(
            "/assets/index-abc123.js", headers={"accept-encoding": "gzip", "if-none-match": first.headers["etag"]}
        )
        gone = await client.get("/assets/index-old.js")
    assert first.text == SCRIPT
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert first.headers["vary"] == "accept-encoding"
    assert again.status_code == 304
    assert gone.headers["cache-control"] == "no-store"


async def test_browsers_that_take_brotli_get_the_small_form_under_the_same_name(dist: Path) -> None:
    async with (
        page(dist) as client,
        client.stream("GET", "/assets/index-abc123.js", headers={"accept-encoding": "gzip, br;q=0.9"}) as answer,
    ):
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert raw == b"brotli of it"
    assert answer.headers["content-encoding"] == "br"
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path",
    ["/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/assets//etc/passwd", "/assets/", "/assets/%00"],
)
async def test_nothing_outside_the_assets_is_served(dist: Path, path: str) -> None:
    async with page(dist) as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert "not yours" not in answer.text


async def test_the_compressed_form_has_no_address_of_its_own(dist: Path) -> None:
    async with page(dist) as client:
        assert (await client.get("/assets/index-abc123.js.br")).status_code == 404


async def test_without_a_build_the_page_says_how_to_make_one_and_appears_when_it_is_there(dist: Path) -> None:
    built = dist.rename(dist.with_name("elsewhere"))  # noqa: ASYNC240 - a folder of one test
    async with page(dist) as client:
        missing = await client.get("/")
        asset = await client.get("/assets/index-abc123.js")
        built.rename(dist)
        present = await client.get("/")
    assert missing.status_code == 200
    assert "make graphiql" in missing.text
    assert missing.headers["cache-control"] == "no-store"
    assert "content-security-policy" in missing.headers
    assert asset.status_code == 404
    assert "<title>Caregraph GraphiQL</title>" in present.text


async def test_the_page_asks_for_a_token_unless_the_server_offers_people(dist: Path) -> None:
    async with page(dist) as client:
        assert '<meta name="caregraph-sign-in" content="paste" />' in (await client.get("/")).text
    async with page(dist, environment=DEVELOPMENT, identity_url="http://127.0.0.1:1") as client:
        assert '<meta name="caregraph-sign-in" content="choose" />' in (await client.get("/")).text


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"environment": "development"},
        {"environment": "development", "identity_url": ""},
        {"environment": "staging", "identity_url": "http://127.0.0.1:1"},
        {"environment": "production", "identity_url": "http://127.0.0.1:1"},
        {"identity_url": "http://127.0.0.1:1"},
    ],
)
async def test_demo_people_exist_in_development_with_an_identity_service_only(
    dist: Path, settings: dict[str, str]
) -> None:
    async with page(dist, **settings) as client:
        assert (await client.get("/dev/identities")).status_code == 404
        assert (await client.post("/dev/token", json={"role": "admin"})).status_code == 404


def test_the_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAREGRAPH_ENVIRONMENT", raising=False)
    monkeypatch.setenv("CAREGRAPH_IDENTITY_URL", "http://127.0.0.1:8099")
    assert not GraphiQLSettings().offers_people, "an environment that nobody named is not development"
    monkeypatch.setenv("CAREGRAPH_ENVIRONMENT", "development")
    assert GraphiQLSettings().offers_people


async def test_people_and_tokens_are_fetched_through_this_origin_with_the_trace(dist: Path) -> None:
    asked: list[tuple[str, Any, str | None]] = []
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with identity(asked) as url, page(dist, environment=DEVELOPMENT, identity_url=f"{url}/") as client:
        people = await client.get("/dev/identities", headers={"traceparent": traceparent})
        token = await client.post("/dev/token", json={"role": "user", "user_id": "u-1"})
        refused = await client.post("/dev/token", json={"role": "pilot"})
    assert people.json() == [{"role": "user", "user_id": "u-1", "email": "ada@example.org", "name": "Ada"}]
    assert token.json()["id_token"] == "a.b.c"
    assert (refused.status_code, refused.json()["error"]["message"]) == (404, "nobody has that role")
    assert {answer.headers["cache-control"] for answer in (people, token, refused)} == {"no-store"}
    assert [(what, body) for what, body, _ in asked] == [
        ("identities", None),
        ("token", {"role": "user", "user_id": "u-1"}),
        ("token", {"role": "pilot"}),
    ]
    assert asked[0][2] is not None
    assert asked[0][2].split("-")[1] == traceparent.split("-")[1]


async def test_another_sites_page_gets_no_token(dist: Path) -> None:
    asked: list[tuple[str, Any, str | None]] = []
    async with identity(asked) as url, page(dist, environment=DEVELOPMENT, identity_url=url) as client:
        for site in ("cross-site", "same-site"):
            headers = {"sec-fetch-site": site}
            assert (await client.get("/dev/identities", headers=headers)).status_code == 403
            assert (await client.post("/dev/token", json={"role": "user"}, headers=headers)).status_code == 403
        as_text = await client.post("/dev/token", content=b'{"role": "user"}', headers={"content-type": "text/plain"})
        own = await client.get("/dev/identities", headers={"sec-fetch-site": "same-origin"})
        huge = await client.post("/dev/token", json={"role": "x" * 5000})
    assert (as_text.status_code, own.status_code, huge.status_code) == (415, 200, 413)
    assert [what for what, _, _ in asked] == ["identities"]


async def test_an_identity_service_that_is_down_is_named(dist: Path) -> None:
    async with page(dist, environment=DEVELOPMENT, identity_url="http://127.0.0.1:1") as client:
        answer = await client.get("/dev/identities")
    assert answer.status_code == 502
    assert "http://127.0.0.1:1 does not answer" in answer.json()["error"]["message"]


async def test_head_answers_like_get_without_a_body(dist: Path) -> None:
    async with served(application(dist)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        for path in ("/", "/assets/index-abc123.js"):
            answer = await client.head(path)
            assert answer.status_code == 200
            assert answer.content == b""
            assert "etag" in answer.headers
