"""Laws of few values: signs, choices, and the share of exact zeros in a sparse law."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varlaw.identify.sample import Floats, Sample

_MOST = 16  # values of a law that is called discrete
_ENOUGH = 200  # entries, below which few values may be chance
_LEAST_ZEROS = 1e-3  # a share of zeros that no float32 sampler reaches by rounding


@dataclass(frozen=True)
class Atoms:
    """The values of a discrete law and their shares over all cases."""

    values: tuple[float, ...]
    shares: tuple[float, ...]


def atoms(samples: Sequence[Sample]) -> list[Atoms] | None:
    """For each case its values and shares, or None where entries are not of few values."""
    found = []
    for sample in samples:
        values, counts = np.unique(sample.values, return_counts=True)
        if len(values) > _MOST or sample.values.size < max(_ENOUGH, 10 * len(values)):
            return None
        found.append(Atoms(tuple(values.tolist()), tuple((counts / counts.sum()).tolist())))
    return found


def signs(found: Sequence[Atoms], samples: Sequence[Sample]) -> list[float] | None:
    """The scale of each case, where every case is a fair sign times a scale."""
    for case, sample in zip(found, samples, strict=True):
        if len(case.values) != 2 or case.values[0] != -case.values[1]:
            return None
        if abs(case.shares[0] - 0.5) > 7 * 0.5 / math.sqrt(sample.values.size):  # 3e-12, exact enough at n >= 200
            return None
    return [case.values[1] for case in found]


def zeros(samples: Sequence[Sample]) -> float:
    """The share of exact zeros over all cases, 0 where it is no more than rounding leaves."""
    count, n = sum(int((s.values == 0).sum()) for s in samples), sum(s.values.size for s in samples)
    return count / n if count > _LEAST_ZEROS * n and count > 20 else 0.0


def limits(x: Floats) -> float:
    """The share of entries that lie exactly on the smallest or largest value: large where a law was clipped."""
    return float(((x == x.min()) | (x == x.max())).mean())


def written(share: float, samples: Sequence[Sample]) -> float:
    """The share of zeros as people write it: one or two digits that explain every column, or the count over all."""
    for value in (*(i / 10 for i in range(1, 10)), *(i / 100 for i in range(1, 100))):
        if all(len(s.shape) == 2 and _columns(s, value) for s in samples):
            return value
    n = sum(s.values.size for s in samples)
    error = 5 * math.sqrt(share * (1 - share) / n)
    return next((round(share, d) for d in (1, 2, 3) if abs(round(share, d) - share) <= error), share)


def by_case(name: str, samples: Sequence[Sample]) -> bool:
    """Whether the zeros of every column are as many as a number of the case says that differs between cases."""
    shares = [float(s.case.get(name, math.nan)) for s in samples]
    each = zip(samples, shares, strict=True)
    return len(set(shares)) > 1 and all(len(s.shape) == 2 and 0 <= p <= 1 and _columns(s, p) for s, p in each)


def _columns(sample: Sample, share: float) -> bool:
    wanted = math.ceil(share * sample.shape[0])
    return bool(((sample.values == 0).sum(axis=1) == wanted).all())
