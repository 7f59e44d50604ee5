"""Random HTTP requests: nearly right, and wrong in every place where one can be wrong."""

import json
import time
from typing import Any, Final

import jwt
from hypothesis import strategies as st

#: What servers of these tests take.
ADMIN_SECRET: Final = "a secret for tests"
TOKEN_SECRET: Final = "another secret of thirty-two bytes"
PATH: Final = "/v1/graphql"


def token(role: str, **claims: Any) -> str:
    """A good token of that role."""
    namespace = {"x-hasura-allowed-roles": [role], "x-hasura-default-role": role, "x-hasura-user-id": "1", **claims}
    whole = {"sub": "x", "exp": int(time.time()) + 3600, "https://hasura.io/jwt/claims": namespace}
    return jwt.encode(whole, TOKEN_SECRET, "HS256")


def credentials(roles: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Headers that say who asks, or don't."""
    role = st.sampled_from([*roles, "admin", "stranger", ""])
    good_tokens = {name: token(name) for name in (*roles, "stranger")}
    return st.one_of(
        st.just([]),
        st.builds(lambda name: [("X-Hasura-Admin-Secret", ADMIN_SECRET), ("X-Hasura-Role", name)], role),
        st.builds(lambda name: [("x-hasura-admin-secret", "guessed"), ("X-Hasura-Role", name)], role),
        st.builds(
            lambda name: [("Authorization", f"Bearer {good_tokens[name]}")], st.sampled_from(sorted(good_tokens))
        ),
        st.builds(
            lambda name, other: [("Authorization", f"bearer {good_tokens[name]}"), ("X-Hasura-Role", other)],
            st.sampled_from(sorted(good_tokens)),
            role,
        ),
        st.sampled_from(
            [
                [("Authorization", "Bearer nonsense")],
                [("Authorization", "Bearer a.b.c")],
                [("Authorization", "Basic eDp5")],
                [("Authorization", "")],
                [("Authorization", f"Bearer {token('reader')[:-2]}")],
            ]
        ),
    )


#: Headers that frame the message, or whose value this module decides.
_OURS: Final[frozenset[str]] = frozenset(
    {"content-length", "transfer-encoding", "host", "expect", "te", "trailer", "authorization"}
)
#: Values that a header line can carry.
_VALUES: Final = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40
).map(str.strip)
_OTHERS: Final = st.one_of(
    st.tuples(
        st.sampled_from(["X-Hasura-User-Id", "x-hasura-authors", "X-Hasura-User-Name", "X-Hasura-Role"]), _VALUES
    ),
    st.tuples(st.just("X-Request-Id"), st.sampled_from(["mine-1", "a b", "x" * 300, "é", ""]) | _VALUES),
    st.tuples(
        st.just("traceparent"),
        st.sampled_from(["00-" + "a" * 32 + "-" + "b" * 16 + "-01", "00-0-0-00", "nonsense", ""]),
    ),
    st.tuples(st.just("X-Caregraph-Dry-Run"), st.sampled_from(["true", "TRUE", "false", "", "1"])),
    st.tuples(st.just("Content-Type"), st.sampled_from(["application/json", "text/plain", "multipart/form-data", ""])),
    st.tuples(st.just("Content-Encoding"), st.sampled_from(["gzip", "identity"])),
    st.tuples(st.just("Connection"), st.sampled_from(["close", "keep-alive", "Upgrade"])),
    # Not to WebSocket: that is for GET alone, and uvicorn waits for the rest of a handshake.
    st.tuples(st.just("Upgrade"), st.sampled_from(["h2c", "nothing"])),
    st.tuples(st.just("Origin"), st.sampled_from(["https://portal.example", "null"])),
    st.tuples(st.just("X-Forwarded-For"), st.sampled_from(["10.0.0.1", "nonsense"])),
    st.tuples(st.just("Cookie"), _VALUES),
    st.tuples(st.from_regex(r"\A[A-Za-z][A-Za-z0-9-]{0,20}\Z").filter(lambda name: name.lower() not in _OURS), _VALUES),
)


def headers(roles: tuple[str, ...]) -> st.SearchStrategy[list[tuple[str, str]]]:
    """Credentials and anything else, now and then twice."""
    return st.builds(
        lambda who, more, twice: [*who, *more, *(more[:1] if twice else [])],
        credentials(roles),
        st.lists(_OTHERS, max_size=4),
        st.booleans(),
    )


_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_ODD_BODIES: Final = (
    b"",
    b"null",
    b"[]",
    b"[[]]",
    b"[null, 1]",
    b'"query"',
    b"{",
    b'{"query": "{ __typename }"',
    b'{"query": "{ __typename }"}}',
    b'{"query": "{ __typename }", "query": 1}',
    b'{"query": "\xff"}',
    b'{"query": "{ __typename }\\ud800"}',
    b'{"query": "query ($a: String) { tag(where: {label: {_eq: $a}}) { label } }", "variables": {"a": "\\ud800"}}',
    b'{"query": "query ($a: String) { tag(where: {label: {_eq: $a}}) { label } }", "variables": {"a": "\\u0000"}}',
    b'{"query": "query ($a: jsonb) { author(where: {settings: {_eq: $a}}) { id } }", "variables": {"a": "\\u0000"}}',
    b"\xef\xbb\xbf{}",
    b"[" * 5_000,
    b'{"a":' * 5_000,
    b'{"query": "' + b"{a" * 3_000 + b'"}',
    b'{"query": "{ author(where: ' + b"{_not: " * 400 + b"{}" + b"}" * 400 + b') { id } }"}',
    b'{"query": "query ($w: author_bool_exp) { author(where: $w) { id } }", "variables": {"w": '
    + b'{"_not":' * 400
    + b"{}"
    + b"}" * 400
    + b"}}",
    b'{"query": "query ($a: jsonb) { author(where: {settings: {_contains: $a}}) { id } }", "variables": {"a": '
    + b"[" * 900
    + b"]" * 900
    + b"}}",
    b'{"query": "{ author { id } }", "variables": {"a": 1e999}}',
    b'{"query": "query ($a: numeric) { author(where: {rating: {_eq: $a}}) { id } }", "variables": {"a": '
    + b"9" * 5_000
    + b"}}",
    b'{"query": "{ '
    + b"...F " * 200
    + b"} fragment F on query_root { "
    + b"...G " * 200
    + b"} "
    + b'fragment G on query_root { __typename }"}',
    b'{"query": "{ author(offset: 99999999999999999999) { id } }"}',
    b'{"query": "\\ufeff{ __typename }"}',
)
_MEMBERS: Final = st.fixed_dictionaries(
    {
        "query": st.sampled_from(["{ __typename }", "{ author { id name } }", "mutation { __typename }", "{", ""])
        | _JSON
    },
    optional={
        "variables": _JSON,
        "operationName": _JSON,
        "extensions": _JSON | st.fixed_dictionaries({"persistedQuery": _JSON}),
        "other": _JSON,
    },
)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def bodies() -> st.SearchStrategy[bytes]:
    """Bodies that have little to do with the schema."""
    return st.one_of(
        st.sampled_from(_ODD_BODIES),
        st.binary(max_size=40),
        _MEMBERS.map(_encoded),
        st.lists(_MEMBERS, max_size=3).map(_encoded),
        _JSON.map(_encoded),
    )


@st.composite
def mangled(draw: st.DrawFn, body: bytes) -> bytes:
    """The body with some of its bytes changed, cut out or doubled."""
    found = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(0, len(found) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                found[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del found[place : place + draw(st.integers(1, 20))]
            case 2:
                found[place:place] = found[place : place + draw(st.integers(1, 20))]
            case _:
                found[place:place] = draw(
                    st.sampled_from([b'"', b"\\", b"{", b"}", b"$", b"'", b"--", b"\x00", b"\xff"])
                )
    return bytes(found)


def http_request(
    body: bytes, lines: list[tuple[str, str]], *, method: str = "POST", path: str = PATH, chunked: bool = False
) -> bytes:
    """The request as it goes over the wire."""
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = [f"{method} {path} HTTP/1.1", "Host: api.test", *(f"{name}: {value}" for name, value in lines), framing]
    sent = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked and body else b"0\r\n\r\n" if chunked else body
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + sent
