"""Keys that the parts of one local platform share; made at random at the first start, kept in its folder."""

import json
import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path


def _random_key() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalKeys:
    """Keys of the endpoint and of the stand-ins. They open nothing outside this machine, and still don't print."""

    admin_secret: str = field(default_factory=_random_key, repr=False)
    chargebee_api_key: str = field(default_factory=_random_key, repr=False)
    iterable_api_key: str = field(default_factory=_random_key, repr=False)
    zendesk_api_token: str = field(default_factory=_random_key, repr=False)
    pharmacy_api_key: str = field(default_factory=_random_key, repr=False)
    chargebee_webhook_password: str = field(default_factory=_random_key, repr=False)
    iterable_webhook_secret: str = field(default_factory=_random_key, repr=False)
    zendesk_webhook_secret: str = field(default_factory=_random_key, repr=False)
    pharmacy_webhook_secret: str = field(default_factory=_random_key, repr=False)


def load_keys(path: Path) -> LocalKeys:
    """The keys in the file at `path`, made and written there (readable by its owner only) when they are missing."""
    known = {item.name for item in fields(LocalKeys)}
    stored: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    loaded = LocalKeys(**{name: value for name, value in stored.items() if name in known})
    if known - stored.keys():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({name: getattr(loaded, name) for name in sorted(known)}, file, indent=1)
    return loaded
