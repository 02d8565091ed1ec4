"""Mean of a normal law: the exact exponential martingale, averaged over both signs and a ladder of shifts.

For z ~ N(0, 1), exp(lambda sum z - n lambda^2 / 2) is a martingale for every lambda, so their average is an e-process
against any mean other than 0. It sees what no variance does: a constant sign, a shifted grid, a mean added by mistake.

What the likelihood ratios leave open at the cap an exact test settles: under the law sum z is normal with variance n.
"""

import functools
import math
from statistics import NormalDist

import numpy as np

from varlaw.evidence.spending import CENTRE_BETA, SCALE_ALPHA
from varlaw.evidence.state import State

_SHIFTS = np.array([sign * 0.4 * 2.0**-j for j in range(9) for sign in (1, -1)])


def violation(state: State) -> float:
    """Log e-value against mean 0 of z with variance 1, in nats."""
    logs = _SHIFTS * state.total - state.n * _SHIFTS**2 / 2
    return float(np.logaddexp.reduce(logs) - np.log(len(_SHIFTS)))


def conformity(state: State, delta: float) -> float:
    """Log e-value, in nats, against every mean of z that is `delta` or more away from 0, on either side.

    >>> round(conformity(State(n=200_000, total=0.0, squares=2e5, peak=4.0), 0.01), 9)
    10.0
    """
    return state.n * delta**2 / 2 - delta * abs(state.total)


def risk(beta: float) -> float:
    """Of calling a normal sampler centred whose mean is off: beta^0.2.

    All of beta for the mean, too, would double what a lawful sampler has to draw.
    """
    return float(beta**0.2)


def centred(state: State, delta: float, beta: float) -> bool:
    """Whether a mean shifted by `delta` is beta^0.2 times as likely as 0, or less.

    Asked once the scale is settled, this misses a shift by delta with less than its share of that risk: see `missed`.
    """
    return conformity(state, delta) >= math.log(1 / risk(beta))


def missed(delta: float, beta: float, first: int) -> float:
    """The chance at most that a mean off by `delta` is called centred at any of the looks from `first` draws on.

    The log likelihood ratio L of mean 0 to mean delta is N(-v/2, v) then, v = n delta^2, if the mean is delta; after it
    e^L is a martingale, which passes the bound e^b from below with a chance of e^(L - b) at most.

    >>> round(missed(0.01, 1e-6, 141_000), 4)
    0.0125
    """
    bound, v = math.log(1 / risk(beta)), first * delta**2
    above = _NORMAL.cdf(-(bound + v / 2) / math.sqrt(v))
    return above + math.exp(-bound) * _NORMAL.cdf((bound - v / 2) / math.sqrt(v))


@functools.cache
def cap(delta: float, alpha: float, beta: float) -> int:
    """Smallest n at which the exact test misses a mean that is off by delta with its share of the risk at most.

    >>> cap(0.01, 1e-12, 1e-6)
    937414
    """
    power = -_NORMAL.inv_cdf(CENTRE_BETA["terminal"] * risk(beta))
    return math.ceil(((_side(alpha) + power) / delta) ** 2)


def terminal_limit(n: int, alpha: float) -> float:
    """Limit of |sum z| beyond which the exact test refutes mean 0."""
    return _side(alpha) * math.sqrt(n)


_NORMAL = NormalDist()


def _side(alpha: float) -> float:
    """In standard deviations: the share of alpha, a half on either side."""
    from scipy.special import ndtri

    return -float(ndtri(SCALE_ALPHA["mean"] * alpha / 2))
