"""Paddle's part in the founding laws."""

from typing import Any

from varlaw.subjects.founding import founding
from varlaw.subjects.paddle.framework import PADDLE
from varlaw.subjects.subject import Experiment


def _relu(x: Any) -> Any:
    import paddle

    return paddle.nn.functional.relu(x)


def _uniform(count: int, bound: float, dtype: str, device: str, key: Any) -> Any:
    import paddle

    return paddle.uniform([count], dtype, -bound, bound)


EXPERIMENTS: tuple[Experiment, ...] = (founding(PADDLE, _relu, _uniform),)
