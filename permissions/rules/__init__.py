"""The rules of our own database, by role and table."""

from typing import Final

from permissions.model import Rules

RULES: Final[Rules] = {}
