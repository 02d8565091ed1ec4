"""Complex weights of JAX and the libraries on it: the same initialisers and layers asked for a complex dtype.

JAX draws them circular, as Trabelsi et al. 2018 do: its uniform law fills a disc and its truncated one cuts the modulus
at two stds of the normal before. The other libraries give each part a law of its own.
"""

import math
from collections.abc import Callable
from typing import Any

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.complex_parts import CIRCULAR, NO_16_BITS, cut_normal, disc, each, parts, polar
from varlaw.subjects.jax.framework import JAX, sampler
from varlaw.subjects.subject import Case, Sampler

Draw = Callable[[Any, Case, Any], Any]  # (key, case, complex dtype) -> weight
Share = Callable[[Any, Any], Any]  # (array library, |w|^2) -> the distribution function there


def _complex(dtype: Any) -> Any:
    import jax.numpy as jnp

    return jnp.result_type(dtype, jnp.complex64)


def row(of: Boundary, name: str, law: str, draw: Draw, op: str = "linear") -> Sampler:
    """A row for parts that have the same law each."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        return lambda key: parts(draw(key, case, _complex(dtype)))

    return sampler(of, f"{name}(complex)", op, build, each(law), unsupported=NO_16_BITS)


def circular(of: Boundary, name: str, share: Share, draw: Draw) -> Sampler:
    """A row for a circular law of variance 1/in_features."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax.numpy as jnp

        scale = math.sqrt(case["in_features"])
        return lambda key: polar(jnp, draw(key, case, _complex(dtype)) * scale, share)

    return sampler(of, f"{name}(complex)", "linear", build, CIRCULAR, unsupported=NO_16_BITS)


def dense(c: Case) -> tuple[int, int]:
    """Of a dense weight, (in, out)."""
    return c["in_features"], c["out_features"]


def _scaling(distribution: str) -> Draw:
    def draw(key: Any, c: Case, dtype: Any) -> Any:
        import jax

        return jax.nn.initializers.variance_scaling(1.0, "fan_in", distribution)(key, dense(c), dtype)

    return draw


def _normal(key: Any, c: Case, dtype: Any) -> Any:
    import jax

    return jax.random.normal(key, tuple(c["shape"]), dtype)


_NAME = "jax.nn.initializers.variance_scaling"

COMPLEX: tuple[Sampler, ...] = (
    row(JAX, "jax.random.normal", "Normal(sqrt(1/2))", _normal, "shape"),
    row(JAX, f"{_NAME}(normal)", "lecun_normal(2*in_features)", _scaling("normal")),
    circular(JAX, f"{_NAME}(uniform)", disc, _scaling("uniform")),
    circular(JAX, f"{_NAME}(truncated_normal)", cut_normal, _scaling("truncated_normal")),
)
