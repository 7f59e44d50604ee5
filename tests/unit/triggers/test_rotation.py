"""Which lanes the relay reads next."""

from triggers.lanes import LANES
from triggers.rotation import Rotation

ALL = range(LANES)


def calm() -> Rotation:
    """As it is when little waits."""
    rotation = Rotation()
    for _ in range(5):
        rotation.saw(rotation.next_stretch(ALL, limit=1_000), 0, 0)
    return rotation


def test_a_relay_that_starts_expects_much_and_finds_out_soon() -> None:
    rotation = Rotation()
    read: list[int] = []
    for _ in range(6):
        stretch = rotation.next_stretch(ALL, limit=1_000)
        rotation.saw(stretch, 5, 1)
        read.append(len(stretch.lanes))
    assert read == [2, 4, 8, 16, 32, 64]


def test_while_little_waits_every_lane_is_read() -> None:
    rotation = calm()
    for events in (0, 3, 40):
        stretch = rotation.next_stretch(ALL, limit=100)
        assert stretch.lanes == list(ALL)
        rotation.saw(stretch, events, min(events, LANES))


def test_full_reads_look_into_fewer_lanes_and_deeper() -> None:
    rotation = calm()
    rotation.saw(rotation.next_stretch(ALL, limit=1_000), 200, 64)
    shapes = []
    for _ in range(7):
        stretch = rotation.next_stretch(ALL, limit=1_000)
        shapes.append((len(stretch.lanes), stretch.per_lane))
        rotation.saw(stretch, 1_000, len(stretch.lanes))
    assert shapes == [(64, 16), (32, 32), (16, 63), (8, 125), (4, 250), (2, 500), (2, 500)]


def test_every_lane_has_its_turn() -> None:
    rotation = Rotation()
    seen: list[int] = []
    for _ in range(40):
        stretch = rotation.next_stretch(ALL, limit=100)
        rotation.saw(stretch, 100, len(stretch.lanes))
        seen += stretch.lanes
    assert set(seen[-LANES:]) == set(ALL)


def test_lanes_that_are_busy_are_passed_over() -> None:
    rotation = calm()
    free = set(ALL) - {3, 4, 5}
    stretch = rotation.next_stretch(free, limit=10)
    assert stretch.lanes == sorted(free)
    assert rotation.next_stretch((), limit=10).lanes == []


def test_when_reads_find_less_all_lanes_are_read_again() -> None:
    rotation = Rotation()
    for _ in range(6):
        stretch = rotation.next_stretch(ALL, limit=100)
        rotation.saw(stretch, 100, 8)
    for _ in range(5):
        stretch = rotation.next_stretch(ALL, limit=100)
        rotation.saw(stretch, 10, 4)
    assert rotation.next_stretch(ALL, limit=100).lanes == list(ALL)


def test_one_busy_key_is_read_deep_and_the_others_are_not_dragged_along() -> None:
    rotation = calm()
    rotation.saw(rotation.next_stretch(ALL, limit=1_000), 16, 1)
    stretch = rotation.next_stretch(ALL, limit=1_000)
    assert stretch.per_lane * len(stretch.lanes) <= 4 * 1_000 + LANES
    assert stretch.per_lane > 1_000 // LANES
