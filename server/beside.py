"""What runs in the API's process beside it: named by entry points, so that the server imports none of it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import entry_points
from typing import Final

from integrations.telemetry.http import ReadinessCheck

_GROUP: Final = "caregraph.beside"

#: Runs something meanwhile; gives its readiness checks.
Beside = Callable[[], AbstractAsyncContextManager[Mapping[str, ReadinessCheck]]]


def load_beside(name: str) -> Beside:
    """What is called `name` in the entry-point group `caregraph.beside`; KeyError when there is no such thing."""
    beside: Beside = entry_points(group=_GROUP)[name].load()
    return beside
