"""How far luck may bring the log gain of a signal over several maps: Chernoff's bound, with no normal approximation.

Given its input, a map with Gaussian weights multiplies the mean square by chi^2_m / m, with m = units * independent
inputs (several alike inputs count as fewer). E (chi^2_m / m)^l = Gamma(m/2 + l) / Gamma(m/2) (2/m)^l is exact, logs of
maps add up, and so do their cumulants: for every l > 0

    P(mean of n draws - its expectation > t) <= exp(-n (l t - K(l))).

Any l gives a true bound; the best of a grid is taken. Weights with lighter tails than normal ones stay below it. It
holds for maps in a row. The mask of a rectifier between them counts as one more with m = 2n/3: the share of the squares
that it lets pass has variance 3/n, and with the map's own 2/n that is the 5/n of a ReLU net; its lower tail is heavier
where n is small. Where draws spread more than all that explains, m is lowered to what they show.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_GRID = np.geomspace(1e-4, 1e4, 241)
_INSIDE = 0.999  # of the largest l for which the lower moment exists


def away(dofs: Sequence[float], alpha: float, draws: int) -> tuple[float, float]:
    """How far below and above its expectation the mean log gain of `draws` lies at most, each with risk `alpha`.

    >>> low, high = away([1000.0] * 10, 1e-6, 1)
    >>> low > high > 4.7 * (10 * 2 / 1000) ** 0.5  # further than a normal law's, and further below than above
    True
    """
    if not dofs:
        return 0.0, 0.0
    m = np.asarray(dofs, dtype=np.float64)
    nats = -np.log(alpha) / draws
    down = _GRID[_INSIDE * m.min() / 2 > _GRID]
    down = down if len(down) else np.array([_INSIDE * m.min() / 2])
    return _least(m, -down, nats), _least(m, _GRID, nats)


def _least(m: Floats, at: Floats, nats: float) -> float:
    from scipy.special import digamma, gammaln

    half = m / 2
    shift = gammaln(half[:, None] + at) - gammaln(half)[:, None] - at * digamma(half)[:, None]
    return float(((shift.sum(axis=0) + nats) / np.abs(at)).min())


def lowered(dofs: Sequence[float], seen: float) -> list[float]:
    """The same maps with m lowered, where draws have a larger variance `seen` than the 2/m of them add up to."""
    known = sum(2 / m for m in dofs)
    factor = min(1.0, known / seen) if seen > 0 else 1.0
    return [m * factor for m in dofs]
