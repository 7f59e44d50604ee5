"""The cache of signing keys against an issuer on a real socket that can rotate, lie, hang and stop."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.identity.errors import KeysUnavailableError, TokenError
from integrations.identity.jwks import JwksCache, parse_key_set
from integrations.identity.verification import TokenRules, read_unverified, verify_token
from tests.integration.identity.conftest import Identity
from tests.integration.identity.serving import http_client, serve
from tests.unit.authentication.signing import ec_key, jwk, rsa_key


@dataclass
class Issuer:
    """An issuer whose answer a test decides."""

    url: str = ""
    keys: Any = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"cache-control": "max-age=600"})
    body: bytes | None = None
    requests: int = 0
    held: asyncio.Event | None = None

    async def answer(self, _: Request) -> Response:
        self.requests += 1
        if self.held is not None:
            await self.held.wait()
        if self.body is not None:
            return Response(self.body, self.status, self.headers)
        return Response(httpx.Response(200, json={"keys": self.keys}).content, self.status, self.headers)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    issuer = Issuer(keys=[jwk(rsa_key(1), "k1")])
    async with serve(Starlette(routes=[Route("/keys", issuer.answer)])) as url:
        issuer.url = f"{url}/keys"
        yield issuer


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with http_client() as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(issuer: Issuer, client: httpx.AsyncClient, clock: Clock) -> JwksCache:
    return JwksCache(issuer.url, client=client, clock=clock, timeout_s=1.0)


async def test_keys_are_fetched_once_for_many_tokens(issuer: Issuer, cache: JwksCache) -> None:
    await asyncio.gather(*(cache.get("k1") for _ in range(20)))
    assert issuer.requests == 1


async def test_keys_are_fetched_again_when_their_age_has_run_out(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    await cache.get("k1")
    clock.now += 599
    await cache.get("k1")
    assert issuer.requests == 1
    clock.now += 1
    await cache.get("k1")
    assert issuer.requests == 2


async def test_time_spent_in_caches_on_the_way_counts(issuer: Issuer, cache: JwksCache, clock: Clock) -> None:
    issuer.headers = {"cache-control": "public, max-age=600", "age": "500"}
    await cache.get("k1")
    clock.now += 101
    await cache.get("k1")
    assert issuer.requests == 2


async def test_new_key_is_fetched_when_a_token_names_it(issuer: Issuer, cache: JwksCache, clock: Clock) -> None:
    await cache.get("k1")
    issuer.keys = [jwk(rsa_key(2), "k2"), jwk(rsa_key(1), "k1")]
    clock.now += 11
    assert (await cache.get("k2")).key.public_numbers() == rsa_key(2).public_key().public_numbers()
    assert issuer.requests == 2


async def test_withdrawn_key_is_refused_once_the_keys_are_fetched_again(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    await cache.get("k1")
    issuer.keys = [jwk(rsa_key(2), "k2")]
    clock.now += 600
    with pytest.raises(TokenError, match="'k1'"):
        await cache.get("k1")


async def test_made_up_key_ids_do_not_flood_the_issuer(issuer: Issuer, cache: JwksCache, clock: Clock) -> None:
    await cache.get("k1")
    for number in range(50):
        with pytest.raises(TokenError, match="not among the keys"):
            await cache.get(f"made-up-{number}")
    assert issuer.requests == 1
    clock.now += 10
    for number in range(50):
        with pytest.raises(TokenError):
            await cache.get(f"made-up-{number}")
    assert issuer.requests == 2


async def test_known_keys_serve_while_the_issuer_is_down(issuer: Issuer, cache: JwksCache, clock: Clock) -> None:
    await cache.get("k1")
    issuer.status = 503
    clock.now += 600
    assert (await cache.get("k1")).key_id == "k1"
    clock.now += 86_400
    with pytest.raises(KeysUnavailableError):
        await cache.get("k1")


async def test_unknown_key_may_be_a_new_one_while_the_issuer_is_down(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    await cache.get("k1")
    issuer.status = 503
    clock.now += 11
    with pytest.raises(KeysUnavailableError):
        await cache.get("k2")
    assert (await cache.get("k1")).key_id == "k1"


async def test_issuer_that_is_down_is_left_alone_for_longer_and_longer(
    issuer: Issuer, cache: JwksCache, clock: Clock
) -> None:
    issuer.status = 500
    asked_at = []
    for _ in range(200):
        before = issuer.requests
        with pytest.raises(KeysUnavailableError):
            await cache.get("k1")
        if issuer.requests > before:
            asked_at.append(clock.now - 1_000)
        clock.now += 1
    assert asked_at == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    issuer.status = 200
    clock.now += 60
    assert (await cache.get("k1")).key_id == "k1"


async def test_nobody_listening_means_keys_are_unavailable(client: httpx.AsyncClient) -> None:
    async with serve(Starlette()) as url:
        pass
    with pytest.raises(KeysUnavailableError, match="try again shortly"):
        await JwksCache(f"{url}/keys", client=client).get("k1")


async def test_issuer_that_hangs_is_given_up_in_time(issuer: Issuer, client: httpx.AsyncClient) -> None:
    issuer.held = asyncio.Event()
    try:
        async with asyncio.timeout(5):
            with pytest.raises(KeysUnavailableError):
                await JwksCache(issuer.url, client=client, timeout_s=0.05).get("k1")
    finally:
        issuer.held.set()


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"k1": 7}', b'{"k1": "no certificate"}'],
)
async def test_answer_that_holds_no_keys_counts_as_failure(issuer: Issuer, cache: JwksCache, body: bytes) -> None:
    issuer.body = body
    with pytest.raises(KeysUnavailableError):
        await cache.get("k1")


async def test_wrong_answer_does_not_replace_good_keys(issuer: Issuer, cache: JwksCache, clock: Clock) -> None:
    await cache.get("k1")
    issuer.body = b"<html>maintenance</html>"
    clock.now += 600
    assert (await cache.get("k1")).key_id == "k1"


async def test_token_without_key_id_needs_an_only_key(issuer: Issuer, cache: JwksCache, clock: Clock) -> None:
    assert (await cache.get(None)).key_id == "k1"
    issuer.keys = [jwk(rsa_key(1), "k1"), jwk(rsa_key(2), "k2")]
    clock.now += 600
    with pytest.raises(TokenError, match="names no signing key"):
        await cache.get(None)


def test_keys_that_must_not_verify_are_left_out() -> None:
    weak = rsa.generate_private_key(public_exponent=65_537, key_size=1024)  # noqa: S505 - that is the point
    document = {
        "keys": [
            jwk(rsa_key(1), "good"),
            jwk(rsa_key(1), "for encryption", use="enc"),
            jwk(rsa_key(1), "by another algorithm", alg="RSA-OAEP"),
            jwk(rsa_key(1), "as shared secret", alg="HS256"),
            jwk(weak, "weak"),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "shared secret", "alg": "HS256"},
            {"kty": "oct", "k": "c2VjcmV0", "kid": "plain shared secret"},
            {"kty": "RSA", "kid": "incomplete"},
            {"kid": 7, "kty": "RSA"},
            "nonsense",
            {**jwt.algorithms.ECAlgorithm.to_jwk(ec_key().public_key(), as_dict=True), "kid": "curve"},
        ]
    }
    found = {key.key_id: key.algorithm for key in parse_key_set(document)}
    assert found == {"good": "RS256", "curve": "ES256"}
    assert [key.key_id for key in parse_key_set(document, algorithms={"RS256"})] == ["good"]
    assert [key.algorithm for key in parse_key_set({"keys": [jwk(rsa_key(1), "a")]}, algorithms={"RS512"})] == ["RS512"]


async def test_published_keys_and_certificates_of_the_local_service_are_the_same_keys(
    identity: Identity, client: httpx.AsyncClient
) -> None:
    token = read_unverified(await identity.token("user"))
    certificates = f"{identity.url}/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
    for url in (identity.firebase_jwks_url, certificates):
        keys = JwksCache(url, client=client, algorithms={"RS256"})
        assert await verify_token(token, TokenRules(keys=keys), now=time.time())
    # People's tokens and service accounts' tokens have keys of their own.
    with pytest.raises(TokenError):
        await JwksCache(identity.google_jwks_url, client=client).get(token.key_id)


async def test_tokens_of_a_rotated_key_are_good_at_once_and_old_ones_stay_good(
    identity: Identity, client: httpx.AsyncClient, clock: Clock
) -> None:
    rules = TokenRules(keys=JwksCache(identity.firebase_jwks_url, client=client, clock=clock))
    tokens = [await identity.token("user")]
    await verify_token(read_unverified(tokens[0]), rules, now=time.time())
    identity.service.mint.firebase_keys.rotate()
    tokens.append(await identity.token("user"))
    clock.now += 11
    key_ids = [read_unverified(token).key_id for token in tokens]
    assert key_ids[0] != key_ids[1]
    for token in reversed(tokens):
        assert await verify_token(read_unverified(token), rules, now=time.time())
