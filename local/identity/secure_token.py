"""Secure Token Service: a new ID token for a refresh token (https://firebase.google.com/docs/reference/rest/auth)."""

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.identity.errors import ToolkitError
from local.identity.service import read_json, service_of
from local.identity.tokens import LIFETIME_S


async def _refresh(request: Request) -> JSONResponse:
    service = service_of(request)
    if request.headers.get("content-type", "").startswith("application/json"):
        fields = {name: str(value) for name, value in (await read_json(request)).items()}
    else:
        form = parse_qs((await request.body()).decode(errors="replace"))
        fields = {name: values[-1] for name, values in form.items()}
    if fields.get("grant_type", fields.get("grantType")) != "refresh_token":
        raise ToolkitError("INVALID_GRANT_TYPE")
    refresh_token = fields.get("refresh_token", fields.get("refreshToken", ""))
    if not refresh_token:
        raise ToolkitError("MISSING_REFRESH_TOKEN")
    sign_in = service.accounts.find_sign_in(refresh_token)
    if sign_in is None:
        raise ToolkitError("INVALID_REFRESH_TOKEN")
    if sign_in.account.disabled:
        raise ToolkitError("USER_DISABLED")
    if sign_in.auth_time < sign_in.account.valid_since:
        raise ToolkitError("TOKEN_EXPIRED")
    id_token = service.mint.id_token(sign_in.account, auth_time=sign_in.auth_time, provider=sign_in.provider)
    return JSONResponse(
        {
            "access_token": id_token,
            "id_token": id_token,
            "refresh_token": refresh_token,
            "expires_in": str(LIFETIME_S),
            "token_type": "Bearer",
            "user_id": sign_in.account.local_id,
            "project_id": service.settings.project,
        }
    )


ROUTES: Final = [Route("/v1/token", _refresh, methods=["POST"])]
