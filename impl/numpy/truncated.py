"""Drawing from a normal kept between two bounds, from the centre to the farthest tail.

Two exact methods. Where the interval holds a good part of the mass, draw from the whole normal and draw again what
falls outside. Elsewhere invert the distribution function, from the side on which its value is small; beyond five sigmas
solve for the distance beyond the bound, by Newton steps from the exponential tail.
"""

import math

import numpy as np

from varlaw.impl.numpy.streams import Array, centred
from varlaw.impl.truncation import Cut

ACCEPTED = 0.3  # the smallest share of a normal for which drawing again is cheaper than inverting
FAR = -5.0  # sigmas from which the distance beyond the bound is solved for


def draw_between(found: Cut, generator: np.random.Generator, block: Array) -> None:
    """Fill a flat float32 or float64 block with sigma times a standard normal kept in [low, high]."""
    if math.erf(found.high / math.sqrt(2)) - math.erf(found.low / math.sqrt(2)) > 2 * ACCEPTED:
        _redraw(found, generator, block)
        block *= block.dtype.type(found.sigma)
    else:
        unit = np.empty(block.size)
        centred(generator, unit)
        quantiles_between(found, unit, block)
    _keep_between(found, block)


def quantiles_between(found: Cut, centred_unit: Array, block: Array) -> None:
    """Fill a block with the quantiles of float64 numbers in (-1/2, 1/2), the middle being the median."""
    block[...] = found.sigma * _inverted(found, centred_unit + 0.5)
    _keep_between(found, block)


def _keep_between(found: Cut, block: Array) -> None:
    kind = block.dtype.type
    np.clip(block, kind(found.sigma * found.low), kind(found.sigma * found.high), out=block)  # rounding may step out


def _redraw(found: Cut, generator: np.random.Generator, block: Array) -> None:
    generator.standard_normal(out=block, dtype=block.dtype.type)
    outside = np.flatnonzero((block < found.low) | (block > found.high))
    while outside.size:
        again = generator.standard_normal(outside.size, dtype=block.dtype.type)
        block[outside] = again
        outside = outside[(again < found.low) | (again > found.high)]


def _inverted(found: Cut, unit: Array) -> Array:
    """Quantiles of the kept part for float64 numbers in (0, 1)."""
    from scipy import special

    mirrored = found.low + found.high > 0  # work on the side where the distribution function is small
    low, high = (-found.high, -found.low) if mirrored else (found.low, found.high)
    if high > FAR:
        below, above = special.ndtr(low), special.ndtr(high)
        x = special.ndtri(below + unit * (above - below))
    else:
        x = _far(low, high, unit)
    return np.negative(x) if mirrored else np.asarray(x)


def _far(low: float, high: float, unit: Array) -> Array:
    """Quantiles where low < high <= FAR, as the distance t below `high`: mass(high - t) / mass(high) is known."""
    from scipy import special

    edge, root = -high, math.sqrt(0.5)
    flat = float(special.erfcx(edge * root))

    def log_ratio(t: Array) -> Array:
        return np.asarray(np.log(special.erfcx((edge + t) * root) / flat) - t * (2 * edge + t) / 2)

    least = float(np.exp(log_ratio(np.asarray(high - low)))) if low > -math.inf else 0.0
    wanted = np.log(unit + (1 - unit) * least)
    t = -2 * wanted / (edge + np.sqrt(edge * edge - 2 * wanted))  # the tail without its slow factor
    for _ in range(4):
        hazard = math.sqrt(2 / math.pi) / special.erfcx((edge + t) * root)
        t = t + (log_ratio(t) - wanted) / hazard
    return np.asarray(high - t)
