"""The domain of a law or a claim: the values that each parameter may take, and the conditions between parameters.

The same `Domain` is what arguments are checked against, what the command enumerates (corners and keyed points) and what
the tests turn into a Hypothesis strategy, so a law is never checked outside the hypotheses it names.

Vocabulary: *range* (the values one parameter may take), *relation* (a condition between parameters).
"""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


def numbers(value: Any) -> Any:
    """`value` as float64 numbers, or None where it holds anything but real numbers: text, bools, objects, complex ones.

    >>> numbers([1, 2]).dtype, numbers(True), numbers("3")
    (dtype('float64'), None, None)
    """
    if type(value) is int:
        value = _nearest_float(value)
    try:
        x = np.asarray(value)
    except ValueError:  # a ragged list
        return None
    if x.dtype == object and all(type(element) is int for element in x.flat):  # some beyond int64
        x = np.array([_nearest_float(element) for element in x.flat]).reshape(x.shape)
    return x.astype(np.float64)[()] + 0.0 if x.dtype.kind in "iuf" else None  # + 0.0: no negative zero


def _nearest_float(value: int) -> float:
    """A whole number of any size as float64, infinite beyond the largest."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def printable(value: Any) -> str:
    """A value as an error prints it: on one line, cut where it is long.

    value: any.
    """
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return f"<{type(value).__name__}, too long to print>"
    except Exception:  # a user's class may have no repr that works
        return f"<{type(value).__name__}>"
    return text if len(text) <= 120 else f"{text[:100]} ... {text[-16:]}"


def nearest(value: Any, names: Iterable[Any]) -> str:
    """The names that look like an unknown one, in brackets, or nothing.

    value: what was given.
    names: those that there are.

    >>> nearest("gelo", ["relu", "gelu", "tanh"])
    ' (nearest: gelu, relu)'
    """
    if not isinstance(value, str):
        return ""
    known = [name for name in names if isinstance(name, str)]
    found = difflib.get_close_matches(value.partition(":")[0], known, n=3, cutoff=0.5)
    return f" (nearest: {', '.join(found)})" if found else ""


class Range(Protocol):
    """The values that one parameter may take."""

    def accepts(self, value: Any) -> bool:
        """Whether every element of `value` lies in the range."""
        ...

    def at(self, u: float) -> Any:
        """The point of the range at `u` in [0, 1]; `at(0)` and `at(1)` are its corners."""
        ...

    def __str__(self) -> str:
        """The range in words, as they follow `but should be`."""
        ...


@dataclass(frozen=True)
class Interval:
    """Real or whole numbers between two ends; `typical` narrows what `at` enumerates, never what is accepted.

    low, high: the ends.
    open_low, open_high: whether an end itself is left out.
    whole: whether only whole numbers are meant.
    typical: the ends between which cases are enumerated, where the range is wider than that.
    default: what the parameter is when it is left out.
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False
    whole: bool = False
    typical: tuple[float, float] | None = None
    default: float | None = None  # of a parameter that may be left out

    def accepts(self, value: Any) -> bool:
        x = numbers(value)
        if x is None:
            return False
        above = x > self.low if self.open_low else x >= self.low
        below = x < self.high if self.open_high else x <= self.high
        return bool(np.all(above & below) and (not self.whole or np.all((x == np.floor(x)) & np.isfinite(x))))

    def at(self, u: float) -> float | int:
        low, high = self.typical or (self.low, self.high)
        x = low * (high / low) ** u if low > 0 else low + (high - low) * u  # sizes and scales spread evenly in log
        x = min(max(x, low), high)
        return round(x) if self.whole else float(x)

    def __str__(self) -> str:
        noun = "a whole number" if self.whole else "a number"
        low = f"{'>' if self.open_low else '>='} {self.low:g}" if self.low > -math.inf else ""
        high = f"{'<' if self.open_high else '<='} {self.high:g}" if self.high < math.inf else ""
        unless = "" if self.default is None else f", {self.default:.4g} unless given"
        return " ".join(filter(None, [noun, " and ".join(filter(None, [low, high]))])) + unless


@dataclass(frozen=True)
class Choice:
    """One of a few named values.

    values: the names, in their order.
    """

    values: tuple[Any, ...]

    def accepts(self, value: Any) -> bool:
        return any(value is v or (type(value) is type(v) and value == v) for v in self.values)

    def at(self, u: float) -> Any:
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.values))}"


def at_least(low: float, *, whole: bool = True, typical: tuple[float, float] | None = None) -> Interval:
    """Numbers from `low` on, `low` included: whole ones (sizes, counts) unless said otherwise.

    low: the smallest.
    whole: whether only whole numbers are meant.
    typical: the ends between which cases are enumerated, where the range is wider than that.
    """
    return Interval(low=low, whole=whole, typical=typical)


def above(low: float, *, typical: tuple[float, float] | None = None) -> Interval:
    """Real numbers greater than `low`.

    low: the end that is left out.
    typical: the ends between which cases are enumerated, where the range is wider than that.
    """
    return Interval(low=low, open_low=True, typical=typical)


def between(low: float, high: float, *, whole: bool = False) -> Interval:
    """Numbers from `low` to `high`, both included.

    low, high: the ends.
    whole: whether only whole numbers are meant.
    """
    return Interval(low=low, high=high, whole=whole)


def one_of(*values: Any) -> Choice:
    """One of the values given.

    values: numbers or names, in their order.
    """
    return Choice(values)


def any_number() -> Interval:
    """Any number but NaN."""
    return Interval()


@dataclass(frozen=True)
class Relation:
    """A condition between parameters, with the words that a user reads when it fails.

    text: the condition in words.
    holds: a function of the parameters, as keywords, that says whether they meet it.
    """

    text: str  # e.g. "low < high"
    holds: Callable[..., Any]


class Domain:
    """The parameters of a law or claim, each with its range, and the relations between them.

    relations: conditions between parameters.
    ranges: parameter -> the range of its values.

    >>> Domain(fan_in=at_least(1)).check({"fan_in": 0}, where="he_normal.variance")
    Traceback (most recent call last):
    ValueError: fan_in=0, but should be a whole number >= 1 [he_normal.variance]
    """

    def __init__(self, *relations: Relation, **ranges: Range) -> None:
        self.relations: tuple[Relation, ...] = relations
        self.ranges: Mapping[str, Range] = ranges

    def check(self, params: Mapping[str, Any], *, where: str) -> None:
        """Raise `ValueError` in one line (`TypeError` for unknown or missing names) unless `params` lie inside.

        params: parameter -> value.
        where: the law or function that the error names.
        """
        for name in params.keys() - self.ranges.keys():
            msg = f"{name}=, but should be one of the parameters {', '.join(self.ranges) or '(none)'} [{where}]"
            raise TypeError(msg)
        for name, allowed in self.ranges.items():
            if name not in params:
                msg = f"{name} is missing, but should be {allowed} [{where}]"
                raise TypeError(msg)
            if not allowed.accepts(params[name]):
                near = nearest(params[name], getattr(allowed, "values", ()))
                msg = f"{name}={printable(params[name])}{near}, but should be {allowed} [{where}]"
                raise ValueError(msg)
        given = self.as_floats(params)
        for relation in self.relations:
            with np.errstate(over="ignore"):
                holds = np.all(relation.holds(**given))
            if not holds:
                msg = f"{listed(params)}, but should satisfy {relation.text} [{where}]"
                raise ValueError(msg)

    @property
    def defaults(self) -> dict[str, float]:
        """The parameters that may be left out, with what they are then."""
        known = {name: getattr(allowed, "default", None) for name, allowed in self.ranges.items()}
        return {name: value for name, value in known.items() if value is not None}

    def as_floats(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """`params` with every number as a float64 array: no rule meets float32, or integers that wrap around."""
        return {k: np.asarray(numbers(v)) if isinstance(self.ranges.get(k), Interval) else v for k, v in params.items()}


def listed(params: Mapping[str, Any]) -> str:
    """Parameters and their values, as an error prints them.

    params: parameter -> value.
    """
    return ", ".join(f"{k}={printable(v)}" for k, v in params.items())
