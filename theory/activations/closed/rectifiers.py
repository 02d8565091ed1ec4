"""Moments of rectifiers: linear above 0, linear or exponential below.

Vocabulary: s = sqrt(q); F(t) = exp(t**2/2) Phi(-t) = erfcx(t/sqrt(2))/2.
"""

import math
from collections.abc import Callable

import numpy as np

from varlaw.theory.activations.moments import INV_SQRT_TWO_PI, Moments, rescaled
from varlaw.theory.numerics.expectations import expectation
from varlaw.theory.numerics.quadrature import Floats

_SQRT_HALF = math.sqrt(0.5)


def leaky_relu(slope: float) -> Moments:
    """max(x, 0) + slope min(x, 0): homogeneous, so every moment is a power of q. ReLU is slope 0, abs is -1."""
    a2, a4 = slope * slope, slope**4
    mean_ratio = (1 - slope) * INV_SQRT_TWO_PI
    # (1 + a^2)/2 - (1-a)^2/(2 pi), collected so that a near 1 loses nothing.
    spread = 0.5 * (1 + a2) - mean_ratio**2
    return Moments(
        mean=lambda q: mean_ratio * np.sqrt(q),
        second=lambda q: 0.5 * (1 + a2) * q,
        fourth=lambda q: 1.5 * (1 + a4) * q * q,
        variance=lambda q: spread * q,
        slope_mean=lambda q: np.full_like(q, 0.5 * (1 + slope)),
        slope_second=lambda q: np.full_like(q, 0.5 * (1 + a2)),
        ratio=np.ones_like,
    )


def elu(alpha: float) -> Moments:
    """x for x > 0, alpha (exp(x) - 1) below."""
    return Moments(
        mean=lambda q: (1 - alpha) * INV_SQRT_TWO_PI * np.sqrt(q) + alpha * _elu_first(np.sqrt(q)),
        second=lambda q: 0.5 * q + alpha**2 * _elu_second(np.sqrt(q)),
        fourth=lambda q: 1.5 * q * q + alpha**4 * expectation(lambda x: np.expm1(-x) ** 4, q),
        variance=lambda q: _elu_variance(alpha, q),
        slope_mean=lambda q: 0.5 + alpha * _mills(np.sqrt(q)),
        slope_second=lambda q: 0.5 + alpha**2 * _mills(2 * np.sqrt(q)),
    )


def celu(alpha: float) -> Moments:
    """x for x > 0, alpha (exp(x/alpha) - 1) below: alpha ELU_1(x/alpha)."""
    return rescaled(elu(1.0), alpha, 1 / alpha)


def _mills(t: Floats) -> Floats:
    """F(t) = exp(t**2/2) Phi(-t), which neither overflows nor vanishes."""
    from scipy.special import erfcx

    result: Floats = 0.5 * erfcx(t * _SQRT_HALF)
    return result


# F(t) = (1/2) sum_n (-t/sqrt 2)^n / Gamma(n/2 + 1); for t <= 1/2 24 terms leave less than 1e-18.
_F_SERIES = np.array([0.5 * (-_SQRT_HALF) ** n / math.gamma(n / 2 + 1) for n in range(28)])
_SECOND_SERIES = (2.0 ** np.arange(2, len(_F_SERIES)) - 2) * _F_SERIES[2:]
_SERIES_BELOW = 0.5


def _elu_first(s: Floats) -> Floats:
    """E[exp(x) - 1; x < 0] + s/sqrt(2 pi) = F(s) - 1/2 + s/sqrt(2 pi), about q/4 for small q."""
    return _by_size(s, lambda t: _near(t, _F_SERIES[2:]), lambda t: _far_first(t, _mills(t)))


def _elu_second(s: Floats) -> Floats:
    """E[(exp(x) - 1)^2; x < 0] = F(2s) - 2F(s) + 1/2, about q/2 for small q."""
    return _by_size(s, lambda t: _near(t, _SECOND_SERIES), lambda t: _far_second(t, _mills(t)))


def _far_first(s: Floats, f: Floats) -> Floats:
    return f - 0.5 + s * INV_SQRT_TWO_PI


def _far_second(s: Floats, f: Floats) -> Floats:
    return _mills(2 * s) - 2 * f + 0.5


def _near(s: Floats, coefficients: Floats) -> Floats:
    """s^2 times the polynomial, by Horner's rule in place."""
    total = np.full_like(s, coefficients[-1])
    for c in coefficients[-2::-1]:
        total *= s
        total += c
    return s * s * total


def _by_size(s: Floats, near: Callable[[Floats], Floats], far: Callable[[Floats], Floats]) -> Floats:
    """`near` where s is below the reach of the series, `far` elsewhere; each sees only its own part of s."""
    s = np.asarray(s, dtype=np.float64)
    small = s < _SERIES_BELOW
    result = np.empty(s.shape)
    result[small] = near(s[small])
    result[~small] = far(s[~small])
    return result


def _elu_variance(alpha: float, q: Floats) -> Floats:
    def from_parts(t: Floats, first: Floats, second: Floats) -> Floats:
        mean = (1 - alpha) * INV_SQRT_TWO_PI * t + alpha * first
        return 0.5 * t * t + alpha**2 * second - mean**2

    def near(t: Floats) -> Floats:
        return from_parts(t, _near(t, _F_SERIES[2:]), _near(t, _SECOND_SERIES))

    def far(t: Floats) -> Floats:
        f = _mills(t)
        return from_parts(t, _far_first(t, f), _far_second(t, f))

    return _by_size(np.sqrt(q), near, far)
