"""Tensors in parts: "qkv.weight[0/3]" is the first third of a tensor, "qkv.weight[:64]" its first 64 rows.

The bounds of a slice may be sums and products of numbers and of the case's own: "[width:2*width]". Parts lie along the
first axis, or along the one that is named: "kernel[0/3, axis=1]". What no slice names is a part of its own, so that it
is missed where it has no law. Names may be globs; a bracket without "/" or ":" is a set of characters: "[qk].weight".
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from varlaw.subjects.subject import Array, Case

_PART = re.compile(r"(?P<whole>.+)\[(?P<which>[^][/:,]*[/:][^][/:,]*)(, ?axis=(?P<axis>\d))?\]")

Span = tuple[str, int, int]  # what a part is called, and where it begins and ends


@dataclass(frozen=True)
class Part:
    """One part of a tensor as a law names it: `which` is "0/3", "*/3" or "a:b"."""

    whole: str
    which: str
    axis: int

    def named(self, whole: str, which: str) -> str:
        """The name of a part along the same axis."""
        return f"{whole}[{which}{f', axis={self.axis}' if self.axis else ''}]"


def part_of(name: str) -> Part | None:
    """The part that a name speaks of, None where it speaks of a whole tensor.

    >>> part_of("qkv.weight[0/3]")
    Part(whole='qkv.weight', which='0/3', axis=0)
    """
    found = _PART.fullmatch(name)
    return Part(found["whole"], found["which"].replace(" ", ""), int(found["axis"] or 0)) if found else None


def parts_in(names: Iterable[str]) -> tuple[Part, ...]:
    """The parts that names speak of."""
    return tuple(filter(None, map(part_of, names)))


def written(name: str) -> str:
    """The name as the parts of a tensor are called, however it is spaced."""
    part = part_of(name)
    return part.named(part.whole, part.which) if part else name


def matches(name: str, glob: str) -> bool:
    """Whether a tensor's name is the glob's; the bracket of a part is itself."""
    part = part_of(glob)
    plain = glob if part is None else f"{part.whole}[[]{glob.removeprefix(part.whole)[1:]}"
    return name == glob or fnmatch.fnmatchcase(name, plain)


def is_glob(name: str) -> bool:
    """Whether a law's name may speak of several tensors."""
    part = part_of(name)
    return any(c in (part.whole if part else name) for c in "*?[") or (part is not None and "*" in part.which)


def cut(name: str, x: Array, parts: Iterable[Part], case: Case) -> Iterator[tuple[str, Array]]:
    """A tensor, or its parts by name, and what is between them."""
    mine = [part for part in parts if matches(name, part.whole)]
    if not mine:
        yield name, x
        return
    axis = mine[0].axis
    side = x.shape[axis] if axis < len(x.shape) else 0
    for which, start, stop in _spans(name, tuple(x.shape), mine, side, case):
        yield mine[0].named(name, which), x[(slice(None),) * axis + (slice(start, stop),)]


def _spans(name: str, shape: tuple[int, ...], mine: list[Part], side: int, case: Case) -> list[Span]:
    equal = [part for part in mine if "/" in part.which]
    if equal:
        many = int(equal[0].which.partition("/")[2])
        if many < 1 or not side or side % many:
            msg = f"{name} of shape {shape} has no {many} equal parts along axis {mine[0].axis}"
            raise ValueError(msg)
        step = side // many
        return [(f"{i}/{many}", i * step, (i + 1) * step) for i in range(many)]
    named = [(part.which, *_bounds(part, name, shape, side, case)) for part in mine]
    return [*named, *_between(named, side)]


def _bounds(part: Part, name: str, shape: tuple[int, ...], side: int, case: Case) -> tuple[int, int]:
    """Where a slice begins and ends; `ValueError` where it is empty or reaches beyond the tensor."""
    ends = []
    for text in part.which.split(":"):
        try:
            ends.append(int(eval(text, {"__builtins__": {}}, dict(case))) if text else None)  # as the texts of laws are
        except Exception as error:
            msg = f"the part {part.which!r} of {name} cannot be computed: {error}"
            raise ValueError(msg) from error
    start, stop, _ = slice(*ends).indices(side)
    if start >= stop or any(end is not None and abs(end) > side for end in ends):
        msg = f"{name} of shape {shape} has no part {part.which} along axis {part.axis}"
        raise ValueError(msg)
    return start, stop


def _between(named: list[Span], side: int) -> Iterator[Span]:
    """What no slice names."""
    at = 0
    for _, start, stop in [*sorted(named, key=lambda span: span[1]), ("", side, side)]:
        if at < start:
            yield f"{at}:{start}", at, start
        at = max(at, stop)
