"""Numbers, lines and tensors that come twice: ties, zeros, values used again, and draws given out a second time.

No value of a law rounded to its format is likelier than the `point` that the counts are held against, a value and its
negative being taken for one: twice the likeliest value, and not below 2^-20, which 24 random bits keep to. The
alternatives all lie above it, so that rarer coincidences than that are no evidence.
"""

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.evidence.grid import POINT
from varlaw.evidence.processes import Seen
from varlaw.evidence.scores import averaged, rates

Floats = NDArray[np.float64]

_TIE_RATES = np.array([2.0**-16, 2.0**-12, 2.0**-8, 2.0**-4, 0.5])
_FACTORS = np.array([4.0, 64.0, 1024.0, 2.0**16])
_SAME_SEED = 2.0**-31  # frameworks that take 32 bits of a seed give two of them the same tensor this often
_TOLD_APART = 100  # bits that the leading entries hold at least, so that equal ones are no chance
_SORTED = 2.0**-14  # largest point at which a value's second coming says something
_BY_BITS = 16  # values that are sought one by one, at most
_LINE = 16  # entries of the shortest rows and columns that are compared


class Repeats:
    """Counts what comes twice, where one value has a probability of `likeliest` at most."""

    def __init__(self, likeliest: float) -> None:
        self._point = max(POINT, 2 * likeliest)
        bits = min(20.0, -math.log2(self._point)) if self._point < 1 else 0.0
        self._leading = math.ceil(_TOLD_APART / bits) if bits > 1 else 0  # 0: nothing is compared
        self._counts = {"ties": [0, 0], "zeros": [0, 0], "entries of the tensor before": [0, 0]}
        self._known = {name: _Known() for name in ("tensors", "shuffled tensors", "rows", "columns")}
        self._values: Floats | None = None
        self._last: Floats = np.empty(0)

    def observe(self, seen: Seen) -> None:
        """Take tensors of one shape into account, in their order: a value and its negative count as one."""
        if not self._leading:
            return
        x = seen.values
        flat = x.reshape(len(x), -1)
        self._count("ties", flat[:, 1:] == flat[:, :-1])
        self._count("zeros", flat == 0)
        if self._last.size == flat.shape[1]:
            self._count("entries of the tensor before", flat[0] == self._last)
        self._count("entries of the tensor before", flat[1:] == flat[:-1])
        self._last = flat[-1]
        sizes = np.abs(flat)
        self._compare("tensors", sizes)
        if x.ndim > 2:
            grid = sizes.reshape(len(x), x.shape[1], -1)
            for name, lines in (("rows", grid), ("columns", grid.transpose(0, 2, 1))):
                if lines.shape[2] >= _LINE:
                    self._compare(name, lines)
        if self._point <= _SORTED:
            self._value(sizes)

    def log_wealth(self) -> dict[str, float]:
        """The log e-value of every process, by name."""
        rising = np.maximum(_TIE_RATES, 2 * self._point)
        counted = {name: hits_of for name, hits_of in self._counts.items() if hits_of[1]}
        logs: dict[str, float] = {}
        if counted:  # where nothing is compared the point may be 1 or more, which is no probability
            hits, of = np.array(list(counted.values()), dtype=float).reshape(-1, 2).T
            logs = dict(zip(counted, rates(hits, of[:, None], self._point, rising).tolist(), strict=True))
        logs |= {f"repeated {name}": float(averaged(k.logs)) for name, k in self._known.items() if k.n}
        if self._values is not None:
            logs["repeated values"] = float(averaged(self._values))
        return logs

    def told(self, name: str) -> str:
        """The name says it all."""
        return name

    def _count(self, name: str, hits: NDArray[np.bool_]) -> None:
        if self._point < 0.25:
            self._counts[name][0] += int(np.count_nonzero(hits))
            self._counts[name][1] += hits.size

    def _compare(self, name: str, lines: NDArray[Any]) -> None:
        """Lines along the last axis, each known by its leading entries."""
        if lines.shape[-1] >= self._leading:
            self._known[name].update(_words(lines[..., : self._leading]))

    def _value(self, sizes: Floats) -> None:
        with np.errstate(over="ignore"):
            narrow = sizes.astype(np.float32)  # sorted in half the time
        ordered = np.sort(narrow if np.array_equal(narrow, sizes) else sizes, axis=1)
        self._compare("shuffled tensors", ordered[:, ::-1])
        again = [repeats(values, row, self._point) for values, row in zip(sizes, ordered, strict=True)]
        self._values = np.sum(again, axis=0) + (0.0 if self._values is None else self._values)


class _Known:
    """Words that came before, and the log e-values, one a factor, of how many came again."""

    def __init__(self) -> None:
        self.n, self.logs = 0, np.zeros(len(_FACTORS))
        self._seen: set[int] = set()

    def update(self, words: list[int]) -> None:
        fresh = self._fresh(words)
        if fresh is None:
            self.logs = self.logs + _fresh_words(self.n, len(words))
        else:
            p, q = _word_rates(self.n, len(words))
            self.logs = self.logs + np.where(fresh, np.log1p(-q) - np.log1p(-p), np.log(q / p)).sum(axis=1)
        self.n += len(words)

    def _fresh(self, words: list[int]) -> list[bool] | None:
        """Which of the words are new; None where all are."""
        distinct = set(words)
        if len(distinct) == len(words) and self._seen.isdisjoint(distinct):
            self._seen |= distinct
            return None
        fresh = []
        for word in words:
            fresh.append(word not in self._seen)
            self._seen.add(word)
        return fresh


def _word_rates(known: int, count: int) -> tuple[Floats, Floats]:
    return _rates(np.maximum(np.arange(known, known + count), 1), _SAME_SEED)


@functools.lru_cache(maxsize=1024)
def _fresh_words(known: int, count: int) -> Floats:
    """The log e-values of `count` words that are all new, after so many; tensors of one shape ask for the same."""
    p, q = _word_rates(known, count)
    new: Floats = (np.log1p(-q) - np.log1p(-p)).sum(axis=1)
    return new


def _words(lines: NDArray[Any]) -> list[int]:
    """64 bits for each line (the last axis): a sum of its entries' bits times odd keys; one word for two lines is rarer
    by far than the chance that is allowed for seeds.
    """
    keys = np.random.Philox(key=1).random_raw(lines.shape[-1]) | np.uint64(1)
    bits = np.ascontiguousarray(lines, dtype=np.float64).view(np.uint64)
    bits = bits ^ (bits >> np.uint64(29))
    found: list[int] = (bits * keys).sum(axis=-1, dtype=np.uint64).ravel().tolist()
    return found


def repeats(values: Floats, ordered: Floats, point: float = POINT) -> Floats:
    """Log e-values, one a factor m, of how often a tensor's entries take a value that it had before.

    Entry i repeats one of at most i values with probability at most p = i `point`; the alternative is m times that.
    Entries where p passes 1/2 say nothing. `ordered` holds the same values sorted, in which those that occur twice are
    found at once.
    """
    telling = min(values.size, int(0.5 / point))
    logs = _all_new(telling, point)
    doubled = ordered[1:][ordered[1:] == ordered[:-1]]
    if doubled.size == 0:
        return logs
    at = _where(values, doubled)
    at = np.delete(at, np.unique(values[at], return_index=True)[1])
    p, q = _rates(at[at < telling], point)
    again: Floats = (np.log(q / p) - np.log1p(-q) + np.log1p(-p)).sum(axis=1)
    return logs + again


def _where(values: Floats, few: Floats) -> NDArray[np.intp]:
    """Where `values` takes one of a few values; of more, first where 16 of the bits do, in a tenth of the time."""
    if len(few) < _BY_BITS:
        return np.flatnonzero(np.isin(values, few))
    marked = np.zeros(1 << 16, dtype=np.bool_)
    marked[_sixteen(few)] = True
    likely = np.flatnonzero(marked[_sixteen(values)])
    return likely[np.isin(values[likely], few)]


def _sixteen(values: Floats) -> NDArray[np.uint16]:
    """Bits that differ between most numbers: the last ones of a float32, in either width."""
    bits = values.astype(np.float64).view(np.uint64)
    return (bits ^ (bits >> np.uint64(29))).astype(np.uint16)


@functools.lru_cache(maxsize=256)
def _all_new(size: int, point: float) -> Floats:
    """The same where no value occurs twice."""
    p, q = _rates(np.arange(size), point)
    new: Floats = (np.log1p(-q) - np.log1p(-p)).sum(axis=1)
    return new


def _rates(at: NDArray[np.int64], point: float) -> tuple[Floats, Floats]:
    """The probability at most that draw `at` repeats an earlier one, and those of the alternatives, one a row."""
    p: Floats = np.minimum(at * point, 0.5)
    return p, np.minimum(np.multiply.outer(_FACTORS, p), 0.9)
