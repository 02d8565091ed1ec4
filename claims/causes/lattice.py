"""Values on a grid, of a narrower format, few of them, or one of them far too often: zeros, limits, spikes."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.causes.draws import Draws, Floats
from varlaw.claims.causes.words import lines_of, number, of_values, share
from varlaw.evidence.formats import FORMATS

_FEW = 16  # different values that are named one by one
_OFTEN = 8  # times that one value comes up, at least, to be too often
_POOL = 16  # draws for each different value, from which these are few
_NEAR = 64  # steps from 0 that show a grid


@dataclass(frozen=True)
class Spot:
    """A value that comes up too often."""

    value: float
    count: int


def spots(draws: Draws) -> list[Spot]:
    """The values that come up too often, commonest first; none where there are only a few different ones."""
    values, counts = np.unique(draws.flat, return_counts=True)
    if len(values) <= _FEW:
        return []
    lawful = draws.flat.size * draws.point
    chance = 8 * np.median(counts) + 24 if draws.fmt.digits < 24 else lawful + 8 * math.sqrt(lawful)
    limit = max(_OFTEN, chance, 4 * float(np.median(counts)))
    often = [i for i in np.argsort(-counts)[:4].tolist() if counts[i] > max(limit, _beside(counts, i))]
    return [Spot(float(values[i]), int(counts[i])) for i in often]


def _beside(counts: NDArray[np.int64], i: int) -> float:
    """Of 16 bits the values about 0 or a power of 2 have wide cells: eight times their like is too often."""
    near = np.delete(counts[max(0, i - 4) : i + 5], min(i, 4))
    return 8.0 * float(np.median(near))


def told(draws: Draws, often: list[Spot], std: float) -> Iterator[str]:
    """The values that come up too often, in words; zeros with their place, limits in sigmas of `std`."""
    low, high = float(draws.flat.min()), float(draws.flat.max())
    edge = 1.5 * float(np.quantile(np.abs(draws.flat), 0.999 if draws.flat.size > 1000 else 0.9))
    clamped = [s for s in often if s.value and s.value in (low, high) and abs(s.value) <= edge]
    if clamped:
        count = sum(s.count for s in clamped)
        ends = " or ".join(number(s.value) for s in sorted(clamped, key=lambda s: s.value))
        sigmas = f", {number(abs(clamped[0].value) / std)} sigmas of the law" if std else ""
        yield f"clamped (clipped): {of_values(count, draws.flat.size)} are exactly {ends}{sigmas}"
    for spot in often:
        if spot not in clamped:
            where = _place(draws, spot.value) or (": spikes" if abs(spot.value) > edge else "")
            yield f"{of_values(spot.count, draws.flat.size)} are exactly {number(spot.value)}{where}"


def _place(draws: Draws, value: float) -> str:
    """Where in a tensor the value stands, if always at the same places."""
    masks = draws.stack == value
    if not (masks == masks[0]).all() or not masks[0].any():
        return ""
    mask = masks[0]
    if lines := lines_of(mask):
        return f": {lines}"
    return _side(mask) if mask.ndim == 2 else ", always at the same places"


def _side(mask: NDArray[np.bool_]) -> str:
    if not np.tril(mask).any():
        return ": above the diagonal"
    return ": below the diagonal" if not np.triu(mask).any() else ", always at the same places"


def found(draws: Draws, explained: bool) -> Iterator[str]:
    """Few values, a grid, a narrower format or, unless that is `explained`, values used again: the first that holds."""
    values, counts = np.unique(draws.flat, return_counts=True)
    if len(values) <= _FEW < draws.flat.size:
        yield f"only {len(values)} different values: {_listed(values, counts)}{_signs(values, counts)}"
        return
    if step := _step(values, draws) or _small_steps(values, counts, draws):
        through = abs(values[0] / step - round(values[0] / step)) < 1e-3
        steps = f"are multiples of {number(step)}{_power(step)}" if through else f"lie {number(step)} apart"
        yield f"all values {steps}: a grid of {len(values):,} different values"
    elif narrow := _narrower(values, draws):
        yield f"all values are numbers of {narrow}, in {draws.fmt.name}"
    elif draws.fmt.digits >= 24 and not explained and len(values) < draws.flat.size / _POOL:
        yield f"only {len(values):,} different values in {draws.flat.size:,} draws, not evenly spaced"
    elif not explained and (again := _again(draws)):
        yield again


def _listed(values: Floats, counts: NDArray[np.int64]) -> str:
    most = np.argsort(-counts)[:4]
    n = int(counts.sum())
    shown = [f"{number(values[i])} ({share(int(counts[i]), n)})" for i in sorted(most.tolist())]
    return ", ".join(shown) + (", ..." if len(values) > 4 else "")


def _signs(values: Floats, counts: NDArray[np.int64]) -> str:
    fair = (
        len(values) == 2 and values[0] == -values[1] and abs(int(counts[0]) - int(counts[1])) < 7 * counts.sum() ** 0.5
    )
    return ", fair signs (Rademacher)" if fair else ""


def _step(values: Floats, draws: Draws) -> float:
    """The step of which all values are multiples, where far fewer numbers lie on it than the format has; else 0."""
    gaps = np.diff(values)
    step = float(gaps.min()) if len(gaps) > _FEW else 0.0
    if step <= 0:
        return 0.0
    offset = values - values[0] - np.round((values - values[0]) / step) * step
    tolerance = 1e-3 * step
    levels = (values[-1] - values[0]) / step
    few = levels < min(draws.flat.size / 2, 2.0 ** (draws.fmt.digits - 1))
    wide = step > 4 * draws.fmt.spacing(float(np.abs(values).max()))
    return step if few and wide and float(np.abs(offset).max()) < tolerance else 0.0


def _small_steps(values: Floats, counts: NDArray[np.int64], draws: Draws) -> float:
    """The step of a grid that is seen about 0 only, where 16 bits are finer than elsewhere."""
    sizes = np.abs(values)
    least = float(sizes[sizes > 0].min()) if (sizes > 0).any() else 0.0
    near = sizes <= _NEAR * least
    multiples = np.round(sizes[near] / (least or 1.0)) * least == sizes[near]
    coarse = least > _FEW * draws.fmt.spacing(least) and counts[near].sum() > 2 * _NEAR
    return least if coarse and multiples.all() else 0.0


def _power(step: float) -> str:
    inverse = 1 / step
    if abs(inverse - round(inverse)) > 1e-6 * inverse or inverse < 3:
        return ""
    exponent = math.log2(round(inverse))
    return f" = 2^-{int(exponent)}" if exponent == int(exponent) else f" = 1/{round(inverse)}"


def _narrower(values: Floats, draws: Draws) -> str:
    for name in ("bfloat16", "float16"):
        fmt = FORMATS[name]
        if fmt.digits < draws.fmt.digits and (fmt.round_all(values) == values).all():
            return name
    return ""


def _again(draws: Draws) -> str:
    """Values that come up again though the format has room for others."""
    x = draws.first.ravel()[: 1 << 16]
    if draws.fmt.digits < 24 or x.size < 64:
        return ""
    copies, lawful = x.size - len(np.unique(x)), max(_OFTEN, 4 * x.size * x.size * draws.point)
    if copies <= lawful:
        sizes = x.size - len(np.unique(np.abs(x)))
        often = sizes > lawful
        return f"{of_values(sizes, x.size)} are, but for their sign, there before" if often else ""
    return f"{of_values(copies, x.size)} of a tensor are there before: values are used again"
