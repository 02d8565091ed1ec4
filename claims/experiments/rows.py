"""A row: which law an experiment is held to, which of its numbers show it, and how.

Vocabulary: *quantity* (the numbers of one name that an experiment returns), *shows* (what of the numbers the law
speaks of: their mean, their variance, each of them, or the largest of them).
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from varlaw.claims.claim import Case
from varlaw.evidence import averages
from varlaw.evidence.budget import Policy

Given = Callable[[Mapping[str, Any]], Mapping[str, Any]]  # the case -> the law's arguments
Number = Callable[[Mapping[str, Any]], float]


class Shows(enum.Enum):
    """What of the numbers the law speaks of."""

    MEAN = "mean"
    VARIANCE = "variance"  # decided by half the squared differences of independent pairs, whose mean it is
    EACH = "each"  # every number is the law's, but for rounding
    LIMIT = "limit"  # no number exceeds the law's


def _itself(value: float, case: Case) -> float:
    return value


@dataclass(frozen=True, kw_only=True)
class Row:
    """A law and the quantity of an experiment that shows it.

    `given` sees the case and, where each number is compared, the other quantities, so that a law may speak of what was
    drawn. `expected` turns the law's number into the mean of the quantity, where they differ. The error that must be
    found is (1 + delta)^power - 1 of `scale`, which is |expected| unless it is given.
    """

    law: str
    of: str
    given: Given
    shows: Shows = Shows.MEAN
    expected: Callable[[Any, Mapping[str, Any]], Any] = _itself
    scale: Number | None = None
    power: int = 2
    band: Number | None = None  # by how much of the scale the mean may be off lawfully: a law's own error at this size
    basis: str = ""  # of the band: "derived: ...", or "measured: ..." and tried in tests/claims/test_convergence.py
    roundings: int = 64  # roundings to the dtype, each of the scale, that what is computed may be off by
    kurtosis: float = 30.0  # of the numbers, at most
    block: int = averages.BLOCK  # runs at a time: fewer where one is long
    place: str = ""  # the quantity that says where each number was taken, for the record of one that is off
    name: str = ""  # of the claim, where a law has several
    dtypes: tuple[str, ...] = ("float32",)
    unless: Callable[[Mapping[str, Any], Policy], str] | None = None  # why a case is not decided at a policy, or ""


def mean(law: str, of: str, given: Given, **options: Any) -> Row:
    """The law is the mean of the quantity: a moment, or a probability where it is 0 or 1."""
    return Row(law=law, of=of, given=given, **options)


def variance(law: str, of: str, given: Given, **options: Any) -> Row:
    """The law is the variance of the quantity."""
    return Row(law=law, of=of, given=given, shows=Shows.VARIANCE, **options)


def each(law: str, of: str, given: Given, **options: Any) -> Row:
    """Every number is the law's, but for rounding."""
    return Row(law=law, of=of, given=given, shows=Shows.EACH, **{"dtypes": ("float64", "float32"), **options})


def limit(law: str, of: str, given: Given, **options: Any) -> Row:
    """No number exceeds the law's."""
    return Row(law=law, of=of, given=given, shows=Shows.LIMIT, **{"dtypes": ("float64", "float32"), **options})


def nothing(case: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a law without parameters."""
    return {}


def taking(*names: str, **others: str) -> Given:
    """The law's arguments are the case's: those of the same name, and `law_name="case_name"` for the rest."""
    return lambda case: {name: case[name] for name in names} | {name: case[of] for name, of in others.items()}


def over_width(times: float) -> Number:
    """The error of a law of infinite width, relative to what it is measured in."""
    return lambda case: times / float(case["width"])
