"""haiku, complex weights: initialisers, and the linear layer with its default, a normal law before it is cut."""

from collections.abc import Callable
from typing import Any

from varlaw.subjects.haiku.framework import HAIKU
from varlaw.subjects.jax.complex_rows import Draw, dense, row
from varlaw.subjects.subject import Case, Sampler


def _drawn(make: Callable[[Any, Case], Any]) -> Draw:
    def draw(key: Any, c: Case, dtype: Any) -> Any:
        import haiku as hk

        shape = tuple(c["shape"]) if "shape" in c else dense(c)
        return hk.transform(lambda: make(hk.initializers, c)(shape, dtype)).apply({}, key)

    return draw


def _scaling(distribution: str) -> Draw:
    return _drawn(lambda m, c: m.VarianceScaling(1.0, "fan_in", distribution))


def _linear(key: Any, c: Case, dtype: Any) -> Any:
    import haiku as hk
    import jax.numpy as jnp

    function = hk.transform(lambda x: hk.Linear(c["out_features"], name="layer")(x))
    return function.init(key, jnp.zeros((1, c["in_features"]), dtype))["layer"]["w"]


_SCALING = "haiku.initializers.VarianceScaling"

COMPLEX: tuple[Sampler, ...] = (
    row(
        HAIKU,
        "haiku.initializers.RandomNormal",
        "Normal(scale/sqrt(2))",
        _drawn(lambda m, c: m.RandomNormal(c["scale"])),
        "shape",
    ),
    row(HAIKU, f"{_SCALING}(normal)", "lecun_normal(2*in_features)", _scaling("normal")),
    row(HAIKU, f"{_SCALING}(truncated_normal)", "lecun_truncated(2*in_features)", _scaling("truncated_normal")),
    row(HAIKU, "haiku.Linear", "TruncatedNormal(1/sqrt(2*in_features), -2, 2)", _linear),
)
