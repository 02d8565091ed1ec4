"""Numbers of a block, read with a line of what is wrong where they are none."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from varlaw.theory.domain import printable
from varlaw.theory.variates.variate import real

Block = Mapping[str, Any]


def number(block: Block, key: str, default: float | None) -> float:
    """The number >= 0 under `key`; `ValueError` where it is missing without a default, or no such number."""
    value = block.get(key, default)
    if value is None:
        msg = f"{key} is missing, but should be a number [propagation.{block['block']}]"
        raise ValueError(msg)
    found = real(value)
    if not found >= 0:
        msg = f"{key}={printable(value)}, but should be a number >= 0 [propagation.{block['block']}]"
        raise ValueError(msg)
    return found


def within(block: Block, key: str) -> Sequence[Any]:
    """The blocks, or branches, under `key`; `ValueError` where there are none."""
    found = block.get(key)
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        msg = f"{key}={printable(found)}, but should be a list of one or more [propagation.{block['block']}]"
        raise ValueError(msg)
    return found


def product(block: Block, key: str) -> float:
    """The product of the sides under `key`, 1 where there are none."""
    given = block.get(key, 1.0)
    sides = [real(side) for side in (given if isinstance(given, Sequence) and not isinstance(given, str) else [given])]
    if not sides or not all(0 < side < math.inf for side in sides):
        msg = f"{key}={printable(given)}, but should be numbers > 0 [propagation.{block['block']}]"
        raise ValueError(msg)
    return math.prod(sides)
