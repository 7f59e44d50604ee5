"""A small simulation in every run of the tests; `make simulation` has the large one."""

from pathlib import Path

from tests.simulation.run import Plan, simulate


async def test_every_invoice_ends_and_nobody_is_told_twice(database_url: str, tmp_path: Path) -> None:
    verdict, counts, _ = await simulate(
        Plan(subscriptions=40, days=8, seed=7, spread_days=7, trouble=0.06), database_url=database_url, folder=tmp_path
    )
    assert verdict.wrong == []
    # There was something to judge.
    assert {"recovered", "exhausted"} <= set(verdict.recoveries)
    assert sum(verdict.recoveries.values()) > 5
    assert counts["deliveries"] > 50
