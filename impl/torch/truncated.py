"""Drawing from a normal kept between two bounds, from the centre to the farthest tail, without waiting for a device.

The distribution function is inverted, so every draw takes the same steps and no device is asked whether it is done:
in float32 where the bounds are near, else in float64 from the side on which the function is small; beyond five sigmas
the distance beyond the bound is solved for, by Newton steps from the exponential tail.
"""

import math

import torch

from varlaw.impl.torch.streams import between_, rounded, write_
from varlaw.impl.truncation import Cut

NEAR = 2.5  # sigmas within which a float32 step of the uniform is a fine step of the normal
FAR = -5.0  # sigmas from which the distance beyond the bound is solved for


def draw_between(found: Cut, target: torch.Tensor, generator: torch.Generator) -> None:
    """Fill a contiguous float32 or float64 tensor with sigma times a standard normal kept in [low, high]."""
    kind = target.dtype
    if max(-found.low, found.high) <= NEAR and found.low < 0 < found.high:
        root = math.sqrt(0.5)
        between_(target, math.erf(found.low * root), math.erf(found.high * root), generator)
        target.erfinv_().mul_(found.sigma / root)
    else:
        unit = torch.empty(target.shape, dtype=torch.float64, device=target.device)
        between_(unit, 0.0, 1.0, generator)
        write_(target, quantiles(found, 1 - unit))  # never zero: the quantile of zero may be infinite
    low, high = found.sigma * found.low, found.sigma * found.high
    target.clamp_(rounded(low, kind), rounded(high, kind))  # rounding may step out


def quantiles(found: Cut, unit: torch.Tensor) -> torch.Tensor:
    """The quantiles, in float64, of float64 numbers in (0, 1], which are written over."""
    return _inverted(found, unit).mul_(found.sigma).clamp_(found.sigma * found.low, found.sigma * found.high)


def _inverted(found: Cut, unit: torch.Tensor) -> torch.Tensor:
    """Quantiles of the kept part for float64 numbers in (0, 1]."""
    mirrored = found.low + found.high > 0  # work on the side where the distribution function is small
    low, high = (-found.high, -found.low) if mirrored else (found.low, found.high)
    if high > FAR:
        below, above = _mass(low), _mass(high)
        x: torch.Tensor = torch.special.ndtri(unit.mul_(above - below).add_(below))
    else:
        x = _far(low, high, unit)
    return x.neg_() if mirrored else x


def _mass(x: float) -> float:
    from scipy import special

    return float(special.ndtr(x))


def _far(low: float, high: float, unit: torch.Tensor) -> torch.Tensor:
    """Quantiles where low < high <= FAR, as the distance t below `high`: mass(high - t) / mass(high) is known."""
    edge, root = -high, math.sqrt(0.5)
    flat = _erfcx(edge * root)
    least = 0.0
    if low > -math.inf:
        width = high - low
        least = _erfcx((edge + width) * root) / flat * math.exp(-width * (2 * edge + width) / 2)
    wanted = torch.log(unit + (1 - unit) * least)
    t = -2 * wanted / (edge + torch.sqrt(edge * edge - 2 * wanted))  # the tail without its slow factor
    for _ in range(4):
        slow = torch.special.erfcx((edge + t) * root)
        log_ratio = torch.log(slow / flat) - t * (2 * edge + t) / 2
        t = t + (log_ratio - wanted) * slow * math.sqrt(math.pi / 2)
    return high - t


def _erfcx(x: float) -> float:
    """exp(x**2) * erfc(x)."""
    from scipy import special

    return float(special.erfcx(x))
