"""The same slow read runs once for all who wait, and never before they asked."""

import asyncio
from collections.abc import Sequence
from typing import Any

from resolvers.shared_reads import SharedReads
from resolvers.statement import Statement

SLOW = Statement("SELECT slow", ())


class Database:
    """Answers with the number of the run, when it is told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.stopped = 0
        self._may_end: list[asyncio.Future[None]] = []

    async def run(self) -> Sequence[Any]:
        self.runs += 1
        number = self.runs
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._may_end.append(end)
        try:
            await end
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return (number,)

    def end(self, run: int, error: Exception | None = None) -> None:
        if error is None:
            self._may_end[run - 1].set_result(None)
        else:
            self._may_end[run - 1].set_exception(error)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def ask(
    reads: SharedReads, database: Database, arguments: Sequence[Any] = ("a",), statement: Statement = SLOW
) -> "asyncio.Task[Sequence[Any]]":
    return asyncio.create_task(reads.run(statement, arguments, database.run))


async def test_two_run_side_by_side_and_all_others_share_one_that_begins_after_they_asked() -> None:
    reads, database = SharedReads(), Database()
    asked = [ask(reads, database) for _ in range(10)]
    await settle()
    assert database.runs == 2

    database.end(1)
    await settle()
    assert database.runs == 3
    late = ask(reads, database)
    await settle()
    database.end(3)
    database.end(2)
    await settle()
    database.end(4)
    assert [(await each)[0] for each in asked] == [1, 2, *[3] * 8]
    assert await late == (4,), "the third run had begun when it asked"


async def test_other_arguments_and_other_statements_are_not_the_same() -> None:
    reads, database = SharedReads(), Database()
    asked = [
        ask(reads, database, arguments, statement)
        for arguments in (("a",), ("b",), (None,), (["a", "b"],), (["a"], "b"), ())
        for statement in (SLOW, Statement("SELECT another", ()))
        for _ in range(2)
    ]
    await settle()
    assert database.runs == len(asked)
    for number in range(1, len(asked) + 1):
        database.end(number)
    assert sorted([(await each)[0] for each in asked]) == list(range(1, len(asked) + 1))


async def test_an_error_is_everybodys_and_the_next_run_is_a_new_one() -> None:
    reads, database = SharedReads(), Database()
    asked = [ask(reads, database) for _ in range(4)]
    await settle()
    database.end(1)
    await settle()
    database.end(3, ValueError("out of range"))
    database.end(2)
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert found[:2] == [(1,), (2,)]
    assert [str(each) for each in found[2:]] == ["out of range"] * 2

    again = ask(reads, database)
    await settle()
    database.end(4)
    assert await again == (4,)


async def test_who_goes_away_takes_nobody_along() -> None:
    reads, database = SharedReads(), Database()
    first, second, third, fourth = (ask(reads, database) for _ in range(4))
    await settle()
    first.cancel()
    await settle()
    assert database.runs == 3, "what the first one ran is stopped, and those who waited begin"
    third.cancel()
    await settle()
    database.end(2)
    database.end(3)
    assert await second == (2,)
    assert await fourth == (3,)
    assert database.stopped == 1


async def test_a_run_that_nobody_waits_for_any_more_is_stopped() -> None:
    reads, database = SharedReads(), Database()
    first, second, third = (ask(reads, database) for _ in range(3))
    await settle()
    database.end(1)
    await first
    await settle()
    third.cancel()
    await settle()
    database.end(2)
    await second
    assert database.stopped == 1

    again = ask(reads, database)
    await settle()
    database.end(database.runs)
    assert await again == (database.runs,), "nothing of it is left behind"
    assert not reads._reads


def test_a_statement_is_slow_after_some_slow_runs_and_until_it_is_fast() -> None:
    reads = SharedReads()
    reads.took("SELECT slow", 0.02)
    assert not reads.is_slow("SELECT slow"), "a first run also loads what it needs"
    reads.took("SELECT slow", 0.02)
    assert reads.is_slow("SELECT slow")
    for _ in range(50):
        reads.took("SELECT slow", 0.002)
    assert reads.is_slow("SELECT slow"), "shared, its runs are shorter"
    for _ in range(50):
        reads.took("SELECT slow", 0.0005)
    assert not reads.is_slow("SELECT slow")
    reads.took("SELECT fast", 0.004)
    assert not reads._mean_s


def test_the_times_of_only_so_many_statements_are_kept() -> None:
    reads = SharedReads()
    for number in range(3_000):
        reads.took(f"SELECT {number}", 1.0)
    assert len(reads._mean_s) == len(reads._slow) == 1_000
    assert reads.is_slow("SELECT 2999")
    assert not reads.is_slow("SELECT 0")
