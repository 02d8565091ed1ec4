"""How causes are written: numbers, shares, places and laws, for people."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.theory.variates import Constant, Normal, Orthogonal, TruncatedNormal, Uniform, UniformRange


def number(x: float) -> str:
    """Four digits, without a needless sign or exponent.

    >>> number(0.10399999), number(-0.0), number(65536.0)
    ('0.104', '0', '65536')
    """
    return f"{x + 0.0:.0f}" if x == round(x) and abs(x) < 1e6 else f"{x:.4g}"


def share(count: int, n: int) -> str:
    """A count as a share, in percent from one in a thousand on.

    >>> share(3, 4096), share(1024, 4096)
    ('3 of 4,096', '25 %')
    """
    return f"{100 * count / n:.3g} %" if count > 20 and count / n >= 1e-3 else f"{count:,} of {n:,}"


def of_values(count: int, n: int) -> str:
    """A count of values, as a share of all that were looked at.

    >>> of_values(3, 4096), of_values(1024, 4096), of_values(64, 64)
    ('3 of 4,096 values', '25 % of the values', 'all 64 values')
    """
    if count == n:
        return f"all {n:,} values"
    return f"{share(count, n)} of the values" if "%" in share(count, n) else f"{share(count, n)} values"


def law_text(law: Any) -> str:
    """A law as short as it can be pasted.

    >>> law_text(Normal(0.125)), law_text(TruncatedNormal(0.02))
    ('Normal(0.125)', 'TruncatedNormal(0.02, -2, 2)')
    """
    match law:
        case Normal(std=std, mean=0):
            return f"Normal({std:.6g})"
        case Normal(std=std, mean=mean):
            return f"Normal({std:.6g}, mean={mean:.6g})"
        case Uniform(bound=bound):
            return f"Uniform({bound:.6g})"
        case UniformRange(low=low, high=high):
            return f"UniformRange({low:.6g}, {high:.6g})"
        case TruncatedNormal(parent_std=std, low=low, high=high, parent_mean=mean):
            return f"TruncatedNormal({std:.6g}, {low:.6g}, {high:.6g}{f', {mean:.6g}' if mean else ''})"
        case Constant(value=value):
            return f"Constant({value:.6g})"
        case Orthogonal(gain=gain):
            return f"Orthogonal({gain:.6g})" if gain != 1 else "Orthogonal()"
    return repr(law)


def axis_words(axis: int, rank: int) -> tuple[str, str]:
    """One line across an axis, and several.

    >>> axis_words(0, 2), axis_words(2, 4)
    (('row', 'rows'), ('slice', 'slices (axis 2)'))
    """
    if rank == 2 or axis == 0:
        return (("row", "rows"), ("column", "columns"))[axis]
    return "slice", f"slices (axis {axis})"


def lines_of(mask: NDArray[np.bool_]) -> str:
    """The rows, columns or slices that a mask over a tensor marks whole, or its one entry; "" where it does neither.

    >>> lines_of(np.eye(4)[[1, 1, 1]] == 1), lines_of(np.eye(4) == 1), lines_of(np.arange(6).reshape(2, 3) == 4)
    ('column 1', '', 'entry (1, 1)')
    """
    if mask.sum() == 1:
        place = [int(i[0]) for i in np.nonzero(mask)]
        return f"entry {place[0]}" if len(place) == 1 else f"entry ({', '.join(map(str, place))})"
    for axis in range(mask.ndim) if mask.ndim > 1 else ():
        rest = tuple(a for a in range(mask.ndim) if a != axis)
        whole, some = mask.all(axis=rest), mask.any(axis=rest)
        if (whole == some).all():
            lines = np.flatnonzero(whole).tolist()
            one, many = axis_words(axis, mask.ndim)
            return f"{one if len(lines) == 1 else many} {places(lines)}"
    return ""


def places(indices: Sequence[int]) -> str:
    """Indices as ranges, the first few.

    >>> places([0, 1, 2, 3, 8]), places([5])
    ('0-3, 8', '5')
    """
    runs: list[list[int]] = []
    for i in indices:
        if runs and i == runs[-1][1] + 1:
            runs[-1][1] = i
        else:
            runs.append([i, i])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:4]]
    return ", ".join(shown) + (", ..." if len(runs) > 4 else "")
