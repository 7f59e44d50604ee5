"""Identity Toolkit as firebase-admin uses it: accounts of the project, by whoever may administer them.

Real requests carry an OAuth access token; firebase-admin sends `Bearer owner` to whatever `FIREBASE_AUTH_EMULATOR_HOST`
names, and so do we ask for it: a page in a browser cannot send that by accident.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.identity.accounts import MAX_PAGE, Account
from local.identity.changes import changed_account, describe, new_account, require_account
from local.identity.errors import ToolkitError
from local.identity.service import IdentityService, read_json, service_of, text
from local.identity.toolkit import code_link, send_code

_Operation = Callable[[IdentityService, Mapping[str, Any]], dict[str, Any]]


def _create(service: IdentityService, body: Mapping[str, Any]) -> dict[str, Any]:
    account = service.accounts.add(new_account(body, now=service.mint.now()))
    return {"kind": "identitytoolkit#SignupNewUserResponse", "localId": account.local_id, "email": account.email}


def _look_up(service: IdentityService, body: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Account] = {}
    for name, find in (
        ("localId", service.accounts.find),
        ("email", service.accounts.find_by_email),
        ("phoneNumber", service.accounts.find_by_phone_number),
    ):
        values = body.get(name, [])
        for value in [values] if isinstance(values, str) else values:
            account = find(value)
            if account is not None:
                found[account.local_id] = account
    answer: dict[str, Any] = {"kind": "identitytoolkit#GetAccountInfoResponse"}
    # Without `users` when nobody was found, as the real service has it.
    return answer | ({"users": [describe(account) for account in found.values()]} if found else {})


def _update(service: IdentityService, body: Mapping[str, Any]) -> dict[str, Any]:
    account = require_account(service.accounts, text(body, "localId"))
    account = service.accounts.replace(changed_account(account, body, now=service.mint.now()))
    return {"kind": "identitytoolkit#SetAccountInfoResponse", **describe(account)}


def _delete(service: IdentityService, body: Mapping[str, Any]) -> dict[str, Any]:
    service.accounts.delete(require_account(service.accounts, text(body, "localId")).local_id)
    return {"kind": "identitytoolkit#DeleteAccountResponse"}


def _delete_all(service: IdentityService, body: Mapping[str, Any]) -> dict[str, Any]:
    errors = []
    for index, local_id in enumerate(body.get("localIds", [])):
        account = service.accounts.find(local_id)
        if account is not None and not account.disabled and not body.get("force"):
            message = "NOT_DISABLED : Disable the account before batch deletion."
            errors.append({"index": index, "localId": local_id, "message": message})
        else:
            service.accounts.delete(local_id)
    return {"errors": errors}


def _query(service: IdentityService, body: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"recordsCount": str(service.accounts.count())}
    if body.get("returnUserInfo", True):
        limit = int(body.get("limit") or MAX_PAGE)
        answer["userInfo"] = [describe(account) for account in service.accounts.find_page(after="", limit=limit)]
    return answer


def _send_code(service: IdentityService, body: Mapping[str, Any]) -> dict[str, Any]:
    return send_code(service, body, with_link=bool(body.get("returnOobLink")))


async def _list(request: Request) -> JSONResponse:
    service = _authorized(request)
    try:
        limit = min(max(int(request.query_params.get("maxResults", "20")), 1), MAX_PAGE)
    except ValueError as error:
        raise ToolkitError("INVALID_PAGE_SELECTION") from error
    accounts = service.accounts.find_page(after=request.query_params.get("nextPageToken", ""), limit=limit)
    answer: dict[str, Any] = {
        "kind": "identitytoolkit#DownloadAccountResponse",
        "users": [describe(account, with_password=True) for account in accounts],
    }
    if len(accounts) == limit:
        answer["nextPageToken"] = accounts[-1].local_id
    return JSONResponse(answer)


async def _clear(request: Request) -> JSONResponse:
    _authorized(request).accounts.clear()
    return JSONResponse({})


async def _codes(request: Request) -> JSONResponse:
    service = _authorized(request)
    codes = [
        {
            "email": code.email,
            "requestType": code.request_type,
            "oobCode": code.code,
            "oobLink": code_link(service, code),
        }
        for code in service.accounts.codes()
    ]
    return JSONResponse({"oobCodes": codes})


def _authorized(request: Request) -> IdentityService:
    if request.headers.get("authorization") != "Bearer owner":
        raise ToolkitError("INSUFFICIENT_PERMISSION : send `Authorization: Bearer owner`", status=403)
    service = service_of(request)
    project = request.path_params["project"]
    if project != service.settings.project:
        raise ToolkitError(
            f"PROJECT_NOT_FOUND : the project here is {json.dumps(service.settings.project)}", status=404
        )
    return service


def _operation(operation: _Operation) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        return JSONResponse(operation(_authorized(request), await read_json(request)))

    return endpoint


#: Under Identity Toolkit's host name.
ROUTES: Final = [
    Route("/v1/projects/{project}/accounts", _operation(_create), methods=["POST"]),
    Route("/v1/projects/{project}/accounts:lookup", _operation(_look_up), methods=["POST"]),
    Route("/v1/projects/{project}/accounts:update", _operation(_update), methods=["POST"]),
    Route("/v1/projects/{project}/accounts:delete", _operation(_delete), methods=["POST"]),
    Route("/v1/projects/{project}/accounts:batchDelete", _operation(_delete_all), methods=["POST"]),
    Route("/v1/projects/{project}/accounts:query", _operation(_query), methods=["POST"]),
    Route("/v1/projects/{project}/accounts:sendOobCode", _operation(_send_code), methods=["POST"]),
    Route("/v1/projects/{project}/accounts:batchGet", _list, methods=["GET"]),
]
#: What Firebase's own emulator adds for tests.
EMULATOR_ROUTES: Final = [
    Route("/v1/projects/{project}/accounts", _clear, methods=["DELETE"]),
    Route("/v1/projects/{project}/oobCodes", _codes, methods=["GET"]),
]
