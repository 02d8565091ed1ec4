"""Numbers of a block, read with a line of what is wrong where they are none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.theory.domain import printable

Block = Mapping[str, Any]


def number(block: Block, key: str, default: float | None) -> float:
    """The number >= 0 under `key`; `ValueError` where it is missing without a default, or no such number."""
    value = block.get(key, default)
    if value is None:
        msg = f"{key} is missing, but should be a number [propagation.{block['block']}]"
        raise ValueError(msg)
    found = float(value)
    if not found >= 0:
        msg = f"{key}={printable(value)}, but should be a number >= 0 [propagation.{block['block']}]"
        raise ValueError(msg)
    return found


def product(block: Block, key: str) -> float:
    """The product of the sides under `key`, 1 where there are none."""
    sides: Sequence[float] = np.atleast_1d(block.get(key, 1.0)).tolist()
    return float(np.prod(sides))
