"""How relays share lanes."""

from triggers.lanes import LANES, fair_share, lanes_to_release, lanes_to_try


def test_fair_shares_cover_all_lanes() -> None:
    for living in range(1, LANES + 10):
        assert fair_share(living) * living >= LANES
        assert (fair_share(living) - 1) * living < LANES


def test_a_relay_alone_takes_everything() -> None:
    candidates, wanted = lanes_to_try(set(), fair_share(1), start=5)
    assert wanted == LANES
    assert sorted(candidates) == list(range(LANES))


def test_a_relay_with_its_share_takes_nothing() -> None:
    assert lanes_to_try({1, 2}, 2, start=0) == ((), 0)


def test_only_surplus_lanes_are_released() -> None:
    assert lanes_to_release(range(LANES), (), 32) == tuple(range(32))
    assert lanes_to_release(range(32), (), 32) == ()


def test_a_busy_lane_is_kept_until_it_is_idle() -> None:
    assert lanes_to_release({1, 2, 3}, {1, 2}, 1) == (3,)
    assert lanes_to_release({1, 2, 3}, {1, 2, 3}, 1) == ()
