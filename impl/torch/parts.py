"""Parts of a parameter: boxes of whole rows, columns, gates, that a rule may be about and a shard may hold."""

import itertools
import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

from varlaw.impl.arguments import is_bool, refuse, refuse_type

Box: TypeAlias = tuple[tuple[int, int], ...]  # first and end along each axis


def whole_of(shape: Sequence[int]) -> Box:
    """The box that is all of a shape."""
    return tuple((0, size) for size in shape)


def sizes_of(box: Box) -> tuple[int, ...]:
    """The shape of a box."""
    return tuple(end - first for first, end in box)


def box_of(part: Any, names: str, shape: tuple[int, ...], where: str) -> Box:
    """The box that a rule's `part` means in a parameter whose equal parts along its first axis have these names.

    >>> box_of("f", "ifgo", (8, 3), "example"), box_of((slice(None), -1), "", (8, 3), "example")
    (((2, 4), (0, 3)), ((0, 8), (2, 3)))
    """
    if part is None:
        return whole_of(shape)
    if isinstance(part, str):
        if len(part) != 1 or part not in names:
            known = ", ".join(map(repr, names))
            refuse("part", part, f"{f'one of {known}, or ' if names else ''}an index into {shape}", where)
        size, place = shape[0] // len(names), names.index(part)
        return ((place * size, (place + 1) * size), *whole_of(shape[1:]))
    given = part if isinstance(part, tuple) else (part,)
    if not 0 < len(given) <= len(shape):
        refuse("part", part, f"an index into {shape}", where)
    ends = [_ends(index, size, part, where) for index, size in zip(given, shape, strict=False)]
    return (*ends, *whole_of(shape[len(given) :]))


def _ends(index: Any, size: int, part: Any, where: str) -> tuple[int, int]:
    if isinstance(index, slice):
        if index.step not in (None, 1):
            refuse("part", part, "in steps of 1", where)
        first = 0 if index.start is None else _place(index.start, size, part, where)
        end = size if index.stop is None else _place(index.stop, size, part, where)
    else:
        first = _place(index, size, part, where)
        end = first + 1
    if not 0 <= first < end <= size:
        refuse("part", part, f"at least one and at most the {size} that the axis has", where)
    return first, end


def _place(index: Any, size: int, part: Any, where: str) -> int:
    """A place counted from the start, from one that may count from the end."""
    if is_bool(index):
        refuse_type("part", part, "whole numbers and slices", where)
    try:
        place = operator.index(index)
    except TypeError:
        refuse_type("part", part, "whole numbers and slices", where)
    return place + size if place < 0 else place


def uncovered(box: Box, boxes: Sequence[Box]) -> Box | None:
    """A part of `box` that lies in none of the boxes, or None."""
    if not boxes:
        return box
    if box in boxes:
        return None
    cuts = [
        sorted({first, end, *(cut for other in boxes for cut in other[axis] if first < cut < end)})
        for axis, (first, end) in enumerate(box)
    ]
    for cell in itertools.product(*(itertools.pairwise(cut) for cut in cuts)):
        if not any(_holds(other, cell) for other in boxes):
            return cell
    return None


def _holds(outer: Box, inner: Box) -> bool:
    return all(a <= c and d <= b for (a, b), (c, d) in zip(outer, inner, strict=True))


def meeting(box: Box, other: Box) -> Box | None:
    """What two boxes share, or None where that is nothing."""
    shared = tuple((max(a, c), min(b, d)) for (a, b), (c, d) in zip(box, other, strict=True))
    return shared if all(first < end for first, end in shared) else None


def written(box: Box) -> str:
    """A box as an index.

    >>> written(((0, 4), (2, 3)))
    '[0:4, 2:3]'
    """
    return f"[{', '.join(f'{first}:{end}' for first, end in box)}]"
