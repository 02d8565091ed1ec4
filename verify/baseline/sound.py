"""Whether the numbers of a baseline can have been measured: a checksum is no key, and anybody can write one.

Sums obey the inequalities of Cauchy and Schwarz, shares lie in [0, 1], a mean lies in its range. What does not is
refused in one line that names the tensor, so that nothing behind it divides by zero or leaves the floats.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from varlaw.verify.identify.records import CaseStatistics, Identified

_TINY, _HUGE = 1e-60, 1e60  # no number of 32 bits lies beyond
_MOST: Final = 2**50  # entries
_SLACK = 1e-4  # what the digits that are written leave

Floats = NDArray[np.float64]


class BaselineError(ValueError):
    """A file that is no baseline, or two that cannot be held against each other; one line."""


class Measured(Protocol):
    """A fact of a subject."""

    @property
    def subject(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def value(self) -> float | str: ...
    @property
    def error(self) -> float: ...


def check(tensors: Sequence[Identified], facts: Sequence[Measured], where: str) -> None:
    """Raise `BaselineError` for the first tensor or fact with a number that no draws can give."""
    owners = [(one, case) for one in tensors for case in one.cases]
    for wrong, text in _rules([case for _, case in owners]) if owners else ():
        if wrong.any():
            one, case = owners[int(np.flatnonzero(wrong)[0])]
            msg = f"{where} holds numbers that no draws give: {one.name!r}, shape {case.shape}: {text}"
            raise BaselineError(msg)
    for fact in facts:
        numbers = [v for v in (fact.value, fact.error) if not isinstance(v, str)]
        if not all(abs(v) < _HUGE for v in numbers) or fact.error < 0:
            msg = f"{where} holds numbers that nothing gives: {fact.subject + ': ' + fact.name!r} is {fact.value!r}"
            raise BaselineError(msg)


def _rules(cases: Sequence[CaseStatistics]) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """Where each rule is broken, and what it says."""
    counts = ("n", "lost", "ties", "copied", "looked", "instances")
    c: dict[str, Floats] = {name: _column(cases, name) for name in (*counts, "unit", "z1", "z2", "z4", "low", "high")}
    shares = {name: _column(cases, name) for name in ("zeros", "limits")}
    spread = np.array([case.spread or 0.0 for case in cases])
    n = c["n"]
    some = n > 0
    yield _any(~(np.abs(x) < _HUGE) for x in (*c.values(), spread)), f"a number of {_HUGE:g} or more"
    yield _any((c[name] < 0) | (c[name] > _MOST) for name in counts), "a count below 0 or beyond all"
    yield (c["ties"] > n) | (c["copied"] > c["looked"]), "a part that is more than the whole"
    yield c["unit"] < _TINY, f"a unit below {_TINY:g}"
    yield _any((x < 0) | (x > 1) for x in shares.values()), "a share outside of 0 to 1"
    yield (c["z2"] < 0) | (c["z4"] < 0) | (spread < 0), "a sum of squares or a spread below 0"
    yield c["low"] > c["high"], "a smallest entry above the largest"
    at_least = np.maximum(n, 1.0)
    rms, mean = c["unit"] * np.sqrt(np.maximum(c["z2"], 0) / at_least), c["unit"] * c["z1"] / at_least
    peak = np.maximum(np.abs(c["low"]), np.abs(c["high"]))
    yield some & (rms > peak * (1 + _SLACK)), "a root mean square beyond the largest entry"
    yield (
        some & (rms < peak / np.sqrt(at_least) * (1 - _SLACK)),
        "a root mean square that its largest entry exceeds",
    )
    yield some & (np.abs(mean) > rms * (1 + _SLACK)), "a mean beyond the root mean square"
    yield some & (c["z2"] ** 2 > n * c["z4"] * (1 + _SLACK)), "a fourth moment below the square of the second"
    yield np.array([_odd(case) for case in cases]), "a case, evidence or marks that are no plain finite numbers"


def _column(cases: Sequence[CaseStatistics], name: str) -> Floats:
    return np.array([min(max(getattr(case, name), -1e300), 1e300) for case in cases], dtype=np.float64)


def _any(found: Iterator[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.logical_or.reduce(list(found))


def _odd(case: CaseStatistics) -> bool:
    if any(not _plain(value) for value in case.case.values()) or any(side < 0 or side > _MOST for side in case.shape):
        return True
    marks = [value for values in case.marks.values() for value in values] if case.marks else ()
    return any(not abs(value) < _HUGE for value in (*case.depends.values(), *marks))


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(not isinstance(v, list | dict) and _plain(v) for v in value)
    return not isinstance(value, dict) and (not isinstance(value, float) or math.isfinite(value))
