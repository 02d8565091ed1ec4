"""Samplers whose entries are right one by one, and wrong together: each with the law that it breaks."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
from defects import Array, Defect, Rng

from varlaw.theory.variates import Normal, Orthogonal, Uniform

Draw = Callable[[Rng, tuple[int, ...]], Array]

_ONE = np.random.default_rng(20261122).standard_normal((64, 64))


def _lagged(lag: int, rho: float) -> Draw:
    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        from scipy.signal import lfilter

        z = rng.standard_normal(int(np.prod(shape))) * np.sqrt(1 - rho**2)
        z[:lag] /= np.sqrt(1 - rho**2)
        return np.asarray(lfilter([1.0], [1.0, *[0.0] * (lag - 1), -rho], z), dtype=np.float32).reshape(shape)

    return draw


def _gates(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Four gates, correlated 0.3."""
    shared = np.tile(rng.standard_normal((shape[0] // 4, *shape[1:])), (4, 1))
    return np.sqrt(0.3) * shared + np.sqrt(0.7) * rng.standard_normal(shape)


def _strata(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Uniform numbers, one in each of as many strata as there are entries."""
    n = int(np.prod(shape))
    return ((rng.permutation(n) + rng.random(n)) / n).reshape(shape)


def _stratified(rng: Rng, shape: tuple[int, ...]) -> Array:
    return np.asarray(Normal(1.0).quantile(_strata(rng, shape)))


def _of_one_norm(axis: int | None) -> Draw:
    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        z = rng.standard_normal(shape)
        return z / np.sqrt((z**2).mean(axis=axis, keepdims=True))

    return draw


def _centred(axis: int | None) -> Draw:
    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        z = rng.standard_normal(shape)
        n = z.size if axis is None else shape[axis]
        return (z - z.mean(axis=axis, keepdims=True)) * np.sqrt(n / (n - 1))

    return draw


def _orthogonal(rng: Rng, shape: tuple[int, ...]) -> Array:
    q, r = np.linalg.qr(rng.standard_normal(shape))
    return np.asarray(np.sqrt(shape[0]) * q * np.sign(np.diag(r)))


def _mirrored(sign: int, dtype: Any) -> Draw:
    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        z = rng.standard_normal(shape)
        return np.asarray(np.tril(z) + sign * np.tril(z, -1).T, dtype=dtype)

    return draw


def _volatile(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Random signs; every seventh entry is about as large as the one before it."""
    z = np.abs(rng.standard_normal(int(np.prod(shape))))
    z[1::7] = z[0::7][: len(z[1::7])] * (1 + 1e-6)
    return (z * rng.choice([-1, 1], z.size)).reshape(shape)


def _qr_of_uniforms(rng: Rng, shape: tuple[int, ...]) -> Array:
    q, r = np.linalg.qr(rng.uniform(-1, 1, shape))
    return np.asarray(q * np.sign(np.diag(r)))


def _wider_edge(rng: Rng, shape: tuple[int, ...]) -> Array:
    z = rng.standard_normal(shape)
    z[:, 0] *= 1.3
    return np.asarray(z)


_BOARD = np.indices((64, 64)).sum(axis=0) % 2 * 2.0 - 1
_MEANS = np.random.default_rng(20261129).standard_normal((64, 64))
_SHARED = np.random.default_rng(20261130).standard_normal((32, 48))
_BLOCK = np.kron(np.outer(np.arange(8) == 2, np.arange(8) == 5), np.ones((8, 8)))


def _off_alone(rng: Rng, shape: tuple[int, ...]) -> Array:
    z = rng.standard_normal(shape)
    z[5, 7] += 2
    return z


def _stuck(rng: Rng, shape: tuple[int, ...]) -> Array:
    z = rng.standard_normal(shape)
    z[5, 7] = 0.37
    return z


def _row_again(dtype: Any) -> Draw:
    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        z = rng.standard_normal(shape)
        z[50] = z[3]
        return np.asarray(z, dtype=dtype)

    return draw


def _of_few(count: int) -> Draw:
    """One of `count` tensors, shuffled."""
    return lambda rng, shape: rng.permutation(
        np.random.default_rng(rng.integers(count)).standard_normal(shape).ravel()
    ).reshape(shape)


def _rotation(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Haar but for the determinant, which is 1."""
    q, r = np.linalg.qr(rng.standard_normal(shape))
    q *= np.sign(np.diag(r))
    q[:, 0] *= np.linalg.det(q)
    return np.asarray(q)


def _exponential(rng: Rng, shape: tuple[int, ...]) -> Array:
    from scipy.linalg import expm

    z = rng.standard_normal(shape)
    return np.asarray(expm(z - z.T))


_SQUARE = (64, 64)
_UNIT = Normal(1.0)

STRUCTURED = (
    Defect("one entry in a thousand is 0", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) * (rng.random(shape) >= 0.001)).astype(np.float32)),
    Defect("the first of 48 columns 30 % wider", _UNIT, _wider_edge, shape=(64, 48)),
    *(Defect(f"entries {lag} apart correlated 0.2", _UNIT, _lagged(lag, 0.2)) for lag in (4, 8, 16, 32)),
    *(Defect(f"entries {lag} apart correlated 0.1", _UNIT, _lagged(lag, 0.1)) for lag in (5, 7, 12, 100)),
    Defect("four gates correlated 0.3", _UNIT, _gates),
    Defect("normal, stratified in each tensor", _UNIT, _stratified),
    Defect("uniform, stratified in each tensor", Uniform(1.0), lambda rng, shape: 2 * _strata(rng, shape) - 1),
    Defect("rows of one norm", _UNIT, _of_one_norm(1)),
    Defect("columns of one norm", _UNIT, _of_one_norm(0)),
    Defect("tensors of one norm", _UNIT, _of_one_norm(None)),
    Defect("rows of mean 0", _UNIT, _centred(1)),
    Defect("tensors of mean 0", _UNIT, _centred(None)),
    Defect("orthogonal for normal", _UNIT, _orthogonal, shape=_SQUARE),
    Defect("symmetric", _UNIT, _mirrored(1, np.float32), shape=_SQUARE),
    Defect("antisymmetric", _UNIT, _mirrored(-1, np.float32), shape=_SQUARE),
    Defect("symmetric, bfloat16", _UNIT, _mirrored(1, ml_dtypes.bfloat16), shape=_SQUARE),
    Defect(
        "one tensor, shuffled", _UNIT, lambda rng, shape: rng.permutation(_ONE.ravel()).reshape(shape), shape=_SQUARE,
    ),
    Defect("new signs on old magnitudes", _UNIT, lambda rng, shape: _ONE * rng.choice([-1, 1], shape), shape=_SQUARE),
    Defect("magnitudes like the one before", _UNIT, _volatile),
    Defect("a checkerboard of means of 8 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.08 * _BOARD), shape=_SQUARE),
    Defect("a checkerboard of means of 8 %, bfloat16", _UNIT, lambda rng, shape: np.asarray(
        rng.standard_normal(shape) + 0.08 * _BOARD, dtype=ml_dtypes.bfloat16), shape=_SQUARE),
    Defect("a matrix of means of 8 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.08 * _MEANS), shape=_SQUARE),
    Defect("a matrix of means of 8 % in a uniform", Uniform(1.0), lambda rng, shape: np.clip(
        rng.uniform(-1, 1, shape) + 0.08 * 3**-0.5 * _MEANS, -1, 1), shape=_SQUARE),
    Defect("a checkerboard of widths, 10 % more and less", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) * (1 + 0.1 * _BOARD) / 1.01**0.5), shape=_SQUARE),
    Defect("one entry of 4,096 off by 2 std", _UNIT, _off_alone, shape=_SQUARE),
    Defect("one entry of 4,096 that never changes", _UNIT, _stuck, shape=_SQUARE),
    Defect("one row that comes again", _UNIT, _row_again(np.float32), shape=_SQUARE),
    Defect("one row that comes again, bfloat16", _UNIT, _row_again(ml_dtypes.bfloat16), shape=_SQUARE),
    Defect("thirty tensors, shuffled", _UNIT, _of_few(30), shape=_SQUARE),
    Defect("a checkerboard of means of 4 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.04 * _BOARD), shape=_SQUARE),
    Defect("a matrix of means of 4 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.04 * _MEANS), shape=_SQUARE),
    Defect("a matrix of means of 4 % in a uniform", Uniform(1.0), lambda rng, shape: (
        2 * rng.random(shape) ** (1 - 0.046 * _MEANS) - 1), shape=_SQUARE),
    Defect("one entry of 4,096 off by half a std", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.5 * (np.arange(4096).reshape(64, 64) == 1234)), shape=_SQUARE),
    Defect("one row of 64 off by 8 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.08 * (np.arange(64) == 7)[:, None]), shape=_SQUARE),
    Defect("one column of 64 wider by 8 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) * (1 + 0.08 * (np.arange(64) == 7))), shape=_SQUARE),
    Defect("a block of 8 x 8 wider by 10 %, bfloat16", _UNIT, lambda rng, shape: np.asarray(
        rng.standard_normal(shape) * (1 + 0.1 * _BLOCK), dtype=ml_dtypes.bfloat16), shape=_SQUARE),
    Defect("one of 8 experts off by 4 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.04 * (np.arange(8) == 3)[:, None, None]), shape=(8, 32, 48)),
    Defect("8 experts that share means of 5 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) + 0.05 * _SHARED), shape=(8, 32, 48)),
    Defect("the middle of a kernel wider by 4 %", _UNIT, lambda rng, shape: (
        rng.standard_normal(shape) * (1 + 0.04 * (np.arange(9) == 4).reshape(3, 3))), shape=(64, 32, 3, 3)),
    Defect(
        "tensors of std 2 % more or less", _UNIT, lambda rng, shape: (
            rng.standard_normal(shape) * np.exp(0.02 * rng.standard_normal())),
        unseen="chance makes as much of it in tensors of 1,024",
    ),
    Defect(
        "a seed of 12 bits", _UNIT,
        lambda rng, shape: np.random.default_rng(rng.integers(1 << 12)).standard_normal(shape), shape=(8, 8),
    ),
    Defect("bfloat16 kept in float16", _UNIT, lambda rng, shape: np.asarray(
        rng.standard_normal(shape).astype(ml_dtypes.bfloat16), dtype=np.float16)),
    Defect("grid of 1/64 std, bfloat16", _UNIT, lambda rng, shape: np.asarray(
        np.round(64 * rng.standard_normal(shape)) / 64, dtype=ml_dtypes.bfloat16)),
    Defect("orthogonal from uniform numbers", Orthogonal(), _qr_of_uniforms, shape=(64, 48)),
    Defect("orthogonal from uniform numbers, 8 x 8", Orthogonal(), _qr_of_uniforms, shape=(8, 8)),
    Defect("rotations", Orthogonal(), _rotation, shape=(8, 8)),
    Defect("exponentials of antisymmetric matrices", Orthogonal(), _exponential, shape=(4, 4)),
)  # fmt: skip
