"""Admin secret, tokens and the role of strangers by Hasura's variables, with metadata of Hasura's, over HTTP."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.application import create_application
from server.authentication.settings import read_authentication_settings
from server.settings import read_server_settings
from tests.integration.hasura.conftest import METADATA
from tests.integration.identity.serving import http_client, serve

SHARED = "a shared secret of thirty-two bytes"
CLAIMS = {
    "x-hasura-allowed-roles": ["listener", "label"],
    "x-hasura-default-role": "listener",
    "X-Hasura-User-Id": "ann",
}
NAMESPACE = "https://hasura.io/jwt/claims"
PLAYS = {"query": "{ play { id } }"}
ANNS = {"data": {"play": [{"id": 1}, {"id": 3}]}}


class Shop:
    """A client of the running server."""

    def __init__(self, http: Any) -> None:
        self._http = http

    async def ask(self, query: Mapping[str, str] = PLAYS, /, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self._http.post("/v1/graphql", json=query, headers=named)
        assert answer.status_code == 200
        return answer.json()

    async def code(self, **headers: str) -> str:
        answer = await self.ask(**headers)
        code: str = answer["errors"][0]["extensions"]["code"]
        return code


@asynccontextmanager
async def shop(url: str, monkeypatch: pytest.MonkeyPatch, **environment: str) -> AsyncIterator[Shop]:
    for name in ("CAREGRAPH_ADMIN_SECRET", "CAREGRAPH_UNAUTHORIZED_ROLE", "CAREGRAPH_FIREBASE_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("CAREGRAPH_HASURA_METADATA", str(METADATA))
    for name, value in environment.items():
        monkeypatch.setenv(f"HASURA_GRAPHQL_{name}", value)
    application = create_application(read_server_settings(), read_authentication_settings())
    async with serve(application) as base_url, http_client(base_url) as http:
        yield Shop(http)


def token(key: Any, algorithm: str, claims: dict[str, Any] | None = None) -> str:
    whole = {"sub": "ann", "exp": time.time() + 60, **(claims if claims is not None else {NAMESPACE: CLAIMS})}
    return "Bearer " + jwt.encode(whole, key, algorithm)


async def test_admin_secret_and_the_role_of_strangers(music_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ADMIN_SECRET": "shop secret", "UNAUTHORIZED_ROLE": "listener"}
    async with shop(music_url, monkeypatch, **settings) as served:
        assert len((await served.ask(X_Hasura_Admin_Secret="shop secret"))["data"]["play"]) == 3
        as_ann = {"X_Hasura_Role": "listener", "X_Hasura_User_Id": "ann"}
        assert await served.ask(X_Hasura_Admin_Secret="shop secret", **as_ann) == ANNS
        assert await served.code(X_Hasura_Admin_Secret="guessed") == "access-denied"
        # A stranger's headers say nothing about who they are.
        assert await served.code(**as_ann) == "not-found"
        assert (await served.ask({"query": "{ best_seller { album_id } }"}))["data"]["best_seller"]


async def test_strangers_are_refused_when_no_role_is_named_for_them(
    music_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop(music_url, monkeypatch, ADMIN_SECRET="shop secret") as served:
        assert await served.code() == "access-denied"


async def test_tokens_with_a_shared_secret(music_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = json.dumps({"type": "HS256", "key": SHARED})
    async with shop(music_url, monkeypatch, JWT_SECRET=secret, ADMIN_SECRET="shop secret") as served:
        good = token(SHARED, "HS256")
        assert await served.ask(Authorization=good) == ANNS
        # The role by header, if it is among the token's; variables not.
        assert await served.ask(Authorization=good, X_Hasura_Role="listener", X_Hasura_User_Id="bob") == ANNS
        assert await served.code(Authorization=good, X_Hasura_Role="label") == "validation-failed"
        assert await served.code(Authorization=good, X_Hasura_Role="clerk") == "access-denied"
        assert await served.code(Authorization=good, X_Hasura_Role="admin") == "access-denied"
        assert await served.code(Authorization=token(SHARED[::-1], "HS256")) == "invalid-jwt"
        assert await served.code(Authorization=token(SHARED * 2, "HS512")) == "invalid-jwt"
        assert await served.code(Authorization=token(SHARED, "HS256", {"exp": 1, NAMESPACE: CLAIMS})) == "invalid-jwt"
        assert await served.code(Authorization=token(SHARED, "HS256", {})) == "jwt-invalid-claims"
        no_roles = {NAMESPACE: {"x-hasura-user-id": "ann"}}
        assert await served.code(Authorization=token(SHARED, "HS256", no_roles)) == "jwt-missing-role-claims"


async def test_tokens_with_public_keys_issuer_audience_and_a_namespace(
    music_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    configuration = {
        "type": "RS256",
        "key": pem,
        "issuer": "https://id.example",
        "audience": ["shop", "other shop"],
        "claims_namespace": "https://shop.example/claims",
        "allowed_skew": 30,
    }
    async with shop(music_url, monkeypatch, JWT_SECRET=json.dumps(configuration)) as served:
        whole = {"iss": "https://id.example", "aud": "shop", "https://shop.example/claims": CLAIMS}
        assert await served.ask(Authorization=token(private, "RS256", whole)) == ANNS
        assert await served.ask(Authorization=token(private, "RS256", {**whole, "exp": time.time() - 10})) == ANNS
        for wrong in ({"iss": "https://id2.example"}, {"aud": "a shop"}, {"exp": time.time() - 60}, {"aud": None}):
            assert await served.code(Authorization=token(private, "RS256", {**whole, **wrong})) == "invalid-jwt", wrong
        # The public key is no secret: nobody may sign with it.
        forged = jwt.utils.base64url_encode(b'{"alg":"none"}').decode() + ".e30."
        assert await served.code(Authorization=f"Bearer {forged}") == "invalid-jwt"


async def test_tokens_in_a_cookie_with_claims_that_are_text(music_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    configuration = {
        "type": "Ed25519",
        "key": pem,
        "header": {"type": "Cookie", "name": "shop_session"},
        "claims_format": "stringified_json",
        "claims_namespace_path": "$.shop.claims",
    }
    async with shop(music_url, monkeypatch, JWT_SECRET=json.dumps(configuration)) as served:
        text = token(private, "EdDSA", {"shop": {"claims": json.dumps(CLAIMS)}}).removeprefix("Bearer ")
        assert await served.ask(Cookie=f"theme=dark; shop_session={text}") == ANNS
        assert await served.code(Cookie="shop_session=nonsense") == "invalid-jwt"


async def test_claims_by_a_map(music_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = {
        "type": "HS256",
        "key": SHARED,
        "claims_map": {
            "x-hasura-allowed-roles": {"path": "$.groups", "default": ["listener"]},
            "x-hasura-default-role": "listener",
            "x-hasura-user-id": {"path": "$.who.id"},
        },
    }
    async with shop(music_url, monkeypatch, JWT_SECRET=json.dumps(configuration)) as served:
        assert await served.ask(Authorization=token(SHARED, "HS256", {"who": {"id": "ann"}})) == ANNS
        other = token(SHARED, "HS256", {"who": {"id": "ann"}, "groups": ["label"]})
        assert await served.code(Authorization=other) == "access-denied"


async def test_one_of_several_configurations_is_enough(music_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configurations = [
        {"type": "HS256", "key": SHARED, "issuer": "one"},
        {"type": "HS512", "key": SHARED * 2, "issuer": "two"},
    ]
    async with shop(music_url, monkeypatch, JWT_SECRET=json.dumps(configurations)) as served:
        for key, algorithm, issuer in ((SHARED, "HS256", "one"), (SHARED * 2, "HS512", "two")):
            assert await served.ask(Authorization=token(key, algorithm, {"iss": issuer, NAMESPACE: CLAIMS})) == ANNS
        crossed = token(SHARED, "HS256", {"iss": "two", NAMESPACE: CLAIMS})
        assert await served.code(Authorization=crossed) == "invalid-jwt"
