"""What never reaches a log line or a span: secrets, personal and health data.

The habit comes first: log identifiers, not objects. This is the net below it. It works by the *name* of a field, at any
depth, and by a few patterns inside text (bearer tokens, passwords in URLs, row values that PostgreSQL quotes in error
details, e-mail addresses of people).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

#: What stands where a value was.
REDACTED: Final = "[redacted]"

#: A field is secret when one of these is part of its name, case, `-` and `_` aside.
_SECRET_PARTS: Final = (
    "authorization",
    "token",
    "password",
    "passwd",
    "apikey",
    "secret",
    "credential",
    "cookie",
    "privatekey",
    "jwt",
)

#: Columns that hold personal or health data, by exact name (without `-` and `_`).
_PERSONAL_NAMES: Final = """
    firstname lastname fullname displayname givenname familyname patientname customername email emailaddress phone
    phonenumber dateofbirth birthdate dob ssn address addressline1 addressline2 line1 line2 street postalcode zip city
    diagnosis condition conditions medication medications dosage dosageinstruction dosageinstructions allergy allergies
    note notes clinicalnote observation observations valuequantity symptom symptoms answers questionnaireresponse
    messagebody
"""
_PERSONAL: Final = frozenset(_PERSONAL_NAMES.split())

#: Names of whole objects: rows, payloads, GraphQL variables. Numbers under these names (counts) pass.
_OBJECT_NAMES: Final = """
    variables sessionvariables data payload row rows old new body record object objects set changes request response
"""
_OBJECTS: Final = frozenset(_OBJECT_NAMES.split())

_JWT: Final = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?")
_BEARER: Final = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_URL_PASSWORD: Final = re.compile(r"(://[^\s/:@]*):[^\s/@]+@")
#: `Key (email)=(a@b) already exists.` and `Failing row contains (…).`: DETAIL lines of PostgreSQL's errors.
_KEY_DETAIL: Final = re.compile(r"\)=\(.*?\)(?=\s|\.|$)")
_ROW_DETAIL: Final = re.compile(r"row contains \(.*\)")
#: Service accounts are names of programs and stay readable.
_EMAIL: Final = re.compile(r"[\w.+-]+@(?![\w.-]*\.gserviceaccount\.com)[\w-]+\.[\w.-]+")

#: How deep we look into nested values; anything deeper is cut.
_MAX_DEPTH: Final = 6

#: Names seen before, and what is done with them. Bounded, since names may come from outside.
_verdicts: dict[str, str | None] = {}
_MAX_VERDICTS: Final = 4096


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `fields` that is safe to log; nested mappings and sequences are looked through."""
    return {name: _value(name, value, 0) for name, value in fields.items()}


def scrub(text: str) -> str:
    """`text` without tokens, passwords, quoted row values and people's e-mail addresses."""
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    lowered = text.lower()
    if "bearer " in lowered or "basic " in lowered:
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
    if "@" in text:
        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\1:{REDACTED}@", text)
        text = _EMAIL.sub(REDACTED, text)
    if ")=(" in text:
        text = _KEY_DETAIL.sub(f")=({REDACTED})", text)
    if "row contains (" in text:
        text = _ROW_DETAIL.sub(f"row contains ({REDACTED})", text)
    return text


def _value(name: str, value: Any, depth: int) -> Any:
    if value is None or value is True or value is False:
        return value
    verdict = _verdicts.get(name) if name in _verdicts else _judge(name)
    if verdict == "hide" or (verdict == "count" and not isinstance(value, int | float)):
        return REDACTED
    return _inside(value, depth)


def _inside(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, int | float):
        return value
    if isinstance(value, Mapping):
        if depth >= _MAX_DEPTH:
            return REDACTED
        return {str(key): _value(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return REDACTED if depth >= _MAX_DEPTH else [_inside(item, depth + 1) for item in value]
    # Anything else is logged as its text, which may quote what it likes.
    return scrub(str(value))


def _judge(name: str) -> str | None:
    """`hide`, `count` (numbers pass) or None; remembered by name."""
    plain = name.lower().replace("_", "").replace("-", "").replace(".", "")
    verdict: str | None = None
    if plain in _PERSONAL or any(part in plain for part in _SECRET_PARTS):
        verdict = "hide"
    elif plain in _OBJECTS:
        verdict = "count"
    if len(_verdicts) < _MAX_VERDICTS:
        _verdicts[name] = verdict
    return verdict
