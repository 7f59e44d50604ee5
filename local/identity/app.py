"""The identity service as an ASGI application."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, closing
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount

from integrations.telemetry.http import RequestContextMiddleware
from local.identity import administration, developer, google, secure_token, toolkit
from local.identity.accounts import AccountStore
from local.identity.errors import ToolkitError, answer_toolkit_error
from local.identity.keys import KeyRing
from local.identity.seed import Person, seed_accounts
from local.identity.service import IdentityService
from local.identity.settings import IdentitySettings
from local.identity.standin import open_watch
from local.identity.tokens import TokenMint
from local.standin.store import Store
from local.standin.watch import Watched

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
        received = Store(settings.folder / "received.sqlite")
        with AccountStore(settings.folder / "accounts.sqlite", clock=clock) as accounts, closing(received):
            app.state.watch = open_watch(received, accounts)
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
    application: Starlette = Starlette(
        routes=[
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
            Middleware(Watched, watch=lambda: application.state.watch),
        ],
        exception_handlers={ToolkitError: answer_toolkit_error},
        lifespan=lifespan,
    )
    return application


def _open_mint(settings: IdentitySettings, clock: Callable[[], float]) -> TokenMint:
    keys = settings.folder / "keys"
    return TokenMint(
        settings=settings,
        firebase_keys=KeyRing(keys / "firebase", name=google.FIREBASE_SIGNER),
        google_keys=KeyRing(keys / "google", name=google.GOOGLE_SIGNER),
        clock=clock,
    )
