"""A Philox stream at a key that is known, without asking the system for entropy that nobody reads.

`Philox(key=key)` makes a `SeedSequence` of fresh entropy first: most of its time.
"""

from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray


class _Words(ISeedSequence):
    """The words that Philox asks a seed for: its key, the lower half first."""

    def __init__(self, key: int) -> None:
        self._words = np.array([key & (2**64 - 1), key >> 64], dtype=np.uint64)

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> NDArray[np.uint64]:
        return self._words


def philox(key: int) -> np.random.Generator:
    """The generator on the stream of `Philox(key=key)`, for a key of 128 bits.

    >>> bool((philox(2**99 + 7).random(9) == np.random.Generator(np.random.Philox(key=2**99 + 7)).random(9)).all())
    True
    """
    words: Any = _Words(key)  # NumPy's stubs know `SeedSequence` alone
    return np.random.Generator(np.random.Philox(words))
