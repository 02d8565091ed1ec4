"""Signs that are products of other signs, wherever those are: linear equations between bits that every sample fulfils.

Under the law the signs of a sample are fair coins. The samples before span a space of bits, short of the whole by d
dimensions: d equations that all of them fulfilled. The next one fulfils them too with the chance 2^-d, on which a share
of the wealth is bet. A lawful sampler has filled the space after a few samples more than it has places, and nothing is
left to bet on; where a sign is the product of any others, the same in every sample, it is never filled.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.processes import Seen

Floats = NDArray[np.float64]

_MOST = 1024  # places at most: what a sample costs grows with them
_ENOUGH = 100.0  # nats, after which no more is bet


class Parities:
    """The equations between the columns of all rows, the rows of all columns, and the entries of all tensors."""

    def __init__(self) -> None:
        self._found = {f"signs tied, {places}": Equations() for places in ("columns", "rows", "entries")}

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account, in their order."""
        signs = seen.normal > 0
        rows = signs.reshape(*signs.shape[:2], -1) if signs.ndim > 2 else signs[:, :0, None]
        views = rows, rows.transpose(0, 2, 1), signs.reshape(len(signs), 1, -1)
        for equations, view in zip(self._found.values(), views, strict=True):
            equations.update(view.reshape(-1, view.shape[2]) if view.size else np.zeros((0, 0), dtype=bool))

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of each."""
        return {name: equations.log_e for name, equations in self._found.items()}

    def told(self, name: str) -> str:
        """The name says it all."""
        return name


class Equations:
    """The span of the samples seen, by the leading bit of each vector, and the wealth."""

    def __init__(self) -> None:
        self._span: dict[int, int] = {}
        self._places = 0
        self.log_e = 0.0

    def update(self, signs: NDArray[np.bool_]) -> None:
        """Samples of as many places, a row each; those of another length begin anew."""
        places = signs.shape[1]
        if not 2 <= places <= _MOST:
            return
        if places != self._places:
            self._span, self._places = {}, places
        for sample in _bits(signs):
            missing = places + 1 - len(self._span)
            if not missing or self.log_e > _ENOUGH:
                return
            self._bet(sample, missing)

    def _bet(self, sample: int, missing: int) -> None:
        rest = sample
        while rest and (leading := rest.bit_length()) in self._span:
            rest ^= self._span[leading]
        share = 2.0 ** (-(missing + 1) / 2) if self._span else 0.0  # of the first sample one bit is always 1
        self.log_e += math.log1p(share * (2.0**missing - 1)) if not rest else math.log1p(-share)
        if rest:
            self._span[leading] = rest


def _bits(signs: NDArray[np.bool_]) -> Iterator[int]:
    """Each sample as a number, with a bit more that is always 1: a product may be -1 as well."""
    packed = np.packbits(signs, axis=1)
    unused = 8 * packed.shape[1] - signs.shape[1]
    for row in packed:
        yield (int.from_bytes(row.tobytes(), "big") >> unused) << 1 | 1
