"""Missing tails of a normal law, from the maximum alone: truncation, a uniform in disguise, too few random bits.

With F(c) = P(|z| <= c), the process 1{max |z| <= c} / F(c)^n is a martingale under the law for every c. A uniform of
the right variance ends at 1.73 sigmas and is found after some 300 draws, a cut at two sigmas after 600, and the
3.33 sigmas that eight random bits can reach after 3e4, where the variance is still right to 0.7 %.
"""

import functools
import math

import numpy as np

from varlaw.evidence.state import State

_CUTS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.4, 4.0, 5.0)


def violation(state: State, std: float) -> float:
    """Log e-value against a normal law of standard deviation `std` (in the units of `state.peak`)."""
    logs = [-state.n * _log_inside(cut) for cut in _CUTS if state.peak <= cut * std]
    return float(np.logaddexp.reduce(logs) - math.log(len(_CUTS))) if logs else -math.inf


@functools.cache
def _log_inside(cut: float) -> float:
    """ln P(|z| <= cut)."""
    return math.log1p(-math.erfc(cut / math.sqrt(2)))
