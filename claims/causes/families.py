"""Families that entries may follow in place of the right one: each a density with a scale that is read off the draws.

A family is tried by its likelihood, with its price in nats for what it has free, and named only if draws bear it: if
the scores of `evidence` on its distribution function, uniform if the family is right, show nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence import scores
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

REFUSED = math.log(1e5)  # log e-value from which draws do not bear a family
_TAILS = np.array([2.0**-6, 2.0**-9, 2.0**-12])  # shares of both tails together
_RATES = np.minimum(np.multiply.outer(_TAILS, [2.0**-60, 0.25, 0.5, 2.0, 4.0, 32.0]), 0.9)
_SUMS = {3: "three", 4: "four", 6: "six", 12: "twelve"}
_LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Shape:
    """A family at unit scale; `scale` reads the scale off centred values. `bound` is infinite for families without."""

    name: str
    logpdf: Function
    cdf: Function
    std: float
    scale: Callable[[Floats], float]
    price: float = 10.0
    bound: float = math.inf
    positive: bool = False
    cut: float = math.inf
    wide: tuple[float, float] = (0.0, 1.0)  # of a mixture: the share of wide entries, and how many times as wide

    def loglik(self, x: Floats, scale: float) -> float:
        """The log likelihood of centred values."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return float(self.logpdf(x / scale).sum() - x.size * math.log(scale))


def _rms(x: Floats) -> float:
    return math.sqrt(float((x * x).mean()))


def _size(mean: float) -> Callable[[Floats], float]:
    """The scale by the mean of |x|, which is `mean` at unit scale."""
    return lambda x: float(np.abs(x).mean()) / mean


def _median(median: float) -> Callable[[Floats], float]:
    return lambda x: float(np.median(np.abs(x))) / median


def _peak(x: Floats) -> float:
    return float(np.abs(x).max()) * (1 + 0.7 / x.size)


def _inside(density: Function, low: float, high: float) -> Function:
    return lambda z: np.where((z >= low) & (z <= high), density(z), -np.inf)


def normal() -> Shape:
    """The normal family."""
    return Shape("normal", Normal(1.0).logpdf, Normal(1.0).cdf, 1.0, _rms, 0.0)


def uniform() -> Shape:
    """The uniform family; its unit is the bound."""
    return Shape("uniform", Uniform(1.0).logpdf, Uniform(1.0).cdf, 3**-0.5, _peak, 0.0, 1.0)


def truncated(cut: float, price: float) -> Shape:
    """A normal law cut at `cut` of its sigmas; its unit is the std of the parent."""
    law = TruncatedNormal(1.0, -cut, cut)
    name = f"normal cut at {cut:.3g} sigmas"
    return Shape(name, law.logpdf, law.cdf, law.std, lambda x: _peak(x) / cut, price, cut, cut=cut)


def cut_of(x: Floats) -> float | None:
    """The cut, in sigmas of the parent, that gives this ratio of rms to largest value; None outside of 0.5 to 6."""
    ratio, low, high = _rms(x) / float(np.abs(x).max()), 0.5, 6.0

    def of(cut: float) -> float:  # falls with the cut
        return TruncatedNormal(1.0, -cut, cut).std / cut

    if not of(high) < ratio < of(low):
        return None
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) > ratio else (low, middle)
    return low


def _student(df: float) -> Shape:
    from scipy.special import gammaln, stdtr, stdtrit

    constant = float(gammaln((df + 1) / 2) - gammaln(df / 2)) - 0.5 * math.log(df * math.pi)
    std = math.sqrt(df / (df - 2)) if df > 2 else math.inf
    density: Function = lambda z: constant - (df + 1) / 2 * np.log1p(z * z / df)  # noqa: E731
    name = "Cauchy" if df == 1 else f"Student's t of {df:g} degrees of freedom"
    return Shape(name, density, lambda z: stdtr(df, z), std, _median(float(stdtrit(df, 0.75))), 12.0)


def _laplace() -> Shape:
    cdf: Function = lambda z: np.where(z < 0, 0.5 * np.exp(-np.abs(z)), 1 - 0.5 * np.exp(-np.abs(z)))  # noqa: E731
    return Shape(
        "Laplace (two-sided exponential)", lambda z: -np.abs(z) - math.log(2), cdf, math.sqrt(2), _size(1.0), 4.0
    )


def _logistic() -> Shape:
    from scipy.special import expit, log_expit

    density: Function = lambda z: log_expit(z) + log_expit(-z)  # noqa: E731
    return Shape("logistic", density, expit, math.pi / math.sqrt(3), _size(2 * math.log(2)))


def _triangular() -> Shape:
    cdf: Function = lambda z: np.where(z < 0, (1 + z) ** 2 / 2, 1 - (1 - z) ** 2 / 2)  # noqa: E731
    density = _inside(lambda z: np.log(np.maximum(1 - np.abs(z), 1e-300)), -1, 1)
    return Shape("triangular (the sum of two uniforms)", density, lambda z: cdf(np.clip(z, -1, 1)), 6**-0.5,
                 lambda x: max(_rms(x) * math.sqrt(6), _peak(x)), bound=1.0)  # fmt: skip


def _arcsine() -> Shape:
    density = _inside(lambda z: -math.log(math.pi) - 0.5 * np.log(np.maximum(1 - z * z, 1e-300)), -1, 1)
    return Shape("arcsine (the sine of a uniform angle)", density,
                 lambda z: 0.5 + np.arcsin(np.clip(z, -1, 1)) / math.pi, 2**-0.5,
                 lambda x: float(np.abs(x).max()) * (1 + 1e-12), bound=1.0)  # fmt: skip


def _sum_of(count: int, word: str) -> Shape:
    """The sum of so many uniforms about its mean, by its piecewise polynomial from the nearer end."""
    half = count / 2
    signs = [(-1) ** k * math.comb(count, k) for k in range(math.ceil(half) + 1)]

    def piece(z: Floats, power: int) -> Floats:
        t = half - np.abs(np.clip(z, -half, half))
        total = sum(c * np.maximum(t - k, 0.0) ** power for k, c in enumerate(signs))
        return np.asarray(total) / math.factorial(power)

    def cdf(z: Floats) -> Floats:
        return np.where(z < 0, piece(z, count), 1 - piece(z, count))

    density: Function = lambda z: np.log(np.maximum(piece(z, count - 1), 1e-300))  # noqa: E731
    std = math.sqrt(count / 12)
    return Shape(f"the sum of {word} uniforms", density, cdf, std, lambda x: _rms(x) / std, bound=half)


def symmetric() -> list[Shape]:
    """The families on both sides of their centre, but for cut normal laws, whose cut is read off the draws."""
    plain = [normal(), uniform(), _laplace(), _logistic(), _triangular(), _arcsine()]
    plain += [_sum_of(count, word) for count, word in _SUMS.items()]
    return plain + [_student(df) for df in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 20.0)]


def one_sided() -> list[Shape]:
    """The families of positive values, whose name is a sentence on |x|; log-normal and log-uniform are of the logs."""
    half = Shape("the absolute value of a normal number", lambda z: Normal(1.0).logpdf(z) + math.log(2),
                 lambda z: 2 * Normal(1.0).cdf(z) - 1, math.sqrt(1 - 2 / math.pi), _rms, 0.0,
                 positive=True)  # fmt: skip
    box = Shape("uniform from 0 on", lambda z: np.where(z <= 1, 0.0, -np.inf), lambda z: np.minimum(z, 1.0), 12**-0.5,
                _peak, 0.0, 1.0, positive=True)  # fmt: skip
    exponential = Shape("exponential", lambda z: -z, lambda z: -np.expm1(-z), 1.0, _size(1.0), 2.0, positive=True)
    square = Shape("the square of a normal number",
                   lambda z: -_LOG_ROOT_TWO_PI - z / 2 - 0.5 * np.log(np.maximum(z, 1e-300)),
                   lambda z: 2 * Normal(1.0).cdf(np.sqrt(z)) - 1, math.sqrt(2), _size(1.0), 2.0,
                   positive=True)  # fmt: skip
    two = TruncatedNormal(1.0, 0.0, 2.0)
    cut = Shape("the absolute value of a normal number cut at 2 sigmas", two.logpdf, two.cdf, two.std,
                lambda x: _peak(x) / 2, 2.0, 2.0, positive=True, cut=2.0)  # fmt: skip
    return [half, box, exponential, square, cut]


def mixture(x: Floats) -> Shape:
    """The mixture of two centred normal laws that suits the draws, by expectation and maximisation."""
    narrow, wide, p = 0.7 * _rms(x), 2.5 * _rms(x), 0.1
    least = 1e-6 * narrow  # where nearly all values are 0
    y = x[: 1 << 15]
    for _ in range(60):
        ratio = np.log(p / (1 - p)) + np.log(narrow / wide) + 0.5 * y * y * (narrow**-2 - wide**-2)
        of_wide = 1 / (1 + np.exp(-np.clip(ratio, -700, 700)))
        p = min(max(float(of_wide.mean()), 1e-7), 0.5)
        narrow = max(least, math.sqrt(float(((1 - of_wide) * y * y).sum() / max(float((1 - of_wide).sum()), 1e-9))))
        wide = max(narrow, math.sqrt(float((of_wide * y * y).sum() / max(float(of_wide.sum()), 1e-9))))
    k = wide / narrow
    density: Function = lambda z: np.logaddexp(  # noqa: E731
        math.log1p(-p) + Normal(1.0).logpdf(z), math.log(p) + Normal(k).logpdf(z)
    )
    cdf: Function = lambda z: (1 - p) * Normal(1.0).cdf(z) + p * Normal(k).cdf(z)  # noqa: E731
    std = math.sqrt(1 - p + p * k * k)
    return Shape("mixture", density, cdf, std, lambda _: narrow, 14.0, wide=(p, k))


def misfit(u: Floats, unit: float = 0.0) -> float:
    """Log e-value against uniform numbers: histogram, and those tails that a format of this unit roundoff resolves."""
    u = np.clip(u, 2.0**-53, 1 - 2.0**-53)
    legendre = scores.tilted(scores.legendre_sums(2 * u - 1), u.size * scores.legendre_cumulants())
    out = np.minimum(u, 1 - u)
    seen = 8 * unit < _TAILS
    counts = [int((out < tail / 2).sum()) for tail in _TAILS[seen]]
    tails = scores.rates(counts, u.size, _TAILS[seen], _RATES[seen]) if counts else np.empty(0)
    return float(scores.averaged(np.concatenate([legendre, tails])))
