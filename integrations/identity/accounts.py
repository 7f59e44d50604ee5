"""The accounts that people sign in with, in Firebase Auth: create, give roles, disable, delete.

A thin layer over firebase-admin, which blocks: each call runs in a thread of the client's own, under the same guard as
calls of any outside system. Reading tokens is not its business (`verification` does that): firebase-admin would take
unsigned tokens when it talks to an emulator.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import firebase_admin
from firebase_admin import auth, exceptions
from google.auth import exceptions as google_exceptions

from integrations.errors import (
    AlreadyExists,
    CredentialsRefused,
    IntegrationError,
    NotFound,
    PermanentError,
    RateLimited,
    ServerFault,
    TimedOut,
    Unreachable,
)
from integrations.guard import Guard
from integrations.identity.settings import FirebaseSettings

SERVICE: Final = "firebase"
#: Where Hasura's claims object stands in ID tokens.
HASURA_NAMESPACE: Final = "https://hasura.io/jwt/claims"
_THREADS: Final = 4
_names = itertools.count(1)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account in Firebase Auth."""

    uid: str
    email: str | None
    email_verified: bool
    display_name: str | None
    disabled: bool
    #: Custom claims, as they will stand in the next ID token.
    claims: Mapping[str, Any] = field(default_factory=dict)


class Accounts:
    """The accounts of one project. Open it once per program: `async with Accounts(settings) as accounts`.

    Every method raises IntegrationError: NotFound for a uid that does not exist, AlreadyExists for an e-mail address
    that is taken, PermanentError for a value that Firebase refuses, TemporaryError for what may work later.
    """

    def __init__(self, settings: FirebaseSettings) -> None:
        """Nothing is opened yet."""
        self.guard = Guard(SERVICE, settings)
        self._settings = settings
        self._threads: ThreadPoolExecutor | None = None
        self._app: Any = None
        self._client: Any = None

    async def __aenter__(self) -> Self:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=SERVICE)
        # An application needs a name of its own: firebase-admin keeps them all in one registry.
        self._app = firebase_admin.initialize_app(
            options={
                "projectId": self._settings.project,
                "httpTimeout": self._settings.read_time_out.total_seconds(),
            },
            name=f"caregraph-{next(_names)}",
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._threads is not None:
            # A call that hangs ends by its own time-out; nobody waits for it here.
            self._threads.shutdown(wait=False, cancel_futures=True)
            firebase_admin.delete_app(self._app)
        self._threads = self._app = self._client = None

    async def create(
        self,
        *,
        uid: str,
        email: str,
        display_name: str | None = None,
        password: str | None = None,
        email_verified: bool = False,
    ) -> Account:
        """A new account, or the one that has this uid and this e-mail address already: safe to repeat.

        The uid is the caller's, because an account that Firebase names cannot be created twice safely.
        """
        given = {"uid": uid, "email": email, "display_name": display_name, "password": password}
        try:
            return await self._call(
                "create_account",
                lambda client: _read(
                    client.create_user(
                        email_verified=email_verified,
                        **{name: value for name, value in given.items() if value is not None},
                    )
                ),
            )
        except AlreadyExists:
            existing = await self.find(uid)
            if existing is None or (existing.email or "").lower() != email.lower():
                raise
            return existing

    async def find(self, uid: str) -> Account | None:
        """The account with this uid, or None."""
        return await self._find("find_account", lambda client: _read(client.get_user(uid)))

    async def find_by_email(self, email: str) -> Account | None:
        """The account with this e-mail address, or None."""
        return await self._find("find_account_by_email", lambda client: _read(client.get_user_by_email(email)))

    async def update(self, uid: str, *, email: str | None = None, display_name: str | None = None) -> None:
        """Give the account another address or name; None leaves one as it is. Safe to repeat.

        A new address is not verified.
        """
        given: dict[str, str | bool | None] = {"email": email, "display_name": display_name}
        changes = {name: value for name, value in given.items() if value is not None}
        if email is not None:
            changes["email_verified"] = False
        await self._call("update_account", lambda client: client.update_user(uid, **changes))

    async def set_roles(self, uid: str, *, roles: Sequence[str], default_role: str, user_id: str) -> None:
        """Give the account these roles, in place of those it had; other custom claims stay. Safe to repeat.

        ID tokens say so from the next sign-in or refresh on, within an hour; `end_sessions` makes it sooner.
        `user_id` becomes `x-hasura-user-id`.
        """
        if default_role not in roles:
            raise PermanentError(service=SERVICE, operation="set_roles", code="default_role_not_among_roles")
        hasura = {
            "x-hasura-allowed-roles": list(roles),
            "x-hasura-default-role": default_role,
            "x-hasura-user-id": user_id,
        }

        def change(client: Any) -> None:
            claims = client.get_user(uid).custom_claims or {}
            if claims.get(HASURA_NAMESPACE) != hasura:
                client.set_custom_user_claims(uid, {**claims, HASURA_NAMESPACE: hasura})

        await self._call("set_roles", change)

    async def remove_roles(self, uid: str) -> None:
        """Take all roles from the account; other custom claims stay. Safe to repeat."""

        def change(client: Any) -> None:
            claims = dict(client.get_user(uid).custom_claims or {})
            if claims.pop(HASURA_NAMESPACE, None) is not None:
                client.set_custom_user_claims(uid, claims or None)

        await self._call("remove_roles", change)

    async def set_disabled(self, uid: str, *, disabled: bool) -> None:
        """Forbid the account to sign in, or allow it again. Safe to repeat.

        ID tokens that were issued before live on, for an hour at most.
        """
        await self._call("set_disabled", lambda client: client.update_user(uid, disabled=disabled))

    async def end_sessions(self, uid: str) -> None:
        """Make the account sign in anew once its present ID token ends. Safe to repeat."""
        await self._call("end_sessions", lambda client: client.revoke_refresh_tokens(uid))

    async def delete(self, uid: str) -> bool:
        """Remove the account; whether there was one. Safe to repeat."""
        try:
            await self._call("delete_account", lambda client: client.delete_user(uid))
        except NotFound:
            return False
        return True

    async def _find(self, operation: str, work: Callable[[Any], Account]) -> Account | None:
        try:
            return await self._call(operation, work)
        except NotFound:
            return None

    async def _call(self, operation: str, work: Callable[[Any], Result]) -> Result:
        assert self._threads is not None, "use `async with Accounts(settings)`"
        threads = self._threads

        async def attempt() -> Result:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(threads, partial(self._work, operation, work))

        return await self.guard.call(operation, attempt)

    def _work(self, operation: str, work: Callable[[Any], Result]) -> Result:
        try:
            # Here and not at the start, because looking for credentials may go to the metadata server.
            if self._client is None:
                self._client = _open_client(self._app)
            return work(self._client)
        except (exceptions.FirebaseError, google_exceptions.GoogleAuthError, ValueError) as error:
            raise _translate(operation, error) from error


def _open_client(app: Any) -> Any:
    """firebase-admin's client, which asks once: the guard tries again, with jitter and a budget."""
    client = auth.Client(app)
    session = client._user_manager.http_client.session  # noqa: SLF001 - it offers no setting; a test counts requests
    for scheme in ("https://", "http://"):
        adapter = session.get_adapter(scheme)
        adapter.max_retries = adapter.max_retries.new(total=0)
    return client


def _read(record: Any) -> Account:
    return Account(
        uid=record.uid,
        email=record.email,
        email_verified=record.email_verified,
        display_name=record.display_name,
        disabled=record.disabled,
        claims=record.custom_claims or {},
    )


#: firebase-admin's error codes are Google's canonical ones (google.rpc.Code).
_KINDS: Final[Mapping[str, type[IntegrationError]]] = {
    exceptions.NOT_FOUND: NotFound,
    exceptions.ALREADY_EXISTS: AlreadyExists,
    exceptions.DEADLINE_EXCEEDED: TimedOut,
    exceptions.UNAVAILABLE: Unreachable,
    exceptions.RESOURCE_EXHAUSTED: RateLimited,
    exceptions.PERMISSION_DENIED: CredentialsRefused,
    exceptions.UNAUTHENTICATED: CredentialsRefused,
    exceptions.INTERNAL: ServerFault,
    exceptions.UNKNOWN: ServerFault,
    exceptions.ABORTED: ServerFault,
    exceptions.CANCELLED: ServerFault,
}


def _translate(operation: str, error: Exception) -> IntegrationError:
    if isinstance(error, exceptions.FirebaseError):
        status = None if error.http_response is None else int(error.http_response.status_code)
        kind = _KINDS.get(error.code, PermanentError)
        return kind(
            service=SERVICE, operation=operation, code=str(error.code).lower(), status=status, detail=str(error)
        )
    if isinstance(error, google_exceptions.TransportError):
        return Unreachable(service=SERVICE, operation=operation, code="unreachable", detail=str(error))
    if isinstance(error, google_exceptions.GoogleAuthError):
        return CredentialsRefused(service=SERVICE, operation=operation, code="no_credentials", detail=str(error))
    return PermanentError(service=SERVICE, operation=operation, code="invalid_argument", detail=str(error))
