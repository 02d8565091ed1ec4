"""The centre, scale and correlation of many signals at once, each learnt from the past alone.

A signal is ln of a loss, of a gradient norm, of an update norm over the rate, of an activation's second moment. At step
t its score g in [-1, 1] is what it does beside what was known before t; the centre then moves by that same score, so
that E g = 0 in equilibrium whatever the noise's skewness or tails: neither normality nor exchangeability is assumed. A
level that rises by 0.4 noise deviations in 64 steps gives E g = 0.2: slack in g is a speed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BURN_IN = 128  # steps after a start or a restart in which nothing is judged
_ETA = 1 / 64
_OUTSIDE = 0.3173  # share of a normal beyond one sigma
_TAIL = 0.1


class Tracker:
    """State of `count` signals; `floor` is what is too small to matter, on the scale of the signal."""

    def __init__(self, count: int, floor: float | Floats = 0.05) -> None:
        self.count = count
        self.floor = np.broadcast_to(np.asarray(floor, dtype=np.float64), (count,)).copy()
        self.restart(np.ones(count, dtype=bool))

    def restart(self, which: NDArray[np.bool_]) -> None:
        """Forgets some signals: they are blind for `BURN_IN` steps."""
        if not hasattr(self, "age"):
            shape = (self.count,)
            self.age = np.zeros(shape, dtype=np.int64)
            self.begun = np.zeros(shape, dtype=bool)  # whether a centre is known, if from before a restart
            self.m, self.s, self.phi, self.v, self.q = (np.zeros(shape) for _ in range(5))
            self.w, self.cross, self.square, self.side = (np.zeros(shape) for _ in range(4))
            self._past = np.full((self.count, BURN_IN), np.nan)
        self.age[which] = 0
        self._past[which] = np.nan

    def relearn(self, i: int, past: Sequence[float]) -> None:
        """Learns one signal anew from what it just did, without blind steps; from what follows where that is short."""
        if len(past) >= BURN_IN:
            self._past[i], self.age[i] = past[-BURN_IN:], BURN_IN
            self._begin(i)

    def step(self, x: Floats) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """Scores g, |e| over what 10 % exceeded, change of side, and which signals could be judged.

        x: one number a signal; what is not finite is not fed.
        """
        fed = np.isfinite(x)
        ready = fed & (self.age >= BURN_IN)
        g, excess, turned = np.zeros(self.count), np.zeros(self.count), np.zeros(self.count)
        with np.errstate(all="ignore"):
            g[ready], excess[ready], turned[ready] = (a[ready] for a in self._learn(x, ready))
        young = fed & (self.age < BURN_IN)
        self._past[young, self.age[young]] = x[young]
        self.age[fed] += 1
        for i in np.flatnonzero(young & (self.age == BURN_IN)):
            self._begin(int(i))
        return g, excess, turned, ready

    def centre(self) -> Floats:
        """The present level of every signal."""
        return self.m

    def _learn(self, x: Floats, ready: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
        u = (x - self.m) / self.s
        e = u - self.phi * self.w
        spread = np.maximum(self.v, self.floor / self.s)
        g = np.clip(e / spread, -2, 2) / 2
        excess = (np.abs(e) > np.maximum(self.q, 1.645 * self.floor / self.s)).astype(np.float64)
        turned = (np.sign(u) != self.side).astype(np.float64)
        after = {
            "m": self.m + _ETA * self.s * 2 * spread * g / np.maximum(1 - self.phi, 0.1),
            "s": self.s * np.exp(((np.abs(u) > 1) - _OUTSIDE) / 128),
            "v": self.v * np.exp(((np.abs(e) > self.v) - _OUTSIDE) / 128),
            "side": np.sign(u),
        }
        after["q"] = self.q * np.exp(((np.abs(e) > self.q) - _TAIL) / 256) * self.s / after["s"]
        w = np.clip(u, -2, 2)
        after["cross"] = self.cross + (w * self.w - self.cross) / 512
        after["square"] = self.square + (w * w - self.square) / 512
        moves = after["square"] > 0
        after["phi"] = np.clip(
            np.divide(after["cross"], after["square"], out=np.zeros(self.count), where=moves), 0, 0.95
        )
        after["w"] = w
        for name, value in after.items():
            getattr(self, name)[ready] = value[ready]
        return g, excess, turned

    def _begin(self, i: int) -> None:
        """Centre, scale, correlation and residuals of the first steps, from quantiles."""
        x = self._past[i]
        self.begun[i] = True
        self.m[i] = np.median(x)
        away = np.abs(x - self.m[i])
        self.s[i] = max(float(np.quantile(away, 1 - _OUTSIDE)), 1e-12, 1e-3 * self.floor[i])
        w = np.clip((x - self.m[i]) / self.s[i], -2, 2)
        self.square[i], self.cross[i] = float(np.mean(w * w)), float(np.mean(w[1:] * w[:-1]))
        self.phi[i] = np.clip(self.cross[i] / self.square[i], 0, 0.95) if self.square[i] > 0 else 0.0
        e = (x[1:] - self.m[i]) / self.s[i] - self.phi[i] * w[:-1]
        self.v[i] = max(float(np.sqrt(np.mean(e * e))), 1e-6)
        self.q[i] = max(float(np.quantile(np.abs(e), 0.9)), 1e-6)
        self.w[i], self.side[i] = w[-1], np.sign(w[-1])
