"""The std of a law with limits, decided against *every* distribution within them, by bets on the mean of y = z^2.

z is an entry, less the lawful mean, over the lawful standard deviation, so that the law says E y = 1, and y never
exceeds `reach`. Where the mean of y, given the draws before, is m or more, the capital of who bets on less, the product
of 1 + stake (m - y), is an e-process (Waudby-Smith and Ramdas 2024, J. R. Stat. Soc. B 86), and likewise with the signs
turned where it is m or less. Nothing is asked of the density within the limits.

log(1 + x) >= x - penalty(c) x^2 for x >= -c (Fan, Grama and Liu 2015), so that the sums of y and y^2 are enough, for
any m afterwards. No test of the same promise can do with fewer than ln(1/beta) / (2.5 delta^2) draws of a uniform law
on average, which is what the bets against one side need; both sides and the penalty add two fifths to that.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.state import State

Floats = NDArray[np.float64]

_SHARES: Floats = 0.5 * 2.0 ** -np.arange(
    17, dtype=np.float64
)  # stakes of the displayed interval, as shares of what one draw can cost


def conformity(state: State, kurtosis: float, reach: float, delta: float) -> float:
    """The weaker of the log e-values, in nats, against a std 1 + delta times the lawful one or more, or 1 / as much.

    `kurtosis` is that of the law, to which the stakes are fitted: it makes no difference to the guarantee.

    >>> round(conformity(State(n=60_000, squares=6e4, fourths=1.8 * 6e4), 1.8, 3.0, 0.01), 1)
    14.3
    """
    return min(bet.log(state) for bet in _sides(kurtosis, reach, delta))


def cap(kurtosis: float, reach: float, delta: float, alpha: float, beta: float) -> int:
    """Samples after which looking on is in vain: three times what the slower of both errors needs on average."""
    rate = min(bet.log(State(n=1, squares=1.0, fourths=kurtosis)) for bet in _sides(kurtosis, reach, delta))
    return math.ceil(3 * math.log(2 / min(alpha, beta)) / rate)


def interval(state: State, reach: float, gamma: float) -> tuple[float, float]:
    """Always-valid interval for (true std) / (lawful std), for every distribution with y <= `reach`.

    It misses the truth with probability at most gamma, over all looks together: the means of y that a mixture of stakes
    does not refute at gamma/2 a side.
    """
    if state.n == 0 or state.squares == 0:
        return 0.0, math.sqrt(reach)
    seen, refuted = state.squares / state.n, math.log(2 / gamma)
    low = _edge(seen, -1, lambda m: m < 1e-12 * seen or _mixed(state, m, -1, m) >= refuted)
    high = _edge(seen, 1, lambda m: m >= reach or _mixed(state, m, 1, reach - m) >= refuted)
    return math.sqrt(low), math.sqrt(min(high, reach))


@dataclass(frozen=True)
class _Bet:
    """Against means of y that are `mean` or beyond, which is above it for `sign` 1 and below it for -1."""

    mean: float
    sign: int
    stake: float
    penalty: float  # of the stake, for a loss of the most by which y can pass the mean

    def log(self, state: State) -> float:
        return float(_growth(state, self.mean, self.sign, self.stake, self.penalty))


@functools.lru_cache(maxsize=1024)
def _sides(kurtosis: float, reach: float, delta: float) -> tuple[_Bet, _Bet]:
    above, below = (1 + delta) ** 2, (1 + delta) ** -2
    return _best(kurtosis, above, 1, max(reach - above, 0.0)), _best(kurtosis, below, -1, below)


def _best(kurtosis: float, mean: float, sign: int, loss: float) -> _Bet:
    """The stake that grows fastest under the law: where stake gain - penalty stake^2 E (mean - y)^2 is largest."""
    gain = abs(mean - 1)
    stake = gain / (kurtosis - 1 + gain**2 + gain * loss)
    return _Bet(mean, sign, stake, float(_penalty(np.asarray(stake * loss))))


def _mixed(state: State, mean: float, sign: int, loss: float) -> float:
    stakes = _SHARES / loss
    logs = _growth(state, mean, sign, stakes, _penalty(stakes * loss))
    return float(np.logaddexp.reduce(logs) - math.log(len(_SHARES)))


def _growth(state: State, mean: float, sign: int, stake: Floats | float, penalty: Floats | float) -> Floats | float:
    """A lower bound of the log capital, for each stake."""
    gained = sign * (state.n * mean - state.squares)
    squares = state.n * mean**2 - 2 * mean * state.squares + state.fourths
    return stake * gained - penalty * (stake * stake) * squares


def _penalty(c: Floats) -> Floats:
    """(-log(1 - c) - c) / c^2, by its series where that cancels."""
    small = c < 1e-3
    safe = np.where(small, 0.5, c)
    exact = (-np.log1p(-safe) - safe) / safe**2
    return np.where(small, 0.5 + c / 3 + c**2 / 4 + c**3 / 5, exact)


def _edge(seen: float, sign: int, refuted: Callable[[float], bool]) -> float:
    """The mean nearest to `seen` that is refuted, above it for `sign` 1 or below: by doubling steps, then bisection."""
    step = 1e-4
    while not refuted(seen * math.exp(sign * step)):
        step *= 2
    inside, outside = step / 2, step
    while outside - inside > 1e-6 * outside:
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if refuted(seen * math.exp(sign * middle)) else (middle, outside)
    return seen * math.exp(sign * outside)
