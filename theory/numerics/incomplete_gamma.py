"""Both tails of the gamma law, with their digits kept far out and at shapes up to 1e12.

scipy's routines are exact for small shapes; at large ones their series may end too early (8e-9 at shape 5e5, five sigma
below the mean). From shape 20 on the smaller tail is an integral of one sign,

    Q(a, x) = x^a e^-x / Gamma(a) * int_0^inf (1+u)^(a-1) e^(-x u) du
    P(a, x) = x^a e^-x / Gamma(a) * int_0^1   (1-u)^(a-1) e^(+x u) du

taken by one Gauss-Legendre rule, with the factor in front written as exp(a (ln(1+l) - l)), l = (x - a)/a.

Vocabulary: *head*: P(G <= x); *tail*: P(G > x), for G of shape `a` and scale 1; `rest`: what rounding cut from x.
"""

from typing import Any, NamedTuple

import numpy as np

from varlaw.theory.numerics.quadrature import Floats, in_blocks, legendre

_NODES = 64
_DROP = 42.0  # the window ends where the integrand has fallen by exp(-42) = 6e-19
_SHAPE = 20.0  # below this shape scipy's forms are exact to 1e-14
_FAR_OUT = 300.0  # beyond this distance from the mean the tail underflows and only its logarithm is left
_TERMS = 16
LOG_SQRT_TWO_PI = 0.5 * float(np.log(2 * np.pi))


class Tails(NamedTuple):
    """Natural logarithms of both tails: arrays of one shape, -inf where a tail is empty."""

    log_head: Floats
    log_tail: Floats


def log1p_minus(x: Any) -> Any:
    """ln(1 + x) - x for x > -1, about -x^2/2 near 0, float64 array.

    >>> round(float(log1p_minus(1e-9)) * -2e18, 8)
    1.0
    """
    x = np.asarray(x, dtype=np.float64)
    near = np.abs(x) < 0.4
    y = np.where(near, x, 0.0)
    y = y / (2 + y)  # ln(1 + x) = 2 artanh(y), x = 2 y / (1 - y)
    series = np.zeros_like(y)
    for k in range(_TERMS, 0, -1):
        series = series * y * y + 1 / (2 * k + 1)
    small = 2 * y * y * (y * series - 1 / (1 - y))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(near, small, np.log1p(x) - x)


def log_density_factor(a: Any, x: Any, rest: Any = 0.0) -> Any:
    """ln of x^a e^-x / Gamma(a) for a > 0, x > 0: the common factor of both tails, float64 array."""
    from scipy.special import gammaln

    small = np.minimum(a, _SHAPE)
    direct = small * np.log(x) - x - gammaln(small)
    return np.where(a < _SHAPE, direct, _stirling_factor(np.maximum(a, _SHAPE), x, rest))


def _stirling_factor(a: Any, x: Any, rest: Any) -> Any:
    ratio = ((x - a) + rest) / a
    with np.errstate(divide="ignore"):
        deviation = np.where(x < 0.6 * a, np.log(x / a) - ratio, log1p_minus(np.maximum(ratio, -0.5)))
    stirling = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / (1188 * a * a)) / (a * a)) / (a * a)) / (a * a)) / a
    return a * deviation - stirling + 0.5 * np.log(a) - LOG_SQRT_TWO_PI


def gamma_tails(a: Any, x: Any, rest: Any = 0.0) -> Tails:
    """Both tails at `x + rest` for shape `a > 0`, `x >= 0`; `rest` is at most half an ulp of `x`.

    >>> round(float(np.exp(gamma_tails(1.0, 3.0).log_tail)) / float(np.exp(-3.0)), 12)
    1.0
    """
    a, x, rest = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (a, x, rest)))
    near = _near_tails(a, x, rest)
    far = ((a >= _SHAPE) | (x > a + _FAR_OUT)) & (x > 0) & np.isfinite(x)
    if not far.any():
        return near
    (log_side,) = in_blocks(_smaller_side, np.where(far, a, _SHAPE), np.where(far, x, 1.0), rest, nodes=_NODES)
    with np.errstate(divide="ignore"):
        log_other = np.log1p(-np.exp(np.minimum(log_side, 0.0)))
    below = x < a
    head = np.where(far, np.where(below, log_side, log_other), near.log_head)
    tail = np.where(far, np.where(below, log_other, log_side), near.log_tail)
    return Tails(head + 0.0, tail + 0.0)


def _near_tails(a: Floats, x: Floats, rest: Floats) -> Tails:
    """scipy's tails, moved by the density times `rest`; each logarithm is taken from the smaller tail."""
    from scipy.special import erfc, gammainc, gammaincc, gammaln, xlogy

    with np.errstate(all="ignore"):
        finite = np.clip(x, 5e-324, 1e300)
        shift = np.where(x > 0, np.exp(xlogy(a - 1, finite) - finite - gammaln(a)) * rest, 0.0)
        upper = np.where(a == 0.5, erfc(np.sqrt(x)), gammaincc(a, x))
        head, tail = gammainc(a, x) + shift, upper - shift
        log_head = np.where(head < tail, np.log(head), np.log1p(-tail))
        log_head = np.where((x > 0) & (x < 0.5), _head_series(a, finite), log_head)
        log_tail = np.where(head < tail, np.log1p(-head), np.log(tail))
    return Tails(log_head + 0.0, log_tail + 0.0)


def _head_series(a: Floats, x: Floats) -> Floats:
    """ln P(a, x) for x < 1/2 by its power series, where P itself may underflow."""
    from scipy.special import gammaln

    total = term = np.ones_like(x)
    for k in range(1, _TERMS + 1):
        term = term * x / (a + k)
        total = total + term
    log_head: Floats = a * np.log(x) - x - gammaln(a + 1) + np.log(total)
    return log_head


def _smaller_side(a: Floats, x: Floats, rest: Floats) -> tuple[Floats]:
    """ln of the tail on the side of `x` away from the mean, by quadrature; columns of shape (k, 1)."""
    sign = np.where(x < a, -1.0, 1.0)
    u, w = legendre(_NODES)
    slope = sign * (x - a + 1)  # the exponent is -slope v - (a - 1)(sign v - ln(1 + sign v))
    v = _window(a, slope, sign) * u
    exponent = -(slope + sign * rest) * v + (a - 1) * log1p_minus(sign * v)
    log_integral = np.log((np.exp(exponent) @ w) * _window(a, slope, sign)[:, 0])
    return (log_density_factor(a, x, rest)[:, 0] + log_integral,)


def _window(a: Floats, slope: Floats, sign: Floats) -> Floats:
    """Where the exponent has fallen by _DROP: v - ln(1 + v) >= v^2 / (2 (1 + v)), -v - ln(1 - v) >= v^2 / 2."""
    slope = np.maximum(slope, 0.5)
    curvature = np.where(sign > 0, a / (1 + np.minimum(_DROP / slope, 1e3)), a)
    width = 2 * _DROP / (slope + np.hypot(slope, np.sqrt(2 * curvature * _DROP)))
    return np.where(sign > 0, width, np.minimum(width, 1.0))
