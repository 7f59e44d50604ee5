"""Refusals of credentials, and of a configuration that cannot work.

AuthenticationError           sent to the client as it is
AuthenticationSettingsError   stops the start
"""

from collections.abc import Sequence
from enum import StrEnum


class AuthenticationCode(StrEnum):
    """Hasura's error codes, for `extensions.code`."""

    #: The admin secret is wrong, or the role is not among those granted.
    ACCESS_DENIED = "access-denied"
    #: Credentials are missing where they are needed, or a header is malformed or there twice.
    INVALID_HEADERS = "invalid-headers"
    #: The token cannot be accepted: altered, expired, foreign, or not checkable now.
    INVALID_JWT = "invalid-jwt"
    #: The token is genuine, but its claims do not have the agreed shape.
    JWT_INVALID_CLAIMS = "jwt-invalid-claims"
    #: The token is genuine, but does not say which roles it grants.
    JWT_MISSING_ROLE_CLAIMS = "jwt-missing-role-claims"


class AuthenticationError(Exception):
    """The request's credentials do not grant what it asks for.

    `message` is a sentence for people; it never holds a token or a secret. `retryable` is true when the same
    credentials may be accepted a little later (the issuer's keys could not be fetched), so that a client does not
    sign anyone out for it.
    """

    def __init__(self, code: AuthenticationCode, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable


class AuthenticationSettingsError(ValueError):
    """The environment's authentication settings cannot work; `problems` names every one, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            "The authentication settings cannot work:\n" + "\n".join(f"- {problem}" for problem in problems)
        )
        self.problems = tuple(problems)
