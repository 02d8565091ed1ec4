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
    before: float | None = None  # the spread in front of the last linear map, where nothing came since
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


@dataclass(frozen=True)
class Backward:
    """What a block does to a gradient that comes from behind it."""

    gain: float
    spread: float = 0.0
    linear_width: float | None = None  # a linear map's input width: its 2/n belongs to the activation in front
