"""Whether the numbers of a baseline can have been measured: a checksum is no key, and anybody can write one.

Sums obey the inequalities of Cauchy and Schwarz, shares lie in [0, 1], a mean lies in its range. What does not is
refused in one line that names the tensor, so that nothing behind it divides by zero or leaves the floats.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from varlaw.identify.records import CaseStatistics, Identified, Reading

_TINY, _HUGE = 1e-60, 1e60  # no number of 32 bits lies beyond
_MOST: Final = 2**50  # entries
_DEEPEST: Final = 4  # parts of a tensor within parts by case, within those of a role
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
    for name in _twice([one.name for one in tensors] + [f"{fact.subject}: {fact.name}" for fact in facts]):
        msg = f"{where} holds {name!r} twice"
        raise BaselineError(msg)
    for one in tensors:
        if _depth(one.reading.parts, _DEEPEST) > _DEEPEST:
            msg = f"{where} holds {one.name!r} with parts of parts deeper than {_DEEPEST}"
            raise BaselineError(msg)
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


def _twice(names: Sequence[str]) -> Iterator[str]:
    if len(set(names)) < len(names):
        yield next(name for name, count in Counter(names).items() if count > 1)


def _depth(parts: Sequence[Reading], most: int) -> int:
    """How deep parts lie in parts, as far as `most` and one more."""
    if not parts or most < 0:
        return 0
    return 1 + max(_depth(part.parts, most - 1) for part in parts)


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
    values = list(map(attrgetter(name), cases))
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:  # a whole number beyond the floats
        return np.array([math.inf if abs(value) > _HUGE else value for value in values], dtype=np.float64)


def _any(found: Iterator[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    broken: NDArray[np.bool_] = np.logical_or.reduce(list(found))
    return broken


def _odd(case: CaseStatistics) -> bool:
    if not all(map(_plain, case.case.values())) or (
        case.shape and not 0 <= min(case.shape) <= max(case.shape) <= _MOST
    ):
        return True
    numbers = [*case.depends.values(), *itertools.chain.from_iterable(case.marks.values())]
    return not all(abs(value) < _HUGE for value in numbers)


def _plain(value: Any) -> bool:
    if isinstance(value, int | str):
        return True
    if isinstance(value, list):
        return all(not isinstance(v, list | dict) and _plain(v) for v in value)
    return not isinstance(value, dict) and (not isinstance(value, float) or math.isfinite(value))
