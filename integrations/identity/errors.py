"""What can go wrong with tokens and keys.

::

    IdentityError
    ├── TokenError                a token is not acceptable; trying the same one again is useless
    ├── KeysUnavailableError      the issuer's keys cannot be had right now; trying again later may work
    └── IdTokenUnavailableError   this process cannot get its own token right now; trying again later may work

Accounts in Firebase Auth are an outside system: their errors are those of `integrations.errors`. Messages are sentences
for people. None of them holds a token or a key.
"""


class IdentityError(Exception):
    """Base of everything that tokens and keys raise on purpose."""


class TokenError(IdentityError):
    """The token is malformed, foreign, not valid at this time, or not signed by its issuer."""


class KeysUnavailableError(IdentityError):
    """The issuer's public keys could not be fetched and none are at hand."""


class IdTokenUnavailableError(IdentityError):
    """The token service did not hand out an ID token for this process."""
