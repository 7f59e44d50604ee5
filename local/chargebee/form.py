"""Chargebee's parameters: form-encoded names with brackets, ``subscription_items[item_price_id][0]=basic-USD``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from local.chargebee.replies import wrong_value
from local.standin.service import Refusal

_PARTS = re.compile(r"\[([^\]]*)\]")


class Params:
    """The parameters of one request. Everything is text on the wire; the getters say what it should be."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, str] = dict(parse_qsl(text, keep_blank_values=True))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def items(self) -> list[tuple[str, str]]:
        """All of them, as written."""
        return list(self._values.items())

    def text(self, name: str, default: str | None = None) -> str | None:
        """A parameter; the default when it is absent or empty."""
        return self._values.get(name) or default

    def need(self, name: str) -> str:
        """A parameter that must be there."""
        value = self.text(name)
        if value is None:
            raise Refusal(wrong_value(name, "cannot be blank"))
        return value

    def number(self, name: str, default: int | None = None) -> int | None:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            raise Refusal(wrong_value(name, "should be a number")) from None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """``true`` or ``false``."""
        value = self.text(name)
        if value is None:
            return default
        if value not in ("true", "false"):
            raise Refusal(wrong_value(name, "should be true or false"))
        return value == "true"

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of an enumeration."""
        value = self.text(name) or default
        if value not in choices:
            raise Refusal(wrong_value(name, f"should be one of {', '.join(choices)}"))
        return value

    def custom_fields(self) -> dict[str, str | None]:
        """The site's own fields, ``cf_…``; None for those to be emptied."""
        return {name: value or None for name, value in self._values.items() if name.startswith("cf_")}

    def rows(self, name: str) -> list[dict[str, str]]:
        """Objects in a list: ``name[field][index]`` read by index."""
        found: dict[int, dict[str, str]] = {}
        for key, value in self._values.items():
            parts = _PARTS.findall(key)
            if key.partition("[")[0] == name and len(parts) == 2 and parts[1].isdigit():
                found.setdefault(int(parts[1]), {})[parts[0]] = value
        return [found[index] for index in sorted(found)]

    def nested(self, name: str) -> dict[str, str]:
        """The fields of an object: ``name[field]``."""
        prefix = f"{name}["
        return {
            key.removeprefix(prefix).removesuffix("]"): value
            for key, value in self._values.items()
            if key.startswith(prefix) and key.count("[") == 1
        }


def set_custom_fields(document: dict[str, Any], fields: Mapping[str, str | None]) -> None:
    """Set custom fields; an emptied one is absent, as at Chargebee."""
    for name, value in fields.items():
        if value is None:
            document.pop(name, None)
        else:
            document[name] = value
