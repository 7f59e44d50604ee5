"""`caregraph token`: a bearer token of the local identity service, for curl and scripts."""

from typing import Annotated, NoReturn

import typer

_TIMEOUT_S = 5.0


def token(
    role: Annotated[
        str, typer.Option("--role", "-r", help="user, provider, cct, admin, or service (an agent's account).")
    ],
    user: Annotated[
        str | None,
        typer.Option(
            "--user", "-u", help="Whose: uid, e-mail address, customer or staff id; for service the agent's name."
        ),
    ] = None,
) -> None:
    """Print a bearer token for a role: of the first demo person who has it, or of --user.

    Only the token is printed, so that it can be put straight into a header:

        curl -H "Authorization: Bearer $(caregraph token --role user)" …

    It is good for an hour. The token comes from the local identity service, so `caregraph up` (or `make up`) must be
    running; a token for production comes from signing in.
    """
    # Imported here, so that `caregraph --help` stays fast.
    import httpx

    from local.layout import LayoutError, read_layout

    try:
        identity = read_layout().url("identity")
    except LayoutError as error:
        _fail(str(error))
    body = {"role": role} if user is None else {"role": role, "user_id": user}
    try:
        # Proxies in the environment are for the outside; this is our own machine.
        with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
            answer = client.post(f"{identity}/dev/token", json=body)
            found = answer.json()
    except httpx.TimeoutException:
        _fail(f"The identity service at {identity} does not answer. See `caregraph status`.")
    except httpx.TransportError:
        _fail(f"The local platform does not run: nothing listens at {identity}. Start it with `make up`.")
    except ValueError:
        _fail(f"What answers at {identity} is not the identity service. Is its port taken by another program?")
    if answer.status_code != 200:
        problem = found.get("error", {}).get("message", f"status {answer.status_code}")
        _fail(f"No token: {problem}.")
    typer.echo(found["id_token"])


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
