"""What runs through a network in theory: two inputs of one size, per unit, and what a block does to a gradient.

An input may have positions (tokens, pixels), all alike and equally correlated: then three covariances of one unit are
kept, that of two inputs at one position, of two positions of one input, and of two positions of two inputs.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Signal:
    """Two inputs of one size on their way through a network, per unit."""

    second_moment: float
    covariance: float  # E[a b] of the two inputs
    mean: float = 0.0  # mean over units
    spread: float = 0.0  # variance of ln |h|^2 over fresh weights
    before: float | None = (
        None  # what the spread would be without the last linear map's normal units, if none came since
    )
    width: float = math.inf
    kurtosis: float = 3.0  # E h^4 / (E h^2)^2 over units
    positions: float | None = None  # E[a a'] at two positions of one input; None where there are no positions
    elsewhere: float | None = None  # E[a b'] of the two inputs at two positions
    normal: "tuple[str, float, float] | None" = None  # it is this activation of N(0, q), of that position covariance

    @property
    def correlation(self) -> float:
        """Uncentred: E[a b] / E[a^2]."""
        return self.covariance / self.second_moment if self.second_moment else 0.0

    @property
    def own(self) -> float:
        """What the last linear map added to `spread`; 0 where something came since."""
        return 0.0 if self.before is None else min(self.spread, self.spread - self.before)

    @property
    def far(self) -> float:
        """E[a b'] of two inputs at unlike positions, or at their only one."""
        return self.covariance if self.elsewhere is None else self.elsewhere

    def mapped(self, covariance: Callable[[float], float]) -> "Signal":
        """Every covariance through one map."""
        return replace(
            self,
            covariance=covariance(self.covariance),
            positions=None if self.positions is None else covariance(self.positions),
            elsewhere=None if self.elsewhere is None else covariance(self.elsewhere),
        )


BAND = 3.29  # standard deviations: 99.9 % of draws


def band(spread: float, own: float = 0.0) -> tuple[float, float]:
    """The factors on E |h|^2 between which 99.9 % of draws lie, where Var ln |h|^2 is `spread`.

    Of the log normal, whose log has mean -spread/2, with the skewness of ln chi^2 for the part of the last map, -own^2
    over spread^(3/2), by Cornish and Fisher: ten units are small more often than they are large.

    >>> [round(x, 3) for x in band(0.01)], [round(x, 2) for x in band(0.2, 0.2)]
    ([0.716, 1.383], [0.15, 2.84])
    """
    spread = max(spread, 0.0)
    if spread == 0:
        return 1.0, 1.0
    tilt = -(own**2) / spread**1.5 * (BAND**2 - 1) / 6
    low, high = (-spread / 2 + math.sqrt(spread) * (z + tilt) for z in (-BAND, BAND))
    return math.exp(max(low, -700.0)), math.exp(min(high, 700.0))


@dataclass(frozen=True)
class Backward:
    """What a block does to a gradient that comes from behind it."""

    gain: float
    spread: float = 0.0
    linear_width: float | None = None  # a linear map's input width: its 2/n belongs to the activation in front
    orthogonal: bool = False  # the map keeps norms: it has no 2/n
