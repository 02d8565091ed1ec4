"""Three e-detectors of change, for many signals at once: level, scale and jumps, oscillation.

M = (M + 1) * L at every step, with L a bet whose mean is at most 1 under the null; an alarm when ln M reaches h. Under
the null M - t is a supermartingale, so the mean number of steps to a false alarm is at least exp(h), and the chance of
any within T steps at most T exp(-h) (Shin, Ramdas and Rinaldo 2024). Several signals are merged by the mean of M: valid
under any dependence, at a cost of ln(signals) nats.

The nulls, in words: given the past, a level rises no faster than 0.4 noise deviations in 64 steps; at most 20 % of
steps (35 % for updates) exceed the level that 10 % exceeded; at most 60 % of steps change side.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose.watching.tracker import BURN_IN

Floats = NDArray[np.float64]

SLACK = 0.2
_LEVEL = np.array([0.1, 0.3, 0.6, 0.83])  # at most 1 / (1 + slack): a factor is never negative
_TURNS = np.array([[0.7, 0.85, 0.97]])
_MOST = 600.0  # nats beyond which M is not followed


@dataclass(frozen=True)
class Rule:
    """One detector: its name, what it says, and the assumption under which its rate holds."""

    name: str
    says: str
    assumes: str


RULES = {
    rule.name: rule
    for rule in (
        Rule("up", "rises", "given the past, the level rises no faster than 0.4 noise deviations in 64 steps"),
        Rule("down", "falls", "given the past, the level falls no faster than 0.4 noise deviations in 64 steps"),
        Rule("scale", "jumps or grows noisy", "given the past, few steps exceed the level that 10 % exceeded"),
        Rule("turns", "oscillates", "given the past, at most 60 % of steps change side"),
    )
}


class Detectors:
    """All four rules on `count` signals; `most` is the null share of large steps of each signal."""

    def __init__(self, count: int, most: Floats, rules: Collection[str] = tuple(RULES)) -> None:
        self.count, self._rules = count, rules
        shares = np.where(most[:, None] > 0.3, [[0.5, 0.7, 0.9]], [[0.35, 0.6, 0.9]])
        self._shares, self._most = shares, most[:, None]
        bets = {"up": 4, "down": 4, "scale": 3, "turns": 3}
        self._log: dict[str, Floats] = {name: np.full((count, bets[name]), -np.inf) for name in rules}
        self._blind = {name: np.zeros(count, dtype=np.int64) for name in rules}

    def step(self, g: Floats, excess: Floats, turned: Floats, ready: NDArray[np.bool_]) -> dict[str, Floats]:
        """ln M of every rule and signal after this step."""
        bets: dict[str, Callable[[], Floats]] = {
            "up": lambda: np.log1p(_LEVEL * (g[:, None] - SLACK)),
            "down": lambda: np.log1p(_LEVEL * (-g[:, None] - SLACK)),
            "scale": lambda: _event(excess[:, None], self._shares, self._most),
            "turns": lambda: _event(turned[:, None], _TURNS, np.full((self.count, 1), 0.6)),
        }
        return {name: self._after(name, bets[name](), ready) for name in self._rules}

    def evidence(self, name: str, signal: int) -> float:
        """ln M of one rule on one signal."""
        return float(np.logaddexp.reduce(self._log[name][signal])) - math.log(self._log[name].shape[1])

    def reset(self, name: str, which: NDArray[np.bool_]) -> None:
        """After an alarm: M is 0 and the signal is armed again after the burn-in."""
        self._log[name][which] = -np.inf
        self._blind[name][which] = BURN_IN

    def restart(self, which: NDArray[np.bool_]) -> None:
        """After a change that was known beforehand: every M of these signals is 0."""
        for name in self._rules:
            self._log[name][which] = -np.inf
            self._blind[name][which] = 0

    def _after(self, name: str, bet: Floats, ready: NDArray[np.bool_]) -> Floats:
        armed = ready & (self._blind[name] == 0)
        log = self._log[name]
        log[armed] = np.minimum(np.logaddexp(log[armed], 0.0) + bet[armed], _MOST)
        self._blind[name][ready] = np.maximum(self._blind[name][ready] - 1, 0)
        merged: Floats = np.logaddexp.reduce(log, axis=1) - math.log(log.shape[1])
        return merged


def _event(b: Floats, p: Floats, most: Floats) -> Floats:
    """ln of the likelihood ratio of an event at p against one of at most `most`."""
    result: Floats = b * np.log(p / most) + (1 - b) * np.log((1 - p) / (1 - most))
    return result


def merged(logs: Floats, ready: NDArray[np.bool_]) -> float:
    """ln of the mean of M over the signals that are judged."""
    chosen = logs[ready]
    return float(np.logaddexp.reduce(chosen) - math.log(len(chosen))) if len(chosen) else -math.inf
