"""A domain of cases that a claim ranges over: its corners, and keyed points inside it.

One domain serves all: the command takes the corners and a few points keyed by the salt, the tests turn the same ranges
into a Hypothesis strategy. Ranges are drawn unconstrained and mapped into lawful cases (channels are drawn per group),
so nothing is filtered. Corners are asymmetric on purpose: a fan taken for the other one must show.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from varlaw.evidence.streams import Key, canonical
from varlaw.theory.domain import Domain, Interval, Range, printable

Raw = Mapping[str, Any]
Case = dict[str, Any]


@dataclass(frozen=True)
class Cases:
    """A domain of raw parameters, the corners worth naming, the map from parameters to a case, and the way back."""

    domain: Domain
    corners: tuple[Raw, ...]
    build: Callable[[Raw], Case] = dict
    undo: Callable[[Case], Case] = dict  # parameters that build a lawful case, and whatever of any other

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

    def check(self, case: Case, *, where: str) -> None:
        """Refuse a case that is neither a corner nor inside the domain; `ValueError` in one line.

        Whoever draws a case may rely on its names, types and sizes: a case from outside is a request for memory.
        """
        names = list(self.build(self.corners[0]))
        if sorted(case) != sorted(names):
            msg = f"a case of {', '.join(sorted(case)) or '(nothing)'}, but should be of {', '.join(names)} [{where}]"
            raise ValueError(msg)
        if any(canonical(self.build(raw)) == canonical(case) for raw in self.corners):
            return
        try:
            raw = self.undo(case)
            self.domain.check(raw, where=where)
            own = {name: _own(allowed, raw[name]) for name, allowed in self.domain.ranges.items()}
            lawful = canonical(self.build(own)) == canonical(case)
        except (TypeError, ArithmeticError) as error:
            msg = f"{printable(case)}, but should be a case of {where} ({error})"
            raise ValueError(msg) from error
        if not lawful:
            msg = f"{printable(case)}, but should be a case of {where} (in whole numbers where sizes are meant)"
            raise ValueError(msg)


def _own(allowed: Range, value: Any) -> Any:
    """An accepted value as the range itself spells it: 1 for 1.0, a tuple for a list."""
    listed = getattr(allowed, "values", None)
    return int(value) if listed is None else next(v for v in listed if v == value)


def size(low: int, high: int) -> Interval:
    """A whole number from `low` to `high`, spread evenly in its logarithm."""
    return Interval(low=low, high=high, whole=True)


def corners(names: str, *values: tuple[Any, ...]) -> tuple[Raw, ...]:
    """Raw parameters as a table: the names in one string, then a tuple for each row."""
    return tuple(dict(zip(names.split(), row, strict=True)) for row in values)


def shaped(raw: Raw) -> Case:
    """The case of a function of a shape, which is a list there as in the records."""
    return {"shape": list(raw["shape"]), **{k: v for k, v in raw.items() if k != "shape"}}


def unshaped(case: Case) -> Case:
    """The way back of `shaped`."""
    return {**case, "shape": tuple(case["shape"])}


def multiple(case: Case, name: str, of: str) -> int:
    """How many times `of` a size is; `ValueError` where it is no multiple of it.

    >>> multiple({"in_channels": 32, "groups": 8}, "in_channels", "groups")
    4
    """
    times, left = divmod(case[name], case[of])
    if left:
        msg = f"{name}={printable(case[name])}, but should be a multiple of {of}={printable(case[of])}"
        raise ValueError(msg)
    return int(times)
