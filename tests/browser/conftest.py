import os
from collections.abc import AsyncIterator

import pytest

from tests.browser.chromium import Browser, find_chromium

#: A browser is not among what `make setup` installs, so these tests are asked for by name.
collect_ignore_glob = [] if os.environ.get("CAREGRAPH_TEST_BROWSER") else ["test_*.py"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium with an empty profile."""
    async with Browser.start(find_chromium()) as started:
        yield started
