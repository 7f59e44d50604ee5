import json
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The JSON lines written to standard error since the last call."""

    def read() -> list[dict[str, Any]]:
        captured = capsys.readouterr()
        assert captured.out == "", "a log line went to standard output"
        return [json.loads(line) for line in captured.err.splitlines()]

    return read
