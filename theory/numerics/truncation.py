"""Moments of the standard normal law on an interval, exact to a few ulp on every interval.

The textbook forms subtract numbers that agree in most digits (narrow intervals) or vanish (far tails). Here every
moment is an integral of one sign, taken by a Gauss-Legendre rule over the part of the interval that carries the mass,
measured from the end nearest to zero: the density there is exp(-(a t + t**2/2)) with no large exponent left.

Vocabulary: *low*, *high*: bounds in units of the standard deviation of the parent normal law ("in sigmas").
"""

import math
from typing import Any, NamedTuple

import numpy as np

from varlaw.theory.numerics.quadrature import Floats, in_blocks, legendre

NODES = 96  # exp(-DROP u) and exp(-x**2/2) on |x| <= 9.7 are integrated to 1e-16
DROP = 47.0  # the density outside the window is below exp(-47) = 4e-21 of its maximum
_BEYOND = 1e150  # bounds whose squares overflow cut nothing
SQRT_HALF = math.sqrt(0.5)
LOG_SQRT_TWO_PI = 0.5 * math.log(2 * math.pi)


class Moments(NamedTuple):
    """Arrays of one shape: mean, variance, Pearson kurtosis, and natural log of the mass of the interval."""

    mean: Floats
    variance: Floats
    kurtosis: Floats
    log_mass: Floats


def truncated_moments(low: Any, high: Any) -> Moments:
    """Moments of N(0, 1) restricted to `[low, high]`, for `low < high`, either of them possibly infinite.

    >>> m = truncated_moments(-2.0, 2.0)
    >>> round(float(m.variance), 15), round(float(truncated_moments(2.0, 2.0001).variance), 21)
    (0.773741303549923, 8.33333331392e-10)
    """
    low, high = np.broadcast_arrays(np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64))
    low, high = np.where(low < -_BEYOND, -math.inf, low), np.where(high > _BEYOND, math.inf, high)
    # Reflected so that the interval lies to the right of zero or holds zero nearer to its lower end.
    flip = -low > high
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    anchor, offset, variance, kurtosis, log_integral = in_blocks(_window_moments, a, b, nodes=NODES, outputs=5)
    straddles = a < 0
    with np.errstate(all="ignore"):
        log_mass = log_integral - 0.5 * anchor * anchor - LOG_SQRT_TWO_PI
        log_mass = np.where(straddles, _log_mass_around_zero(a, b), log_mass)
        mean = np.where(straddles, _mean_around_zero(a, b, log_mass), anchor + offset)
    return Moments(np.where(flip, -mean, mean), variance, kurtosis, log_mass)


def _window_moments(a: Floats, b: Floats) -> tuple[Floats, ...]:
    """Anchor, mean - anchor, variance, kurtosis and log integral of the density relative to its value there."""
    u, w = legendre(NODES)
    reach = math.sqrt(2 * DROP)
    anchor = np.maximum(a, 0.0)
    start = np.where(a < 0, np.maximum(a, -reach), 0.0)  # as an offset from the anchor
    stop = np.minimum(b - anchor, 2 * DROP / (anchor + np.hypot(anchor, reach)))
    width = stop - start
    t = start + width * u
    density = w * np.exp(-t * (anchor + 0.5 * t))
    mass = density.sum(axis=1)
    density /= mass[:, None]
    # In units of the window: no power of a tiny or huge width is ever formed.
    centre = (density * u).sum(axis=1)  # a product of matrices has other last bits for one row than for many
    second = (density * (u - centre[:, None]) ** 2).sum(axis=1)
    fourth = (density * (u - centre[:, None]) ** 4).sum(axis=1)
    scale, begin = width[:, 0], start[:, 0]
    with np.errstate(under="ignore"):
        variance = scale * (scale * second)
    return anchor[:, 0], begin + scale * centre, variance, fourth / second**2, np.log(scale) + np.log(mass)


def _log_mass_around_zero(a: Floats, b: Floats) -> Floats:
    from scipy.special import erf, ndtr

    outside = ndtr(a) + ndtr(-b)
    inside = 0.5 * (erf(b * SQRT_HALF) - erf(a * SQRT_HALF))  # terms of one sign for a < 0 < b
    wide = np.where(outside < 1e-20, -outside, np.log1p(-np.minimum(outside, 0.5)))  # log1p flushes subnormals
    result: Floats = np.where(outside < 0.5, wide, np.log(np.maximum(inside, 5e-324)))
    return result


def _mean_around_zero(a: Floats, b: Floats, log_mass: Floats) -> Floats:
    """(pdf(a) - pdf(b)) / mass, where the difference would cancel when b is near -a."""
    gap = 0.5 * (b - a) * (b + a)
    gap = np.where(np.isinf(a) & np.isinf(b), 0.0, gap)
    nearer = np.minimum(np.abs(a), np.abs(b))
    nearer = np.where(np.isinf(nearer), 0.0, nearer)
    density = np.exp(-0.5 * nearer * nearer - LOG_SQRT_TWO_PI - log_mass)
    result: Floats = np.copysign(1.0, gap) * density * -np.expm1(-np.abs(gap))
    return result


def slab_fraction(low: Any, high: Any, x: Any) -> Floats:
    """P(Z <= x | low <= Z <= high) for a standard normal Z and `low <= x <= high`, in sigmas; relative error 1e-13.

    >>> float(slab_fraction(-2.0, 2.0, 0.0))
    0.5
    """
    from scipy.special import ndtr

    low, high, x = (np.asarray(v, dtype=np.float64) for v in (low, high, x))
    if np.all((low < 0) & (high > 0)):
        # P is a difference of lower tails where x < 0 and a complement of upper ones where x > 0.
        mass = np.exp(_log_mass_around_zero(low, high))
        below = np.where(x <= 0, ndtr(x) - ndtr(low), mass - (ndtr(-x) - ndtr(-high)))
        result: Floats = np.clip(below / mass, 0.0, 1.0)
        return result
    if np.all(high <= 0):  # the mirrored upper end, its density relative to that at the bound nearer to zero
        (part,) = in_blocks(_slab, -x, x - low, nodes=NODES)
        (whole,) = in_blocks(_slab, -high, high - low, nodes=NODES)
        return np.asarray(part * np.exp(-0.5 * (x - high) * (x + high)) / whole)
    (part,) = in_blocks(_slab, low, x - low, nodes=NODES)
    (whole,) = in_blocks(_slab, low, high - low, nodes=NODES)
    return part / whole


def _slab(a: Floats, width: Floats) -> tuple[Floats]:
    """Integral of exp(-(a t + t**2/2)) over [0, width]."""
    u, w = legendre(NODES)
    reach = math.sqrt(2 * DROP)
    stop = np.minimum(width, 2 * DROP / (a + np.hypot(a, reach)))
    t = stop * u
    return (stop[:, 0] * (np.exp(-t * (a + 0.5 * t)) * w).sum(axis=1),)
