"""One activation as a row: all that the laws need to know of it.

A row holds the function and its derivative twice, as executable ASCII over `x` and the parameter and as NumPy
functions; its closed forms over `q` where there are any; and the `Moments` that compute them stably.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from varlaw.theory.activations.moments import Moments
from varlaw.theory.activations.pointwise import Functions
from varlaw.theory.domain import Interval

SHAPE = Interval(low=1e-20, high=1e20, typical=(0.1, 10.0))  # of a parameter that scales the argument or the threshold


@dataclass(frozen=True)
class Parameter:
    """The one parameter an activation may have: its name in the formulas, default and range."""

    name: str
    default: float
    range: Interval


@dataclass(frozen=True, kw_only=True)
class Activation:
    """One activation: executable formulas of `x` (and `q` in the closed forms), and its moments."""

    phi: str
    slope: str  # the derivative where there is one
    functions: Callable[..., Functions] = field(repr=False)  # phi and its derivative, of NumPy arrays
    moments: Callable[..., Moments] = field(repr=False)
    parameter: Parameter | None = None
    closed: Mapping[str, str] = field(default_factory=dict)  # quantity -> formula in q and the parameter
    aliases: tuple[str, ...] = ()
    source: str = ""

    @property
    def method(self) -> str:
        """How its moments are computed, for people."""
        return "closed form" if "second_moment" in self.closed else "Gauss-Legendre panels"
