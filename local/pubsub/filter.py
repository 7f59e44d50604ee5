"""A subscription's filter: text to a predicate over a message's attributes.

The language: https://cloud.google.com/pubsub/docs/subscription-message-filter#filtering_syntax

    expression  = unary {"AND" unary} | unary {"OR" unary}      mixing AND and OR needs parentheses
    unary       = ["NOT" | "-"] simple
    simple      = "(" expression ")" | restriction
    restriction = "attributes" ":" key                          the attribute is there
                | "attributes" "." key ("=" | "!=") string
                | "hasPrefix" "(" "attributes" "." key "," string ")"
    key         = letters, digits, "_" and "-", or a string

Operators are upper case. `!=` is the opposite of `=`: a message without the attribute passes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from local.pubsub.errors import InvalidArgumentError

Predicate = Callable[[Mapping[str, str]], bool]

MAX_FILTER_BYTES: Final = 256

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<word>[A-Za-z0-9_][A-Za-z0-9_-]*)
      | (?P<symbol>!=|[:.=(),-])
    )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|x[0-9A-Fa-f]{2}|[0-7]{1,3}|.)", re.DOTALL)
_PLAIN_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text: its kind (string, word, symbol or end), its value, and where it starts."""

    kind: str
    value: str
    position: int


def compile_filter(text: str) -> Predicate | None:
    """The predicate that `text` says, or None when it's empty: everything passes.

    Raises InvalidArgumentError with the position of the mistake.
    """
    if not text.strip():
        return None
    if len(text.encode()) > MAX_FILTER_BYTES:
        raise InvalidArgumentError(f"Invalid filter: it is longer than {MAX_FILTER_BYTES} bytes.")
    parser = _Parser(_tokens(text))
    predicate = parser.expression()
    parser.expect_end()
    return predicate


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            start = position + len(stripped[position:]) - len(stripped[position:].lstrip())
            raise _error(f"unexpected character {stripped[start]!r}", start)
        kind = str(match.lastgroup)
        start = match.start(kind)
        value = _unquote(match[kind], start) if kind == "string" else match[kind]
        tokens.append(_Token(kind, value, start))
        position = match.end()
    tokens.append(_Token("end", "", len(text)))
    return tokens


def _unquote(literal: str, position: int) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] in "uUx" and len(code) > 1:
            value = int(code[1:], 16)
        elif code[0] in "01234567":
            value = int(code, 8)
        elif code in _PLAIN_ESCAPES:
            return _PLAIN_ESCAPES[code]
        else:
            raise _error(f"unknown escape \\{code}", position)
        if value > 0x10FFFF:
            raise _error(f"\\{code} is not a character", position)
        return chr(value)

    return _ESCAPE.sub(replace, literal[1:-1])


class _Parser:
    """Recursive descent over the tokens, one method a rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def expression(self) -> Predicate:
        parts = [self._unary()]
        operator = self._peek()
        if operator.value not in ("AND", "OR") or operator.kind != "word":
            return parts[0]
        while self._accept("word", operator.value):
            parts.append(self._unary())
        mixed = self._peek()
        if mixed.kind == "word" and mixed.value in ("AND", "OR"):
            raise _error("AND and OR are mixed: use parentheses", mixed.position)
        if operator.value == "AND":
            return lambda attributes: all(part(attributes) for part in parts)
        return lambda attributes: any(part(attributes) for part in parts)

    def expect_end(self) -> None:
        token = self._peek()
        if token.kind != "end":
            raise _error(f"unexpected {token.value!r}", token.position)

    def _unary(self) -> Predicate:
        if self._accept("word", "NOT") or self._accept("symbol", "-"):
            negated = self._unary()
            return lambda attributes: not negated(attributes)
        if self._accept("symbol", "("):
            inner = self.expression()
            self._expect("symbol", ")")
            return inner
        return self._restriction()

    def _restriction(self) -> Predicate:
        if self._accept("word", "hasPrefix"):
            self._expect("symbol", "(")
            self._expect("word", "attributes")
            self._expect("symbol", ".")
            key = self._key()
            self._expect("symbol", ",")
            prefix = self._expect("string").value
            self._expect("symbol", ")")
            return lambda attributes: key in attributes and attributes[key].startswith(prefix)
        self._expect("word", "attributes")
        if self._accept("symbol", ":"):
            key = self._key()
            return lambda attributes: key in attributes
        self._expect("symbol", ".")
        key = self._key()
        if self._accept("symbol", "!="):
            unwanted = self._expect("string").value
            return lambda attributes: key not in attributes or attributes[key] != unwanted
        self._expect("symbol", "=")
        wanted = self._expect("string").value
        return lambda attributes: key in attributes and attributes[key] == wanted

    def _key(self) -> str:
        token = self._peek()
        if token.kind not in ("word", "string"):
            raise _error("an attribute's key is missing", token.position)
        self._next += 1
        return token.value

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _accept(self, kind: str, value: str) -> bool:
        token = self._peek()
        if token.kind != kind or token.value != value:
            return False
        self._next += 1
        return True

    def _expect(self, kind: str, value: str | None = None) -> _Token:
        token = self._peek()
        if token.kind != kind or (value is not None and token.value != value):
            wanted = f"{value!r}" if value is not None else f"a {kind}"
            found = f"{token.value!r}" if token.kind != "end" else "the end"
            raise _error(f"{wanted} was expected instead of {found}", token.position)
        self._next += 1
        return token


def _error(problem: str, position: int) -> InvalidArgumentError:
    return InvalidArgumentError(f"Invalid filter: {problem} (position {position}).")
