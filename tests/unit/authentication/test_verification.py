import base64
import contextlib
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.identity.errors import TokenError
from integrations.identity.jwks import FixedKey, SigningKey
from integrations.identity.verification import MAX_TOKEN_BYTES, TokenRules, expiry_of, read_unverified, verify_token
from tests.unit.authentication.signing import (
    NOW,
    SECRET,
    claims,
    ec_key,
    forge,
    known_rsa_keys,
    public_pem,
    rsa_key,
    sign,
)

RULES = TokenRules(
    keys=known_rsa_keys(k1=rsa_key()),
    issuers=frozenset({"https://issuer.example"}),
    audiences=frozenset({"caregraph"}),
    required=frozenset({"sub", "exp"}),
    past=frozenset({"iat", "auth_time"}),
)


async def verify(token: str, rules: TokenRules = RULES, now: float = NOW) -> dict[str, Any]:
    return await verify_token(read_unverified(token), rules, now=now)


async def refusal(token: str, rules: TokenRules = RULES, now: float = NOW) -> str:
    with pytest.raises(TokenError) as caught:
        await verify(token, rules, now)
    message = str(caught.value)
    assert token not in message
    return message


async def test_good_token_yields_its_claims() -> None:
    assert await verify(sign(claims())) == claims()


async def test_token_signed_with_the_public_key_as_shared_secret_is_refused() -> None:
    confused = forge(claims(), header={"alg": "HS256", "kid": "k1"}, hmac_key=public_pem(rsa_key()).encode())
    assert "'HS256'" in await refusal(confused)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 7, ["RS256"]])
async def test_unsigned_token_is_refused(algorithm: object) -> None:
    unsigned = forge(claims(), header={"kid": "k1", **({} if algorithm is None else {"alg": algorithm})})
    assert "RS256" in await refusal(unsigned)


async def test_token_of_another_rsa_algorithm_is_refused() -> None:
    assert "RS256" in await refusal(sign(claims(), algorithm="RS512"))
    assert "RS256" in await refusal(sign(claims(), algorithm="PS256"))


async def test_token_of_another_kind_of_key_is_refused() -> None:
    assert "RS256" in await refusal(sign(claims(), ec_key(), algorithm="ES256"))


async def test_public_key_offered_by_the_token_itself_is_not_used() -> None:
    stranger = rsa_key(2)
    token = sign(claims(), stranger, jwk={"kty": "RSA"}, x5u="https://evil.example", jku="https://evil.example")
    assert "signature" in await refusal(token)


async def test_altered_token_is_refused() -> None:
    header, _, signature = sign(claims()).split(".")
    payload = sign(claims(sub="someone-else")).split(".")[1]
    assert "signature" in await refusal(f"{header}.{payload}.{signature}")


async def test_token_with_an_unknown_critical_header_is_refused() -> None:
    await refusal(sign(claims(), crit=["b64"], b64=True))
    await refusal(sign(claims(), crit=["x"], x=1))


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "....", "é.é.é", "\ud800.a.b", "W10.W10.AA", "eyJhbGciOiJSUzI1NiJ9.W10.AA"],
)
def test_text_that_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        read_unverified(text)


@given(st.text())
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    with contextlib.suppress(TokenError):
        read_unverified(text)


def test_deeply_nested_token_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 8_000).rstrip(b"=").decode()
    with pytest.raises(TokenError):
        read_unverified(f"{deep}.{deep}.AA"[: MAX_TOKEN_BYTES - 1])


def test_oversized_token_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(TokenError, match=f"the limit is {MAX_TOKEN_BYTES}"):
        read_unverified("a" * (MAX_TOKEN_BYTES + 1))


async def test_expired_token_says_when_it_expired() -> None:
    message = await refusal(sign(claims(exp=NOW - 7_300)))
    assert "expired 2 hours ago (at 2027-01-15T05:58:20Z)" in message
    assert "sign in again" in message


async def test_token_ends_at_the_second_of_its_exp() -> None:
    token = sign(claims(exp=NOW))
    assert await verify(token, now=NOW - 1)
    await refusal(token, now=NOW)


async def test_skew_prolongs_a_token() -> None:
    rules = replace(RULES, expiry_skew_s=60)
    token = sign(claims(exp=NOW - 59))
    verified = await verify(token, rules)
    assert expiry_of(verified, rules) == NOW + 1
    await refusal(token, rules, now=NOW + 1)


async def test_token_from_the_future_is_refused() -> None:
    assert "not valid before" in await refusal(sign(claims(nbf=NOW + 90)))
    assert "`iat`" in await refusal(sign(claims(iat=NOW + 90)))
    assert "`auth_time`" in await refusal(sign(claims(auth_time=NOW + 90)))
    assert await verify(sign(claims(nbf=NOW + 90, iat=NOW + 90)), replace(RULES, future_skew_s=90))


@pytest.mark.parametrize("value", ["soon", True, [1], {}, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
async def test_time_that_is_no_number_is_refused(name: str, value: object) -> None:
    assert f"`{name}`" in await refusal(sign(claims(**{name: value})))


async def test_time_beyond_the_calendar_does_not_break_the_message() -> None:
    assert "expired" in await refusal(sign(claims(exp=-1e18)))


async def test_foreign_token_is_told_which_issuer_is_expected() -> None:
    message = await refusal(sign(claims(iss="https://other.example")))
    assert "'https://other.example'" in message
    assert "'https://issuer.example'" in message
    assert "without an issuer" in await refusal(sign(claims(iss=None)))
    assert "without an issuer" in await refusal(forge_number_as_issuer())


def forge_number_as_issuer() -> str:
    return jwt.PyJWS().encode(
        json.dumps(claims(iss=7)).encode(), rsa_key(), algorithm="RS256", headers={"kid": "k1", "typ": "JWT"}
    )


async def test_token_for_another_audience_is_refused() -> None:
    message = await refusal(sign(claims(aud="other")))
    assert "'other'" in message
    assert "'caregraph'" in message
    assert "nobody" in await refusal(sign(claims(aud=None)))
    assert "nobody" in await refusal(sign(claims(aud=[])))


async def test_one_of_several_audiences_is_enough() -> None:
    assert await verify(sign(claims(aud=["other", "caregraph"])))


@pytest.mark.parametrize("value", [None, ""])
async def test_missing_claim_is_named(value: object) -> None:
    assert "'sub'" in await refusal(sign(claims(sub=value)))


async def test_very_long_issuer_is_cut_in_the_message() -> None:
    assert len(await refusal(sign(claims(iss="x" * 5_000)))) < 300


async def test_fixed_key_serves_tokens_with_any_key_id() -> None:
    shared = SigningKey(key_id=None, algorithm="HS256", key=SECRET.encode())
    rules = replace(RULES, keys=FixedKey(key=shared))
    for key_id in (None, "k1", "other"):
        assert await verify(sign(claims(), SECRET, algorithm="HS256", key_id=key_id), rules)
    assert "signature" in await refusal(sign(claims(), SECRET + "!", algorithm="HS256"), rules)
