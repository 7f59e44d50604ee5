"""The identity service as an ASGI application."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from integrations.telemetry.http import RequestContextMiddleware, operational_routes
from local.identity import administration, developer, google, secure_token, toolkit
from local.identity.accounts import AccountStore
from local.identity.errors import ToolkitError, answer_toolkit_error
from local.identity.keys import KeyRing
from local.identity.seed import Person, seed_accounts
from local.identity.service import IdentityService, service_of
from local.identity.settings import IdentitySettings
from local.identity.tokens import TokenMint

_log = structlog.get_logger(__name__)

#: Names that this service is called by: a page that reaches it under another name was led here (DNS rebinding).
_HOSTS: Final = ["127.0.0.1", "localhost", "metadata.google.internal"]
#: The portals' development servers run on ports of their own.
_LOOPBACK_ORIGIN: Final = r"https?://(localhost|127\.0\.0\.1)(:\d+)?"


def create_app(
    settings: IdentitySettings,
    *,
    people: Callable[[], Iterable[Person]] = lambda: (),
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The application; keys and accounts are opened when it starts. `people` are added to a folder that is new."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with AccountStore(settings.folder / "accounts.sqlite", clock=clock) as accounts:
            seeded = seed_accounts(accounts, people)
            app.state.service = IdentityService(settings=settings, accounts=accounts, mint=_open_mint(settings, clock))
            _log.info("identity.started", accounts=accounts.count(), seeded=seeded, project=settings.project)
            yield

    toolkit_cors = Middleware(
        CORSMiddleware,
        allow_origin_regex=_LOOPBACK_ORIGIN,
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
    )
    developer_cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.api_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["content-type"],
    )
    return Starlette(
        routes=[
            Route("/", _index),
            *operational_routes({}),
            *google.ROUTES,
            Mount(
                "/identitytoolkit.googleapis.com",
                routes=[*toolkit.ROUTES, *administration.ROUTES],
                middleware=[toolkit_cors],
            ),
            Mount("/securetoken.googleapis.com", routes=secure_token.ROUTES, middleware=[toolkit_cors]),
            Mount("/emulator", routes=administration.EMULATOR_ROUTES),
            Mount("/dev", routes=developer.ROUTES, middleware=[developer_cors]),
        ],
        middleware=[
            Middleware(RequestContextMiddleware),
            Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS),
        ],
        exception_handlers={ToolkitError: answer_toolkit_error},
        lifespan=lifespan,
    )


def _open_mint(settings: IdentitySettings, clock: Callable[[], float]) -> TokenMint:
    keys = settings.folder / "keys"
    return TokenMint(
        settings=settings,
        firebase_keys=KeyRing(keys / "firebase", name=google.FIREBASE_SIGNER),
        google_keys=KeyRing(keys / "google", name=google.GOOGLE_SIGNER),
        clock=clock,
    )


async def _index(request: Request) -> JSONResponse:
    service = service_of(request)
    return JSONResponse(
        {
            "service": "identity (local)",
            "project": service.settings.project,
            "accounts": service.accounts.count(),
            "firebase_issuer": service.settings.firebase_issuer,
            "firebase_keys": f"/service_accounts/v1/jwk/{google.FIREBASE_SIGNER}",
            "service_issuer": service.settings.service_issuer,
            "service_keys": "/oauth2/v3/certs",
            "developer_token": 'POST /dev/token {"role": ROLE, "user_id": UID, E-MAIL ADDRESS OR ID}',
        }
    )
