"""How hard property and fuzz tests try: `CAREGRAPH_TEST_EFFORT=50` is what `make fuzz` says."""

import os
from typing import Final

from hypothesis import HealthCheck, settings

#: How many times as much as in `make test`.
EFFORT: Final = int(os.environ.get("CAREGRAPH_TEST_EFFORT", "1"))


def effort(examples: int) -> settings:
    """Settings for a test that tries so many examples, times the effort."""
    return settings(
        max_examples=examples * EFFORT,
        deadline=None,
        # Engines and connections are shared by all examples, and worlds of rows take a moment to draw.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
