"""Tensors of a structured law, mapped to independent entries of a simpler one, on which everything is decided.

Each map is one to one on what the law leaves free, with fresh chance put in where the law has none: a row of given norm
times an independent chi is a row of independent normals if and only if its direction is uniform. What the law fixes, a
norm, a mean, a rank, is held exactly first.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.formats import FORMATS, Format
from varlaw.evidence.grid import POINT, Grid
from varlaw.theory.variates import (
    Complex,
    Constant,
    FactorisedNoise,
    LogUniform,
    Normal,
    Rademacher,
    RowsNormal,
    RowsOfNorm,
    RowsStandardised,
    SampleStd,
    Sparse,
    TruncatedNormal,
    Uniform,
    UniformRange,
)

Floats = NDArray[np.float64]
View = tuple[str, Any, Callable[[Any, np.random.Generator], Floats]]  # (what is looked at, its law, the map)


class Broken(ValueError):
    """A tensor does not have what its law fixes: `observed` in place of `expected`."""

    def __init__(self, quantity: str, observed: float, expected: float) -> None:
        super().__init__(f"{quantity} is {observed:.6g}, but should be {expected:.6g}")
        self.quantity, self.observed, self.expected = quantity, observed, expected


def views(law: Any, dtype: str) -> tuple[View, ...]:
    """What of a structured law is decided, on which entries; nothing for a law of plain entries."""
    fmt = FORMATS.get(dtype, FORMATS["float32"])
    match law:
        case LogUniform():
            ends = UniformRange(math.log(law.low), math.log(law.high))
            return (("log", ends, lambda x, rng: _log(x, ends, fmt, rng)),)
        case Sparse():
            return (
                *_of_part("entries that are not 0", law.law, dtype, lambda x: x[x != 0]),
                ("which entries are 0", Normal(1.0), lambda x, rng: _of_rate(x == 0, law.zeros, rng)),
            )
        case Rademacher():
            return (("sign", Uniform(1.0), lambda x, rng: _sign(x, law, rng)),)
        case Complex():
            return _of_part("real and imaginary parts", law.law, dtype, _parts)
        case FactorisedNoise():
            return (("diagonal", Normal(1.0), lambda x, rng: _rank_one(x, law.scale, fmt, rng)),)
        case RowsOfNorm():
            return (("row", Normal(1.0), lambda x, rng: _on_sphere(_rows(x), law.norm, rng, fmt, "norm of a row")),)
        case SampleStd():
            return (("tensor", Normal(1.0), lambda x, rng: _whole(x, law, rng, fmt)),)
        case RowsStandardised():
            return (("row", Normal(1.0), lambda x, rng: _standardised(_rows(x), law, rng, fmt)),)
        case RowsNormal():
            return (("row", Normal(1.0), lambda x, rng: _whitened(_rows(x), law, fmt, rng)),)
    return ()


def _of_part(what: str, law: Any, dtype: str, part: Callable[[Any], Any]) -> tuple[View, ...]:
    """What is decided of the entries that `part` takes from a tensor, each of `law`."""
    if isinstance(law, LogUniform | Rademacher):
        return tuple(
            (f"{what}; of {view}", simpler, lambda x, rng, pull=pull: pull(part(x), rng))
            for view, simpler, pull in views(law, dtype)
        )
    fmt = FORMATS.get(dtype, FORMATS["float32"])
    return ((what, law, lambda x, rng: _spread(part(x), fmt, rng, law)),)


def _spread(x: Any, fmt: Format, rng: np.random.Generator, law: Any = None) -> Floats:
    """The numbers spread over the cells of a coarse format, as the law has them there, or evenly where none is given.

    The grid is then none of the law's. Of a fine format only numbers that were rounded beyond a limit are drawn anew:
    values that come again are then a fault, and are seen.
    """
    x = np.asarray(x, dtype=np.float64)
    if isinstance(law, Constant):
        return np.where(x == fmt.round(law.value), law.value, x)
    if not isinstance(law, Normal | Uniform | UniformRange | TruncatedNormal):
        return x if fmt.digits >= FORMATS["float32"].digits else _evenly(x, fmt, rng)
    grid, (low, high) = Grid(law, fmt), law.support
    anew = grid.likeliest > POINT or (x < low) | (x > high)
    return np.where(anew, grid.spread(x, rng) + grid.centre, x) if np.any(anew) else x


def _evenly(x: Floats, fmt: Format, rng: np.random.Generator) -> Floats:
    low, high = fmt.cells(x)
    found: Floats = low + (high - low) * rng.random(x.shape)
    return found


def _log(x: Any, ends: UniformRange, fmt: Format, rng: np.random.Generator) -> Floats:
    """Logarithms, spread in the same way; what lies outside the law keeps its own."""
    x = np.asarray(x, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):  # of 0 and below, which are told as not finite
        logs = np.log(x)
    low, high = (ends.cdf(np.log(np.maximum(end, np.finfo(np.float64).tiny))) for end in fmt.cells(x))
    u = low + (high - low) * rng.random(x.shape)
    coarse = fmt.digits < FORMATS["float32"].digits
    anew = (u > 0) & (u < 1) & (coarse | (logs < ends.low) | (logs > ends.high))
    return np.where(anew, ends.quantile(np.where(anew, u, 0.5)), logs)


def _rows(x: Any) -> Floats:
    found: Floats = np.asarray(x, dtype=np.float64).reshape(len(x), -1)
    return found


def _parts(x: Any) -> Floats:
    x = np.asarray(x)
    return np.stack([x.real, x.imag]).astype(np.float64)


def _of_rate(hit: Any, rate: float, rng: np.random.Generator) -> Floats:
    """Standard normals, lower ones for hits: independent if and only if hits are, and of mean 0 at that rate."""
    from scipy.special import ndtri

    u = rng.uniform(size=hit.shape)
    found: Floats = ndtri(np.where(hit, rate * u, rate + (1 - rate) * u))
    return found


def _sign(x: Any, law: Rademacher, rng: np.random.Generator) -> Floats:
    size = np.abs(np.asarray(x, dtype=np.float64))
    _held("|entry|", float(size.flat[np.argmax(np.abs(size - law.std))]), law.std, 2.0**-8 * law.std)
    found: Floats = np.sign(x) * rng.uniform(size=size.shape)
    return found


def _rank_one(x: Any, scale: float, fmt: Format, rng: np.random.Generator) -> Floats:
    """The diagonal, whose entries are independent, as normal numbers: (x/scale)^2 sign(x) is a product of two."""
    from scipy.special import iti0k0, ndtri

    x = np.asarray(x, dtype=np.float64)
    sigma = np.linalg.svd(x, compute_uv=False)
    _held(
        "second singular value over the first", float(sigma[1] / sigma[0]) if len(sigma) > 1 else 0.0, 0.0, 8 * fmt.unit
    )
    entries = _spread(np.diagonal(x), fmt, rng) / scale
    square = entries**2
    tail = 0.5 - iti0k0(square)[1] / np.pi  # P(product > square); the integral of K0 to infinity is pi/2
    found: Floats = np.sign(entries) * -ndtri(np.clip(tail, 1e-300, 0.5))
    return found


def _on_sphere(rows: Floats, norm: float, rng: np.random.Generator, fmt: Format, quantity: str) -> Floats:
    """Rows of a norm, each times an independent chi over it."""
    norms = np.linalg.norm(rows, axis=1) / norm
    _held(quantity, float(norms[np.argmax(np.abs(norms - 1))]), 1.0, 8 * fmt.unit * math.sqrt(rows.shape[1]))
    found: Floats = _spread(rows, fmt, rng) / norm * np.sqrt(rng.chisquare(rows.shape[1], (len(rows), 1)))
    return found


def _whole(x: Any, law: SampleStd, rng: np.random.Generator, fmt: Format) -> Floats:
    flat = np.asarray(x, dtype=np.float64).reshape(1, -1)
    if law.about_mean:
        return _standardised(flat, RowsStandardised(law.std, False, law.ddof), rng, fmt, "the tensor")
    return _on_sphere(flat, law.std * math.sqrt(flat.size), rng, fmt, "root mean square over the promised")


def _standardised(
    rows: Floats, law: RowsStandardised, rng: np.random.Generator, fmt: Format, what: str = "a row"
) -> Floats:
    """Rows of a std, times an independent chi of a dimension less, with an independent mean where theirs is 0.

    A mean that was divided by the std is one of Student's, which says nothing of the row about it: it becomes a normal.
    """
    n, std = rows.shape[1], law.std
    means, stds = rows.mean(axis=1) / std, rows.std(axis=1, ddof=law.ddof) / std
    bound = 16 * fmt.unit * math.sqrt(n)
    if law.centred:
        _held(f"mean of {what} over its std", float(means[np.argmax(np.abs(means))]), 0.0, bound)
    _held(f"std of {what} over the promised", float(stds[np.argmax(np.abs(stds - 1))]), 1.0, max(bound, 1e-4))
    sides = np.sqrt(rng.chisquare(n - 1, (len(rows), 1)) / (n - law.ddof))
    spread: Floats = _spread(rows, fmt, rng) / std
    if law.centred:
        moved: Floats = spread * sides + rng.standard_normal((len(rows), 1)) / math.sqrt(n)
        return moved
    means = spread.mean(axis=1, keepdims=True)
    found: Floats = (spread - means) * sides + _of_student(means * math.sqrt(n / (n - law.ddof)), n)
    return found


def _of_student(ratios: Floats, n: int) -> Floats:
    """Means of n standard normals over their own std, as means of such normals alone."""
    from scipy.special import ndtri, stdtr

    tail = stdtr(n - 1, -np.abs(ratios) * math.sqrt(n - 1))
    found: Floats = np.sign(ratios) * -ndtri(np.clip(tail, 1e-300, 0.5)) / math.sqrt(n)
    return found


def _whitened(rows: Floats, law: RowsNormal, fmt: Format, rng: np.random.Generator) -> Floats:
    factor = np.linalg.cholesky(np.asarray(law.covariance, dtype=np.float64))
    found: Floats = np.linalg.solve(factor, (_evenly(rows, fmt, rng) - np.asarray(law.mean)).T).T
    return found


def _held(quantity: str, observed: float, expected: float, bound: float) -> None:
    if not abs(observed - expected) <= bound:
        raise Broken(quantity, observed, expected)
