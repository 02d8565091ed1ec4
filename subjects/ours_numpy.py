"""varlaw's own functions on NumPy arrays."""

from importlib.metadata import version
from typing import Any

import ml_dtypes
import numpy as np

from varlaw.subjects.ours import Backend, table
from varlaw.subjects.ours_scales import experiments
from varlaw.subjects.subject import Floats, Framework


def _array(x: Floats, dtype: str, device: str) -> Any:
    return x.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def _floats(x: Any) -> Floats:
    return np.asarray(x).astype(np.float64)


_OURS = Framework(name="varlaw.numpy", version=lambda: version("varlaw"), devices=lambda: ("cpu",))
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

SUBJECTS = (*_TABLE, *experiments(_OURS))
