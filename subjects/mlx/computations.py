"""MLX's part in the founding laws."""

from typing import Any

from varlaw.subjects.founding import founding
from varlaw.subjects.mlx.framework import MLX, dtype_of
from varlaw.subjects.subject import Experiment


def _relu(x: Any) -> Any:
    import mlx.nn

    return mlx.nn.relu(x)


def _uniform(count: int, bound: float, dtype: str, device: str, key: Any) -> Any:
    import mlx.core as mx

    return mx.random.uniform(-bound, bound, (count,), dtype_of(dtype))


EXPERIMENTS: tuple[Experiment, ...] = (founding(MLX, _relu, _uniform),)
