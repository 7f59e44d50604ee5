"""A small simulation in every run of the tests; `make simulation` has the large one."""

from pathlib import Path

from tests.simulation.run import Plan, simulate


async def test_every_invoice_ends_and_nobody_is_told_twice(database_url: str, tmp_path: Path) -> None:
    verdict, counts, _ = await simulate(
        Plan(subscriptions=24, days=6, seed=3, spread_days=5, trouble=0.1), database_url=database_url, folder=tmp_path
    )
    assert verdict.wrong == []
    # There was something to judge.
    assert verdict.recoveries["recovered"] + verdict.recoveries["exhausted"] >= 3
    assert counts["deliveries"] > 50
