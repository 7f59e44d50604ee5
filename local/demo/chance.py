"""Chance that is the same every time: a seeded source of picks."""

import random
import string
from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")

_BASE62 = string.digits + string.ascii_letters


class Chance:
    """Picks that depend on the seed and the order of asking only; each part of the demo data has its own."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- repeatable is the point
        self._turns: dict[tuple[str, ...], int] = {}

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return self._random.randint(low, high)

    def number(self, low: float, high: float, digits: int = 1) -> float:
        """A number between the two, rounded."""
        return round(self._random.uniform(low, high), digits)

    def happens(self, probability: float) -> bool:
        """True with this probability."""
        return self._random.random() < probability

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, all equally likely."""
        return values[self._random.randrange(len(values))]

    def sample(self, values: Sequence[T], count: int) -> list[T]:
        """`count` different ones of the values."""
        return self._random.sample(values, count)

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in another order."""
        return self._random.sample(values, len(values))

    def spread(self, weights: Mapping[str, int]) -> str:
        """One of the keys by weight, but the first picks go through all of them: no value is left out by bad luck."""
        values = tuple(weights)
        turn = self._turns.get(values, 0)
        self._turns[values] = turn + 1
        if turn < len(values):
            return values[turn]
        return self._random.choices(values, tuple(weights.values()))[0]

    def token(self, length: int) -> str:
        """Base-62 characters, as in Chargebee's ids."""
        return "".join(self._random.choices(_BASE62, k=length))

    def digits(self, length: int) -> str:
        """Decimal digits, the first not a zero."""
        return str(self._random.randint(1, 9)) + "".join(self._random.choices(string.digits, k=length - 1))
