"""JAX's part in the founding laws."""

from typing import Any

from varlaw.subjects.founding import founding
from varlaw.subjects.jax.framework import JAX
from varlaw.subjects.subject import Experiment


def _relu(x: Any) -> Any:
    import jax

    return jax.nn.relu(x)


def _uniform(count: int, bound: float, dtype: str, device: str, key: Any) -> Any:
    import jax

    return jax.random.uniform(key, (count,), dtype, -bound, bound)


EXPERIMENTS: tuple[Experiment, ...] = (founding(JAX, _relu, _uniform),)
