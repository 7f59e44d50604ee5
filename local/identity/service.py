"""What the endpoints share: store, tokens and settings, and how a request's body is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request

from local.identity.accounts import Account, AccountStore, SignIn
from local.identity.errors import ToolkitError
from local.identity.settings import IdentitySettings
from local.identity.tokens import LIFETIME_S, TokenMint


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityService:
    """One running identity service."""

    settings: IdentitySettings
    accounts: AccountStore
    mint: TokenMint

    def sign_in(self, account: Account, *, provider: str) -> dict[str, str]:
        """Tokens for an account that has just proved who it is, by Identity Toolkit's names."""
        sign_in = SignIn(account=account, auth_time=self.mint.now(), provider=provider)
        return {
            "idToken": self.mint.id_token(account, auth_time=sign_in.auth_time, provider=provider),
            "refreshToken": self.accounts.add_refresh_token(sign_in),
            "expiresIn": str(LIFETIME_S),
        }

    def signed_in_account(self, id_token: object) -> Account:
        """The account that an ID token belongs to; raises ToolkitError when the token or the account ended."""
        if not isinstance(id_token, str) or not id_token:
            raise ToolkitError("INVALID_ID_TOKEN")
        claims = self.mint.read_id_token(id_token)
        account = self.accounts.find(claims["sub"])
        if account is None:
            raise ToolkitError("USER_NOT_FOUND")
        if account.disabled:
            raise ToolkitError("USER_DISABLED")
        if claims["iat"] < account.valid_since:
            raise ToolkitError("TOKEN_EXPIRED")
        return account


def service_of(request: Request) -> IdentityService:
    """The service behind a request."""
    return cast("IdentityService", request.app.state.service)


async def read_json(request: Request) -> Mapping[str, Any]:
    """The request's body, a JSON object; an empty one counts as `{}`. Raises ToolkitError for anything else."""
    body = await request.body()
    try:
        parsed = json.loads(body) if body else {}
    except (ValueError, RecursionError) as error:
        raise ToolkitError("INVALID_ARGUMENT : the body is not JSON") from error
    if not isinstance(parsed, dict):
        raise ToolkitError("INVALID_ARGUMENT : the body is not a JSON object")
    return parsed


def text(body: Mapping[str, Any], name: str) -> str | None:
    """A member that is text; None when it is absent or empty. Raises ToolkitError when it is something else."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise ToolkitError(f"INVALID_ARGUMENT : {name} is not a string")
    return value or None
