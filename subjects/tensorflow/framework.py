"""The one typed boundary to TensorFlow: version, devices, seeding, and arrays in and out."""

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.subject import Case, Draws, Floats, Framework


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


TENSORFLOW = Framework(name="tensorflow", version=version, devices=devices)


def place(device: str) -> Any:
    """A context in which operations run on `device`."""
    return tf().device("/CPU:0" if device == "cpu" else device.replace("cuda", "GPU"))


def tensor(x: Any, dtype: str) -> Any:
    """A tensor, rounded to `dtype`."""
    return tf().cast(tf().constant(np.asarray(x, dtype=np.float64)), dtype)


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a tensor: exact for every narrower format."""
    return np.asarray(x.numpy()).astype(np.float64)


def drawn(build: Callable[[Case, str, int, int], Mapping[str, Any]]) -> Draws:
    """`Draws` from a builder of one fresh instance: (case, dtype, seed, place in the sequence) -> tensors by name.

    The global seed is set to `seed` first; TensorFlow has no public way to put the user's stream back.
    """

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Floats]]:
        with place(device):
            tf().random.set_seed(seed)
            for i in range(count):
                yield {name: floats(x) for name, x in build(case, dtype, seed, i).items()}

    return draws
