"""varlaw's own functions on NumPy arrays."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ml_dtypes
import numpy as np

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.founding import founding
from varlaw.subjects.ours import Backend, table, version
from varlaw.subjects.ours_numbers import numbers
from varlaw.subjects.ours_numpy_experiments import experiments
from varlaw.subjects.ours_scales import experiments as scales
from varlaw.subjects.subject import Floats, Framework


def _array(x: Floats, dtype: str, device: str) -> Any:
    return x.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def _floats(x: Any) -> Floats:
    return np.asarray(x).astype(np.float64)


_OURS = Framework(name="varlaw.numpy", version=version, devices=lambda: ("cpu",))
_TABLE = table(
    Backend(
        framework=_OURS,
        module="varlaw.impl.numpy",
        array=_array,
        floats=_floats,
        generator=lambda seed, device: np.random.default_rng(seed),
        place=lambda device: {"device": device},
    )
)


@contextmanager
def _chance(seed: int, dtype: str, device: str) -> Iterator[np.random.Generator]:
    yield np.random.default_rng([seed, 1])


_NUMPY = Boundary(
    name="varlaw.numpy", version=_OURS.version, devices=_OURS.devices, array=_array, floats=_floats,
    draws=lambda build: build, chance=_chance,
)  # fmt: skip

SUBJECTS = (
    *_TABLE,
    *scales(_OURS),
    *experiments(_OURS),
    *numbers(_NUMPY, "varlaw.impl.numpy"),
    founding(_NUMPY, lambda x: np.maximum(x, 0), lambda n, bound, dtype, device, rng: rng.uniform(-bound, bound, n)),
)
