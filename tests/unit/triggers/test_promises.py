"""The tests that docs/events.md names are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_test_that_the_promises_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "events.md").read_text()))
    existing = {
        name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"def (test_\w+)\(", path.read_text())
    }
    assert len(named) > 30
    assert named <= existing, f"docs/events.md promises what no test holds: {sorted(named - existing)}"


def test_every_promise_names_a_test() -> None:
    text = (ROOT / "docs" / "events.md").read_text()
    table = text.split("| promise | held by |")[1].split("\n\n")[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and not row.startswith("|---")]
    assert len(rows) > 10
    assert all("`test_" in row for row in rows)
