"""What a clip owes its caller, whatever the backend: policies, rounding slack, and the axes of a unit.

A norm that exceeds the limit by no more than the rounding of one multiplication in the coarsest dtype present
counts as the limit itself. Without that, a clipped gradient whose norm rounds to just above the limit would be clipped
again, and no clip in floating point would be idempotent.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from varlaw.impl.arguments import choice, refuse, refuse_type
from varlaw.impl.fans import LAYOUTS

POLICIES = ("raise", "zero", "skip")

# relative excess over the limit that is rounding: a few units of the dtype, and of a long sum in float64; for float32
# twice the 4 units by which a norm summed in blocks was seen to differ, before and after the clip
SLACK = {"float64": 2.0**-46, "float32": 2.0**-21, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def slack(names: Iterable[str]) -> float:
    """The slack of the coarsest of these dtypes."""
    return max([SLACK[name] for name in names] or [SLACK["float64"]])


def listed(name: str, given: Any, array: type, where: str) -> list[Any]:
    """`given` as a list of arrays and Nones, at least one entry long."""
    one = isinstance(given, (array, str, bytes, dict)) or getattr(given, "ndim", 1) == 0
    if one or not isinstance(given, Iterable):
        refuse_type(name, given, f"a sequence of {array.__name__}", where)
    leaves = list(given)
    if not leaves:
        refuse(name, leaves, "at least one gradient", where)
    if not set(map(type, leaves)) <= {array, type(None)}:  # rarely
        for i, leaf in enumerate(leaves):
            if leaf is not None and not isinstance(leaf, array):
                refuse_type(f"{name}[{i}]", leaf, f"a {array.__name__} or None", where)
    return leaves


# layout: the axes that number the units of a weight of this rank; axis 0 elsewhere
_KEPT: dict[str | None, Callable[[int], Sequence[int]]] = {
    "(in, out)": lambda rank: (1,),
    "conv_transpose": lambda rank: (1,),
    "embedding": lambda rank: range(rank - 1),
    "experts": lambda rank: range(rank - 1),
    "(experts, in, out)": lambda rank: (*range(rank - 2), rank - 1),
}


def unit_axes(shape: tuple[int, ...], layout: str | None, where: str) -> tuple[int, ...]:
    """The axes that one output unit's weights span: all but the output axis of the layout; all of a bias or scalar."""
    if layout is not None:
        choice("layout", layout, LAYOUTS, where)
    if len(shape) < 2:
        return tuple(range(len(shape)))
    kept = _KEPT[layout](len(shape)) if layout in _KEPT else (0,)
    return tuple(axis for axis in range(len(shape)) if axis not in kept)
