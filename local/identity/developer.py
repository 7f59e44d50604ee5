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
#: How many of a role are listed.
_MAX_LISTED: Final = 100
#: The roles that people can sign in with, in the order in which they are offered; agents come after them.
_ROLES: Final = ("user", "provider", "cct", "admin")


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
    if role not in _ROLES:
        raise ToolkitError(f"there is no role {role!r}; there are {', '.join(_ROLES)} and {SERVICE_ROLE}", status=404)
    account = _find_person(service, role, user_id, listing=f"{request.base_url}dev/identities?role={role}")
    return JSONResponse(_person_token(service, role, account))


async def _identities(request: Request) -> JSONResponse:
    """`[{"role", "user_id", "uid", "email", "name"}]`: who may sign in, of the role asked for or of every role."""
    service, role = service_of(request), request.query_params.get("role")
    people = [
        _describe(account, name)
        for name in (_ROLES if role is None else (role,))
        for account in service.accounts.find_by_role(name, limit=_MAX_LISTED)
    ]
    if role in (None, SERVICE_ROLE):
        people += [_describe_agent(email, agent) for email, agent in service.settings.service_accounts.items()]
    return JSONResponse(people)


def _find_person(service: IdentityService, role: str, name: str | None, *, listing: str) -> Account:
    if name is None:
        account = next(iter(service.accounts.find_by_role(role, limit=1)), None)
        if account is None:
            raise ToolkitError(f"no account has the role {role!r}", status=404)
        return account
    account = service.accounts.find_person(name)
    if account is None:
        raise ToolkitError(
            f"no account has the uid, e-mail address, customer or staff id {name!r}; {listing} lists some that exist",
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
    return {"id_token": token, **_describe_agent(emails[agent], agent)}


def _describe_agent(email: str, agent: str) -> dict[str, Any]:
    name = f"{agent} agent".replace("_", " ")
    return {"user_id": agent, "uid": email, "email": email, "name": name, "role": SERVICE_ROLE}


ROUTES: Final = [
    Route("/token", _token, methods=["POST"]),
    Route("/identities", _identities, methods=["GET"]),
]
