"""Keras's part in the founding laws, on the backend of this process."""

from typing import Any

from varlaw.subjects.founding import founding
from varlaw.subjects.keras.framework import KERAS, keras
from varlaw.subjects.subject import Experiment


def _relu(x: Any) -> Any:
    return keras().ops.relu(x)


def _uniform(count: int, bound: float, dtype: str, device: str, key: Any) -> Any:
    return keras().random.uniform([count], -bound, bound, dtype)


EXPERIMENTS: tuple[Experiment, ...] = (founding(KERAS, _relu, _uniform),)
