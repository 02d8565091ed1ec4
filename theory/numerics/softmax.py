"""Softmax of n independent N(0, std^2) logits: exact means by two nested sums, from n = 1 to any n.

With S = sum exp(x_i) and f(t) = E exp(-exp(t + x)), Laplace's transform turns every mean into one integral:

    E ln S         = int [exp(-e^t) - f^n] dt
    E sum p^2      = n int E[e^(2w - e^w)] f^(n-1) dt,             w = t + x
    E[-sum p ln p] = -n int E[(w + gamma) e^(w - e^w)] f^(n-1) dt

Both sums are trapezoidal: the integrands are analytic in the strip |Im t| < pi/2 and fall off at least exponentially,
so that steps of 1/8 leave an error of exp(-78).

Vocabulary: *entropy*: of the probabilities, in nats; *square*: the sum of their squares.
"""

from typing import NamedTuple

import numpy as np

from varlaw.theory.numerics.quadrature import Floats

STEP = 0.125
REACH = 12.0  # in standard deviations: P(|z| > 12) = 4e-33
WIDEST = 32.0  # largest std accepted: the cost of one value grows as its square (about one second there)
_BLOCK = 1 << 19


class SoftmaxMeans(NamedTuple):
    """Floats: E ln(sum exp), E[-sum p ln p], E[sum p^2] of n iid normal logits."""

    log_sum: float
    entropy: float
    square: float


def softmax_means(n: float, std: float) -> SoftmaxMeans:
    """Exact means for `n >= 1` logits of standard deviation `0 <= std <= 32`.

    >>> round(softmax_means(2, 0.0).entropy, 15) == round(float(np.log(2)), 15)
    True
    """
    if std == 0 or n == 1:
        return SoftmaxMeans(float(np.log(n)), float(np.log(n)), 1 / n)
    times, z, weights = _grids(n, std)
    parts = [_integrands(times[i : i + _chunk(z)], std * z, weights, n) for i in range(0, len(times), _chunk(z))]
    log_sum, entropy, square = (STEP * float(np.sum(np.concatenate(p))) for p in zip(*parts, strict=True))
    return SoftmaxMeans(log_sum, entropy, square)


def softmax_squares(counts: Floats, std: float) -> Floats:
    """E sum p^2 for several numbers of logits of one deviation, at the cost of one.

    >>> found, one = softmax_squares(np.array([1.0, 2, 50]), 3.0), [softmax_means(n, 3.0).square for n in (1, 2, 50)]
    >>> bool(np.allclose(found, one, rtol=1e-12))
    True
    """
    if std == 0:
        return 1 / counts
    times, z, weights = _grids(float(counts.max()), std)
    found = np.zeros(len(counts))
    for i in range(0, len(times), _chunk(z)):
        growth, _, log_f = _transform(times[i : i + _chunk(z)], std * z, weights)
        second = np.where(growth < 800, growth, 0.0) ** 2 * np.exp(-np.minimum(growth, 800.0)) @ weights
        found += counts * (np.exp(np.outer(counts - 1, log_f)) @ second)
    return STEP * found


def _grids(n: float, std: float) -> tuple[Floats, Floats, Floats]:
    """t of the outer sum, z of the inner one and its weights."""
    first, last = -(REACH * std + 48.0 + np.log(n)) / STEP, (REACH * std + 5.0) / STEP
    times = STEP * np.arange(np.floor(first), np.ceil(last))  # whole numbers times the step: arange's own steps drift
    step = min(0.5, STEP / std)
    z = step * np.arange(-np.ceil(REACH / step), np.ceil(REACH / step) + 1)
    weights = np.exp(-0.5 * z * z)
    weights /= weights.sum()
    return times, z, weights


def _transform(t: Floats, x: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """e^w, w, and ln f(t)."""
    w = t[:, None] + x
    with np.errstate(over="ignore", under="ignore"):
        growth = np.exp(w)
        log_f = np.log1p(np.maximum(np.expm1(-growth) @ weights, -1 + 2.0**-53))
    return growth, w, log_f


def _chunk(z: Floats) -> int:
    return max(1, _BLOCK // len(z))


def _integrands(t: Floats, x: Floats, weights: Floats, n: float) -> tuple[Floats, Floats, Floats]:
    growth, w, log_f = _transform(t, x, weights)
    with np.errstate(over="ignore", under="ignore"):
        decay = np.exp(-growth)
        others = n * np.exp((n - 1) * log_f)
        first = np.where(growth < 800, growth, 0.0) * decay
        # exp(-e^t) - f^n: each is 1 minus something small where t is very negative
        log_sum = np.expm1(-np.exp(t)) - np.expm1(n * log_f)
        entropy = -others * ((first * (w + np.euler_gamma)) @ weights)
        square = others * ((first * np.where(growth < 800, growth, 0.0)) @ weights)
    return log_sum, entropy, square


def log_sum_excess(n: float, std: float) -> float:
    """E ln(sum exp) - ln(n), with its digits kept for small `std`: about std^2/2 (1 - 1/n).

    >>> round(log_sum_excess(10, 1e-6) * 1e12, 9)
    0.45
    """
    if std > 1:
        return softmax_means(n, std).log_sum - float(np.log(n))
    u, w = np.polynomial.legendre.leggauss(12)
    s = std * (u + 1) / 2  # d/ds E ln(sum exp) = s (1 - E sum p^2)
    slope = [si * (1 - softmax_means(n, float(si)).square) for si in s]
    return float(w @ np.asarray(slope)) * std / 2
