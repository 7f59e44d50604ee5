"""Identity Toolkit as a person's SDK uses it: sign up, sign in, look up, change and delete oneself, e-mailed codes.

The paths and documents are those of https://cloud.google.com/identity-platform/docs/reference/rest, under the host name
as first part of the path, which is how SDKs address an emulator. Federated, phone and anonymous sign-in, and custom
tokens (which SDKs leave unsigned for emulators) are refused with OPERATION_NOT_ALLOWED.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.identity.accounts import Account, EmailedCode
from local.identity.changes import changed_account, checked_email, checked_password, describe, new_account
from local.identity.errors import ToolkitError
from local.identity.passwords import is_password
from local.identity.service import IdentityService, read_json, service_of, text

_PASSWORD: Final = "password"  # noqa: S105 - a provider's name
_CODES: Final = frozenset({"PASSWORD_RESET", "VERIFY_EMAIL"})


async def _sign_up(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    if text(body, "email") is None:
        raise ToolkitError("ADMIN_ONLY_OPERATION")
    if text(body, "password") is None:
        raise ToolkitError("MISSING_PASSWORD")
    allowed = {name: body[name] for name in ("email", "password", "displayName", "photoUrl") if name in body}
    now = service.mint.now()
    account = service.accounts.add(replace(new_account(allowed, now=now), last_login_at=now * 1000))
    return JSONResponse(
        {
            "kind": "identitytoolkit#SignupNewUserResponse",
            "localId": account.local_id,
            "email": account.email,
            "displayName": account.display_name or "",
            **service.sign_in(account, provider=_PASSWORD),
        }
    )


async def _sign_in_with_password(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    email, password = text(body, "email"), text(body, "password")
    if email is None:
        raise ToolkitError("INVALID_EMAIL")
    if password is None:
        raise ToolkitError("MISSING_PASSWORD")
    account = service.accounts.find_by_email(email)
    # One answer for both, so that nobody learns who has an account (Firebase's e-mail enumeration protection).
    if account is None or account.password_hash is None or not is_password(password, account.password_hash):
        raise ToolkitError("INVALID_LOGIN_CREDENTIALS")
    if account.disabled:
        raise ToolkitError("USER_DISABLED")
    account = service.accounts.replace(replace(account, last_login_at=service.mint.now() * 1000))
    return JSONResponse(
        {
            "kind": "identitytoolkit#VerifyPasswordResponse",
            "registered": True,
            "localId": account.local_id,
            "email": account.email,
            "displayName": account.display_name or "",
            **service.sign_in(account, provider=_PASSWORD),
        }
    )


async def _look_up(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    account = service.signed_in_account(body.get("idToken"))
    return JSONResponse({"kind": "identitytoolkit#GetAccountInfoResponse", "users": [describe(account)]})


async def _update(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    if text(body, "oobCode") is not None:
        return JSONResponse(_updated(_verify_email(service, _code(service, body, "VERIFY_EMAIL"))))
    account = service.signed_in_account(body.get("idToken"))
    # What a person may change of the own account; claims and the like are the administration's.
    own = ("email", "password", "displayName", "photoUrl", "deleteAttribute", "deleteProvider")
    changes = {name: body[name] for name in own if name in body}
    account = service.accounts.replace(changed_account(account, changes, now=service.mint.now()))
    answer = _updated(account)
    if body.get("returnSecureToken"):
        answer |= service.sign_in(account, provider=_PASSWORD)
    return JSONResponse(answer)


async def _delete(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    service.accounts.delete(service.signed_in_account(body.get("idToken")).local_id)
    return JSONResponse({"kind": "identitytoolkit#DeleteAccountResponse"})


async def _send_code(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    return JSONResponse(send_code(service, body, with_link=False))


async def _reset_password(request: Request) -> JSONResponse:
    service, body = service_of(request), await read_json(request)
    code = _code(service, body, "PASSWORD_RESET")
    password = text(body, "newPassword")
    if password is not None:
        account = _account_of(service, code)
        changes = {"password": checked_password(password), "emailVerified": True}
        service.accounts.replace(changed_account(account, changes, now=service.mint.now()))
        service.accounts.use_code(code)
    return JSONResponse(
        {
            "kind": "identitytoolkit#ResetPasswordResponse",
            "email": code.email,
            "requestType": code.request_type,
        }
    )


async def _create_auth_uri(request: Request) -> JSONResponse:
    await read_json(request)
    # With e-mail enumeration protection, as above, Firebase no longer says how somebody signs in.
    return JSONResponse({"kind": "identitytoolkit#CreateAuthUriResponse", "signinMethods": []})


async def _refuse(_: Request) -> JSONResponse:
    raise ToolkitError("OPERATION_NOT_ALLOWED : the local identity service knows e-mail address and password only")


async def _project(request: Request) -> JSONResponse:
    origins = ["localhost", "127.0.0.1"]
    return JSONResponse({"projectId": service_of(request).settings.project, "authorizedDomains": origins})


async def _recaptcha(_: Request) -> JSONResponse:
    return JSONResponse({"recaptchaEnforcementState": []})


def send_code(service: IdentityService, body: Mapping[str, Any], *, with_link: bool) -> dict[str, Any]:
    """Make a code for an e-mailed link; the answer holds the link only `with_link`, for the administration.

    Nothing is e-mailed: `GET /emulator/v1/projects/PROJECT/oobCodes` shows the codes.
    """
    kind = text(body, "requestType")
    if kind not in _CODES:
        raise ToolkitError(f"OPERATION_NOT_ALLOWED : requestType is one of {', '.join(sorted(_CODES))}")
    if text(body, "idToken") is not None:
        email = service.signed_in_account(body["idToken"]).email
    else:
        email = text(body, "email")
    if email is None:
        raise ToolkitError("MISSING_EMAIL")
    email = checked_email(email)
    answer: dict[str, Any] = {"kind": "identitytoolkit#GetOobConfirmationCodeResponse", "email": email}
    if service.accounts.find_by_email(email) is None:
        if with_link:
            raise ToolkitError("EMAIL_NOT_FOUND")
        return answer
    code = service.accounts.add_code(kind, email)
    if with_link:
        answer |= {"oobCode": code.code, "oobLink": code_link(service, code)}
    return answer


def code_link(service: IdentityService, code: EmailedCode) -> str:
    """The address that the e-mail would have held."""
    mode = {"PASSWORD_RESET": "resetPassword", "VERIFY_EMAIL": "verifyEmail"}[code.request_type]
    host = f"{service.settings.host}:{service.settings.port}"
    return f"http://{host}/emulator/action?mode={mode}&lang=en&oobCode={code.code}&apiKey=local"


def _code(service: IdentityService, body: Mapping[str, Any], request_type: str) -> EmailedCode:
    code = service.accounts.find_code(text(body, "oobCode") or "")
    if code is None or code.request_type != request_type:
        raise ToolkitError("INVALID_OOB_CODE")
    return code


def _account_of(service: IdentityService, code: EmailedCode) -> Account:
    account = service.accounts.find_by_email(code.email)
    if account is None:
        raise ToolkitError("INVALID_OOB_CODE")
    return account


def _verify_email(service: IdentityService, code: EmailedCode) -> Account:
    account = service.accounts.replace(replace(_account_of(service, code), email_verified=True))
    service.accounts.use_code(code)
    return account


def _updated(account: Account) -> dict[str, Any]:
    return {"kind": "identitytoolkit#SetAccountInfoResponse", **describe(account)}


ROUTES: Final = [
    Route("/v1/accounts:signUp", _sign_up, methods=["POST"]),
    Route("/v1/accounts:signInWithPassword", _sign_in_with_password, methods=["POST"]),
    Route("/v1/accounts:lookup", _look_up, methods=["POST"]),
    Route("/v1/accounts:update", _update, methods=["POST"]),
    Route("/v1/accounts:delete", _delete, methods=["POST"]),
    Route("/v1/accounts:sendOobCode", _send_code, methods=["POST"]),
    Route("/v1/accounts:resetPassword", _reset_password, methods=["POST"]),
    Route("/v1/accounts:createAuthUri", _create_auth_uri, methods=["POST"]),
    *(
        Route(f"/v1/accounts:{name}", _refuse, methods=["POST"])
        for name in ("signInWithCustomToken", "signInWithIdp", "signInWithPhoneNumber", "signInWithEmailLink")
    ),
    Route("/v1/projects", _project, methods=["GET"]),
    Route("/v1/recaptchaParams", _recaptcha, methods=["GET"]),
    Route("/v2/recaptchaConfig", _recaptcha, methods=["GET"]),
]
