"""Google's side: published keys, ID tokens of service accounts, and the metadata server's way of asking for them."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from local.identity.errors import ToolkitError
from local.identity.keys import KeyRing
from local.identity.service import read_json, service_of, text

FIREBASE_SIGNER: Final = "securetoken@system.gserviceaccount.com"
GOOGLE_SIGNER: Final = "accounts.google.com"
#: Short, so that a platform that was reset is believed again soon.
_CACHE: Final = {"cache-control": "public, max-age=300, must-revalidate"}


async def _jwks(request: Request) -> JSONResponse:
    return JSONResponse(_keys(request).jwks(), headers=_CACHE)


async def _certificates(request: Request) -> JSONResponse:
    return JSONResponse(_keys(request).certificates(), headers=_CACHE)


async def _oidc_token(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    email, audience = text(body, "email"), text(body, "audience")
    if email is None or audience is None:
        raise ToolkitError('INVALID_ARGUMENT : send {"email": SERVICE_ACCOUNT, "audience": URL}')
    _check_service_account(email, service.settings.project)
    return JSONResponse({"id_token": service.mint.service_token(email, audience=audience)})


async def _metadata_identity(request: Request) -> PlainTextResponse:
    # The header proves that no browser page or forwarded request asks (Google Cloud, "About VM metadata").
    if request.headers.get("metadata-flavor") != "Google":
        return PlainTextResponse("Missing Metadata-Flavor: Google header.\n", status_code=403)
    service = service_of(request)
    email, audience = request.path_params["email"], request.query_params.get("audience")
    if not audience:
        return PlainTextResponse("non-empty audience parameter required\n", status_code=400)
    _check_service_account(email, service.settings.project)
    token = service.mint.service_token(email, audience=audience)
    return PlainTextResponse(token, headers={"metadata-flavor": "Google"})


async def _metadata_email(request: Request) -> PlainTextResponse:
    if request.headers.get("metadata-flavor") != "Google":
        return PlainTextResponse("Missing Metadata-Flavor: Google header.\n", status_code=403)
    return PlainTextResponse(request.path_params["email"], headers={"metadata-flavor": "Google"})


def _check_service_account(email: str, project: str) -> None:
    domain = f"@{project}.iam.gserviceaccount.com"
    if not email.endswith(domain) or email == domain:
        raise ToolkitError(f"INVALID_ARGUMENT : service accounts of this project end with {domain}", status=404)


def _keys(request: Request) -> KeyRing:
    mint = service_of(request).mint
    return mint.firebase_keys if FIREBASE_SIGNER in request.url.path else mint.google_keys


_METADATA: Final = "/computeMetadata/v1/instance/service-accounts/{email}"
ROUTES: Final = [
    # Google's paths, on www.googleapis.com.
    Route(f"/service_accounts/v1/jwk/{FIREBASE_SIGNER}", _jwks),
    Route(f"/robot/v1/metadata/x509/{FIREBASE_SIGNER}", _certificates),
    Route("/oauth2/v3/certs", _jwks),
    Route("/oauth2/v1/certs", _certificates),
    Route("/oidc/token", _oidc_token, methods=["POST"]),
    Route(f"{_METADATA}/identity", _metadata_identity),
    Route(f"{_METADATA}/email", _metadata_email),
]
