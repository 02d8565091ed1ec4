"""Mean and second moment of any known law, by exponential tilts with exact cumulants.

For a score s of one draw with cumulant psi(lambda) = ln E exp(lambda s), exp(lambda sum s - n psi(lambda)) is a
martingale under the law. z is taken from the law's mean: with s = z it sees another mean, with s = z^2 a wrong
variance, whatever the family; the maximum of a bounded law sees a wrong support sooner, but not a wrong mass inside it.

Conformity, which is asked only of laws whose limits lie too far out for `betting`, is that of the scale family: under a
law r >= 1 + delta times as wide about its mean, E exp(-lambda z^2) is at most that at 1 + delta, so the tilt with that
cumulant is an e-process against all of them at once, and likewise below.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.state import State
from varlaw.theory.variates import TruncatedNormal, Uniform

Floats = NDArray[np.float64]
Bounded = Uniform | TruncatedNormal

_NODES = 200
_WIDEST = 40.0  # standard deviations: no tilt gives weight to what lies beyond
_STEPS = 0.4 * 2.0 ** -np.arange(9)


def of_mean(law: Bounded, state: State) -> float:
    """Log e-value against the law's mean."""
    return _averaged(_of_mean(_standard(law), state))


def of_std(law: Bounded, state: State, eps0: float) -> float:
    """Log e-value against the law's std, with |ln r| <= eps0 allowed for rounding."""
    return _averaged(_of_square(_standard(law), state, eps0))


def _averaged(logs: Floats) -> float:
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))


def conformity(law: Bounded, state: State, delta: float) -> float:
    """The weaker of the log e-values against r >= 1 + delta and against r <= 1 / (1 + delta)."""
    above, below = _sides(_standard(law), delta)
    return min(above.log(state), below.log(state))


def cap(law: Bounded, delta: float, alpha: float, beta: float) -> int:
    """Samples after which looking on is in vain: three times what the slower of both errors needs on average."""
    above, below = _sides(_standard(law), delta)
    rate = min(above.rate, below.rate)
    return math.ceil(3 * math.log(max(2 / beta, 2 / alpha)) / rate)


def interval(law: Bounded, state: State, gamma: float) -> tuple[float, float]:
    """Always-valid interval for r: the widths that a mixture of tilts does not refute at gamma/2 a side."""
    standard = _standard(law)
    return _edge(standard, state, gamma, 1), _edge(standard, state, gamma, -1)


@dataclass(frozen=True)
class _Tilt:
    """exp(slope sum z^2 - n cumulant), which grows by `rate` nats a draw when the law holds."""

    slope: float
    cumulant: float

    @property
    def rate(self) -> float:
        return self.slope - self.cumulant

    def log(self, state: State) -> float:
        return self.slope * state.squares - state.n * self.cumulant


def _standard(law: Bounded) -> Bounded:
    return law.scaled(1 / law.std)


@functools.cache
def _quadrature(standard: Bounded) -> tuple[Floats, Floats]:
    """Nodes z and log weights of the law of unit std: Gauss-Legendre on its support, exact to rounding."""
    x, w = np.polynomial.legendre.leggauss(_NODES)
    low, high = np.clip(standard.support, standard.mean - _WIDEST, standard.mean + _WIDEST)
    z = low + (high - low) * (x + 1) / 2
    logs = np.log(w * (high - low) / 2) + standard.logpdf(z)
    return z - standard.mean, logs - np.logaddexp.reduce(logs)


def _cumulant(standard: Bounded, slope: float, power: int, r: float = 1.0) -> float:
    z, log_weights = _quadrature(standard)
    return float(np.logaddexp.reduce(log_weights + slope * (r * z) ** power))


@functools.cache
def _cumulants(standard: Bounded, power: int, sign: int, r: float) -> Floats:
    return np.array([_cumulant(standard, sign * step, power, r) for step in _STEPS])


def _of_mean(standard: Bounded, state: State) -> Floats:
    return np.concatenate(
        [sign * _STEPS * state.total - state.n * _cumulants(standard, 1, sign, 1.0) for sign in (1, -1)]
    )


def _of_square(standard: Bounded, state: State, eps0: float) -> Floats:
    return np.concatenate(
        [
            sign * _STEPS * state.squares - state.n * _cumulants(standard, 2, sign, math.exp(sign * eps0))
            for sign in (1, -1)
        ]
    )


@functools.lru_cache(maxsize=1024)
def _sides(standard: Bounded, delta: float) -> tuple[_Tilt, _Tilt]:
    return _fastest(standard, 1 + delta, -1), _fastest(standard, 1 / (1 + delta), 1)


def _fastest(standard: Bounded, r: float, sign: int) -> _Tilt:
    """The tilt against the law r times as wide that grows fastest under the law itself: a golden-section search."""

    def rate(log_slope: float) -> float:
        slope = sign * math.exp(log_slope)
        return slope - _cumulant(standard, slope, 2, r)

    low, high, golden = math.log(1e-6), math.log(50.0), (math.sqrt(5) - 1) / 2
    while high - low > 1e-3:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if rate(left) > rate(right) else (left, high)
    slope = sign * math.exp((low + high) / 2)
    return _Tilt(slope, _cumulant(standard, slope, 2, r))


def _edge(standard: Bounded, state: State, gamma: float, sign: int) -> float:
    """The r nearest to what was seen that is refuted as too small (sign 1) or too large (sign -1), by bisection."""
    refuted, kept = (1e-3, 1e3) if sign > 0 else (1e3, 1e-3)
    while abs(math.log(refuted / kept)) > 1e-6:
        r = math.sqrt(refuted * kept)
        cumulants = np.array([_cumulant(standard, sign * step, 2, r) for step in _STEPS])
        evidence = np.logaddexp.reduce(sign * _STEPS * state.squares - state.n * cumulants) - math.log(len(_STEPS))
        refuted, kept = (r, kept) if evidence >= math.log(2 / gamma) else (refuted, r)
    return refuted
