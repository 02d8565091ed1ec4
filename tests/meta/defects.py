"""Real and contrived samplers that break a law, each with the law that it breaks: what the engine must find."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from varlaw.theory.variates import Normal, Orthogonal, TruncatedNormal, Uniform, UniformRange

Array = NDArray[Any]
Rng = np.random.Generator


@dataclass(frozen=True)
class Defect:
    """A sampler `draw(rng, shape)` that should follow `law`.

    `unseen` is "" where the engine claims to find it under `nightly`, and otherwise the reason why it does not.
    """

    name: str
    law: Any
    draw: Callable[[Rng, tuple[int, ...]], Array]
    unseen: str = ""
    shape: tuple[int, ...] = (16, 64)

    def __call__(self, shape: tuple[int, ...], seed: int) -> Array:
        return self.draw(np.random.default_rng(seed), shape)


def _float32(draw: Callable[[Rng, tuple[int, ...]], Array]) -> Callable[[Rng, tuple[int, ...]], Array]:
    return lambda rng, shape: np.asarray(draw(rng, shape), dtype=np.float32)


# -- defects of released frameworks ------------------------------------------------------------------------------------


def _box_muller(bits: int, dtype: Any) -> Callable[[Rng, tuple[int, ...]], Array]:
    """Normals from uniforms of so many bits, as half-precision CPU kernels drew them (pytorch 166853)."""

    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        u, v = rng.integers(0, 1 << bits, (2, *shape)) / (1 << bits)
        return np.asarray(np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v), dtype=dtype)

    return draw


def _spiked(law: Any, low: float) -> Callable[[Rng, tuple[int, ...]], Array]:
    """One entry in 256 on the lower limit: erfinv of an 8-bit uniform that hits -1 (pytorch 145498)."""

    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        x = law.quantile(rng.random(shape))
        return np.asarray(np.where(rng.integers(0, 256, shape) == 0, low, x), dtype=ml_dtypes.bfloat16)

    return draw


def _chopped(rng: Rng, shape: tuple[int, ...]) -> Array:
    x = rng.standard_normal(shape, dtype=np.float32)
    return np.asarray((x.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32), dtype=ml_dtypes.bfloat16)


def _chopped16(rng: Rng, shape: tuple[int, ...]) -> Array:
    x = rng.standard_normal(shape, dtype=np.float32)
    near = x.astype(np.float16)
    beyond = np.abs(near.astype(np.float32)) > np.abs(x)
    return np.where(beyond, np.nextafter(near, np.float16(0)), near)


_SMALL = "off by less than delta in scale"

RELEASED = (
    Defect("8-bit Box-Muller, bfloat16", Normal(1.0), _box_muller(8, ml_dtypes.bfloat16)),
    Defect("11-bit Box-Muller, float16", Normal(1.0), _box_muller(11, np.float16), unseen=_SMALL),
    Defect("truncated normal, 0.4 % on a limit of 200 sigmas", Normal(0.01), _spiked(Normal(0.01), -2.0)),
    Defect("truncated normal, 0.4 % on a limit of 2 sigmas", TruncatedNormal(1.0), _spiked(TruncatedNormal(1.0), -2.0)),
    Defect(
        "truncated normal, std not corrected", TruncatedNormal.with_std(1.0),
        _float32(lambda rng, shape: TruncatedNormal(1.0).quantile(rng.random(shape))),
    ),
    Defect(
        "uniform of 8 bits: mean shifted, grid of 256 values", Uniform(1.0),
        _float32(lambda rng, shape: rng.integers(0, 256, shape) / 128 - 1),
    ),
    Defect("bfloat16 chopped", Normal(1.0), _chopped, unseen=_SMALL),
    Defect("float16 chopped", Normal(1.0), _chopped16, unseen=_SMALL),
)  # fmt: skip


# -- contrived mutants -------------------------------------------------------------------------------------------------


def _normal(change: Callable[[Array, Rng], Array]) -> Callable[[Rng, tuple[int, ...]], Array]:
    return _float32(lambda rng, shape: change(rng.standard_normal(shape), rng))


def _scaled(factor: float) -> Callable[[Rng, tuple[int, ...]], Array]:
    return _normal(lambda z, rng: factor * z)


def powers(r: float) -> Callable[[Rng, tuple[int, ...]], Array]:
    """On the limits of U(-1, 1), with a density that is a power of |x| and a std r times as large."""
    exponent = (3 / r**2 - 1) / 2
    return lambda rng, shape: rng.choice([-1.0, 1.0], shape) * rng.random(shape) ** exponent


def of_parent(r: float) -> Callable[[Rng, tuple[int, ...]], Array]:
    """Normals cut at 2, of a parent whose std is r: the limits of `TruncatedNormal(1.0)`."""
    return _float32(lambda rng, shape: TruncatedNormal(r, -2 / r, 2 / r).quantile(rng.random(shape)))


def _autoregressive(rho: float) -> Callable[[Rng, tuple[int, ...]], Array]:
    def draw(rng: Rng, shape: tuple[int, ...]) -> Array:
        from scipy.signal import lfilter

        z = rng.standard_normal(int(np.prod(shape)))
        z[1:] *= np.sqrt(1 - rho**2)
        return np.asarray(lfilter([1.0], [1.0, -rho], z), dtype=np.float32).reshape(shape)

    return draw


def _twice(rng: Rng, shape: tuple[int, ...]) -> Array:
    half = rng.standard_normal(int(np.prod(shape)) // 2, dtype=np.float32)
    return np.repeat(half, 2).reshape(shape)


def _halves(rng: Rng, shape: tuple[int, ...]) -> Array:
    half = rng.standard_normal((shape[0] // 2, *shape[1:]), dtype=np.float32)
    return np.concatenate([half, half])


def _unsigned_qr(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Householder's Q as it comes: Q[0, 0] is negative, always."""
    return np.linalg.qr(rng.standard_normal(shape))[0]


_OTHER_FAMILY = {
    "uniform": lambda z, rng: rng.uniform(-np.sqrt(3), np.sqrt(3), z.shape),
    "triangular": lambda z, rng: rng.triangular(-np.sqrt(6), 0, np.sqrt(6), z.shape),
    "truncated normal": lambda z, rng: TruncatedNormal.with_std(1.0).quantile(rng.random(z.shape)),
    "Laplace": lambda z, rng: rng.laplace(0, np.sqrt(0.5), z.shape),
    "Student t, 5 degrees": lambda z, rng: rng.standard_t(5, z.shape) * np.sqrt(3 / 5),
    "Student t, 30 degrees": lambda z, rng: rng.standard_t(30, z.shape) * np.sqrt(28 / 30),
}

CONTRIVED = (
    *(Defect(f"std +{100 * d:g} %", Normal(1.0), _scaled(1 + d)) for d in (0.01, 0.02, 0.05, 0.1)),
    Defect("std -1 %", Normal(1.0), _scaled(0.99)),
    Defect("uniform limit +1 %", Uniform(1.0), _float32(lambda rng, shape: rng.uniform(-1.01, 1.01, shape))),
    Defect("uniform limit -1 %", Uniform(1.0), _float32(lambda rng, shape: rng.uniform(-0.99, 0.99, shape))),
    *(
        Defect(f"uniform of the right limits, std x{r:.4g}, {shape}", Uniform(1.0), powers(r), shape=shape)
        for r in (1.01, 1 / 1.01, 1.05)
        for shape in ((16, 64), (64,))
    ),
    Defect("normal cut at 2, of a parent 30 % wider", TruncatedNormal(1.0), of_parent(1.3), shape=(64,)),
    Defect("normal cut at 2, of a parent 4 % wider (std +2.3 %)", TruncatedNormal(1.0), of_parent(1.04)),
    Defect("ddof in batches of 32 (std +1.6 %)", Normal(1.0), _scaled((32 / 31) ** 0.5)),
    Defect(
        "fan swap, 64 x 65 (std +0.8 %)", Normal(65**-0.5), _float32(lambda rng, shape: rng.normal(0, 1 / 8, shape)),
        unseen=_SMALL, shape=(64, 65),
    ),
    Defect(
        "mean +1 % of the std", Normal(1.0), _normal(lambda z, rng: z + 0.01),
        unseen="0.3 % of decisions miss it",
    ),
    Defect("mean +5 % of the std", Normal(1.0), _normal(lambda z, rng: z + 0.05)),
    *(Defect(f"{name} of the same variance", Normal(1.0), _normal(x)) for name, x in _OTHER_FAMILY.items()),
    Defect(
        "sum of 12 uniforms", Normal(1.0), _normal(lambda z, rng: sum(rng.random(z.shape) for _ in range(12)) - 6),
        unseen="half of decisions miss it",
    ),
    Defect(
        "normal of the same variance for a truncated normal", TruncatedNormal(1.0),
        _float32(lambda rng, shape: rng.normal(0, TruncatedNormal(1.0).std, shape)),
    ),
    Defect(
        "triangular on the limits of a uniform", Uniform(1.0),
        _float32(lambda rng, shape: rng.triangular(-1, 0, 1, shape)),
    ),
    Defect("tails cut at 3 sigmas", Normal(1.0), _normal(lambda z, rng: np.where(abs(z) > 3, z / 2, z))),
    Defect("0.1 % of the entries at 4 sigmas", Normal(1.0), _normal(
        lambda z, rng: np.where(rng.random(z.shape) < 1e-3, 4.0, z))),
    Defect("0.02 % of the entries at 8 sigmas", Normal(1.0), _normal(
        lambda z, rng: np.where(rng.random(z.shape) < 2e-4, 8.0, z))),
    Defect("rows of std 1.1 and 0.89 in turn", Normal(1.0), _normal(
        lambda z, rng: z * np.where(np.arange(len(z)) % 2, 1.1, 0.79**0.5)[:, None])),
    Defect("tensors of std 5 % more or less", Normal(1.0), _normal(
        lambda z, rng: z * np.exp(0.05 * rng.standard_normal()))),
    Defect("a beta of 1.05 for a uniform", Uniform(1.0), _float32(
        lambda rng, shape: 2 * rng.beta(1.05, 1.05, shape) - 1)),
    Defect("AR(1) 0.1", Normal(1.0), _autoregressive(0.1)),
    Defect("AR(1) 0.5", Normal(1.0), _autoregressive(0.5)),
    Defect("every value twice", Normal(1.0), _twice),
    Defect("first half of the rows equal to the second", Normal(1.0), _halves),
    Defect("grid of 1/16 std", Normal(1.0), _normal(lambda z, rng: np.round(16 * z) / 16)),
    Defect("grid of 1/256 std", Normal(1.0), _normal(lambda z, rng: np.round(256 * z) / 256)),
    Defect("orthogonal with Q[0, 0] of one sign", Orthogonal(), _unsigned_qr, shape=(16, 16)),
)  # fmt: skip


# -- samplers that are right -------------------------------------------------------------------------------------------


def _cast(law: Any, dtype: Any) -> Callable[[Rng, tuple[int, ...]], Array]:
    return lambda rng, shape: np.asarray(law.quantile(rng.random(shape)), dtype=dtype)


def _haar(rng: Rng, shape: tuple[int, ...]) -> Array:
    q, r = np.linalg.qr(rng.standard_normal(shape))
    return np.asarray(q * np.sign(np.diag(r)))


_DTYPES = {"float64": np.float64, "float32": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16}

CORRECT = (
    *(
        Defect(f"{law.family}, {name}", law, _cast(law, dtype))
        for law in (Normal(1.0), Uniform(1.0), TruncatedNormal(1.0))
        for name, dtype in _DTYPES.items()
    ),
    *(
        Defect(f"{law!r}, {name}", law, _cast(law, _DTYPES[name]))
        for law, names in {
            Normal(1.0, mean=100.0): ("float32", "float16", "bfloat16"),
            Normal(1.0, mean=1e6): ("float64", "float32"),
            Normal(0.02, mean=1.0): ("float32", "float16", "bfloat16"),
            Normal(1e-40): ("float32",),
            Normal(5e-8): ("float16",),
            Normal(1e300): ("float64",),
            UniformRange(2.0, 5.0): ("float32", "float16", "bfloat16"),
            UniformRange(-0.02, 0.0): ("float32", "float16", "bfloat16"),
            UniformRange(0.99999, 1.00001): ("float32",),
        }.items()
        for name in names
    ),
    *(
        Defect(f"{law!r}, {shape}", law, _cast(law, np.float32), shape=shape)
        for law, shape in {
            Uniform(1.0): (16,),
            TruncatedNormal(1.0): (64,),
            TruncatedNormal(1.0, 0.0, 2.0): (16, 64),
        }.items()
    ),
    Defect("Haar", Orthogonal(), _haar, shape=(16, 16)),
)
