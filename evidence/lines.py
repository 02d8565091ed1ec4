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

from varlaw.evidence.chi_square import chi_square_scores
from varlaw.evidence.processes import Seen
from varlaw.evidence.scores import LADDER, averaged, normally_tilted, tilted

Floats = NDArray[np.float64]

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


_QUANTITIES = ("mean", "scale")


class Lines:
    """Tallies of the scores, by kind of line, and what they are worth as evidence."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account, in their order."""
        for line, sums, energies in line_scores(seen.normal):
            self._tallies.setdefault(line, _Tally()).update(np.stack([sums, energies]))

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        names = [f"{quantity} of {line}" for line in self._tallies for quantity in _QUANTITIES]
        tallies = list(self._tallies.values())
        if not tallies:
            return {}
        counts = np.repeat([float(t.count) for t in tallies], len(_QUANTITIES))
        means = normally_tilted(_joined([t.total for t in tallies]), counts)
        squares = _joined([t.squares for t in tallies])
        spreads = tilted(squares, np.multiply.outer(counts, square_cumulants()), SQUARE_LADDER)
        alike = averaged(_joined([t.alike for t in tallies]))
        again = normally_tilted(_joined([t.products for t in tallies]), _joined([t.energies for t in tallies]))
        return {
            **dict(zip(names, means.tolist(), strict=True)),
            **dict(zip((f"spread of {name}" for name in names), spreads.tolist(), strict=True)),
            **dict(zip((f"{name} as before" for name in names), alike.tolist(), strict=True)),
            **dict(zip((f"{name} of the tensor before" for name in names), again.tolist(), strict=True)),
        }

    def told(self, name: str) -> str:
        """The name says it all."""
        return name


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts)


class _Tally:
    """Running sums of standard normal scores, and of how they go with those before, of lines and of tensors.

    Each has a row for the means of the lines and one for their scales.
    """

    def __init__(self) -> None:
        both = len(_QUANTITIES)
        self.count, self.total, self.squares = 0, np.zeros(both), np.zeros(both)
        self.alike = np.zeros((both, len(_NEAR)))  # log e-values of N(score before, tau^2) against N(0, 1)
        self.products, self.energies = np.zeros(both), np.zeros(both)  # of scores with those of the same lines before
        self._last: Floats = np.empty((both, 0, 0))

    def update(self, scores: Floats) -> None:
        """Of each quantity the scores of the lines (last axis) of tensors."""
        flat = scores.reshape(len(scores), -1)
        chain = np.concatenate([self._last.reshape(len(scores), -1)[:, -1:], flat], axis=1)
        if self._last.shape[2] != scores.shape[2]:  # other lines
            self._last = scores[:, :0]
        tensors = np.concatenate([self._last, scores], axis=1)
        now, before = tensors[:, 1:], tensors[:, :-1]
        self.products += np.einsum("qij,qij->q", now, before)
        self.energies += np.einsum("qij,qij->q", before, before)
        self._last = scores[:, -1:]
        self._follow(chain)
        self.count += flat.shape[1]
        self.total += flat.sum(axis=1)
        self.squares += (np.einsum("qi,qi->q", flat, flat) - flat.shape[1]) / math.sqrt(2)

    def _follow(self, chain: Floats) -> None:
        now, steps = chain[:, 1:], np.diff(chain, axis=1)
        gaps, energies = np.einsum("qi,qi->q", steps, steps), np.einsum("qi,qi->q", now, now)
        self.alike += energies[:, None] / 2 - gaps[:, None] / (2 * _NEAR**2) - now.shape[1] * np.log(_NEAR)
