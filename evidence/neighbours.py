"""Products of neighbours: entries a few places apart, rows, parts of a tensor, and one tensor after the other.

Given the past, an entry is standard normal under the law, so exp(lambda sum z_i z_before - lambda^2/2 sum z_before^2)
is a martingale. The same holds of bounded scores of their magnitude, which find signs drawn anew over old magnitudes,
and of the product of the signs of two entries before it: an entry whose sign it is, is independent of either of them.
"""

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.processes import Seen
from varlaw.evidence.scores import dot, normally_tilted

Floats = NDArray[np.float64]

LAGS = (1, 2, 3, 4, 8, 16, 32)  # kernels draw in lanes and blocks of these many numbers
PARTS = (2, 3, 4)  # keys and values, queries with them, gates: packed in one tensor


class Neighbours:
    """Sums of products of scores with those before them."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}
        self._last: dict[str, Floats] = {}

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account, in their order."""
        z = seen.normal
        flat, sizes = (scores.reshape(len(z), -1) for scores in (z, seen.sizes))
        length, row = flat.shape[1], z.shape[-1] if z.ndim > 2 else 0
        names = {lag: f"lag {lag}" for lag in LAGS}
        names |= {length // n: f"part 1/{n} before" for n in PARTS if length % n == 0}
        names |= {row: "row above", row + 1: "diagonal above"} if row else {}
        energy = dot(flat, flat)
        for lag, name in names.items():
            if 0 < lag < length:
                self._add(name, *_lagged(flat, lag, energy))
        if z.ndim == 3 and z.shape[1] == z.shape[2]:
            products, squares = np.einsum("kij,kji->ij", z, z), np.einsum("kij,kij->ij", z, z)
            self._add("mirrored", float(np.triu(products, 1).sum()), float(np.triu(squares, 1).sum()))
        self._in_turn("tensor before", flat, energy)
        self._signs(flat, row)
        of_sizes = dot(sizes, sizes)
        self._add("magnitude, lag 1", *_lagged(sizes, 1, of_sizes))
        self._in_turn("magnitude, tensor before", sizes, of_sizes)

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        sums = np.array(list(self._sums.values())).reshape(-1, 2)
        return dict(zip(self._sums, normally_tilted(sums[:, 0], sums[:, 1]).tolist(), strict=True))

    def told(self, name: str) -> str:
        """The name says it all."""
        return name

    def _in_turn(self, name: str, flat: Floats, energy: float) -> None:
        last = self._last.get(name)
        if last is not None and last.size == flat.shape[1]:
            self._add(name, dot(flat[:1], last[None]), dot(last[None], last[None]))
        self._add(name, dot(flat[1:], flat[:-1]), energy - dot(flat[-1:], flat[-1:]))
        self._last[name] = flat[-1]

    def _signs(self, flat: Floats, row: int) -> None:
        """Each entry times the signs of two before it, all three equally far apart."""
        length = flat.shape[1]
        signs = np.copysign(1.0, flat)
        lags = {1: "signs of two before", length // 3: "signs of two thirds before", row: "signs of two rows above"}
        for lag, name in lags.items():
            if 0 < 2 * lag < length and (length % lag == 0 or lag == 1):
                both = signs[:, lag:-lag] * signs[:, : -2 * lag]
                self._add(name, dot(flat[:, 2 * lag :], both), float(both.size))
        both = signs[1:-1] * signs[:-2]
        self._add("signs of two tensors before", dot(flat[2:], both), float(both.size))

    def _add(self, name: str, product: float, energy: float) -> None:
        products, energies = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = products + product, energies + energy


def _lagged(flat: Floats, lag: int, energy: float) -> tuple[float, float]:
    """The sum of the products of entries `lag` places apart in each row, and of the squares of the earlier ones.

    Of many, the products along all rows in one, less those across the ends of rows.
    """
    tail = flat[:, -lag:]
    before = energy - dot(tail, tail)
    if 4 * lag > flat.shape[1]:
        return dot(flat[:, lag:], flat[:, :-lag]), before
    chain = flat.reshape(-1)
    return float(chain[lag:] @ chain[:-lag]) - dot(flat[1:, :lag], tail[:-1]), before
