"""Patterns that all tensors share: means, or widths, that belong to an entry's place.

Given the tensors before, an entry is standard normal under the law, and its magnitude bounded and sub-Gaussian with
variance 1. So whoever bets on each entry with its mean so far, drawn towards 0, holds a martingale: against means of
size a, n tensors of P entries give P (n a^2 - ln(1 + n a^2)) / 2 nats, whatever the pattern. One entry that is off
alone shows in the largest of the sums. Halves, every second entry and a checkerboard, laid down beforehand, show
soonest.
"""

import functools
import itertools
import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.scores import averaged, normally_tilted

Floats = NDArray[np.float64]

_STEPS = np.array([2.0, 1.0, 0.5, 0.25])  # std by which one entry may be off
_DOUBTS = 4.0 ** np.arange(1, 7)  # tensors' worth of mean 0 that a bet adds to the past: one over the mean square
_LONG = 256  # entries of a row from which a call for each row pays
_CONTRASTS = ("halves", "every second entry", "a checkerboard")


class Patterns:
    """The patterns of means, and those of magnitudes."""

    def __init__(self) -> None:
        self._found = {"mean": _Pattern(), "magnitude": _Pattern()}

    def update(self, z: Floats, sizes: Floats) -> None:
        """Tensors of one shape, stacked: their entries as standard normal numbers, and their magnitudes."""
        for pattern, scores in zip(self._found.values(), (z, sizes), strict=True):
            pattern.update(scores)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        return {f"{name} of {part}": e for name, p in self._found.items() for part, e in p.processes().items()}


class _Pattern:
    """Sums of each entry over the tensors of one shape, and what they foretold of the tensors after."""

    def __init__(self) -> None:
        self._sums, self._count = np.zeros(0), 0
        self._bets = np.zeros(len(_DOUBTS))  # log e-values
        self._before = 0.0  # log e-value of one entry, of tensors of shapes before
        self._contrasts, self._entries = np.zeros(len(_CONTRASTS)), 0

    def update(self, scores: Floats) -> None:
        """Tensors of one shape, in their order."""
        flat = scores.reshape(len(scores), -1)
        if self._sums.size != flat.shape[1]:
            self._before += self._of_one()
            self._sums, self._count = np.zeros(flat.shape[1]), 0
        totals = self._sums + _running(flat)
        past = np.concatenate([self._sums[None], totals[:-1]])
        products, energies = np.einsum("ij,ij->i", flat, past), np.einsum("ij,ij->i", past, past)
        weights = 1 / (np.arange(self._count, self._count + len(flat)) + _DOUBTS[:, None])
        self._bets += weights @ products - weights**2 @ energies / 2
        self._contrasts += _signs(scores.shape[1:]) @ (totals[-1] - self._sums)
        self._entries += flat.size
        self._sums, self._count = totals[-1], self._count + len(flat)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by what it looks at."""
        contrasts = normally_tilted(self._contrasts, np.full(len(_CONTRASTS), self._entries))
        return {
            "each entry": float(averaged(self._bets)),
            "one entry": self._before + self._of_one(),
            **dict(zip(_CONTRASTS, contrasts.tolist(), strict=True)),
        }

    def _of_one(self) -> float:
        """Of one entry, whichever, with another mean, at least: the largest term of an average over all entries."""
        if not self._count:
            return 0.0
        far = max(float(self._sums.max()), -float(self._sums.min()))
        return float(averaged(_STEPS * far - self._count * _STEPS**2 / 2)) - math.log(2 * self._sums.size)


def _running(rows: Floats) -> Floats:
    """Running sums down the rows: of long rows one at a time, where `cumsum` would go from row to row at each entry."""
    if rows.shape[1] < _LONG:
        return np.cumsum(rows, axis=0)
    sums = rows.copy()
    for before, after in itertools.pairwise(sums):
        after += before
    return sums


@functools.lru_cache(maxsize=64)
def _signs(shape: tuple[int, ...]) -> Floats:
    """The contrasts, a row each: an entry's sign in each of them."""
    size, row = math.prod(shape), math.prod(shape[1:])
    place = np.arange(size)
    ups = np.stack([place < size / 2, place % 2 == 0, (place // row + place % row) % 2 == 0])
    return np.where(ups, 1.0, -1.0)
