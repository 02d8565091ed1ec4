"""How the values of a normalised array are grouped, and which scale and shift each of them gets.

Every norm here sees its input as rows of `inner * repeats` values that share one mean and one variance. Row r uses row
`r % period` of the scale and shift tables, each of whose `inner` entries holds for `repeats` values in turn.

| norm | one row is | period | inner | repeats |
|---|---|---|---|---|
| layer, RMS | the normalised axes of one sample | 1 | all | 1 |
| batch | one channel over batch and positions | channels | 1 | all |
| group | one group of channels of one sample | groups | channels/groups | positions |
| instance | one channel of one sample | channels | 1 | positions |
"""

import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from varlaw.impl.arguments import is_bool, refuse, refuse_type, whole


class Rows(NamedTuple):
    """The grouping of one norm."""

    period: int
    inner: int
    repeats: int

    @property
    def length(self) -> int:
        """Values that share a mean and a variance."""
        return self.inner * self.repeats


def normalised_axes(axes: Any, rank: int, where: str) -> tuple[int, ...]:
    """`axes` as increasing non-negative ints, each an axis of an array of this rank."""
    given = axes if isinstance(axes, Sequence) and not isinstance(axes, str) else (axes,)
    found = set()
    for axis in given:
        try:
            place = operator.index(axis)
        except TypeError:
            refuse_type("axes", axes, "a whole number or several", where)
        if is_bool(axis):
            refuse_type("axes", axes, "a whole number or several", where)
        if not -rank <= place < rank:
            refuse("axes", axes, f"axes of an array of {rank} axes", where)
        found.add(place % rank)
    if not found or len(found) != len(given):
        refuse("axes", axes, "one axis or several different ones", where)
    return tuple(sorted(found))


def channel_rows(shape: tuple[int, ...], groups: Any, where: str) -> Rows:
    """The grouping of a (batch, channels, *positions) array into groups of channels."""
    if len(shape) < 2:
        refuse("x.shape", shape, "(batch, channels, *positions)", where)
    count = whole("groups", groups, where, low=1)
    if shape[1] % count:
        refuse("groups", count, f"a divisor of the {shape[1]} channels", where)
    return filled(Rows(count, shape[1] // count, math.prod(shape[2:])), shape, where)


def filled(rows: Rows, shape: tuple[int, ...], where: str) -> Rows:
    """`rows`, refused when a mean would be taken over nothing."""
    if rows.length == 0:
        refuse("x.shape", shape, "with at least one value to take a mean over", where)
    return rows


def fitting(name: str, got: tuple[int, ...], wanted: tuple[int, ...], where: str) -> None:
    """Refuse a scale, shift or running statistic of another shape than the norm needs."""
    if got != wanted:
        refuse(f"{name}.shape", got, f"{wanted}", where)
