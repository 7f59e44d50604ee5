"""New accounts and changes of accounts, as the bodies of Identity Toolkit's requests ask for them."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from local.identity.accounts import Account, AccountStore
from local.identity.errors import ToolkitError
from local.identity.passwords import MIN_LENGTH, hash_password
from local.identity.service import text
from local.identity.tokens import RESERVED_CLAIMS

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_PHONE: Final = re.compile(r"\+[1-9]\d{6,14}")
_MAX_CLAIMS_CHARACTERS: Final = 1_000
_TEXTS: Final = {"displayName": "display_name", "photoUrl": "photo_url"}
#: firebase-admin says `disabled` when it creates and `disableUser` when it changes an account.
_FLAGS: Final = {"emailVerified": "email_verified", "disabled": "disabled", "disableUser": "disabled"}
_REMOVABLE: Final = {"DISPLAY_NAME": "display_name", "PHOTO_URL": "photo_url", "phone": "phone_number"}


def new_account(body: Mapping[str, Any], *, now: int) -> Account:
    """The account that a request to create one describes; a uid is made up when it names none."""
    account = Account(local_id=text(body, "localId") or secrets.token_urlsafe(21), created_at=now * 1000)
    return changed_account(account, body, now=now)


def changed_account(account: Account, body: Mapping[str, Any], *, now: int) -> Account:
    """The account with everything that the body sets; `now` is Unix time in seconds.

    Raises ToolkitError with Identity Toolkit's codes for values that it refuses.
    """
    changes: dict[str, Any] = {}
    if (email := text(body, "email")) is not None:
        changes["email"] = checked_email(email)
        # A new address is not verified unless the request says so.
        if changes["email"] != account.email:
            account = replace(account, email_verified=False)
    if (password := text(body, "password")) is not None:
        changes["password_hash"] = hash_password(checked_password(password))
        changes["password_updated_at"] = now * 1000
        # Sessions from before the new password end, as with Firebase.
        changes["valid_since"] = now if account.password_hash is not None else account.valid_since
    if (phone := text(body, "phoneNumber")) is not None:
        if not _PHONE.fullmatch(phone):
            raise ToolkitError("INVALID_PHONE_NUMBER : Invalid format.")
        changes["phone_number"] = phone
    if "customAttributes" in body:
        changes["claims"] = checked_claims(body["customAttributes"])
    if body.get("validSince") is not None:
        changes["valid_since"] = int(body["validSince"])
    return replace(account, **changes, **_set_texts(body), **_set_flags(body), **_removed(body))


def _set_texts(body: Mapping[str, Any]) -> dict[str, Any]:
    found = {attribute: text(body, name) for name, attribute in _TEXTS.items()}
    return {attribute: value for attribute, value in found.items() if value is not None}


def _set_flags(body: Mapping[str, Any]) -> dict[str, Any]:
    return {attribute: bool(body[name]) for name, attribute in _FLAGS.items() if name in body}


def _removed(body: Mapping[str, Any]) -> dict[str, Any]:
    names = {*body.get("deleteAttribute", ()), *body.get("deleteProvider", ())}
    return {attribute: None for name, attribute in _REMOVABLE.items() if name in names}


def checked_email(email: str) -> str:
    """The address in lower case; raises ToolkitError when it has no address's form."""
    if not _EMAIL.fullmatch(email):
        raise ToolkitError("INVALID_EMAIL")
    return email.lower()


def checked_password(password: str) -> str:
    """The password; raises ToolkitError when it is too short."""
    if len(password) < MIN_LENGTH:
        raise ToolkitError(f"WEAK_PASSWORD : Password should be at least {MIN_LENGTH} characters")
    return password


def checked_claims(value: object) -> dict[str, Any]:
    """Custom claims out of the text that requests carry them in; raises ToolkitError for what Firebase refuses."""
    if not isinstance(value, str) or len(value) > _MAX_CLAIMS_CHARACTERS:
        raise ToolkitError("CLAIMS_TOO_LARGE" if isinstance(value, str) else "INVALID_CLAIMS")
    try:
        claims = json.loads(value or "{}")
    except (ValueError, RecursionError) as error:
        raise ToolkitError("INVALID_CLAIMS") from error
    if not isinstance(claims, dict):
        raise ToolkitError("INVALID_CLAIMS")
    if reserved := sorted(RESERVED_CLAIMS & claims.keys()):
        raise ToolkitError(f"FORBIDDEN_CLAIM : {reserved[0]}")
    return claims


def require_account(accounts: AccountStore, local_id: str | None) -> Account:
    """The account with this uid; raises ToolkitError when there is none."""
    account = accounts.find(local_id) if local_id else None
    if account is None:
        raise ToolkitError("USER_NOT_FOUND")
    return account


def describe(account: Account, *, with_password: bool = False) -> dict[str, Any]:
    """The account by Identity Toolkit's names (its `UserInfo`)."""
    providers: list[dict[str, Any]] = []
    if account.email is not None and account.password_hash is not None:
        providers.append(
            {
                "providerId": "password",
                "email": account.email,
                "federatedId": account.email,
                "rawId": account.email,
                "displayName": account.display_name,
                "photoUrl": account.photo_url,
            }
        )
    if account.phone_number is not None:
        providers.append({"providerId": "phone", "phoneNumber": account.phone_number, "rawId": account.phone_number})
    described = {
        "localId": account.local_id,
        "email": account.email,
        "emailVerified": account.email_verified,
        "phoneNumber": account.phone_number,
        "displayName": account.display_name,
        "photoUrl": account.photo_url,
        "disabled": account.disabled,
        "passwordHash": "UkVEQUNURUQ=" if account.password_hash is not None and with_password else None,
        "passwordUpdatedAt": account.password_updated_at,
        "customAttributes": json.dumps(account.claims) if account.claims else None,
        "createdAt": str(account.created_at),
        "lastLoginAt": None if account.last_login_at is None else str(account.last_login_at),
        "validSince": str(account.valid_since),
        "providerUserInfo": providers,
    }
    return {name: value for name, value in described.items() if value is not None}
