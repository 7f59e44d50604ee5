"""Tokens of service accounts: fetched the way of the metadata server, verified the way of a push receiver."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.identity.errors import IdTokenUnavailableError, KeysUnavailableError, TokenError
from integrations.identity.id_tokens import IdTokenProvider
from integrations.identity.jwks import JwksCache
from integrations.identity.oidc import OidcVerifier
from integrations.identity.verification import read_unverified_expiry
from local.layout import service_account
from tests.integration.identity.conftest import API, Identity
from tests.integration.identity.serving import http_client, serve
from tests.unit.authentication.signing import claims, sign

PUSH = "pubsub-push@caregraph-local.iam.gserviceaccount.com"
RECEIVER = "http://127.0.0.1:8101"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with http_client() as client:
        yield client


@pytest.fixture
def verifier(identity: Identity, client: httpx.AsyncClient) -> OidcVerifier:
    keys = JwksCache(identity.google_jwks_url, client=client, algorithms={"RS256"})
    return OidcVerifier(audience=RECEIVER, service_accounts=frozenset({PUSH}), keys=keys)


def metadata_url(identity: Identity, email: str) -> str:
    return f"{identity.url}/computeMetadata/v1/instance/service-accounts/{email}/identity"


def provider(
    identity: Identity, client: httpx.AsyncClient, *, email: str = PUSH, audience: str = RECEIVER
) -> IdTokenProvider:
    return IdTokenProvider(audience=audience, client=client, url=metadata_url(identity, email))


async def test_push_token_names_the_account_that_sent_it(
    identity: Identity, client: httpx.AsyncClient, verifier: OidcVerifier
) -> None:
    sender = await verifier.verify(await provider(identity, client).get_authorization())
    assert sender.email == PUSH
    assert sender.expires_at > time.time() + 3_500
    assert sender.subject.isdecimal()


async def test_push_token_of_another_account_or_for_another_receiver_is_refused(
    identity: Identity, client: httpx.AsyncClient, verifier: OidcVerifier
) -> None:
    stranger = provider(identity, client, email=service_account("contract"))
    with pytest.raises(TokenError, match="belongs to 'contract-agent"):
        await verifier.verify(await stranger.get_authorization())
    misled = provider(identity, client, audience="http://127.0.0.1:8102")
    with pytest.raises(TokenError, match="meant for 'http://127"):
        await verifier.verify(await misled.get_authorization())


async def test_token_of_a_person_is_no_push_token(identity: Identity, verifier: OidcVerifier) -> None:
    with pytest.raises(TokenError):
        await verifier.verify(f"Bearer {await identity.token('admin')}")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense", "Bearer a.b.c"])
async def test_header_without_a_token_is_refused(verifier: OidcVerifier, header: str | None) -> None:
    with pytest.raises(TokenError):
        await verifier.verify(header)


async def test_push_token_that_somebody_else_signed_is_refused(verifier: OidcVerifier) -> None:
    forged = sign(claims(iss="https://accounts.google.com", aud=RECEIVER, email=PUSH, email_verified=True))
    with pytest.raises(TokenError, match="'k1'"):
        await verifier.verify(f"Bearer {forged}")


async def test_a_token_seen_before_is_refused_once_it_has_ended(identity: Identity, client: httpx.AsyncClient) -> None:
    """It is looked at again after minutes, and not taken a moment longer than it says itself."""
    now = time.time()
    clock = [now]
    keys = JwksCache(identity.google_jwks_url, client=client, algorithms={"RS256"})
    verifier = OidcVerifier(audience=RECEIVER, service_accounts=frozenset({PUSH}), keys=keys, clock=lambda: clock[0])
    authorization = await provider(identity, client).get_authorization()
    sender = await verifier.verify(authorization)
    assert await verifier.verify(authorization) == sender
    with pytest.raises(TokenError):
        await verifier.verify(f"{authorization[:-8]}AAAAAAAA")
    clock[0] = now + 3_000
    assert await verifier.verify(authorization) == sender
    clock[0] = sender.expires_at + 60
    with pytest.raises(TokenError):
        await verifier.verify(authorization)


async def test_unreachable_issuer_is_no_reason_to_reject_for_good(
    client: httpx.AsyncClient, identity: Identity
) -> None:
    async with serve(Starlette()) as gone:
        pass
    keys = JwksCache(f"{gone}/keys", client=client)
    verifier = OidcVerifier(audience=RECEIVER, service_accounts=frozenset({PUSH}), keys=keys)
    with pytest.raises(KeysUnavailableError):
        await verifier.verify(await provider(identity, client).get_authorization())


async def test_metadata_server_asks_for_its_header(identity: Identity) -> None:
    url = metadata_url(identity, PUSH)
    assert (await identity.http.get(url, params={"audience": "x"})).status_code == 403
    flavor = {"metadata-flavor": "Google"}
    assert (await identity.http.get(url, headers=flavor)).status_code == 400
    answer = await identity.http.get(url, params={"audience": "x"}, headers=flavor)
    assert answer.headers["content-type"].startswith("text/plain")
    stranger = metadata_url(identity, "someone@gmail.com")
    assert (await identity.http.get(stranger, params={"audience": "x"}, headers=flavor)).status_code == 404


async def test_token_is_issued_on_request_by_email_and_audience(identity: Identity, verifier: OidcVerifier) -> None:
    answer = await identity.http.post("/oidc/token", json={"email": PUSH, "audience": RECEIVER})
    assert (await verifier.verify(f"Bearer {answer.json()['id_token']}")).email == PUSH
    assert (await identity.http.post("/oidc/token", json={"email": PUSH})).status_code == 400


class Metadata:
    """A metadata server whose tokens and moods a test decides."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.lifetime_s = 3_600
        self.statuses: list[int] = []
        self.requests = 0

    async def answer(self, _: Request) -> Response:
        self.requests += 1
        if self.statuses:
            return PlainTextResponse("not now", self.statuses.pop(0))
        mint = self.identity.service.mint
        return PlainTextResponse(mint.service_token(PUSH, audience=RECEIVER, lifetime_s=self.lifetime_s))


class Clock:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def metadata(identity: Identity) -> Metadata:
    return Metadata(identity)


@pytest.fixture
async def own(metadata: Metadata, client: httpx.AsyncClient, clock: Clock) -> AsyncIterator[IdTokenProvider]:
    async with serve(Starlette(routes=[Route("/identity", metadata.answer)])) as url:
        yield IdTokenProvider(audience=RECEIVER, client=client, url=f"{url}/identity", clock=clock)


async def test_own_token_is_fetched_once_for_many_calls(own: IdTokenProvider, metadata: Metadata) -> None:
    tokens = set(await asyncio.gather(*(own.get_token() for _ in range(20))))
    assert (len(tokens), metadata.requests) == (1, 1)


async def test_own_token_is_renewed_five_minutes_before_it_ends(
    own: IdTokenProvider, metadata: Metadata, clock: Clock
) -> None:
    await own.get_token()
    clock.ahead_s = 3_290
    await own.get_token()
    assert metadata.requests == 1
    clock.ahead_s = 3_301
    await own.get_token()
    assert metadata.requests == 2


async def test_old_token_serves_while_no_new_one_can_be_had(
    own: IdTokenProvider, metadata: Metadata, clock: Clock
) -> None:
    token = await own.get_token()
    clock.ahead_s = 3_400
    metadata.statuses = [403]
    assert await own.get_token() == token
    # And the metadata server is not asked again for every call.
    assert await own.get_token() == token
    assert metadata.requests == 2
    clock.ahead_s = 3_420
    await own.get_token()
    assert metadata.requests == 3


async def test_passing_trouble_is_waited_out(own: IdTokenProvider, metadata: Metadata) -> None:
    metadata.statuses = [503, 500]
    assert read_unverified_expiry(await own.get_token()) > time.time()
    assert metadata.requests == 3


@pytest.mark.parametrize("statuses", [[404], [503] * 4])
async def test_no_token_at_all_says_what_to_check(
    own: IdTokenProvider, metadata: Metadata, statuses: list[int]
) -> None:
    metadata.statuses = statuses
    with pytest.raises(IdTokenUnavailableError, match="CAREGRAPH_ID_TOKEN_URL"):
        await own.get_token()
    assert await own.get_token()


async def test_refused_token_can_be_thrown_away(own: IdTokenProvider, metadata: Metadata) -> None:
    await own.get_token()
    own.discard()
    await own.get_token()
    assert metadata.requests == 2


async def test_short_lived_token_is_not_fetched_for_every_call(own: IdTokenProvider, metadata: Metadata) -> None:
    metadata.lifetime_s = 60
    await own.get_token()
    await own.get_token()
    assert metadata.requests == 1


async def test_agents_token_for_the_api_is_what_the_developer_endpoint_gives(identity: Identity) -> None:
    expected = identity.service.mint.google_keys.verify(
        await identity.token("service", "zendesk"), audience=API, issuer="https://accounts.google.com"
    )
    assert expected["email"] == service_account("zendesk")
