"""Fresh draws on which a violation is explained: of a stage of their own, not those that raised the alarm."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace, size, to_device
from numpy.typing import NDArray

from varlaw.evidence.decide import Source
from varlaw.evidence.formats import FORMATS, Format
from varlaw.evidence.state import native
from varlaw.evidence.streams import Key

Floats = NDArray[np.float64]

STAGE = 14  # of the decision's key
_SCALARS = 1 << 16  # looked at, or as many as the decision took
_MOST = 1 << 18
_POINT = 2.0**-20  # what generators of 24 bits give one value
_TENSORS = 64  # or as many as the decision took


@dataclass(frozen=True)
class Draws:
    """Fresh tensors of one shape, in float64, with the format that they were rounded to."""

    tensors: tuple[Floats, ...]
    fmt: Format

    @property
    def first(self) -> Floats:
        return self.tensors[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.first.shape

    @cached_property
    def stack(self) -> Floats:
        """All tensors, along a new first axis."""
        return np.stack(self.tensors)

    @cached_property
    def flat(self) -> Floats:
        """Every value of every tensor, in order."""
        return self.stack.ravel()

    @cached_property
    def grids(self) -> Floats:
        """Tensors x rows x columns; a vector is one row."""
        rows = self.shape[0] if len(self.shape) > 1 else 1
        return self.stack.reshape(len(self.tensors), rows, -1)

    @cached_property
    def point(self) -> float:
        """About the largest probability of one value, if the draws are smooth: numbers far from 0 lie coarsely."""
        low, high = np.quantile(self.flat, [0.25, 0.75])
        cell = self.fmt.spacing(float(np.abs(self.flat).max()))
        return float(min(max(_POINT, cell / (high - low) if high > low else 0.0), 1.0))

    @cached_property
    def spread(self) -> Floats:
        """Every value, those of 16 bits anywhere in the cell that rounds to them: the outermost in its inner half."""
        x = self.flat
        if self.fmt.digits >= 24:
            return x
        low, high = self.fmt.cells(x)
        low, high = np.where(x == x.min(), x, low), np.where(x == x.max(), x, high)
        return low + np.random.default_rng(0).random(x.size) * (high - low)


def fresh(source: Source, dtype: str, key: Key, samples: int, entries: int) -> Draws:
    """Draws of about as many scalars as the decision took, or 65,536: two tensors of `entries` entries at least."""
    wanted = min(max(samples, _SCALARS), _MOST)
    most = max(_TENSORS, -(-samples // entries))
    count = min(max(2, -(-wanted // entries)), most)
    return Draws(tuple(hosted(source(key.at(block=0, stage=STAGE).seed, count))), FORMATS[dtype])


def hosted(tensors: Any) -> Iterator[Floats]:
    """Tensors of any library in float64 on the host; of a huge one the leading rows."""
    for tensor in tensors:
        x = _part(native(tensor))
        xp = array_namespace(x)
        yield np.asarray(to_device(xp.astype(x, xp.float64), "cpu"))


def _part(x: Any) -> Any:
    count = size(x) or 0
    if count <= _MOST or not x.shape:
        return x
    rows = max(1, _MOST * x.shape[0] // count)
    return x[:rows] if math.prod(x.shape[1:]) <= _MOST else array_namespace(x).reshape(x, (-1,))[:_MOST]
