"""Products of neighbours: entries a few places apart, rows, parts of a tensor, and one tensor after the other.

Given the past, an entry is standard normal under the law, so exp(lambda sum z_i z_before - lambda^2/2 sum z_before^2)
is a martingale. The same holds of bounded scores of their magnitude, which find signs drawn anew over old magnitudes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.scores import dot, normally_tilted

Floats = NDArray[np.float64]

LAGS = (1, 2, 3, 4, 8, 16, 32)  # kernels draw in lanes and blocks of these many numbers
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
        magnitude = sizes.reshape(flat.shape)
        self._multiply("magnitude, lag 1", magnitude[:, 1:], magnitude[:, :-1])
        self._in_turn("magnitude, tensor before", magnitude)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        sums = np.array(list(self._sums.values())).reshape(-1, 2)
        return dict(zip(self._sums, normally_tilted(sums[:, 0], sums[:, 1]).tolist(), strict=True))

    def _in_turn(self, name: str, flat: Floats) -> None:
        last = self._last.get(name)
        if last is not None and last.size == flat.shape[1]:
            self._multiply(name, flat[0], last)
        self._multiply(name, flat[1:], flat[:-1])
        self._last[name] = flat[-1]

    def _multiply(self, name: str, now: Floats, before: Floats) -> None:
        products, squares = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = products + dot(now, before), squares + dot(before, before)
