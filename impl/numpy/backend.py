"""NumPy as the rules see it."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from varlaw.impl.initialisers import Initialisers
from varlaw.impl.numpy import keyed, norms
from varlaw.impl.numpy.rows import standardise
from varlaw.impl.numpy.streams import (
    Array,
    DType,
    Seed,
    array_for,
    centred,
    factors,
    fill,
    largest,
    root,
    standard_normal,
    working,
)
from varlaw.impl.numpy.truncated import draw_between
from varlaw.impl.truncation import Cut
from varlaw.impl.weights import Weights


class NumPyBackend(Initialisers[Array, Seed, DType, object], Weights[Array, Seed, DType, object]):
    """Arrays in the memory of the host; seeds are ints or `numpy.random.Generator`."""

    def __reduce__(self) -> str:
        return "NUMPY"  # the only one, so that its methods travel between processes by name

    # -- arrays --------------------------------------------------------------------------------------------------------

    array = staticmethod(array_for)
    float_array = staticmethod(norms.float_array)

    def home(self, array: Array) -> tuple[Any, Any]:
        return array.dtype, "cpu"

    def largest(self, array: Array) -> tuple[float, str]:
        return largest(array.dtype), array.dtype.name

    def fill(self, target: Array, value: float) -> Array:
        target.fill(value)
        return target

    def write(self, target: Array, values: Array) -> Array:
        target[...] = values
        return target

    def part(self, target: Array, index: Any) -> Array:
        return np.asarray(target[index])

    def fill_diagonal(self, matrix: Array, value: float) -> None:
        np.fill_diagonal(matrix[: matrix.shape[1]], value)  # of a taller one it would go on below

    # -- draws ---------------------------------------------------------------------------------------------------------

    def stream(self, seed: Seed, like: Array, where: str) -> np.random.Generator:
        return np.random.Generator(root(seed, where))

    def fill_uniform(self, target: Array, bound: float, seed: Seed, where: str) -> Array:
        if bound > largest(target.dtype):
            self.representable("bound", bound, target, where)
        steps = factors(bound, working(target.dtype))

        def draw(generator: np.random.Generator, block: Array) -> None:
            centred(generator, block)
            for factor in steps:
                block *= factor

        return fill(target, draw, seed=seed, where=where)

    def fill_normal(self, target: Array, std: float, seed: Seed, where: str) -> Array:
        if std > largest(target.dtype):
            self.representable("std", std, target, where)
        scale = working(target.dtype).type(std)

        def draw(generator: np.random.Generator, block: Array) -> None:
            standard_normal(generator, block)
            with np.errstate(over="ignore"):
                block *= scale

        return fill(target, draw, seed=seed, where=where)

    def fill_between(self, target: Array, found: Cut, seed: Seed, where: str) -> Array:
        def draw(generator: np.random.Generator, block: Array) -> None:
            with np.errstate(over="ignore"):
                draw_between(found, generator, block)

        return fill(target, draw, seed=seed, where=where)

    fill_keyed_uniform = staticmethod(keyed.fill_uniform)
    fill_keyed_normal = staticmethod(keyed.fill_normal)
    fill_keyed_between = staticmethod(keyed.fill_between)

    def haar(self, rows: int, cols: int, gain: float, like: Array, seed: Seed, where: str) -> Array:
        """The Q of a Gaussian matrix, with the signs that make it uniform.

        Householder QR alone fixes the sign of each column by a rule of its own, so its Q is not uniform; multiplying
        each column by the sign of R's diagonal makes the factorisation unique and Q Haar distributed (Mezzadri 2007,
        arXiv:math-ph/0609050).
        """
        gaussian = np.empty((max(rows, cols), min(rows, cols)), working(like.dtype))
        q, r = np.linalg.qr(fill(gaussian, standard_normal, seed=seed, where=where))
        q *= np.where(np.diagonal(r) < 0, -1, 1).astype(q.dtype)
        q *= q.dtype.type(gain)
        return np.asarray(q if rows >= cols else q.T)

    def zero_in_columns(self, target: Array, count: int, seed: np.random.Generator) -> None:
        order = np.argsort(seed.random(target.shape), axis=0)[:count]
        np.put_along_axis(target, order, target.dtype.type(0), axis=0)

    def logs_between(self, low: float, high: float, count: int, seed: Seed, like: Array, where: str) -> Array:
        return np.log(self.stream(seed, like, where).uniform(low, high, count))

    # -- arithmetic ----------------------------------------------------------------------------------------------------

    def wide(self, array: Array) -> Array:
        return array.astype(np.float64)

    constant_wide = wide

    def empty_wide(self, shape: tuple[int, ...], like: Array) -> Array:
        return np.empty(shape)

    def cast(self, values: Array, like: Array) -> Array:
        return values.astype(like.dtype)

    def quiet(self) -> AbstractContextManager[Any]:
        return np.errstate(over="ignore", invalid="ignore")

    def nonfinite(self, array: Array) -> int:
        return int(np.sum(~np.isfinite(array)))

    def peaks(self, rows: Array) -> Array:
        return np.asarray(np.max(np.abs(rows), axis=1))

    def zero_among(self, peaks: Array) -> int | None:
        return None if peaks.all() else int(np.argmin(peaks))

    def powers(self, peaks: Array) -> Array:
        usable = np.where(np.isfinite(peaks), np.clip(peaks, 2.0**-1000, 2.0**1020), 1.0)
        return np.asarray(np.frexp(usable)[0] / usable)

    # -- norms ---------------------------------------------------------------------------------------------------------

    layer_norm = staticmethod(norms.layer_norm)
    checked = staticmethod(norms.checked)
    over_axes = staticmethod(norms.over_axes)
    over_channels = staticmethod(norms.over_channels)
    over_batch = staticmethod(norms.over_batch)

    def accurate(self, values: Array, rows: Array) -> Array:
        return values.astype(np.float64)

    def standardised(self, rows: Array, eps: float, centred: bool) -> tuple[Array, Array]:
        hat = np.empty(rows.shape)
        return hat, standardise(rows, hat, eps, centred)[2]


NUMPY = NumPyBackend()
