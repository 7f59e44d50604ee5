import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "operations.md").read_text()
SOURCES = "\n".join(
    file.read_text()
    for package in ("agents", "integrations", "resolvers", "server", "triggers")
    for file in (ROOT / package).rglob("*.py")
)


@pytest.mark.parametrize("metric", sorted(set(re.findall(r"\bcaregraph_[a-z_]+", PAGE))))
def test_every_metric_on_the_operators_page_exists(metric: str) -> None:
    assert f'"{metric}"' in SOURCES


@pytest.mark.parametrize("event", sorted(set(re.findall(r"`((?:readiness|http)\.[a-z_]+)`", PAGE))))
def test_every_log_event_on_the_operators_page_exists(event: str) -> None:
    assert f'"{event}"' in SOURCES
