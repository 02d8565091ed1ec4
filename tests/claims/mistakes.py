"""Samplers with a mistake each, the law that they should follow, and the words of which one must be in the reason."""

from collections.abc import Callable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from varlaw.theory.variates import Constant, Normal, Orthogonal, TruncatedNormal, Uniform, UniformRange

Array = np.ndarray
Draw = Callable[[tuple[int, ...], int], Array]


class Mistake(NamedTuple):
    """A sampler, its law, and what the reason must say."""

    draw: Draw
    law: Any
    words: tuple[str, ...]
    shape: tuple[int, ...] = (64, 64)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def normal(shape: tuple[int, ...], seed: int) -> Array:
    return rng(seed).standard_normal(shape)


def of_normal(change: Callable[[Array, np.random.Generator], Array]) -> Draw:
    """A sampler that changes standard normal numbers."""
    return lambda shape, seed: change(normal(shape, seed), rng(seed + 1))


def quantile(law: Any) -> Draw:
    return lambda shape, seed: np.asarray(law.quantile(rng(seed).random(shape)))


def orthogonal(shape: tuple[int, ...], seed: int, fixed: bool = True) -> Array:
    q, r = np.linalg.qr(rng(seed).normal(size=(max(shape), min(shape))))
    q = q * np.sign(np.diag(r)) if fixed else q
    return q if shape[0] >= shape[1] else q.T


def _put(x: Array, where: Any, what: Any) -> Array:
    x[where] = what
    return x


def _half_copied(x: Array, _: Any) -> Array:
    return np.concatenate([x[: len(x) // 2]] * 2)


def _turned(shape: tuple[int, ...], seed: int) -> Array:
    """Both halves from the same radius, at opposite angles."""
    half = (shape[0] // 2, shape[1])
    radius, angle = (-2 * np.log(rng(seed).random(half))) ** 0.5, 2 * np.pi * rng(seed + 7).random(half)
    return np.concatenate([radius * np.cos(angle), radius * np.cos(angle + np.pi)])


def _antithetic(x: Array, _: Any) -> Array:
    half = x.ravel()[: x.size // 2]
    return np.concatenate([half, -half[::-1]]).reshape(x.shape)


def _autoregressive(x: Array, _: Any) -> Array:
    flat = x.ravel().copy()
    flat[1:] = 0.5 * flat[:-1] + 0.75**0.5 * flat[1:]
    return flat.reshape(x.shape)


def _stratified(shape: tuple[int, ...], seed: int) -> Array:
    n = int(np.prod(shape))
    strata = (np.arange(n) + rng(seed).random(n)) / n
    return np.asarray(Normal(1.0).quantile(rng(seed).permutation(strata))).reshape(shape)


def _reflection(shape: tuple[int, ...], seed: int) -> Array:
    v = normal((shape[0],), seed)
    return np.eye(shape[0]) - 2 * np.outer(v, v) / (v @ v)


def _of_uniforms(shape: tuple[int, ...], seed: int) -> Array:
    q, r = np.linalg.qr(rng(seed).uniform(-1, 1, shape))
    return q * np.sign(np.diag(r))


def _rotation(shape: tuple[int, ...], seed: int) -> Array:
    q = orthogonal(shape, seed)
    return np.concatenate([q[:, :1] * np.linalg.det(q), q[:, 1:]], axis=1)


HE = Normal((2 / 64) ** 0.5)
UNIT = Normal(1.0)
CUT = TruncatedNormal(1.0)
_BOARD = (-1.0) ** np.add.outer(np.arange(64), np.arange(64))

MISTAKES = {
    # families
    "uniform": Mistake(lambda s, k: rng(k).uniform(-(3**0.5), 3**0.5, s), UNIT, ("uniform in place of normal",)),
    "uniform in float16": Mistake(
        lambda s, k: rng(k).uniform(-(3**0.5), 3**0.5, s).astype(np.float16), UNIT, ("uniform in place of normal",)
    ),
    "normal for uniform": Mistake(lambda s, k: normal(s, k) / 3**0.5, Uniform(1.0), ("normal in place of uniform",)),
    "Laplace": Mistake(lambda s, k: rng(k).laplace(0, 0.5**0.5, s), UNIT, ("Laplace",)),
    "logistic": Mistake(lambda s, k: rng(k).logistic(0, 3**0.5 / np.pi, s), UNIT, ("logistic",)),
    "Student": Mistake(lambda s, k: rng(k).standard_t(5, s) * 0.6**0.5, UNIT, ("Student's t of 5",)),
    "Cauchy": Mistake(lambda s, k: rng(k).standard_cauchy(s), UNIT, ("Cauchy",)),
    "triangular": Mistake(lambda s, k: rng(k).triangular(-(6**0.5), 0, 6**0.5, s), UNIT, ("triangular",)),
    "sine of an angle": Mistake(lambda s, k: 2**0.5 * np.sin(rng(k).uniform(0, 2 * np.pi, s)), UNIT, ("arcsine",)),
    "sum of twelve": Mistake(lambda s, k: rng(k).random((12, *s)).sum(axis=0) - 6, UNIT, ("twelve uniforms",)),
    "sum of four": Mistake(
        lambda s, k: 3**0.5 * (rng(k).random((4, *s)).sum(axis=0) - 2), UNIT, ("four uniforms",)
    ),
    "sum of three": Mistake(
        lambda s, k: 2 * (rng(k).random((3, *s)).sum(axis=0) - 1.5), UNIT, ("three uniforms",)
    ),
    "a quantised uniform in erfinv": Mistake(
        lambda s, k: np.asarray(UNIT.quantile((rng(k).integers(0, 512, s) + 0.5) / 512)), UNIT,
        ("only 512 different values",),
    ),
    "signs": Mistake(lambda s, k: rng(k).choice([-1.0, 1.0], s), UNIT, ("Rademacher",)),
    "eight bits": Mistake(lambda s, k: rng(k).integers(0, 256, s) / 127.5 - 1, Uniform(1.0), ("a grid of 256",)),
    "integers": Mistake(lambda s, k: rng(k).integers(-3, 4, s) / 2.0, UNIT, ("only 7 different values",)),
    "mixture": Mistake(of_normal(lambda x, g: x * np.where(g.random(x.shape) < 0.05, 8, 1)), UNIT, ("mixture",)),
    "exponential": Mistake(lambda s, k: rng(k).exponential(1.0, s), UNIT, ("exponential",)),
    "log-normal": Mistake(of_normal(lambda x, g: np.exp(x)), UNIT, ("log-normal",)),
    "log-uniform": Mistake(lambda s, k: np.exp(rng(k).uniform(-7, -2, s)), UNIT, ("log-uniform",)),
    # cuts
    "cut at 2": Mistake(quantile(TruncatedNormal.with_std(1.0)), UNIT, ("normal cut at 2 sigmas",)),
    "cut at 2, not corrected": Mistake(quantile(CUT), UNIT, ("given as the parent std",)),
    "not cut": Mistake(normal, CUT, ("normal in place of normal cut at 2 sigmas",)),
    "not cut, same std": Mistake(lambda s, k: CUT.std * normal(s, k), CUT, ("normal in place of normal cut",)),
    "cut elsewhere": Mistake(quantile(TruncatedNormal(1.0, -3, 3)), CUT, ("normal cut at 3 sigmas",)),
    "cut at 3.5": Mistake(quantile(TruncatedNormal(1.0, -3.5, 3.5)), UNIT, ("normal cut at 3.5 sigmas",), (256, 64)),
    "clamped": Mistake(of_normal(lambda x, g: x.clip(-2, 2)), CUT, ("clamped",)),
    # centre and sides
    "mean": Mistake(of_normal(lambda x, g: x + 0.1), UNIT, ("the mean is 0.1", "the mean is 0.09")),
    "mean in bfloat16": Mistake(
        lambda s, k: (normal(s, k) + 0.1).astype(ml_dtypes.bfloat16), UNIT, ("the mean is 0.1", "the mean is 0.09")
    ),
    "mean of the other sign": Mistake(
        lambda s, k: 0.1 * normal(s, k) - 1, Normal(0.1, mean=1.0), ("with the other sign",)
    ),
    "no mean": Mistake(lambda s, k: 0.02 * normal(s, k), Normal(0.02, mean=1.0), ("the law's 1 is missing",)),
    "absolute value": Mistake(of_normal(lambda x, g: np.abs(x)), UNIT, ("absolute value of a normal",)),
    "U(0, b)": Mistake(lambda s, k: rng(k).random(s), Uniform(1.0), ("one side of the law's range only",)),
    "U(-b, 0)": Mistake(lambda s, k: -rng(k).random(s), Uniform(1.0), ("one side of the law's range only",)),
    "another range": Mistake(lambda s, k: rng(k).uniform(2, 4, s), UniformRange(2.0, 5.0), ("UniformRange(2, 4)",)),
    "mean and std swapped": Mistake(
        lambda s, k: rng(k).normal(0.02, 1.0, s), Normal(0.02, mean=1.0), ("mean 1 and std 0.02 swapped",)
    ),
    "mean and std of one size swapped": Mistake(
        lambda s, k: rng(k).normal(0.5, 3.0, s), Normal(0.5, mean=3.0), ("mean 3 and std 0.5 swapped",)
    ),
    # scales
    "default of torch": Mistake(
        lambda s, k: rng(k).uniform(-1, 1, s) / 8, Uniform((6 / 64) ** 0.5), ("torch's default a=sqrt(5)",)
    ),
    "base of the logarithm": Mistake(
        lambda s, k: (-2 * np.log2(rng(k).random(s))) ** 0.5 * np.cos(2 * np.pi * rng(k + 7).random(s)), UNIT,
        ("logarithm to the base 2",),
    ),
    "2 and 3 confused": Mistake(lambda s, k: (2 / 3) ** 0.5 * HE.std * normal(s, k), HE, ("sqrt(2/3): 2 and 3",)),
    "Glorot for He": Mistake(
        lambda s, k: (2 / 112) ** 0.5 * normal(s, k), Normal((2 / 64) ** 0.5), ("as Glorot's law has it",), (48, 64)
    ),
    "gain of tanh": Mistake(lambda s, k: 5 / 3 * normal(s, k) / 8, HE, ("tanh's gain 5/3 in place of relu's",)),
    "twelve layers": Mistake(lambda s, k: 0.02 * normal(s, k) / 24**0.5, Normal(0.02), ("as of 12 layers",)),
    "a bias in the fan": Mistake(
        lambda s, k: 0.4**0.5 * normal(s, k), Normal(0.5**0.5), ("columns and the bias (5) taken for columns (4)",),
        (512, 4),
    ),
    "variance as std": Mistake(lambda s, k: 2 / 64 * normal(s, k), HE, ("the variance 0.03125 given as the std",)),
    "std as variance": Mistake(lambda s, k: (2 / 64) ** 0.25 * normal(s, k), HE, ("given as a variance",)),
    "fans swapped": Mistake(
        lambda s, k: (2 / s[0]) ** 0.5 * normal(s, k), HE, ("rows (32) taken for columns",), (32, 64)
    ),
    "mean fan": Mistake(lambda s, k: (2 / 48) ** 0.5 * normal(s, k), HE, ("the mean of rows and columns",), (32, 64)),
    "packed": Mistake(
        lambda s, k: rng(k).uniform(-1, 1, s) * (6 / 256) ** 0.5, Uniform(0.046875**0.5), ("if packed",), (192, 64)
    ),
    "no receptive field": Mistake(
        lambda s, k: (2 / s[1]) ** 0.5 * normal(s, k), Normal((2 / 144) ** 0.5), ("receptive field",), (32, 16, 3, 3)
    ),
    "fan_out of a kernel": Mistake(
        lambda s, k: (2 / 288) ** 0.5 * normal(s, k), Normal((2 / 144) ** 0.5), ("fan_out (288) taken",), (32, 16, 3, 3)
    ),
    "gain": Mistake(of_normal(lambda x, g: 2**0.5 * x), UNIT, ("sqrt(2)",)),
    "half": Mistake(of_normal(lambda x, g: x / 2), UNIT, ("half the std",)),
    "std as bound": Mistake(lambda s, k: rng(k).uniform(-1, 1, s) / 8, Uniform(3**0.5 / 8), ("given as the bound",)),
    "bound as std": Mistake(lambda s, k: normal(s, k) / 8, Uniform(1 / 8), ("bound 0.125 given as the std",)),
    "not scaled": Mistake(normal, Normal(0.02), ("not scaled at all",)),
    "depth forgotten": Mistake(lambda s, k: 0.02 * normal(s, k), Normal(0.02 / 48**0.5), ("usual 0.02",)),
    "nothing usual": Mistake(lambda s, k: 0.138 * normal(s, k), Normal(0.125), ("no usual mistake gives that",)),
    "x51.8": Mistake(of_normal(lambda x, g: 51.8 * x), UNIT, ("no usual mistake gives that",)),
    # copies
    "tied rows": Mistake(of_normal(_half_copied), UNIT, ("rows 0-31 = rows 32-63",)),
    "equal columns": Mistake(of_normal(lambda x, g: np.repeat(x[:, :1], 64, axis=1)), UNIT, ("64 columns are equal",)),
    "one row twice": Mistake(of_normal(lambda x, g: _put(x, 40, x[3])), UNIT, ("row 3 = row 40",)),
    "equal taps": Mistake(
        of_normal(lambda x, g: x[:, :, :1, :1] * np.ones((1, 1, 3, 3))), UNIT, ("slices (axis 2) are",), (16, 16, 3, 3)
    ),
    "antithetic": Mistake(of_normal(_antithetic), UNIT, ("antithetic",)),
    "symmetric": Mistake(of_normal(lambda x, g: np.triu(x) + np.triu(x, 1).T), UNIT, ("symmetric",)),
    "shuffled": Mistake(lambda s, k: rng(k).permutation(normal(s, 3).ravel()).reshape(s), UNIT, ("in another order",)),
    "new signs": Mistake(lambda s, k: np.abs(normal(s, 3)) * rng(k).choice([-1, 1], s), UNIT, ("the same sizes",)),
    "few seeds": Mistake(lambda s, k: normal(s, k % 7), UNIT, ("tensors come again",)),
    "sorted": Mistake(of_normal(lambda x, g: np.sort(x.ravel()).reshape(x.shape)), UNIT, ("sorted",)),
    # whole matrices
    "rank one": Mistake(of_normal(lambda x, g: np.outer(x[0], x[1])), UNIT, ("rank 1",)),
    "low rank": Mistake(of_normal(lambda x, g: x[:, :8] @ g.standard_normal((8, 64)) / 8**0.5), UNIT, ("rank 8",)),
    "orthogonal for normal": Mistake(lambda s, k: 8 * orthogonal(s, k), UNIT, ("orthogonal",)),
    "rows normalised": Mistake(
        of_normal(lambda x, g: 8 * x / np.linalg.norm(x, axis=1, keepdims=True)), UNIT, ("each row has the norm 8",)
    ),
    "columns centred": Mistake(of_normal(lambda x, g: x - x.mean(axis=0)), UNIT, ("each column has the mean 0",)),
    "spectral": Mistake(of_normal(lambda x, g: 16 * x / np.linalg.norm(x, 2)), UNIT, ("spectral normalisation",)),
    # values
    "grid in bfloat16": Mistake(
        of_normal(lambda x, g: (np.round(x * 512) / 512).astype(ml_dtypes.bfloat16)), UNIT, ("a grid",)
    ),
    "grid": Mistake(of_normal(lambda x, g: np.round(x * 64) / 64), UNIT, ("multiples of 0.01562",)),
    "bfloat16 kept": Mistake(
        of_normal(lambda x, g: x.astype(ml_dtypes.bfloat16).astype(np.float32)), UNIT, ("numbers of bfloat16",)
    ),
    "zeros": Mistake(of_normal(lambda x, g: x * (g.random(x.shape) < 0.75)), UNIT, ("are exactly 0",)),
    "a row of zeros": Mistake(of_normal(lambda x, g: _put(x, 5, 0.0)), UNIT, ("exactly 0: row 5",)),
    "spikes": Mistake(of_normal(lambda x, g: np.where(g.random(x.shape) < 3e-4, 100.0, x)), UNIT, ("spikes",)),
    # unevenness and dependence
    "wide columns": Mistake(
        of_normal(lambda x, g: x * np.repeat([1.3, (2 - 1.69) ** 0.5], 32)), UNIT, ("columns differ in scale",)
    ),
    "a wide row": Mistake(of_normal(lambda x, g: _put(x, 7, 3 * x[7])), UNIT, ("row 7 has the std",)),
    "a shifted column": Mistake(of_normal(lambda x, g: x + (np.arange(64) == 9)), UNIT, ("column 9",)),
    "rows of own scale": Mistake(
        of_normal(lambda x, g: x * np.exp(g.normal(0, 0.5, (64, 1)))), UNIT, ("rows have scales of their own",)
    ),
    "tensors of own scale": Mistake(
        of_normal(lambda x, g: x * np.exp(g.normal(0, 0.3))), UNIT, ("tensors differ in scale",)
    ),
    "checkerboard": Mistake(of_normal(lambda x, g: x + 0.2 * _BOARD), UNIT, ("checkerboard",)),
    "neighbours": Mistake(of_normal(_autoregressive), UNIT, ("values of neighbours depend",)),
    "stratified": Mistake(_stratified, UNIT, ("stratified",)),
    "running sums": Mistake(of_normal(lambda x, g: np.cumsum(x).reshape(x.shape) / 64), UNIT, ("running sums",)),
    "moving average of rows": Mistake(
        of_normal(lambda x, g: (x + np.roll(x, 1, axis=0)) / 2**0.5), UNIT, ("row above",)
    ),
    "rows share a shift": Mistake(
        of_normal(lambda x, g: (x + g.standard_normal((64, 1)) / 2) / 1.25**0.5), UNIT, ("entries share a shift",)
    ),
    "tensors in common": Mistake(lambda s, k: (normal(s, 1) + normal(s, k)) / 2**0.5, UNIT, ("and the one before",)),
    "one gate at 1": Mistake(
        lambda s, k: 0.02 * normal(s, k) + (np.arange(64) < 16)[:, None], Normal(0.02), ("mean 1 in rows 0-15",)
    ),
    "a wide tap": Mistake(
        of_normal(lambda x, g: _put(x, (..., 1, 1), 3 * x[..., 1, 1])), UNIT, ("tap 4 has the std",), (16, 16, 3, 3)
    ),
    "half of it left out": Mistake(of_normal(lambda x, g: np.tril(x)), UNIT, ("above the diagonal",)),
    "one redraw": Mistake(
        of_normal(lambda x, g: np.where(np.abs(x) > 2, g.standard_normal(x.shape), x)), CUT, ("lie beyond the law's",)
    ),
    "unfair signs": Mistake(
        of_normal(lambda x, g: np.abs(x) * np.where(g.random(x.shape) < 0.6, 1, -1)), UNIT, ("60", "% above the mean")
    ),
    # facts
    "zero": Mistake(lambda s, k: np.zeros(s), UNIT, ("all 16,384 values are 0",)),
    "NaN": Mistake(of_normal(lambda x, g: _put(x, (2, [5, 7, 9]), np.nan)), UNIT, ("3 of 4,096 values are NaN",)),
    "infinite": Mistake(of_normal(lambda x, g: np.where(x > -3, x, np.inf)), UNIT, ("are infinite",)),
    "one value each": Mistake(lambda s, k: np.full(s, normal((1,), k)), UNIT, ("holds one value only",)),
    "no seed": Mistake(lambda s, k: normal(s, 3), UNIT, ("the values never change",)),
    # other laws
    "a seed that half of the columns ignore": Mistake(
        lambda s, k: np.hstack([normal((s[0], s[1] // 2), k), normal((s[0], s[1] - s[1] // 2), 5)]), UNIT,
        ("columns 32-63 are the same in every tensor, whatever the seed",),
    ),
    "one block of rows of another mean": Mistake(
        lambda s, k: normal(s, k) + 0.3 * ((np.arange(s[0]) // 16) == 2)[:, None], UNIT, ("(1): test that fell",)
    ),
    "one entry that is not zero": Mistake(
        lambda s, k: np.pad([[1.0]], ((5, s[0] - 6), (7, s[1] - 8))), Constant(0.0), ("entry (5, 7) of each tensor: 1",)
    ),
    "noise for zeros": Mistake(lambda s, k: 0.02 * normal(s, k), Constant(0.0), ("values are not 0",)),
    "ones for zeros": Mistake(lambda s, k: np.ones(s), Constant(0.0), ("values are 1",)),
    "normal for orthogonal": Mistake(lambda s, k: normal(s, k) / 8, Orthogonal(), ("of independent entries",)),
    "gain of orthogonal": Mistake(lambda s, k: 2**0.5 * orthogonal(s, k), Orthogonal(), ("x1.414 = sqrt(2)",)),
    "signs of QR": Mistake(lambda s, k: orthogonal(s, k, False), Orthogonal(), ("QR without its sign fix",), (32, 16)),
    "reflection": Mistake(_reflection, Orthogonal(), ("a reflection",), (32, 32)),
    "QR of uniform numbers": Mistake(_of_uniforms, Orthogonal(), ("not in all directions alike",), (64, 48)),
    "permutation": Mistake(
        lambda s, k: np.eye(s[0])[rng(k).permutation(s[0])], Orthogonal(), ("a permutation",), (32, 32)
    ),
    "outer product": Mistake(of_normal(lambda x, g: np.outer(x[0], x[1]) / 64), Orthogonal(), ("rank 1",)),
    "an identity is added": Mistake(
        lambda s, k: 0.02 * normal(s, k) + np.eye(s[0]), Normal(0.02), ("an identity is added",)
    ),
    "pieces of one stream": Mistake(
        lambda s, k: normal((1 << 16,), 0)[7 * (k % 1000) :][: s[0] * s[1]].reshape(s), UNIT,
        ("overlapping pieces of one stream",),
    ),
    "nearly antithetic": Mistake(_turned, UNIT, ("the second half is minus the first",)),
    "lost in float16": Mistake(
        lambda s, k: (1e-8 * normal(s, k)).astype(np.float16).astype(float), Normal(1e-8),
        ("; only 3 different values",),
    ),
    "rotation": Mistake(_rotation, Orthogonal(), ("rotations only", "determinants are positive"), (16, 16)),
}  # fmt: skip
