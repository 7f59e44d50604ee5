"""A token for anyone without a password: what `caregraph token` and GraphiQL's choice of a person ask for.

There is nothing like it in production. It listens on this machine only, and pages get an answer only on the API's own
origin.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.identity.accounts import Account
from local.identity.errors import ToolkitError
from local.identity.service import IdentityService, read_json, service_of, text
from server.authentication.claims import DEFAULT_ROLE, HASURA_NAMESPACE

SERVICE_ROLE: Final = "service"
_MAX_LISTED: Final = 100
#: The roles that somebody can sign in with, in the order in which they are offered.
_ROLES: Final = ("user", "provider", "cct", "admin", SERVICE_ROLE)


async def _token(request: Request) -> JSONResponse:
    # A page of another origin can send this body unasked only as plain text, so that is not taken.
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise ToolkitError("send application/json", status=415)
    service, body = service_of(request), await read_json(request)
    role, user_id = text(body, "role"), text(body, "user_id")
    if role is None:
        raise ToolkitError('send {"role": ROLE} or {"role": ROLE, "user_id": UID, E-MAIL ADDRESS OR ID}')
    if role == "anonymous":
        raise ToolkitError("the role anonymous needs no token: send the request without one")
    if role == SERVICE_ROLE:
        return JSONResponse(_service_token(service, user_id))
    return JSONResponse(_person_token(service, role, _find_person(service, role, user_id)))


async def _list(request: Request) -> JSONResponse:
    return JSONResponse({"accounts": _people(service_of(request), request.query_params.get("role", ""))})


async def _identities(request: Request) -> JSONResponse:
    """Some of every role, for GraphiQL's box: `[{"role", "user_id", "email", "name"}]`."""
    service = service_of(request)
    shown = ("role", "user_id", "email", "name")
    return JSONResponse([{key: one[key] for key in shown} for role in _ROLES for one in _people(service, role)])


def _people(service: IdentityService, role: str) -> list[dict[str, Any]]:
    if role == SERVICE_ROLE:
        return [
            {"user_id": agent, "email": email, "name": f"{agent} agent", "role": role}
            for email, agent in service.settings.service_accounts.items()
        ]
    return [_describe(account, role) for account in service.accounts.find_by_role(role, limit=_MAX_LISTED)]


def _find_person(service: IdentityService, role: str, name: str | None) -> Account:
    if name is None:
        account = next(iter(service.accounts.find_by_role(role, limit=1)), None)
        if account is None:
            raise ToolkitError(f"no account has the role {role!r}", status=404)
        return account
    account = service.accounts.find_person(name)
    if account is None:
        raise ToolkitError(
            f"no account has the uid, e-mail address, customer or staff id {name!r}; "
            f"GET /dev/accounts?role={role} lists some that exist",
            status=404,
        )
    if account.disabled:
        raise ToolkitError(f"the account {name!r} is disabled", status=409)
    if role not in account.roles:
        has = f"the roles {', '.join(account.roles)}" if account.roles else "no role yet"
        raise ToolkitError(f"{name!r} does not have the role {role!r}, but {has}", status=409)
    return account


def _person_token(service: IdentityService, role: str, account: Account) -> dict[str, Any]:
    # The requested role becomes the token's default one, so that a client need not send x-hasura-role.
    claims = {**account.claims, HASURA_NAMESPACE: {**account.hasura_claims, DEFAULT_ROLE: role}}
    token = service.mint.id_token(account, auth_time=service.mint.now(), provider="password", claims=claims)
    return {"id_token": token, **_describe(account, role)}


def _describe(account: Account, role: str) -> dict[str, Any]:
    return {
        "user_id": account.user_id,
        "uid": account.local_id,
        "email": account.email,
        "name": account.display_name,
        "role": role,
    }


def _service_token(service: IdentityService, agent: str | None) -> dict[str, Any]:
    emails = {name: email for email, name in service.settings.service_accounts.items()}
    if agent is None:
        agent = next(iter(emails), "")
    # An account's address is as good as the agent's name.
    agent = service.settings.service_accounts.get(agent, agent)
    if agent not in emails:
        raise ToolkitError(f"there is no agent {agent!r}; there are {', '.join(sorted(emails))}", status=404)
    token = service.mint.service_token(emails[agent], audience=service.settings.api_audience)
    return {"id_token": token, "user_id": agent, "email": emails[agent], "name": agent, "role": SERVICE_ROLE}


ROUTES: Final = [
    Route("/token", _token, methods=["POST"]),
    Route("/accounts", _list, methods=["GET"]),
    Route("/identities", _identities, methods=["GET"]),
]
