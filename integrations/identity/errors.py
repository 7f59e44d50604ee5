"""What can go wrong with tokens, keys and accounts.

IdentityError
├── TokenError                      a token is not acceptable; trying the same one again is useless
├── KeysUnavailableError            the issuer's keys cannot be had right now; trying again later may work
├── IdTokenUnavailableError         this process cannot get its own token right now
└── AccountError                    Firebase Auth refused what was asked
    ├── AccountNotFoundError        no such account
    ├── AccountExistsError          the e-mail address, phone number or uid is taken
    └── AccountServiceUnavailableError  no answer, or not in time; trying again is safe

Messages are sentences for people. None of them holds a token, a key or a password.
"""


class IdentityError(Exception):
    """Base of everything this package raises on purpose."""


class TokenError(IdentityError):
    """The token is malformed, foreign, not valid at this time, or not signed by its issuer."""


class KeysUnavailableError(IdentityError):
    """The issuer's public keys could not be fetched and none are at hand."""


class IdTokenUnavailableError(IdentityError):
    """The token service did not hand out an ID token for this process."""


class AccountError(IdentityError):
    """Firebase Auth refused a request about an account."""


class AccountNotFoundError(AccountError):
    """There is no account with this uid, e-mail address or phone number."""


class AccountExistsError(AccountError):
    """Another account already has this uid, e-mail address or phone number."""


class AccountServiceUnavailableError(AccountError):
    """Firebase Auth did not answer in time, or answered that it is overloaded."""
