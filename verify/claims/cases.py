"""A domain of cases that a claim ranges over: its corners, and keyed points inside it.

One domain serves all: the command takes the corners and a few points keyed by the salt, the tests turn the same ranges
into a Hypothesis strategy. Ranges are drawn unconstrained and mapped into lawful cases (channels are drawn per group),
so nothing is filtered. Corners are asymmetric on purpose: a fan taken for the other one must show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from varlaw.evidence.streams import Key
from varlaw.theory.law import Domain, Interval

Raw = Mapping[str, Any]
Case = dict[str, Any]


@dataclass(frozen=True)
class Cases:
    """A domain of raw parameters, the map from them to a case, and the corners worth naming."""

    domain: Domain
    corners: tuple[Raw, ...]
    build: Callable[[Raw], Case] = dict

    def enumerate(self, key: Key, points: int) -> list[Case]:
        """The corners, then `points` keyed points, without repetition."""
        rng = key.generator()
        drawn = [{name: r.at(float(rng.random())) for name, r in self.domain.ranges.items()} for _ in range(points)]
        unique: list[Case] = []
        for raw in (*self.corners, *drawn):
            case = self.build(raw)
            if case not in unique:
                unique.append(case)
        return unique


def size(low: int, high: int) -> Interval:
    """A whole number from `low` to `high`, spread evenly in its logarithm."""
    return Interval(low=low, high=high, whole=True)


def corners(names: str, *values: tuple[Any, ...]) -> tuple[Raw, ...]:
    """Raw parameters as a table: the names in one string, then a tuple for each row."""
    return tuple(dict(zip(names.split(), row, strict=True)) for row in values)


def shaped(raw: Raw) -> Case:
    """The case of a function of a shape, which is a list there as in the records."""
    return {"shape": list(raw["shape"]), **{k: v for k, v in raw.items() if k != "shape"}}
