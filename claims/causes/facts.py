"""What needs no chance: values that are not finite, that are all the same, that no seed changes, that nobody wrote."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.causes.words import axis_words, number, of_values
from varlaw.theory.variates import Constant

Floats = NDArray[np.float64]

TELLING = 16  # entries, from which two equal tensors are no chance; or tensors
_PATTERN = -1.2345678e-3  # put into memory that is then given back: who hands it out has written nothing
_ODD = (1e-30, 1e30)  # relative to the law's scale: sizes that no initialiser writes and left-over bits have


def found(tensors: Sequence[Floats], law: Any, seeds: Sequence[int] = ()) -> str:
    """The fact that decides these tensors of different seeds at once, in words; "" where there is none."""
    constant = isinstance(law, Constant)
    searches: tuple[Callable[[], str], ...] = (
        lambda: _left_over(tensors, abs(law.mean) or getattr(law, "std", 1.0)),
        lambda: _not_finite(tensors, seeds),
        lambda: _one_value(tensors),
        lambda: "" if constant else _never_changing(tensors, seeds),
    )
    return next(filter(None, (search() for search in searches)), "")


def _not_finite(tensors: Sequence[Floats], seeds: Sequence[int]) -> str:
    bad = next((i for i, x in enumerate(tensors) if not np.isfinite(x).all()), None)
    if bad is None:
        return ""
    x = tensors[bad]
    counts = {"NaN": int(np.isnan(x).sum()), "infinite": int(np.isinf(x).sum())}
    where = "".join([_all_in(~np.isfinite(x)), f" (seed {seeds[bad]})" if seeds else ""])
    told = [f"{of_values(n, x.size)} {'is' if n == 1 else 'are'} {word}" for word, n in counts.items() if n]
    return " and ".join(told) + where


def _all_in(mask: NDArray[np.bool_]) -> str:
    """The line that holds all of what is marked, where one does."""
    for axis in range(mask.ndim) if mask.ndim > 1 and not mask.all() else ():
        lines = np.flatnonzero(mask.any(axis=tuple(a for a in range(mask.ndim) if a != axis)))
        if len(lines) == 1 and mask.sum() > 1:
            return f", all in {axis_words(axis, mask.ndim)[0]} {lines[0]}"
    return ""


def _left_over(tensors: Sequence[Floats], scale: float) -> str:
    """Bits that were in memory before read as numbers of absurd sizes, denormals above all."""
    x = np.abs(np.concatenate([t.ravel() for t in tensors]))
    sizes = x[(x > 0) & (x < np.inf)] / (scale or 1.0)
    odd = sizes[(sizes < _ODD[0]) | (sizes > _ODD[1])]
    if len(odd) < 3 or (len(odd) < 0.01 * x.size and len(set(odd.tolist())) > len(odd) / 2):
        return ""
    return f"never written: {of_values(len(odd), x.size)} are like {odd[0] * (scale or 1.0):.3g}, left in memory"


def _one_value(tensors: Sequence[Floats]) -> str:
    if not all((x == x.flat[0]).all() for x in tensors) or tensors[0].size == 1:
        return ""
    values, n = {float(x.flat[0]) for x in tensors}, sum(x.size for x in tensors)
    if len(values) == 1:
        return f"all {n:,} values are {number(values.pop())}"
    return f"every tensor holds one value only, {number(tensors[0].flat[0])} in the first"


def _never_changing(tensors: Sequence[Floats], seeds: Sequence[int]) -> str:
    if len(tensors) < 2 or any(x.tobytes() != tensors[0].tobytes() for x in tensors):
        return ""
    if tensors[0].size < TELLING and len(tensors) < TELLING:
        return ""
    which = f" (seeds {seeds[0]} and {seeds[1]})" if seeds else ""
    return f"the values never change: every seed gives the same tensor{which}"


def never_written(draw: Callable[[], Floats], shape: tuple[int, ...]) -> str:
    """Whether `draw` returns memory as it found it: a pattern that was put there comes back; "" where none does."""
    for dtype in (np.float64, np.float32, np.float16):
        pattern = dtype(_PATTERN)
        for _ in range(3):
            blocks = [np.full(shape, pattern) for _ in range(4)]
            del blocks
            x = draw()
            count = int((x == float(pattern)).sum())
            if count > x.size // 2:
                return f"never written: {of_values(count, x.size)} were in memory before the call"
    return ""
