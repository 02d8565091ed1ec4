"""Laws whose entries may depend on each other: only their instances are independent, so these are compared.

The marks of instances (`dependence.marks`) are held against each other by the exact two-sample test of Kolmogorov and
Smirnov, which asks nothing of a law; cases together by Fisher's method.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np

from varlaw.identify.records import CaseStatistics

_ROUNDED = 2.0**-18  # relative difference that float32 arithmetic may leave
_KEPT = 2.0**-12  # and that the digits may that are kept of a mark
Pair = tuple[CaseStatistics, CaseStatistics]


def by_spread(old: CaseStatistics, new: CaseStatistics) -> float:
    """ln p of the scales, by how they differ between the instances of each: for files older than marks."""
    if not old.rms or not new.rms or old.spread is None or new.spread is None:
        return 0.0
    error = math.hypot(old.spread, new.spread) or _ROUNDED
    from scipy.special import stdtr

    degrees = max(min(old.instances, new.instances) - 1, 1)
    p = 2 * float(stdtr(degrees, -abs(math.log(new.rms / old.rms)) / error))
    return math.log(p) if p > 0 else -700.0


def by_marks(pairs: Sequence[Pair]) -> tuple[float, str, float]:
    """ln p of the mark that differs most, corrected for all of them; its name; and the least that could be reached."""
    names = sorted({name for old, new in pairs for name in old.marks.keys() & new.marks.keys()})
    found, least = [], 0.0
    for name in names:
        sides = [(o.marks[name], n.marks[name]) for o, n in pairs if name in o.marks and name in n.marks]
        found.append((_fisher([_smirnov(a, b) for a, b in sides]) + math.log(len(names)), name))
        least = min(least, _fisher([_apart(len(a), len(b)) for a, b in sides]) + math.log(len(names)))
    log_p, name = min(found, default=(0.0, ""))
    return min(log_p, 0.0), name, least


def _apart(m: int, n: int) -> float:
    """The p-value of two samples of which one lies above the other."""
    return min(1.0, 2 / math.comb(m + n, m))


def _smirnov(a: Sequence[float], b: Sequence[float]) -> float:
    """The exact p-value of the largest gap between two empirical distributions, larger where there are ties."""
    x, y = np.sort(a), np.sort(b)
    m, n = len(x), len(y)
    every = np.concatenate([x, y])
    if not m or not n or np.ptp(every) <= _KEPT * max(1.0, float(np.abs(every).max())):
        return 1.0
    gaps = n * np.searchsorted(x, every, side="right") - m * np.searchsorted(y, every, side="right")
    return _paths_beyond(m, n, int(np.abs(gaps).max()))


@functools.cache
def _paths_beyond(m: int, n: int, gap: int) -> float:
    """Share of the orders of m + n values, all as likely, in which |n i - m j| reaches `gap`: by counting paths."""
    inside = [int(m * j < gap) for j in range(n + 1)]
    inside = [int(all(inside[: j + 1])) for j in range(n + 1)]
    for i in range(1, m + 1):
        for j in range(n + 1):
            inside[j] = (inside[j] + (inside[j - 1] if j else 0)) * int(abs(n * i - m * j) < gap)
    total = math.comb(m + n, m)
    return (total - inside[n]) / total


def _fisher(ps: Sequence[float]) -> float:
    from scipy.special import gammaincc

    p = float(gammaincc(len(ps), -sum(map(math.log, ps))))
    return math.log(p) if p > 0 else -700.0
