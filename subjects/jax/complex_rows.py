"""Complex weights of JAX and the libraries on it: the same initialisers and layers asked for a complex dtype.

JAX draws them circular, as Trabelsi et al. 2018 do: its uniform law fills a disc and its truncated one cuts the modulus
at two stds of the normal before. The other libraries give each part a law of its own.
"""

import math
from collections.abc import Callable
from typing import Any

from varlaw.subjects.complex_parts import CIRCULAR, NO_16_BITS, cut_normal, disc, each, parts, polar
from varlaw.subjects.jax.framework import JAX, sampler
from varlaw.subjects.subject import Case, Framework, Sampler

Draw = Callable[[Any, Case, Any], Any]  # (key, case, complex dtype) -> weight
Share = Callable[[Any, Any], Any]  # (array library, |w|^2) -> the distribution function there


def _complex(dtype: Any) -> Any:
    import jax.numpy as jnp

    return jnp.result_type(dtype, jnp.complex64)


def _row(of: Framework, name: str, law: str, draw: Draw, op: str = "linear") -> Sampler:
    """A row for parts that have the same law each."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        return lambda key: parts(draw(key, case, _complex(dtype)))

    return sampler(of, f"{name}(complex)", op, build, each(law), unsupported=NO_16_BITS)


def _circular(of: Framework, name: str, share: Share, draw: Draw) -> Sampler:
    """A row for a circular law of variance 1/in_features."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        import jax.numpy as jnp

        scale = math.sqrt(case["in_features"])
        return lambda key: polar(jnp, draw(key, case, _complex(dtype)) * scale, share)

    return sampler(of, f"{name}(complex)", "linear", build, CIRCULAR, unsupported=NO_16_BITS)


def _shape(c: Case) -> tuple[int, int]:
    return c["in_features"], c["out_features"]


def _scaling(distribution: str) -> Draw:
    def draw(key: Any, c: Case, dtype: Any) -> Any:
        import jax

        return jax.nn.initializers.variance_scaling(1.0, "fan_in", distribution)(key, _shape(c), dtype)

    return draw


def _normal(key: Any, c: Case, dtype: Any) -> Any:
    import jax

    return jax.random.normal(key, tuple(c["shape"]), dtype)


_NAME = "jax.nn.initializers.variance_scaling"

OF_JAX: tuple[Sampler, ...] = (
    _row(JAX, "jax.random.normal", "Normal(sqrt(1/2))", _normal, "shape"),
    _row(JAX, f"{_NAME}(normal)", "lecun_normal(2*in_features)", _scaling("normal")),
    _circular(JAX, f"{_NAME}(uniform)", disc, _scaling("uniform")),
    _circular(JAX, f"{_NAME}(truncated_normal)", cut_normal, _scaling("truncated_normal")),
)


def of_flax(of: Framework) -> tuple[Sampler, ...]:
    """The dense layers, which start from lecun_normal, truncated."""

    def linen(key: Any, c: Case, dtype: Any) -> Any:
        import flax.linen as nn
        import jax.numpy as jnp

        layer = nn.Dense(c["out_features"], param_dtype=dtype)
        return layer.init(key, jnp.zeros((1, c["in_features"]), dtype))["params"]["kernel"]

    def nnx(key: Any, c: Case, dtype: Any) -> Any:
        from flax import nnx

        return nnx.Linear(*_shape(c), param_dtype=dtype, rngs=nnx.Rngs(params=key)).kernel[...]

    return (
        _circular(of, "flax.linen.Dense", cut_normal, linen),
        _circular(of, "flax.nnx.Linear", cut_normal, nnx),
    )


def of_equinox(of: Framework) -> tuple[Sampler, ...]:
    """Layers whose documentation promises a uniform law: its variance, in halves."""

    def linear(key: Any, c: Case, dtype: Any) -> Any:
        import equinox as eqx

        return eqx.nn.Linear(*_shape(c), dtype=dtype, key=key).weight

    def embedding(key: Any, c: Case, dtype: Any) -> Any:
        import equinox as eqx

        return eqx.nn.Embedding(c["num_embeddings"], c["embedding_dim"], dtype=dtype, key=key).weight

    return (
        _row(of, "equinox.nn.Linear", "Uniform(1/sqrt(2*in_features))", linear),
        _row(of, "equinox.nn.Embedding", "Normal(sqrt(1/2))", embedding, "embedding"),
    )


def of_haiku(of: Framework) -> tuple[Sampler, ...]:
    """Its initialisers, and the linear layer with its default, a normal law of 1/fan_in before it is cut."""

    def drawn(make: Callable[[Any, Case], Any]) -> Draw:
        def draw(key: Any, c: Case, dtype: Any) -> Any:
            import haiku as hk

            shape = tuple(c["shape"]) if "shape" in c else _shape(c)
            return hk.transform(lambda: make(hk.initializers, c)(shape, dtype)).apply({}, key)

        return draw

    def scaling(distribution: str) -> Draw:
        return drawn(lambda m, c: m.VarianceScaling(1.0, "fan_in", distribution))

    def linear(key: Any, c: Case, dtype: Any) -> Any:
        import haiku as hk
        import jax.numpy as jnp

        function = hk.transform(lambda x: hk.Linear(c["out_features"], name="layer")(x))
        return function.init(key, jnp.zeros((1, c["in_features"]), dtype))["layer"]["w"]

    name = "haiku.initializers.VarianceScaling"
    return (
        _row(of, "haiku.initializers.RandomNormal", "Normal(scale/sqrt(2))",
             drawn(lambda m, c: m.RandomNormal(c["scale"])), "shape"),
        _row(of, f"{name}(normal)", "lecun_normal(2*in_features)", scaling("normal")),
        _row(of, f"{name}(truncated_normal)", "lecun_truncated(2*in_features)", scaling("truncated_normal")),
        _row(of, "haiku.Linear", "TruncatedNormal(1/sqrt(2*in_features), -2, 2)", linear),
    )  # fmt: skip
