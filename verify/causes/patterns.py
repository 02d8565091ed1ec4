"""Dependence and unevenness: what entries have to do with their neighbours, their line and their place.

Each is looked at on normal scores of the ranks of all values, so that no family and no scale is presumed.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from varlaw.verify.causes.draws import Draws, Floats
from varlaw.verify.causes.words import axis_words, number, places

_SIGMAS = 7.0  # from which a statistic is no chance, however many are looked at
_LAGS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64)
_PARTS = (2, 3, 4)
_WALK = 0.9  # correlation of neighbours, from which values wander
_SPREAD = 4  # places with half of the largest correlation, from which it is not one of neighbours


@dataclass(frozen=True)
class Scores:
    """Normal scores, tensors x rows x columns, and the tensors' own rank and values."""

    z: Floats
    raw: Floats
    rank: int


def scores(draws: Draws) -> Scores:
    """The normal score of each value's rank among all."""
    from scipy.special import ndtri

    _, which, counts = np.unique(draws.flat, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[which.ravel()]  # equal values share a rank
    return Scores(ndtri(ranks / (draws.flat.size + 1)).reshape(draws.grids.shape), draws.grids, len(draws.shape))


def found(draws: Draws) -> Iterator[str]:
    """What is uneven or dependent, in words."""
    s = scores(draws)
    near = next(_neighbours(s), None)
    if near and not near.lasting:
        yield near.text
    elif told := _lines(s, draws.shape) or _tensors(s) or _place(s) or (near.text if near else ""):
        yield told


# -- uneven ------------------------------------------------------------------------------------------------------------


def _tensors(s: Scores) -> str:
    flat, raw = s.z.reshape(len(s.z), -1), s.raw.reshape(len(s.raw), -1)
    if flat.shape[1] < 4 or len(flat) < 2:
        return ""
    if _over(_energies(flat)) > _SIGMAS:
        widths = raw.std(axis=1)
        return f"tensors differ in scale: stds from {number(float(widths.min()))} to {number(float(widths.max()))}"
    if _over(_sums(flat)) > _SIGMAS:
        means = raw.mean(axis=1)
        ends = f"from {number(float(means.min()))} to {number(float(means.max()))}"
        return f"tensors differ in mean: {ends}, each shifted as a whole"
    if _under(_sums(flat)):
        return "the mean of each tensor is nearer to the law's than chance allows (stratified, antithetic or centred)"
    if _under(_energies(flat)):
        return "each tensor's mean square is nearer to the law's than chance allows (normalised or stratified)"
    return ""


def _energies(lines: Floats) -> Floats:
    """Mean squares of lines of independent scores, standardised."""
    n = lines.shape[-1]
    standard: Floats = ((lines**2).sum(axis=-1) - n) / math.sqrt(2 * n)
    return standard


def _sums(lines: Floats) -> Floats:
    sums: Floats = lines.sum(axis=-1) / math.sqrt(lines.shape[-1])
    return sums


def _over(standard: Floats) -> float:
    """How far the mean square of standard numbers is above 1, in (upper bounds of) its own standard deviations."""
    return float(
        ((standard**2).sum() - standard.size) / math.sqrt(5 * standard.size + 15)
    )  # lines of 4 entries or more


def _under(standard: Floats) -> bool:
    """Whether so many standard numbers lie so near to 0 by a chance below 1e-12, bounded by their density."""
    n, square = standard.size, float((standard**2).mean())
    return n >= 8 and square < 1 and n / 2 * (square - 1 - math.log(max(square, 1e-300))) > 28


@dataclass(frozen=True)
class _Lines:
    """Scores and values as tensors x lines x entries of a line, with the words for one line and several."""

    z: Floats
    raw: Floats
    one: str
    many: str


def _views(s: Scores, shape: tuple[int, ...]) -> Iterator[_Lines]:
    """Rows and columns; of a kernel its axes and its taps, which are the last axes or the first."""
    rank = len(shape)
    if rank < 2:
        return
    cuts: dict[tuple[str, str], tuple[int, ...]] = {axis_words(0, 2): (0,), axis_words(1, 2): (1,)}
    if rank > 2:
        cuts = {axis_words(0, rank): (0,), axis_words(1, rank): (1,), ("tap", "taps"): tuple(range(2, rank))}
        cuts[("tap", "taps (first axes)")] = tuple(range(rank - 2))
    for (one, many), axes in cuts.items():
        z, raw = (_moved(x.reshape(-1, *shape), axes) for x in (s.z, s.raw))
        if z.shape[1] > 1 and z.shape[2] * len(z) >= 4:
            yield _Lines(z, raw, one, many)


def _moved(x: Floats, axes: tuple[int, ...]) -> Floats:
    moved = np.moveaxis(x, [a + 1 for a in axes], range(1, len(axes) + 1))
    return moved.reshape(len(x), math.prod(moved.shape[1 : len(axes) + 1]), -1)


def _lines(s: Scores, shape: tuple[int, ...]) -> str:
    """How lines differ in the same way in every tensor, else how each tensor's differ or are too much alike."""
    views = list(_views(s, shape))
    fixed = [told for view in views for told in _fixed_lines(view)]
    drawn = [] if fixed else [told for view in views if view.z.shape[2] >= 4 for told in _drawn_lines(view)]
    strongest = max(fixed or drawn, default=(0.0, ""))
    return strongest[1] if strongest[0] > _SIGMAS else _too_even(views)


def _fixed_lines(view: _Lines) -> Iterator[tuple[float, str]]:
    """Lines that are wide, or shifted, in every tensor: more than they differ between tensors."""
    values = np.swapaxes(view.raw, 0, 1).reshape(view.z.shape[1], -1)  # a line of all tensors
    if (strength := _lasting(_energies(view.z))) > _SIGMAS:
        yield strength, f"{view.many} differ in scale: {_which(values.std(axis=1), 'std', view)}"
    if (strength := _lasting(_sums(view.z))) > _SIGMAS:
        yield strength, f"{view.many} differ in mean: {_which(values.mean(axis=1), 'mean', view)}"


def _lasting(standard: Floats) -> float:
    """How far lines (the last axis) differ in the mean over tensors, in standard deviations of what chance allows."""
    tensors, spread = len(standard), 1.0
    if tensors >= 4:
        spread = max(1.0, float(standard.var(axis=0, ddof=1).mean()))
    means = standard.mean(axis=0) * math.sqrt(tensors / spread)
    return max(_over(means), float(np.abs(means).max()) - 2.0)


def _which(sizes: Floats, word: str, view: _Lines) -> str:
    """The blocks of lines that differ, or the line that stands out."""
    for parts in (2, 3, 4):
        if len(sizes) % parts == 0 and len(sizes) > 2 * parts and (told := _in_blocks(sizes.reshape(parts, -1), view)):
            return f"{word} {told}"
    middle = float(np.median(sizes))
    i = int(np.abs(sizes - middle).argmax())
    return f"{view.one} {i} has the {word} {number(float(sizes[i]))}, the middle one {number(middle)}"


def _in_blocks(sizes: Floats, view: _Lines) -> str:
    """Blocks of lines (a row each) that differ by much more than lines do within them."""
    within = float((sizes - sizes.mean(axis=1, keepdims=True)).std())
    if sizes.mean(axis=1).std() <= 4 * within / math.sqrt(sizes.shape[1]) or within > sizes.std() / 2:
        return ""
    n, many = sizes.shape[1], view.many.partition(" (")[0]
    means = [float(f"{mean:.3g}") for mean in sizes.mean(axis=1).tolist()]
    shown = [f"{number(mean)} in {many} {places(range(k * n, (k + 1) * n))}" for k, mean in enumerate(means)]
    return ", ".join(shown)


def _drawn_lines(view: _Lines) -> Iterator[tuple[float, str]]:
    """Lines whose scale or mean is drawn anew in each tensor."""
    z, many = view.z, view.many
    even = z / np.sqrt((z**2).mean(axis=(1, 2), keepdims=True))  # tensors may differ, too
    if (strength := _over(_energies(even))) > _SIGMAS:
        widths = view.raw.std(axis=2)
        ends = f"from {number(float(widths.min()))} to {number(float(widths.max()))}"
        yield strength, f"{many} have scales of their own, other ones in each tensor: stds {ends}"
    if (strength := _over(_sums(z - z.mean(axis=(1, 2), keepdims=True)))) > _SIGMAS:
        yield strength, f"{many} have means of their own, other ones in each tensor: their entries share a shift"


def _too_even(views: Sequence[_Lines]) -> str:
    for view in views:
        if view.z.shape[2] >= 4 and _under(_sums(view.z)):
            many = view.many
            return f"the means of {many} are nearer to the law's than chance allows (centred, stratified or antithetic)"
        if view.z.shape[2] >= 4 and _under(_energies(view.z)):
            return f"the {view.many} are all equally wide, more than chance allows (normalised or orthogonal)"
    return ""


def _place(s: Scores) -> str:
    """A pattern of means or of widths that is the same in every tensor."""
    tensors = len(s.z)
    board = (-1.0) ** np.add.outer(np.arange(s.z.shape[1]), np.arange(s.z.shape[2]))
    checker = float((s.z * board).sum() / math.sqrt(s.z.size))
    if abs(checker) > _SIGMAS:
        size = abs(float((s.raw * board).mean()))
        return f"a fixed pattern: a checkerboard of means of +-{number(size)}, {number(size / float(s.raw.std()))} std"
    if tensors < 2:
        return ""
    if _over(s.z.sum(axis=0) / math.sqrt(tensors)) > _SIGMAS:
        return "a fixed pattern: each place has a mean of its own, the same in every tensor"
    sizes = (np.abs(s.z) - math.sqrt(2 / math.pi)) / math.sqrt(1 - 2 / math.pi)
    if tensors >= 4 and _over(sizes.sum(axis=0) / math.sqrt(tensors)) > _SIGMAS:
        return "a fixed pattern: each place has a scale of its own, the same in every tensor"
    return ""


# -- dependent ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dependence:
    """A correlation in words; `lasting` where it is as strong far away, as of lines that share a shift or a scale."""

    text: str
    lasting: bool


def _neighbours(s: Scores) -> Iterator[Dependence]:
    """The strongest dependence, of values, else of signs, else of sizes."""
    sizes = (np.abs(s.z) - math.sqrt(2 / math.pi)) / math.sqrt(1 - 2 / math.pi)
    for kind, z in {"values": s.z, "signs": np.sign(s.z), "sizes": sizes}.items():
        pairs = {place: _product(a, b) for place, (a, b) in _pairs(z, s.rank).items() if a.size >= 64}
        strong = {place: c for place, (c, sigmas) in pairs.items() if abs(sigmas) > _SIGMAS}
        if strong:
            largest = max(map(abs, strong.values()))
            place = next(p for p, c in strong.items() if abs(c) > 0.9 * largest)  # the nearest of the strongest
            lasting = kind == "sizes" or sum(abs(c) > 0.5 * largest for c in strong.values()) > _SPREAD
            sums = kind == "values" and strong.get(_apart(1), 0.0) > _WALK
            tail = ", as of running sums" if sums else ""
            text = f"{kind} {place} depend on each other: correlation {strong[place]:.2g}{tail}"
            yield Dependence(text, lasting and not sums)
            return


def _product(a: Floats, b: Floats) -> tuple[float, float]:
    mean = float((a * b).mean())
    return mean / math.sqrt(float((a * a).mean() * (b * b).mean()) or 1.0), mean * math.sqrt(a.size)


def _pairs(z: Floats, rank: int) -> dict[str, tuple[Floats, Floats]]:
    """Entries with those that lie somewhere before them, by where."""
    flat = z.reshape(len(z), -1)
    length, row = flat.shape[1], z.shape[2]
    found = {
        _apart(lag): (flat[:, lag:], flat[:, :-lag]) for lag in _LAGS if lag < length and lag not in (row, 2 * row)
    }
    if rank > 1 and z.shape[1] > 1:
        found["of a row and the row above"] = (z[:, 1:], z[:, :-1])
        found["of a row and the second row above"] = (z[:, 2:], z[:, :-2])
        found["along the diagonal"] = (z[:, 1:, 1:], z[:, :-1, :-1])
    for n in _PARTS:
        if length % n == 0 and length // n not in (*_LAGS, row):
            lag = length // n
            found[f"of the {n} parts of a tensor"] = (flat[:, lag:], flat[:, :-lag])
    if rank == 2 and z.shape[1] == z.shape[2]:
        upper = np.triu_indices(row, 1)
        found["mirrored at the diagonal"] = (z[:, upper[0], upper[1]], z[:, upper[1], upper[0]])
    if len(z) > 1:
        found["of a tensor and the one before"] = (flat[1:], flat[:-1])
    found["of a value and its mirror image"] = (flat[:, : length // 2], flat[:, ::-1][:, : length // 2])
    return found


def _apart(lag: int) -> str:
    return "of neighbours" if lag == 1 else f"{lag} places apart"
