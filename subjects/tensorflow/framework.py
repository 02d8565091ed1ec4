"""The one typed boundary to TensorFlow: version, devices, seeding, and arrays in and out."""

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Case, Draws, Floats


def tf() -> Any:
    """TensorFlow itself; ImportError when it is not installed."""
    if importlib.util.find_spec("tensorflow"):
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its start-up notes are no part of a report
    return importlib.import_module("tensorflow")


def version() -> str:
    """TensorFlow's own version."""
    return str(tf().__version__)


def devices() -> tuple[str, ...]:
    """The devices that are there, the CPU first."""
    return ("cpu", *(f"cuda:{i}" for i in range(len(tf().config.list_physical_devices("GPU")))))


def place(dtype: str, device: str) -> Any:
    """A context in which operations run on `device`."""
    return tf().device("/CPU:0" if device == "cpu" else device.replace("cuda", "GPU"))


def tensor(x: Floats, dtype: str, device: str = "cpu") -> Any:
    """A tensor, rounded to `dtype`."""
    return tf().cast(tf().constant(np.asarray(x, dtype=np.float64)), dtype)


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a tensor: exact for every narrower format."""
    return np.asarray(x.numpy()).astype(np.float64)


def _drawn(build: Callable[[Case, str, int, int], Mapping[str, Any]]) -> Draws:
    """`Draws` from a builder of one fresh instance: (case, dtype, seed, place in the sequence) -> tensors by name."""

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Floats]]:
        with chance(seed, dtype, device):
            for i in range(count):
                yield {name: floats(x) for name, x in build(case, dtype, seed, i).items()}

    return draws


@contextmanager
def chance(seed: int, dtype: str, device: str) -> Iterator[int]:
    """The global seed is set, which TensorFlow has no public way to put back; the key is a seed for its operations."""
    with place(dtype, device):
        tf().random.set_seed(seed)
        yield seed % 2**31


TENSORFLOW = Boundary(
    name="tensorflow",
    version=version,
    devices=devices,
    array=tensor,
    floats=floats,
    draws=_drawn,
    chance=chance,
    place=place,
)
