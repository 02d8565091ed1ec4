"""Activations whose moments under N(0, q) have closed forms, each written in the form that cancels nowhere.

Vocabulary: s = sqrt(q); F(t) = exp(t**2/2) Phi(-t) = erfcx(t/sqrt(2))/2; P and Q the regularised incomplete gamma
functions, which are the partial moments of a normal law: E[z^(2k); |z| < v] = (2k-1)!! P(k + 1/2, v**2/2).
"""

import math
from collections.abc import Callable

import numpy as np

from varlaw.theory.activations.moments import Moments, rescaled
from varlaw.theory.numerics.expectations import expectation
from varlaw.theory.numerics.quadrature import Floats, in_blocks, legendre

INV_SQRT_TWO_PI = 1 / math.sqrt(2 * math.pi)
SQRT_HALF = math.sqrt(0.5)


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

    result: Floats = 0.5 * erfcx(t * SQRT_HALF)
    return result


# F(t) = (1/2) sum_n (-t/sqrt 2)^n / Gamma(n/2 + 1); for t <= 1/2 24 terms leave less than 1e-18.
_F_SERIES = np.array([0.5 * (-SQRT_HALF) ** n / math.gamma(n / 2 + 1) for n in range(28)])
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


def gelu() -> Moments:
    """x Phi(x). With A = asin(q/(1+q)) = atan(q/r), r = sqrt(1 + 2q): the form in atan keeps its digits for large q."""
    from scipy.special import ndtr

    def second(q: Floats) -> Floats:
        r = np.sqrt(1 + 2 * q)
        return q * (0.25 + np.arctan(q / r) / (2 * math.pi) + (q / (1 + q)) / (math.pi * r))

    def mean(q: Floats) -> Floats:
        return np.sqrt(q) * (np.sqrt(q / (1 + q)) * INV_SQRT_TWO_PI)

    def slope_second(q: Floats) -> Floats:
        r = np.sqrt(1 + 2 * q)
        return 0.25 + (np.arctan(q / r) + 2 * (q / (1 + q)) / r + (q / (1 + 2 * q)) / r) / (2 * math.pi)

    def fourth(q: Floats) -> Floats:
        return expectation(lambda x: x**4 * (ndtr(x) ** 4 + ndtr(-x) ** 4), q)

    return Moments(
        mean=mean,
        second=second,
        fourth=fourth,
        variance=lambda q: second(q) - mean(q) ** 2,
        slope_mean=lambda q: np.full_like(q, 0.5),
        slope_second=slope_second,
    )


def erf() -> Moments:
    """erf(x): odd, so its variance is its second moment (Williams 1997)."""
    from scipy.special import erf as function

    def second(q: Floats) -> Floats:
        return (2 / math.pi) * np.arctan(2 * q / np.sqrt(1 + 4 * q))

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: expectation(lambda x: 2 * function(x) ** 4, q),
        variance=second,
        slope_mean=lambda q: (2 / math.sqrt(math.pi)) / np.sqrt(1 + 2 * q),
        slope_second=lambda q: (4 / math.pi) / np.sqrt(1 + 4 * q),
    )


def sine() -> Moments:
    """sin(x)."""

    def second(q: Floats) -> Floats:
        return -0.5 * np.expm1(-2 * q)

    def fourth(q: Floats) -> Floats:
        y = np.exp(-2 * q)  # (3 - 4y + y^4)/8 with the double root taken out
        result: Floats = np.expm1(-2 * q) ** 2 * (y * y + 2 * y + 3) / 8
        return result

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=fourth,
        variance=second,
        slope_mean=lambda q: np.exp(-0.5 * q),
        slope_second=lambda q: 0.5 * (1 + np.exp(-2 * q)),
    )


def cosine() -> Moments:
    """cos(x)."""
    return Moments(
        mean=lambda q: np.exp(-0.5 * q),
        second=lambda q: 0.5 * (1 + np.exp(-2 * q)),
        fourth=lambda q: (3 + 4 * np.exp(-2 * q) + np.exp(-8 * q)) / 8,
        variance=lambda q: 0.5 * np.expm1(-q) ** 2,
        slope_mean=np.zeros_like,
        slope_second=lambda q: -0.5 * np.expm1(-2 * q),
        order=0.0,
    )


def gaussian() -> Moments:
    """exp(-x**2)."""

    def variance(q: Floats) -> Floats:
        r = np.sqrt(1 + 4 * q)  # 1/r - 1/(1+2q), the difference 4q^2/(...) taken on paper
        return (2 * q / r) * (2 * q / (1 + 2 * q)) / (1 + 2 * q + r)

    return Moments(
        mean=lambda q: 1 / np.sqrt(1 + 2 * q),
        second=lambda q: 1 / np.sqrt(1 + 4 * q),
        fourth=lambda q: 1 / np.sqrt(1 + 8 * q),
        variance=variance,
        slope_mean=np.zeros_like,
        slope_second=lambda q: (4 * q / (1 + 4 * q)) / np.sqrt(1 + 4 * q),
        order=0.0,
    )


def square() -> Moments:
    """x**2."""
    return Moments(
        mean=lambda q: 1.0 * q,
        second=lambda q: 3 * q * q,
        fourth=lambda q: 105 * (q * q) * (q * q),
        variance=lambda q: 2 * q * q,
        slope_mean=np.zeros_like,
        slope_second=lambda q: 4 * q,
        order=2.0,
        ratio=lambda q: np.full_like(q, 4 / 3),
    )


def relu_squared() -> Moments:
    """max(x, 0)**2."""
    return Moments(
        mean=lambda q: 0.5 * q,
        second=lambda q: 1.5 * q * q,
        fourth=lambda q: 52.5 * (q * q) * (q * q),
        variance=lambda q: 1.25 * q * q,
        slope_mean=lambda q: 2 * INV_SQRT_TWO_PI * np.sqrt(q),
        slope_second=lambda q: 2 * q,
        order=2.0,
        ratio=lambda q: np.full_like(q, 4 / 3),
    )


def _inside(power: int, limit: float, q: Floats) -> Floats:
    """E[z^power; |z| < limit/s] / E[z^power] for even `power`."""
    from scipy.special import erf, gammainc

    if power == 0:
        with np.errstate(divide="ignore"):
            return np.asarray(erf(limit / np.sqrt(2 * q)))  # fewer roundings than P(1/2, .)
    with np.errstate(divide="ignore", over="ignore"):
        result: Floats = gammainc((power + 1) / 2, 0.5 * limit * (limit / q))
    return result


def _outside(power: int, limit: float, q: Floats) -> Floats:
    """E[z^power; |z| > limit/s] / E[z^power] for even `power`."""
    from scipy.special import erfc, gammaincc

    if power == 0:
        with np.errstate(divide="ignore"):
            return np.asarray(erfc(limit / np.sqrt(2 * q)))
    with np.errstate(divide="ignore", over="ignore"):
        result: Floats = gammaincc((power + 1) / 2, 0.5 * limit * (limit / q))
    return result


def hardtanh() -> Moments:
    """min(max(x, -1), 1)."""

    def second(q: Floats) -> Floats:
        return q * _inside(2, 1.0, q) + _outside(0, 1.0, q)

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: 3 * q * (q * _inside(4, 1.0, q)) + _outside(0, 1.0, q),
        variance=second,
        slope_mean=lambda q: _inside(0, 1.0, q),
        slope_second=lambda q: _inside(0, 1.0, q),
    )


def relu6() -> Moments:
    """min(max(x, 0), 6)."""

    def mean(q: Floats) -> Floats:
        with np.errstate(divide="ignore", over="ignore"):
            below = -np.expm1(-18 / q)
        return INV_SQRT_TWO_PI * np.sqrt(q) * below + 3 * _outside(0, 6.0, q)

    def second(q: Floats) -> Floats:
        return 0.5 * q * _inside(2, 6.0, q) + 18 * _outside(0, 6.0, q)

    return Moments(
        mean=mean,
        second=second,
        fourth=lambda q: 1.5 * q * (q * _inside(4, 6.0, q)) + 648 * _outside(0, 6.0, q),
        variance=lambda q: second(q) - mean(q) ** 2,
        slope_mean=lambda q: 0.5 * _inside(0, 6.0, q),
        slope_second=lambda q: 0.5 * _inside(0, 6.0, q),
    )


def hardsigmoid() -> Moments:
    """min(max(x/6 + 1/2, 0), 1) = 1/2 + hardtanh(x/3)/2."""
    odd = rescaled(hardtanh(), 0.5, 1 / 3)
    return Moments(
        mean=lambda q: np.full_like(q, 0.5),
        second=lambda q: 0.25 + odd.second(q),
        fourth=lambda q: 0.0625 + 1.5 * odd.second(q) + odd.fourth(q),
        variance=odd.second,
        slope_mean=odd.slope_mean,
        slope_second=odd.slope_second,
        order=0.0,
    )


def hardswish() -> Moments:
    """x hardsigmoid(x) = x/2 + e(x), with the even part e = x**2/6 for |x| < 3 and |x|/2 beyond."""

    def mean(q: Floats) -> Floats:
        with np.errstate(divide="ignore", over="ignore"):
            beyond = np.exp(-4.5 / q)
        return (q * _inside(2, 3.0, q)) / 6 + INV_SQRT_TWO_PI * np.sqrt(q) * beyond

    def even_second(q: Floats) -> Floats:
        return q * (q * _inside(4, 3.0, q)) / 12 + 0.25 * q * _outside(2, 3.0, q)

    def fourth(q: Floats) -> Floats:
        cross = q**2 * ((q * _inside(6, 3.0, q)) * (15 / 36) + 0.75 * _outside(4, 3.0, q))
        even = q**2 * (q * (q * _inside(8, 3.0, q)) * (105 / 1296) + 0.1875 * _outside(4, 3.0, q))
        return 0.1875 * q**2 + 1.5 * cross + even

    return Moments(
        mean=mean,
        second=lambda q: 0.25 * q + even_second(q),
        fourth=fourth,
        variance=lambda q: 0.25 * q + (even_second(q) - mean(q) ** 2),
        slope_mean=lambda q: np.full_like(q, 0.5),
        slope_second=lambda q: 0.25 + q * _inside(2, 3.0, q) / 9 + 0.25 * _outside(0, 3.0, q),
    )


def hardshrink() -> Moments:
    """x where |x| > 1, else 0. Its jumps are not part of phi', so Stein's identity fails for it."""

    def ratio(q: Floats) -> Floats:
        from scipy.special import erfcx

        with np.errstate(divide="ignore"):
            root = np.sqrt(0.5 / q)
        tail: Floats = erfcx(root)  # Q(3/2, x) = erfc(sqrt x) + 2 sqrt(x/pi) exp(-x)
        return tail / (tail + (2 / math.sqrt(math.pi)) * root)

    def second(q: Floats) -> Floats:
        return q * _outside(2, 1.0, q)

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: 3 * q * q * _outside(4, 1.0, q),
        variance=second,
        slope_mean=lambda q: _outside(0, 1.0, q),
        slope_second=lambda q: _outside(0, 1.0, q),
        order=math.inf,
        ratio=ratio,
    )


def softshrink() -> Moments:
    """sign(x) max(|x| - 1, 0): tail moments E[(z - v)^k; z > v] at v = 1/s."""

    def second(q: Floats) -> Floats:
        return q * _tail(q, 2)

    return Moments(
        mean=np.zeros_like,
        second=second,
        fourth=lambda q: q * q * _tail(q, 4),
        variance=second,
        slope_mean=lambda q: _outside(0, 1.0, q),
        slope_second=lambda q: _outside(0, 1.0, q),
        order=math.inf,
        ratio=lambda q: in_blocks(_tail_ratio, q, nodes=_TAIL_NODES)[0],
    )


_TAIL_NODES = 96


def _tail(q: Floats, power: int) -> Floats:
    """2 E[(z - v)^power; z > v] with v = 1/sqrt(q)."""

    def rule(column: Floats) -> tuple[Floats]:
        t, density, _ = _tail_window(column)
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            return (2 * INV_SQRT_TWO_PI * np.exp(-0.5 / column[:, 0]) * (density * t**power).sum(axis=1),)

    return in_blocks(rule, q, nodes=_TAIL_NODES)[0]


def _tail_ratio(q: Floats) -> tuple[Floats]:
    """E[1; z > v] / E[(z - v)^2; z > v], which tends to v**2/2 for small q."""
    t, density, width = _tail_window(q)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        value = (density.sum(axis=1) / (density * (t / width) ** 2).sum(axis=1)) / width[:, 0] ** 2
    return (np.where(q[:, 0] == 0, math.inf, value),)


def _tail_window(q: Floats) -> tuple[Floats, Floats, Floats]:
    """Offsets t from v, weights times exp(-(v t + t**2/2)), and the width of the window that holds all but 1e-20."""
    u, w = legendre(_TAIL_NODES)
    with np.errstate(divide="ignore", over="ignore"):
        v = 1 / np.sqrt(q)
        width = 100 / (v + np.hypot(v, 10))
    with np.errstate(invalid="ignore"):
        t = width * u
        return t, width * w * np.exp(-t * (np.minimum(v, 1e200) + 0.5 * t)), width
