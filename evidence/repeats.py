"""Numbers and tensors that come twice: ties, zeros, values used again, and draws given out a second time."""

import functools

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.rounding import Format
from varlaw.evidence.scores import averaged, rates

Floats = NDArray[np.float64]

POINT = 2.0**-20  # 24 random bits give no value of a float32 uniform or normal a larger probability
_TIE_RATES = np.array([2.0**-16, 2.0**-12, 2.0**-8, 2.0**-4, 0.5])
_FACTORS = np.array([4.0, 64.0, 1024.0, 2.0**16])
_SAME_SEED = 2.0**-31  # frameworks that take 32 bits of a seed give two of them the same tensor this often
_TOLD_APART = 100  # bits that the leading entries hold at least, so that equal ones are no chance


class Repeats:
    """Counts what comes twice, of numbers wide enough that a lawful one hardly ever does."""

    def __init__(self, fmt: Format) -> None:
        self._wide = fmt.digits >= 24
        self._leading = -(-_TOLD_APART // (20 if self._wide else fmt.digits - 2))
        self._ties = self._pairs = self._zeros = self._n = self._tensors = 0
        self._values, self._draws = np.zeros(len(_FACTORS)), np.zeros(len(_FACTORS))
        self._seen: set[bytes] = set()

    def update(self, x: Floats) -> None:
        """Tensors of one shape, stacked, with the law's mean taken off: a value and its negative count as one."""
        flat = x.reshape(len(x), -1)
        if flat.shape[1] >= self._leading:
            self._compare(flat[:, : self._leading])
        if self._wide:
            self._ties += int(np.count_nonzero(flat[:, 1:] == flat[:, :-1]))
            self._pairs += flat[:, 1:].size
            self._zeros += flat.size - int(np.count_nonzero(flat))
            self._n += flat.size
            flat = np.abs(flat)
            for values, ordered in zip(flat, np.sort(flat, axis=1), strict=True):
                self._values += repeats(values, ordered)

    def processes(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        logs = {"repeated tensors": float(averaged(self._draws))}
        if self._pairs:
            logs["ties"] = float(rates(self._ties, self._pairs, POINT, _TIE_RATES))
        if self._n:
            logs["zeros"] = float(rates(self._zeros, self._n, POINT, _TIE_RATES))
            logs["repeated values"] = float(averaged(self._values))
        return logs

    def _compare(self, leading: Floats) -> None:
        fresh = np.ones(len(leading), dtype=bool)
        for i, words in enumerate(map(np.ndarray.tobytes, leading)):
            fresh[i] = words not in self._seen
            self._seen.add(words)
        earlier = np.arange(self._tensors, self._tensors + len(leading))
        p, q = _rates(np.maximum(earlier, 1), _SAME_SEED)
        self._draws += np.where(fresh, np.log1p(-q) - np.log1p(-p), np.log(q / p)).sum(axis=1)
        self._tensors += len(leading)


def repeats(values: Floats, ordered: Floats) -> Floats:
    """Log e-values, one a factor m, of how often a tensor's entries take a value that it had before.

    Entry i repeats one of at most i values with probability at most p = i 2^-20; the alternative is m times that.
    `ordered` holds the same values sorted, in which those that occur twice are found at once.
    """
    logs = _all_new(values.size)
    doubled = ordered[1:][ordered[1:] == ordered[:-1]]
    if doubled.size == 0:
        return logs
    at = np.flatnonzero(np.isin(values, doubled))
    at = np.delete(at, np.unique(values[at], return_index=True)[1])
    p, q = _rates(at, POINT)
    again: Floats = (np.log(q / p) - np.log1p(-q) + np.log1p(-p)).sum(axis=1)
    return logs + again


@functools.lru_cache(maxsize=256)
def _all_new(size: int) -> Floats:
    """The same where no value occurs twice."""
    p, q = _rates(np.arange(size), POINT)
    new: Floats = (np.log1p(-q) - np.log1p(-p)).sum(axis=1)
    return new


def _rates(at: NDArray[np.int64], point: float) -> tuple[Floats, Floats]:
    """The probability at most that draw `at` repeats an earlier one, and those of the alternatives, one a row."""
    p: Floats = np.minimum(at * point, 0.5)
    return p, np.minimum(np.multiply.outer(_FACTORS, p), 0.9)
