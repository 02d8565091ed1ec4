"""Both backends behind one set of words, so that a law is written once and holds for each."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import varlaw.impl.numpy
import varlaw.impl.torch

DTYPES = ("float64", "float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Backend:
    """A backend's functions, and the way into and out of its arrays."""

    name: str
    functions: ModuleType
    make: Callable[[Any, str], Any]
    wide: Callable[[Any], np.ndarray]
    generator: Callable[[int], Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.functions, name)


def _numpy_array(values: Any, dtype: str) -> np.ndarray:
    import ml_dtypes

    return np.asarray(values, dtype=np.float64).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def _torch_tensor(values: Any, dtype: str) -> Any:
    import torch

    return torch.tensor(np.asarray(values, dtype=np.float64)).to(getattr(torch, dtype))


def _torch_generator(seed: int) -> Any:
    import torch

    return torch.Generator().manual_seed(seed)


BACKENDS = [
    Backend(
        "numpy",
        varlaw.impl.numpy,
        _numpy_array,
        lambda x: np.asarray(x).astype(np.float64),
        lambda seed: np.random.default_rng(seed),
    ),
    Backend("torch", varlaw.impl.torch, _torch_tensor, lambda x: x.detach().double().numpy(), _torch_generator),
]


@pytest.fixture(params=BACKENDS, ids=lambda b: b.name)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param


@pytest.fixture(params=DTYPES)
def dtype(request: pytest.FixtureRequest) -> str:
    return request.param
