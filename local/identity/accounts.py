"""The user records, in one SQLite file."""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

from local.identity.errors import ToolkitError
from server.authentication.claims import ALLOWED_ROLES, DEFAULT_ROLE, HASURA_NAMESPACE

#: What a page of `find_page` holds at most; Firebase Auth's own limit.
MAX_PAGE: Final = 1_000
_UNIQUE: Final = {"account.email": "EMAIL_EXISTS", "account.phone_number": "PHONE_NUMBER_EXISTS"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One user record. Times are milliseconds since 1970, except `valid_since` (seconds)."""

    local_id: str
    email: str | None = None
    email_verified: bool = False
    phone_number: str | None = None
    display_name: str | None = None
    photo_url: str | None = None
    disabled: bool = False
    password_hash: str | None = field(default=None, repr=False)
    password_updated_at: int | None = None
    #: Custom claims, as they appear in ID tokens.
    claims: Mapping[str, Any] = field(default_factory=dict)
    created_at: int = 0
    last_login_at: int | None = None
    valid_since: int = 0

    @property
    def hasura_claims(self) -> Mapping[str, Any]:
        """Hasura's claims object among the custom claims; empty when there is none."""
        found = self.claims.get(HASURA_NAMESPACE)
        return found if isinstance(found, dict) else {}

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that the custom claims allow."""
        found = self.hasura_claims.get(ALLOWED_ROLES)
        return tuple(str(role) for role in found) if isinstance(found, list) else ()

    @property
    def default_role(self) -> str | None:
        """The role that the custom claims make the default one."""
        return self.hasura_claims.get(DEFAULT_ROLE)

    @property
    def user_id(self) -> str | None:
        """Our own id of the person: of the customer or the staff member."""
        return self.hasura_claims.get("x-hasura-user-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One sign-in, which refreshed tokens go back to."""

    account: Account
    #: Unix time in seconds.
    auth_time: int
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailedCode:
    """A code that Firebase would have e-mailed in a link."""

    code: str
    request_type: str
    email: str


class AccountStore:
    """The accounts in one file; use from one thread. Every change is on disk when a method returns."""

    def __init__(self, file: Path, *, clock: Callable[[], float] = time.time) -> None:
        """Opens the file, made when missing. `clock` tells Unix time in seconds."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._database = sqlite3.connect(file, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = wal")
        # Loses at worst the last changes when the machine itself goes down, and never breaks the file.
        self._database.execute("PRAGMA synchronous = normal")
        self._database.execute("PRAGMA foreign_keys = on")
        self._database.executescript(files("local.identity").joinpath("accounts.sql").read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def is_seeded(self) -> bool:
        """Whether `seed` was called on this file before."""
        return bool(self._database.execute("PRAGMA user_version").fetchone()[0])

    def count(self) -> int:
        """How many accounts there are."""
        found: int = self._database.execute("SELECT count(*) FROM account").fetchone()[0]
        return found

    def find(self, local_id: str) -> Account | None:
        """The account with this uid."""
        return self._find_one("local_id = ?", local_id)

    def find_by_email(self, email: str) -> Account | None:
        """The account with this e-mail address, in any case."""
        return self._find_one("email = ?", email)

    def find_by_phone_number(self, phone_number: str) -> Account | None:
        """The account with this phone number."""
        return self._find_one("phone_number = ?", phone_number)

    def find_person(self, name: str) -> Account | None:
        """The account with this uid, e-mail address or customer's or staff member's id."""
        return self._find_one("local_id = ? OR email = ? OR user_id = ? ORDER BY rowid LIMIT 1", name, name, name)

    def find_by_role(self, role: str, *, limit: int) -> list[Account]:
        """Accounts whose default role this is and that may sign in, in the order in which they were made."""
        return self._find("default_role = ? AND NOT disabled ORDER BY rowid LIMIT ?", role, limit)

    def find_page(self, *, after: str, limit: int) -> list[Account]:
        """Accounts in the order of their uids, from the one after `after` on."""
        return self._find("local_id > ? ORDER BY local_id LIMIT ?", after, min(limit, MAX_PAGE))

    def add(self, account: Account) -> Account:
        """Keep a new account; raises ToolkitError when its uid, e-mail address or phone number is taken."""
        if not account.created_at:
            account = replace(account, created_at=int(self._clock() * 1000))
        self._write(f"INSERT INTO account ({_NAMES}) VALUES ({_PLACES})", account)  # noqa: S608 - constants
        return account

    def seed(self, accounts: Iterable[Account]) -> None:
        """Keep the first accounts of a new file, all or none."""
        self._database.execute("BEGIN")
        try:
            for account in accounts:
                self.add(account)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("PRAGMA user_version = 1")
        self._database.execute("COMMIT")

    def replace(self, account: Account) -> Account:
        """Keep an account that was changed; raises ToolkitError when its e-mail address or phone number is taken."""
        self._write(f"UPDATE account SET ({_NAMES}) = ({_PLACES}) WHERE local_id = :local_id", account)  # noqa: S608 - constants
        return account

    def delete(self, local_id: str) -> bool:
        """Remove an account; whether there was one."""
        return self._database.execute("DELETE FROM account WHERE local_id = ?", (local_id,)).rowcount > 0

    def clear(self) -> None:
        """Remove every account."""
        self._database.execute("DELETE FROM account")

    def add_refresh_token(self, sign_in: SignIn) -> str:
        """A new refresh token for this sign-in."""
        token = secrets.token_urlsafe(48)
        self._database.execute(
            "INSERT INTO refresh_token (digest, local_id, auth_time, provider) VALUES (?, ?, ?, ?)",
            (sha256(token.encode()).digest(), sign_in.account.local_id, sign_in.auth_time, sign_in.provider),
        )
        return token

    def find_sign_in(self, refresh_token: str) -> SignIn | None:
        """The sign-in that a refresh token belongs to."""
        row = self._database.execute(
            "SELECT local_id, auth_time, provider FROM refresh_token WHERE digest = ?",
            (sha256(refresh_token.encode()).digest(),),
        ).fetchone()
        account = self.find(row["local_id"]) if row is not None else None
        if row is None or account is None:
            return None
        return SignIn(account=account, auth_time=row["auth_time"], provider=row["provider"])

    def add_code(self, request_type: str, email: str) -> EmailedCode:
        """A new code for an e-mailed link."""
        code = EmailedCode(code=secrets.token_urlsafe(24), request_type=request_type, email=email)
        self._database.execute(
            "INSERT INTO oob_code (code, request_type, email, created_at) VALUES (?, ?, ?, ?)",
            (code.code, request_type, email, int(self._clock() * 1000)),
        )
        return code

    def find_code(self, code: str) -> EmailedCode | None:
        """The code, unless it was used."""
        return next((found for found in self.codes() if found.code == code), None)

    def codes(self) -> list[EmailedCode]:
        """All codes that were not used yet, oldest first."""
        rows = self._database.execute("SELECT code, request_type, email FROM oob_code ORDER BY rowid")
        return [EmailedCode(**row) for row in rows]

    def use_code(self, code: EmailedCode) -> None:
        """Take a code out of use."""
        self._database.execute("DELETE FROM oob_code WHERE code = ?", (code.code,))

    def _find_one(self, condition: str, *values: object) -> Account | None:
        return next(iter(self._find(condition, *values)), None)

    def _find(self, condition: str, *values: object) -> list[Account]:
        # Conditions are literals of this module, values are always bound.
        rows = self._database.execute(f"SELECT {_NAMES} FROM account WHERE {condition}", values)  # noqa: S608
        return [_read(row) for row in rows]

    def _write(self, statement: str, account: Account) -> None:
        try:
            self._database.execute(statement, _row(account))
        except sqlite3.IntegrityError as error:
            code = next((code for column, code in _UNIQUE.items() if column in str(error)), "DUPLICATE_LOCAL_ID")
            raise ToolkitError(code) from error


_COLUMNS: Final = (
    "local_id",
    "email",
    "email_verified",
    "phone_number",
    "display_name",
    "photo_url",
    "disabled",
    "password_hash",
    "password_updated_at",
    "custom_attributes",
    "user_id",
    "default_role",
    "created_at",
    "last_login_at",
    "valid_since",
)
_NAMES: Final = ", ".join(_COLUMNS)
_PLACES: Final = ", ".join(f":{name}" for name in _COLUMNS)


def _row(account: Account) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(account, name, None) for name in _COLUMNS}
    return {**row, "custom_attributes": json.dumps(account.claims)}


def _read(row: sqlite3.Row) -> Account:
    values = dict(row)
    claims = json.loads(values.pop("custom_attributes"))
    del values["user_id"], values["default_role"]
    verified, disabled = bool(values.pop("email_verified")), bool(values.pop("disabled"))
    return Account(**values, email_verified=verified, disabled=disabled, claims=claims)
