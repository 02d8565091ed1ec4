"""Dependence and unevenness: what entries have to do with their neighbours, their line and their place.

Each is looked at on normal scores of the ranks of all values, so that no family and no scale is presumed.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from varlaw.claims.causes.draws import Draws, Floats
from varlaw.claims.causes.uneven import SIGMAS, energies, over, sums, under, uneven_lines
from varlaw.claims.causes.words import number
from varlaw.evidence.echoes import loudest

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
    if told := _diagonal(s):
        yield told
        return
    near = next(_neighbours(s), None)
    if near and not near.lasting:
        yield near.text
    elif told := uneven_lines(s.z, s.raw, draws.shape) or _tensors(s) or _place(s) or (near.text if near else ""):
        yield told


# -- uneven ------------------------------------------------------------------------------------------------------------


def _tensors(s: Scores) -> str:
    flat, raw = s.z.reshape(len(s.z), -1), s.raw.reshape(len(s.raw), -1)
    if flat.shape[1] < 4 or len(flat) < 2:
        return ""
    if over(energies(flat)) > SIGMAS:
        widths = raw.std(axis=1)
        return f"tensors differ in scale: stds from {number(float(widths.min()))} to {number(float(widths.max()))}"
    if over(sums(flat)) > SIGMAS:
        means = raw.mean(axis=1)
        ends = f"from {number(float(means.min()))} to {number(float(means.max()))}"
        return f"tensors differ in mean: {ends}, each shifted as a whole"
    if under(sums(flat)):
        return "the mean of each tensor is nearer to the law's than chance allows (stratified, antithetic or centred)"
    if under(energies(flat)):
        return "each tensor's mean square is nearer to the law's than chance allows (normalised or stratified)"
    return ""


def _place(s: Scores) -> str:
    """A pattern of means or of widths that is the same in every tensor."""
    tensors = len(s.z)
    board = (-1.0) ** np.add.outer(np.arange(s.z.shape[1]), np.arange(s.z.shape[2]))
    checker = float((s.z * board).sum() / math.sqrt(s.z.size))
    if abs(checker) > SIGMAS:
        size = abs(float((s.raw * board).mean()))
        return f"a fixed pattern: a checkerboard of means of +-{number(size)}, {number(size / float(s.raw.std()))} std"
    if tensors < 2:
        return ""
    if over(s.z.sum(axis=0) / math.sqrt(tensors)) > SIGMAS:
        return "a fixed pattern: each place has a mean of its own, the same in every tensor"
    sizes = (np.abs(s.z) - math.sqrt(2 / math.pi)) / math.sqrt(1 - 2 / math.pi)
    if tensors >= 4 and over(sizes.sum(axis=0) / math.sqrt(tensors)) > SIGMAS:
        return "a fixed pattern: each place has a scale of its own, the same in every tensor"
    return ""


def _diagonal(s: Scores) -> str:
    """A mean of the diagonal that the other entries do not have."""
    rows, columns = s.raw.shape[1:]
    if s.rank != 2 or rows != columns or rows < 2:
        return ""
    on, off = np.einsum("tii->ti", s.raw).ravel(), s.raw[:, ~np.eye(rows, dtype=bool)]
    mean, rest = float(on.mean()), float(off.mean())
    if abs(mean - rest) <= SIGMAS * max(float(on.std()), float(off.std())) / math.sqrt(on.size):
        return ""
    added = ": an identity is added" if abs(mean - rest - 1) < 0.01 else ""
    return f"the diagonal has the mean {number(mean)}, the other entries {number(rest)}{added}"


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
        strong = {place: c for place, (c, sigmas) in pairs.items() if abs(sigmas) > SIGMAS}
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
    if lag := loudest(flat):
        found |= {_apart(lag): (flat[:, lag:], flat[:, :-lag])} if lag not in (row, 2 * row) else {}
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
