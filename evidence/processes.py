"""What the processes of the battery have in common: they observe tensors, and tell what they think of the law.

Under the law a number is one standard normal number z, and a magnitude of mean 0 and variance 1 whose sums have tails
no heavier than normal ones. Whoever bets against that, given what came before, holds a wealth whose mean never grows.
"""

import functools
import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bins = NDArray[np.intp]

FAR = 8.2  # z of the smallest u that is told from 0
PER_STD = 80  # bins: every cut at which tails are counted is an edge, and so is 0
_MIDDLE = round(FAR * PER_STD)
BINS = 2 * _MIDDLE + 1  # the last holds FAR alone
_BLOCK = 1 << 13  # numbers that stay in the cache


class Seen(NamedTuple):
    """Tensors of one shape, stacked along the first axis, with the law's centre taken off."""

    values: Floats  # as the sampler gave them
    normal: Floats  # z, from -FAR to FAR
    bins: Bins  # of z, in one row
    sizes: Floats  # the magnitude of each


class Processes(Protocol):
    """Some of the battery's e-processes: those that are fed by the same sums."""

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account, in their order."""

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of every process, by name."""

    def told(self, name: str) -> str:
        """The name of one of them with what it found: a lag, a place."""


@functools.cache
def nodes() -> tuple[Floats, Floats]:
    """For each bin (a row) five Gauss points z, and their weights under the normal law, which add up to 1."""
    x, w = np.polynomial.legendre.leggauss(5)
    left = (np.arange(BINS) - _MIDDLE) / PER_STD
    z = left[:, None] + (x + 1) / (2 * PER_STD)
    weights = w * np.exp((left[:, None] ** 2 - z * z) / 2)
    return z, weights / weights.sum(axis=1, keepdims=True)


@functools.cache
def magnitudes() -> Floats:
    """The magnitude of each bin: the mean there of sqrt 3 (2 |2 u - 1| - 1), u = Phi(z).

    A uniform score is sub-Gaussian with its own variance, so the cumulant of a normal bounds its own; and the mean of a
    bin in its place makes the mean of every convex function smaller.
    """
    from scipy.special import erf

    z, weights = nodes()
    return np.asarray((math.sqrt(3) * (2 * erf(np.abs(z) / math.sqrt(2)) - 1) * weights).sum(axis=1))


def seen(values: Floats, normal: Floats) -> Seen:
    """Tensors as all the processes take them."""
    bins, sizes = np.empty(normal.size, dtype=np.intp), np.empty(normal.size)
    flat, magnitude = normal.reshape(-1), magnitudes()
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        bins[block] = flat[block] * PER_STD + _MIDDLE
        sizes[block] = magnitude[bins[block]]
    return Seen(values, normal, bins, sizes.reshape(normal.shape))
