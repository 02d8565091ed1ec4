"""Matrices without chance in them: what `eye` and `dirac` initialisers promise, built from their definition."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.documented import Dirac, Identity


def matrix(law: Identity | Dirac, shape: Sequence[int]) -> NDArray[np.float64]:
    """The promised tensor of `shape`.

    >>> matrix(Dirac(), (1, 1, 3)).ravel().tolist()
    [0.0, 1.0, 0.0]
    """
    if isinstance(law, Identity):
        return law.gain * np.eye(shape[0], shape[1], dtype=np.float64)
    x = np.zeros(shape)
    centre = tuple(side // 2 for side in shape[2:])
    per_group = shape[0] // law.groups
    for out in range(shape[0]):
        if out % per_group < shape[1]:
            x[(out, out % per_group, *centre)] = 1.0
    return x
