"""Samplers on keyed NumPy streams, lawful and wrong, for the tests of the engine."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from varlaw.evidence.decide import Source

Draw = Callable[[np.random.Generator], Any]


def source(draw: Draw) -> Source:
    """A `Source` that calls `draw` with a fresh generator for every tensor."""

    def tensors(seed: int, count: int) -> Iterator[Any]:
        return (draw(np.random.default_rng([seed, i])) for i in range(count))

    return tensors
