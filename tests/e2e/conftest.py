"""One running platform for all end-to-end tests: the real programs, started by `caregraph up` on ports of its own."""

from collections.abc import Iterator

import pytest

from tests.e2e.platform import RunningPlatform, new_home


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningPlatform]:
    """The shared platform with its demo data. Tests may change rows of their own; what they kill comes back."""
    with new_home() as home:
        running = RunningPlatform.start(home)
        try:
            yield running
        finally:
            running.stop()
