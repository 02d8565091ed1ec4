"""A library under test, and where its rows are asked; the types that all rows share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Case = Mapping[str, Any]
Array = Any  # of any array-API library
Floats = NDArray[np.float64]
Draws = Callable[[Case, str, str, int, int], Iterator[Mapping[str, Array]]]


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A library under test: how to find it, which version it is, and where it can run."""

    name: str
    version: Callable[[], str]  # raises ImportError when the framework is not there
    devices: Callable[[], tuple[str, ...]]
    hardware: Callable[[str], str] = lambda device: ""  # of a device: name, and switches that change its arithmetic
    release: Callable[[], None] = lambda: None  # called after each subject: lets go of what would fill the memory


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Where a row is asked: as it stands, in every case of its op and in every dtype.

    `cases(claim, cases of its op, dtype)` are those in which one claim is asked.
    """

    cases: Callable[[str, Sequence[Case], str], Sequence[Case]] | None = None
    dtypes: tuple[str, ...] = ()  # empty: every one
    as_: str | None = None  # a row of another framework whose documented deviations are this one's, too
