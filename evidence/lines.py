"""Sums over whole tensors, rows and columns, each a standard normal under the law: neither too uneven nor too even.

Given standard normal entries z, a line's sum and its energy sum z^2 have known laws, normal and chi-square; through
their distribution functions both become standard normal scores. Lines that share a shift or differ in scale show as a
large spread of the scores, lines that were centred, normalised, stratified or made orthogonal as a small one, tensors
that are all permutations of one as scores that come again and again, and rows or columns that are wider or shifted in
every tensor as scores that go with those of the tensor before.
"""

import functools
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.scores import LADDER, averaged, dot, normally_tilted, tilted

Floats = NDArray[np.float64]

_FAR = 8.2
_NEAR = np.array([2.0**-1, 2.0**-3, 2.0**-5, 2.0**-7, 2.0**-10])  # std of scores that are too even
# exp(lambda (s^2 - 1)/sqrt 2) over its mean is the likelihood ratio of N(0, tau^2) at lambda = (1 - 1/tau^2)/sqrt 2.
SQUARE_LADDER = np.concatenate([LADDER, (1 - _NEAR**-2) / math.sqrt(2)])


@functools.cache
def square_cumulants() -> Floats:
    """psi(lambda) of (z^2 - 1)/sqrt 2 for z ~ N(0, 1); every rung keeps sqrt(2) lambda below 1."""
    return -np.log1p(-math.sqrt(2) * SQUARE_LADDER) / 2 - SQUARE_LADDER / math.sqrt(2)


def line_scores(z: Floats) -> Iterator[tuple[str, Floats, Floats]]:
    """The scores of sums and of energies of the tensors of a stack and, from rank 2, of their rows and columns.

    Each has a row for every tensor.
    """
    flat = z.reshape(len(z), 1, -1)
    yield "tensors", *_standardised(flat.sum(axis=2), np.einsum("ijk,ijk->ij", flat, flat), flat.shape[2])
    if z.ndim > 2:
        grid = z.reshape(*z.shape[:2], -1)
        yield "rows", *_standardised(grid.sum(axis=2), np.einsum("ijk,ijk->ij", grid, grid), grid.shape[2])
        yield "columns", *_standardised(grid.sum(axis=1), np.einsum("ijk,ijk->ik", grid, grid), grid.shape[1])


def _standardised(sums: Floats, energies: Floats, length: int) -> tuple[Floats, Floats]:
    return sums / math.sqrt(length), chi_square_scores(energies, length)


def chi_square_scores(energies: Floats, degrees: int) -> Floats:
    """Chi-square numbers as the standard normal numbers of the same rank, exact in both tails."""
    from scipy.special import chdtr, chdtrc, ndtri

    below = chdtr(degrees, energies)
    upper = below > 0.5
    scores: Floats = ndtri(below)
    scores[upper] = -ndtri(chdtrc(degrees, energies[upper]))
    return scores.clip(-_FAR, _FAR)


class Lines:
    """Tallies of the scores, by kind of line, and what they are worth as evidence."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str], _Tally] = {}

    def update(self, z: Floats) -> None:
        """Tensors of one shape, as standard normal numbers, stacked along the first axis."""
        for line, sums, energies in line_scores(z):
            for quantity, scores in (("mean", sums), ("scale", energies)):
                self._tallies.setdefault((quantity, line), _Tally()).update(scores)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        names = [f"{quantity} of {line}" for quantity, line in self._tallies]
        tallies = list(self._tallies.values())
        counts = np.array([t.count for t in tallies], dtype=float)
        means = normally_tilted([t.total for t in tallies], counts)
        spreads = tilted([t.squares for t in tallies], np.multiply.outer(counts, square_cumulants()), SQUARE_LADDER)
        alike = averaged(np.array([t.alike for t in tallies]))
        again = normally_tilted([t.products for t in tallies], [t.energies for t in tallies])
        return {
            **dict(zip(names, means.tolist(), strict=True)),
            **dict(zip((f"spread of {name}" for name in names), spreads.tolist(), strict=True)),
            **dict(zip((f"{name} as before" for name in names), alike.tolist(), strict=True)),
            **dict(zip((f"{name} of the tensor before" for name in names), again.tolist(), strict=True)),
        }


class _Tally:
    """Running sums of standard normal scores, and of how they go with those before, of lines and of tensors."""

    def __init__(self) -> None:
        self.count, self.total, self.squares = 0, 0.0, 0.0
        self.alike = np.zeros(len(_NEAR))  # log e-values of N(score before, tau^2) against N(0, 1), given the past
        self.products, self.energies = 0.0, 0.0  # of scores with those of the same lines, and of the latter
        self._last: Floats = np.empty((0, 0))

    def update(self, scores: Floats) -> None:
        of_lines = self._last.ravel()[-1:]
        if self._last.shape[1:] != scores.shape[1:]:  # other lines
            self._last = scores[:0]
        tensors = np.concatenate([self._last, scores])
        self.products += dot(tensors[1:], tensors[:-1])
        self.energies += dot(tensors[:-1], tensors[:-1])
        self._last = scores[-1:]
        self._follow(np.concatenate([of_lines, scores.ravel()]))
        self.count += scores.size
        self.total += float(scores.sum())
        self.squares += float(((scores**2 - 1) / math.sqrt(2)).sum())

    def _follow(self, chain: Floats) -> None:
        now, before = chain[1:], chain[:-1]
        gaps = dot(now - before, now - before)
        self.alike += dot(now, now) / 2 - gaps / (2 * _NEAR**2) - now.size * np.log(_NEAR)
