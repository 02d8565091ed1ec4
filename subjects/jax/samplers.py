"""jax.random: the base samplers under every layer of every library on JAX, where their law is one of a weight."""

from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.subjects.jax.framework import JAX, place, sampler
from varlaw.subjects.seeds import of_one, streams, taller
from varlaw.subjects.subject import Case, Sampler

Draw = Callable[[Any, Any, Case, Any], Any]  # (jax.random, key, case, dtype) -> array

_HALF = ("float16", "bfloat16")
NO_QR = dict.fromkeys(_HALF, "jnp.linalg.qr has no half-precision kernel (NotImplementedError)")
NO_FACTOR = dict.fromkeys(_HALF, "jnp.linalg.cholesky has no half-precision kernel (NotImplementedError)")


def _row(name: str, op: str, documented: str, draw: Draw, **rest: Any) -> Sampler:
    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax

        return lambda key: {"": draw(jax.random, key, case, dtype)}

    return sampler(JAX, f"jax.random.{name}", op, build, {"": documented}, **rest)


def _multivariate(r: Any, key: Any, c: Case, d: Any) -> Any:
    import jax.numpy as jnp

    n = c["num_features"]
    return r.multivariate_normal(key, jnp.zeros(n, d), 4 * jnp.eye(n, dtype=d), (), d, method="cholesky")


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    import jax

    return np.asarray(jax.random.normal(jax.random.key(seed), case["shape"], dtype))


def _of_one(split: bool) -> Sampler:
    """Calls of several samplers, and of one with another shape, with one key, or with keys that are split from it."""

    def key(seed: int, i: int) -> Any:
        import jax

        return jax.random.split(jax.random.key(seed), 4)[i] if split else jax.random.key(seed)

    def call(i: int, draw: Callable[[Any, Any, Case, str], Any]) -> Any:
        def drawn(case: Case, dtype: str, device: str, seed: int) -> Any:
            import jax

            return np.asarray(draw(jax.random, key(seed, i), case, dtype))

        return drawn

    draws = {
        "normal": ("Normal(1)", call(0, lambda r, k, c, d: r.normal(k, c["shape"], d))),
        "uniform": ("Uniform(1)", call(1, lambda r, k, c, d: r.uniform(k, c["shape"], d, minval=-1, maxval=1))),
        "truncated": ("TruncatedNormal(1)", call(2, lambda r, k, c, d: r.truncated_normal(k, -2, 2, c["shape"], d))),
        "taller": ("Normal(1)", call(3, lambda r, k, c, d: r.normal(k, taller(c), d))),
    }
    return of_one(JAX, f"jax.random.key({'split' if split else 'used again'})", draws, place)


SAMPLERS: tuple[Sampler, ...] = (
    _row("normal", "shape", "Normal(1)", lambda r, k, c, d: r.normal(k, c["shape"], d)),
    _row(
        "uniform",
        "shape",
        "Uniform(scale)",
        lambda r, k, c, d: r.uniform(k, c["shape"], d, minval=-c["scale"], maxval=c["scale"]),
    ),
    _row(
        "truncated_normal",
        "shape",
        "TruncatedNormal(1, -2, 2)",
        lambda r, k, c, d: r.truncated_normal(k, -2.0, 2.0, c["shape"], d),
    ),
    # In one dimension the ball is the interval from -1 to 1.
    _row("ball", "features", "Uniform(1)", lambda r, k, c, d: r.ball(k, 1, 2, (c["num_features"],), d)[..., 0]),
    # Its density is proportional to exp(-|x|**p): for p = 2 a normal of variance 1/2.
    _row(
        "generalized_normal",
        "features",
        "Normal(sqrt(1/2))",
        lambda r, k, c, d: r.generalized_normal(k, 2.0, (c["num_features"],), d),
    ),
    _row("multivariate_normal", "features", "Normal(2)", _multivariate, unsupported=NO_FACTOR),
    _row(
        "orthogonal",
        "matrix",
        "Orthogonal()",
        lambda r, k, c, d: r.orthogonal(k, c["shape"][0], (), d, c["shape"][1]),
        unsupported=NO_QR,
    ),
    streams(JAX, "jax.random.normal(seeds)", _of_seed, place),
    *(_of_one(split) for split in (False, True)),
)
