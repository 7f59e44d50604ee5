"""One running platform for all end-to-end tests: the real programs, started by `caregraph up` on ports of its own."""

from collections.abc import Iterator

import pytest

from tests.e2e.platform import RunningPlatform, new_home


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests that use the shared platform on one worker, so that only one is started."""
    for item in items:
        if "platform" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("platform"))


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningPlatform]:
    """The shared platform with its demo data. Tests may change rows of their own; what they kill comes back."""
    with new_home() as home:
        running = RunningPlatform.start(home)
        try:
            yield running
        finally:
            running.stop()
