"""Products of neighbours: entries a few places apart, rows, parts of a tensor, and one tensor after the other.

Given the past, an entry is standard normal under the law, so exp(lambda sum z_i z_before - lambda^2/2 sum z_before^2)
is a martingale. The same holds of bounded scores of their magnitude, which find signs drawn anew over old magnitudes.

With the mean of an entry over all tensors before, drawn towards 0, in the place of lambda z_before, the bets find a
pattern of means, or of widths, that all tensors share, however it looks: against means of size a, n tensors of P
entries give P (n a^2 - ln(1 + n a^2)) / 2 nats. One entry that is off alone shows in the largest of these sums.
"""

import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.scores import averaged, dot, normally_tilted

Floats = NDArray[np.float64]

LAGS = (1, 2, 3, 4, 8, 16, 32)  # kernels draw in lanes and blocks of these many numbers
_STEPS = np.array([2.0, 1.0, 0.5, 0.25])  # std by which one entry may be off
_DOUBTS = 4.0 ** np.arange(1, 7)  # tensors' worth of mean 0 that a bet adds to the past: one over the mean square
PARTS = (2, 3, 4)  # keys and values, queries with them, gates: packed in one tensor


def magnitudes(u: Floats) -> Floats:
    """How large each entry is among its likes: uniform under the law, with mean 0 and variance 1, whatever its sign.

    A uniform score is sub-Gaussian with its own variance, so the cumulant of a normal bounds its own.
    """
    return math.sqrt(3) * (2 * np.abs(2 * u - 1) - 1)


class Neighbours:
    """Sums of products of scores with those before them."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}
        self._last: dict[str, Floats] = {}
        self._patterns = {"mean": _Pattern(), "magnitude": _Pattern()}

    def update(self, z: Floats, sizes: Floats) -> None:
        """Tensors of one shape, stacked: their entries as standard normal numbers, and their magnitudes."""
        flat = z.reshape(len(z), -1)
        length, row = flat.shape[1], z.shape[-1] if z.ndim > 2 else 0
        names = {lag: f"lag {lag}" for lag in LAGS}
        names |= {length // n: f"part 1/{n} before" for n in PARTS if length % n == 0}
        names |= {row: "row above", row + 1: "diagonal above"} if row else {}
        for lag, name in names.items():
            if 0 < lag < length:
                self._multiply(name, flat[:, lag:], flat[:, :-lag])
        if z.ndim == 3 and z.shape[1] == z.shape[2]:
            upper = np.triu(z, 1)
            self._multiply("mirrored", z.transpose(0, 2, 1).reshape(flat.shape), upper.reshape(flat.shape))
        self._in_turn("tensor before", flat)
        self._patterns["mean"].update(flat)
        magnitude = sizes.reshape(flat.shape)
        self._multiply("magnitude, lag 1", magnitude[:, 1:], magnitude[:, :-1])
        self._in_turn("magnitude, tensor before", magnitude)
        self._patterns["magnitude"].update(magnitude)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        sums = np.array(list(self._sums.values())).reshape(-1, 2)
        logs = dict(zip(self._sums, normally_tilted(sums[:, 0], sums[:, 1]).tolist(), strict=True))
        for name, pattern in self._patterns.items():
            logs[f"{name} of each entry"] = pattern.of_all()
            logs[f"{name} of one entry"] = pattern.of_one()
        return logs

    def _in_turn(self, name: str, flat: Floats) -> None:
        last = self._last.get(name)
        if last is not None and last.size == flat.shape[1]:
            self._multiply(name, flat[0], last)
        self._multiply(name, flat[1:], flat[:-1])
        self._last[name] = flat[-1]

    def _multiply(self, name: str, now: Floats, before: Floats) -> None:
        products, squares = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = products + dot(now, before), squares + dot(before, before)


class _Pattern:
    """Sums of each entry over the tensors of one shape, and what they foretold of the tensors after."""

    def __init__(self) -> None:
        self._sums, self._count = np.zeros(0), 0
        self._bets = np.zeros(len(_DOUBTS))  # log e-values
        self._before = 0.0  # log e-value of one entry, of tensors of shapes before

    def update(self, scores: Floats) -> None:
        """Tensors of one shape, flat, in their order."""
        if self._sums.size != scores.shape[1]:
            self._before += self._one_of_these()
            self._sums, self._count = np.zeros(scores.shape[1]), 0
        totals = self._sums + np.cumsum(scores, axis=0)
        past = np.concatenate([self._sums[None], totals[:-1]])
        products, energies = np.einsum("ij,ij->i", scores, past), np.einsum("ij,ij->i", past, past)
        weights = 1 / (np.arange(self._count, self._count + len(scores)) + _DOUBTS[:, None])
        self._bets += weights @ products - weights**2 @ energies / 2
        self._sums, self._count = totals[-1], self._count + len(scores)

    def of_all(self) -> float:
        """Log e-value of the bets that every entry has the mean it had so far, drawn towards 0 by each doubt."""
        return float(averaged(self._bets))

    def of_one(self) -> float:
        """Log e-value, at least, against one entry, whichever, with another mean: the largest term of an average."""
        return self._before + self._one_of_these()

    def _one_of_these(self) -> float:
        if not self._count:
            return 0.0
        far = max(float(self._sums.max()), -float(self._sums.min()))
        logs = _STEPS * far - self._count * _STEPS**2 / 2 - math.log(2 * self._sums.size)
        return float(averaged(logs))
