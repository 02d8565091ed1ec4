"""TensorFlow's part in the founding laws."""

from typing import Any

from varlaw.subjects.founding import founding
from varlaw.subjects.subject import Experiment
from varlaw.subjects.tensorflow.framework import TENSORFLOW, tf


def _relu(x: Any) -> Any:
    return tf().nn.relu(x)


def _uniform(count: int, bound: float, dtype: str, device: str, key: Any) -> Any:
    return tf().random.uniform([count], -bound, bound, dtype)


EXPERIMENTS: tuple[Experiment, ...] = (founding(TENSORFLOW, _relu, _uniform),)
