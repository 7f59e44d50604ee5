"""GraphiQL at `/`: the page that `portals/graphiql` builds, its assets, and, in development, who you may be.

The page works without any other host and under a strict Content-Security-Policy. In development it offers demo people:
their list and their tokens come from the local identity service, which is asked through this origin (`/dev/identities`,
`/dev/token`), so that `connect-src 'self'` stays enough. Anywhere else these routes don't exist and one pastes a token.
"""

import hashlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import structlog
from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from integrations.telemetry.tracing import propagation_headers

#: What `make graphiql` builds.
DIST: Final = Path(__file__).resolve().parent.parent / "portals" / "graphiql" / "dist"

#: Sent with the page and with its assets: a worker's policy is the one that its own script came with.
SECURITY_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        "img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

#: Their names change with their contents.
_FOREVER: Final = "public, max-age=31536000, immutable"
#: Kept, but asked for again each time.
_REVALIDATE: Final = "no-cache"

#: In index.html; the server writes how one signs in here.
_SIGN_IN_PASTE: Final = b'<meta name="caregraph-sign-in" content="paste" />'
_SIGN_IN_CHOOSE: Final = b'<meta name="caregraph-sign-in" content="choose" />'

_IDENTITY_TIMEOUT: Final = httpx.Timeout(5.0)
#: A request for a token is a role and an id.
_MAX_TOKEN_REQUEST_BYTES: Final = 4096

_NOT_BUILT: Final = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>Caregraph</title>
    <style>
      body { font: 16px/1.6 system-ui, sans-serif; margin: 12vh auto; max-width: 38rem; padding: 0 1.5rem; }
      code { font-family: ui-monospace, monospace; }
      pre { border: 1px solid #8886; border-radius: 6px; padding: 0.75rem 1rem; }
    </style>
  </head>
  <body>
    <h1>Caregraph is running</h1>
    <p>The GraphQL endpoint answers at <code>POST /v1/graphql</code>. Its GraphiQL page has not been built yet:</p>
    <pre><code>make graphiql</code></pre>
    <p>Then reload; the server need not be restarted.</p>
  </body>
</html>
"""

_log: Final = structlog.get_logger(__name__)

_Endpoint = Callable[[Request], Awaitable[Response]]


class GraphiQLSettings(BaseSettings):
    """How the page is served. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    #: Which deployment this is. Demo people are offered in `development` only, and only when it is said.
    environment: str = Field("production", validation_alias="CAREGRAPH_ENVIRONMENT")
    #: Base URL of the local identity service, or None.
    identity_url: Annotated[str | None, BeforeValidator(lambda value: value or None)] = Field(
        None, validation_alias="CAREGRAPH_IDENTITY_URL"
    )

    @property
    def offers_people(self) -> bool:
        """Whether one may choose a demo person instead of pasting a token."""
        return self.environment == "development" and self.identity_url is not None


def graphiql_routes(settings: GraphiQLSettings, *, dist: Path = DIST) -> list[Route]:
    """The routes `/` and `/assets/…`, and in development `/dev/identities` and `/dev/token`.

    `dist` is the built front end; it may be missing, or be built and rebuilt while the server runs.
    """
    page = _Page(dist=dist, choose=settings.offers_people)
    routes = [
        Route("/", _index_endpoint(page), methods=["GET"], name="graphiql"),
        Route("/assets/{path:path}", _assets_endpoint(dist / "assets"), methods=["GET"], name="graphiql-assets"),
    ]
    if settings.offers_people and settings.identity_url is not None:
        identity = _IdentityProxy(settings.identity_url)
        routes += [
            Route("/dev/identities", identity.identities, methods=["GET"], name="dev-identities"),
            Route("/dev/token", identity.token, methods=["POST"], name="dev-token"),
        ]
    return routes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rendered:
    body: bytes
    etag: str
    #: Modification time of the file that it was made from.
    mtime_ns: int


class _Page:
    """index.html as it is served, read again when a build has replaced it."""

    def __init__(self, *, dist: Path, choose: bool) -> None:
        self._file = dist / "index.html"
        self._choose = choose
        self._rendered: _Rendered | None = None

    def render(self) -> _Rendered | None:
        """The page, or None when there is no build."""
        try:
            mtime_ns = self._file.stat().st_mtime_ns
            if self._rendered is None or self._rendered.mtime_ns != mtime_ns:
                self._rendered = self._read(mtime_ns)
        except FileNotFoundError:
            return None
        return self._rendered

    def _read(self, mtime_ns: int) -> _Rendered:
        body = self._file.read_bytes()
        if self._choose:
            if _SIGN_IN_PASTE not in body:
                raise RuntimeError(f"{self._file} lacks {_SIGN_IN_PASTE.decode()}; build it again: make graphiql")
            body = body.replace(_SIGN_IN_PASTE, _SIGN_IN_CHOOSE)
        return _Rendered(body=body, etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"', mtime_ns=mtime_ns)


def _index_endpoint(page: _Page) -> _Endpoint:
    async def index(request: Request) -> Response:
        rendered = page.render()
        if rendered is None:
            # Not an error: the endpoint works, and the reader learns what to do.
            return _html(_NOT_BUILT, {"cache-control": "no-store"})
        headers = {"etag": rendered.etag, "cache-control": _REVALIDATE}
        known = (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(","))
        if rendered.etag in known:
            return Response(status_code=304, headers={**SECURITY_HEADERS, **headers})
        return _html(rendered.body, headers)

    return index


def _html(body: str | bytes, headers: dict[str, str]) -> Response:
    return Response(body, media_type="text/html", headers={**SECURITY_HEADERS, **headers})


def _assets_endpoint(folder: Path) -> _Endpoint:
    files = StaticFiles(directory=folder, check_dir=False)

    async def asset(request: Request) -> Response:
        path = request.path_params["path"]
        response = None
        # The build leaves a Brotli form beside each text; browsers take it over HTTPS.
        if not path.endswith(".br") and _accepts_brotli(request):
            response = await _file(files, f"{path}.br", request)
            if response is not None and response.status_code == 200:
                response.headers["content-encoding"] = "br"
        elif path.endswith(".br"):
            return PlainTextResponse("Not found", status_code=404, headers=SECURITY_HEADERS)
        response = response or await _file(files, path, request)
        if response is None:
            # Pages of an older build ask for assets that are gone; nobody may keep that answer.
            return PlainTextResponse(
                "Not found", status_code=404, headers={**SECURITY_HEADERS, "cache-control": "no-store"}
            )
        response.headers.update({**SECURITY_HEADERS, "cache-control": _FOREVER, "vary": "accept-encoding"})
        return response

    return asset


async def _file(files: StaticFiles, path: str, request: Request) -> Response | None:
    """The file, a 304 when the client has it, or None when there is none."""
    try:
        return await files.get_response(path, request.scope)
    except HTTPException:
        return None


def _accepts_brotli(request: Request) -> bool:
    return any(part.split(";")[0].strip() == "br" for part in request.headers.get("accept-encoding", "").split(","))


class _IdentityProxy:
    """Hands two questions on to the local identity service, so that the page need not ask another origin."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    async def identities(self, request: Request) -> Response:
        """The demo people: `[{"role", "user_id", "email", "name"}]`."""
        return self._refuse_strangers(request) or await self._ask("GET", "/dev/identities")

    async def token(self, request: Request) -> Response:
        """`{"role", "user_id"?}` → `{"id_token", "user_id", "email", "role"}`."""
        refusal = self._refuse_strangers(request)
        if refusal is not None:
            return refusal
        # Another origin's page may send plain text unasked, but not this type.
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            return _error(415, "send application/json")
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_TOKEN_REQUEST_BYTES:
                return _error(413, f"a request for a token has at most {_MAX_TOKEN_REQUEST_BYTES} bytes")
        return await self._ask("POST", "/dev/token", body)

    @staticmethod
    def _refuse_strangers(request: Request) -> Response | None:
        """An answer for pages of other sites; None for our own page and for programs, which send no such header."""
        if request.headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}:
            return None
        return _error(403, "only this origin's own pages may ask")

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Response:
        headers = {"content-type": "application/json", **propagation_headers()}
        try:
            # A client of its own each time: this is asked a few times an hour, by a person. The bare TLS context saves
            # reading certificates for an address on this machine.
            async with httpx.AsyncClient(
                timeout=_IDENTITY_TIMEOUT, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            ) as client:
                answer = await client.request(method, self._base_url + path, content=body, headers=headers)
        except httpx.HTTPError as error:
            _log.warning("graphiql.identity_unreachable", url=self._base_url, error_type=type(error).__name__)
            return _error(
                502, f"the identity service at {self._base_url} does not answer; is it running? (caregraph status)"
            )
        return Response(
            answer.content,
            status_code=answer.status_code,
            media_type="application/json",
            headers={**SECURITY_HEADERS, "cache-control": "no-store"},
        )


def _error(status: int, message: str) -> Response:
    """An error in the identity service's own form."""
    body: dict[str, Any] = {"error": {"code": status, "message": message}}
    return JSONResponse(body, status_code=status, headers={**SECURITY_HEADERS, "cache-control": "no-store"})
