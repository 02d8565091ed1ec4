"""Patterns that all tensors share: means, or widths, that belong to an entry's place.

Given the tensors before, an entry is standard normal under the law, and its magnitude bounded and sub-Gaussian with
variance 1, and so are standardised sums of entries. Whoever bets on each cell of a view (`places`) with its mean so
far, drawn towards 0, holds a martingale: against means of size a, n tensors of P cells give
P (n a^2 - ln(1 + n a^2)) / 2 nats, whatever the pattern. One cell that is off alone shows in the largest of the sums.
Halves, every second entry and a checkerboard, laid down beforehand, show soonest.

Tensors are added up before they are bet on, as many as came before at most: what a group teaches is used from
the next one on.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence import places
from varlaw.evidence.processes import Seen
from varlaw.evidence.scores import averaged, normally_tilted

Floats = NDArray[np.float64]

_STEPS = np.array([2.0, 1.0, 0.5, 0.25])  # std by which one cell may be off
_DOUBTS = 4.0 ** np.arange(0, 7)  # tensors' worth of mean 0 that a bet adds to the past: one over the mean square


_QUANTITIES = ("mean", "magnitude")
_WHICH = ("each entry", "one entry", "each part", "one part")


class Patterns:
    """The patterns of means, and those of magnitudes; arrays hold a row for each of both."""

    def __init__(self) -> None:
        self._shape: tuple[int, ...] = ()
        self._count = 0  # tensors of that shape
        self._views: dict[str, _Cells] = {}
        self._before = np.zeros((len(_WHICH), 2))  # log wealth that tensors of the shapes before left
        self._contrasts, self._entries = np.zeros((2, len(places.CONTRASTS))), 0

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account, in their order."""
        shape = seen.normal.shape[1:]
        if shape != self._shape:
            self._before, self._views = self._wealth(), {}
            self._shape, self._count = shape, 0
        starts = _starts(self._count, len(seen.normal))
        counts = np.diff([*starts, len(seen.normal)])
        groups = np.stack([_added(scores, starts) for scores in (seen.normal, seen.sizes)])
        for view, sums in places.sums(groups.reshape(-1, *shape)):
            cells = self._views.setdefault(view, _Cells(sums.shape[1]))
            cells.update(sums.reshape(2, len(starts), -1), self._count, counts)
        self._contrasts += [places.contrasts(total) for total in groups.sum(axis=1)]
        self._entries += seen.normal.size
        self._count += len(seen.normal)

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        contrasts = normally_tilted(self._contrasts, np.full(self._contrasts.shape, self._entries))
        parts = np.concatenate([self._wealth(), contrasts.T])
        names = [f"{quantity} of {part}" for part in (*_WHICH, *places.CONTRASTS) for quantity in _QUANTITIES]
        return dict(zip(names, parts.ravel().tolist(), strict=True))

    def told(self, name: str) -> str:
        """The name with the view in which a line or a block stands out."""
        quantity, _, part = name.partition(" of ")
        views = [view for view in self._views if view != places.ENTRIES]
        if not part.endswith(" part") or not views:
            return name
        found = self._by_view()[_WHICH.index(part) - 2, 1:, _QUANTITIES.index(quantity)]
        return f"{name}, {views[int(found.argmax())]}"

    def _wealth(self) -> Floats:
        """For each of `_WHICH` (rows) the log wealth of both quantities."""
        if not self._count:
            return self._before
        each, one = self._by_view()
        parts = [averaged(found[1:].T) if len(found) > 1 else np.zeros(2) for found in (each, one)]
        found: Floats = self._before + np.stack([each[0], one[0], *parts])
        return found

    def _by_view(self) -> Floats:
        """Log wealth of bets on each cell, and on one, at least; by view, entries first, and by quantity.

        Of one cell, whichever: the largest term of an average over all cells and both signs.
        """
        cells = self._views.values()
        each = averaged(np.stack([view.bets for view in cells]))
        far = np.stack([np.maximum(view.sums.max(axis=1), -view.sums.min(axis=1)) for view in cells])
        size = np.array([view.sums.shape[1] for view in cells])
        one = averaged(np.multiply.outer(far, _STEPS) - self._count * _STEPS**2 / 2) - np.log(2 * size)[:, None]
        return np.stack([each, one])


class _Cells:
    """Sums of the cells of one view over the tensors of one shape, and what they foretold of the tensors after."""

    def __init__(self, cells: int) -> None:
        self.bets = np.zeros((2, len(_DOUBTS)))  # log e-values
        self.sums = np.zeros((2, cells))

    def update(self, sums: Floats, count: int, counts: NDArray[np.int64]) -> None:
        """Groups of tensors by their standardised sums, after `count` tensors; and how many each group has."""
        past = np.concatenate([self.sums[:, None], sums[:, :-1]], axis=1)
        for before, after in itertools.pairwise(past.swapaxes(0, 1)):
            after += before  # `cumsum` would go from row to row at each entry
        products, energies = np.einsum("qij,qij->qi", sums, past), np.einsum("qij,qij->qi", past, past)
        weights = 1 / (count + np.cumsum(counts) - counts + _DOUBTS[:, None])
        self.bets += products @ weights.T - (counts * energies / 2) @ (weights**2).T
        self.sums = past[:, -1] + sums[:, -1]


def _added(scores: Floats, starts: list[int]) -> Floats:
    return scores if len(starts) == len(scores) else np.add.reduceat(scores, starts, axis=0)


def _starts(before: int, count: int) -> list[int]:
    """Where the groups of `count` further tensors begin: as many as came before in each, and one at least."""
    starts, at = [], 0
    while at < count:
        starts.append(at)
        at += max(1, before + at)
    return starts
