"""What a run that reads everything takes to be new."""

from agents.chargebee.newness import Newness


def test_rows_are_new_until_some_are_not_and_each_mistake_doubles_what_is_known() -> None:
    newness = Newness()
    assert [newness.is_expected() for _ in range(5)] == [True] * 5

    newness.was_wrong()
    assert [newness.is_expected() for _ in range(3)] == [False, False, True]
    newness.was_wrong()
    assert [newness.is_expected() for _ in range(5)] == [False, False, False, False, True]


def test_a_run_over_rows_that_are_all_here_makes_few_mistakes() -> None:
    newness, mistakes = Newness(), 0
    for _ in range(5_000):
        if newness.is_expected():
            mistakes += 1
            newness.was_wrong()
    assert mistakes < 15
