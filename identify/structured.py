"""Matrices and patterns without independent entries: constants, identities, delta kernels, orthogonal matrices.

All are decided exactly, within what float32 rounds.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from varlaw.claims.documented import Dirac, Identity
from varlaw.claims.weights.matrices import matrix
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.identify.sample import Floats, Sample

_UNIT = FORMATS["float32"].unit
T = TypeVar("T")


def constant(sample: Sample) -> float | None:
    """The one value that every entry has, or None."""
    first = sample.values.flat[0]
    return float(first) if bool((sample.values == first).all()) else None


def named(name: str, values: Sequence[float], samples: Sequence[Sample]) -> bool:
    """Whether each value is, as float32, the number of its case that has this name."""
    numbers = [s.case.get(name) for s in samples]
    return all(isinstance(n, float) and np.float32(v) == np.float32(n) for v, n in zip(values, numbers, strict=True))


def pattern(samples: Sequence[Sample]) -> tuple[str, str] | None:
    """(family, law) of tensors without chance that are an identity or a delta kernel, or None."""
    if all(len(s.shape) == 2 and _equal(s, matrix(Identity(), s.shape)) for s in samples):
        return "identity", "Identity()"
    corners = [float(s.values.flat[0]) for s in samples]
    if named("gain", corners, samples) and all(
        len(s.shape) == 2 and _equal(s, matrix(Identity(corner), s.shape)) for s, corner in _pairs(samples, corners)
    ):
        return "identity", "Identity(gain)"
    if all(len(s.shape) > 2 for s in samples):
        for law, counts in (("Dirac()", [1] * len(samples)), ("Dirac(groups)", [_groups(s) for s in samples])):
            if all(s.shape[0] % g == 0 and _equal(s, matrix(Dirac(g), s.shape)) for s, g in _pairs(samples, counts)):
                return "dirac", law
    return None


def _groups(sample: Sample) -> int:
    return int(sample.names.get("groups", 1))


def _pairs(samples: Sequence[Sample], counts: Sequence[T]) -> list[tuple[Sample, T]]:
    return list(zip(samples, counts, strict=True))


def _equal(sample: Sample, expected: Floats) -> bool:
    return bool((sample.values == expected[None]).all())


def gains(samples: Sequence[Sample]) -> tuple[list[float], str] | None:
    """The gain of each case's orthogonal matrices and how the tensor is read as one, or None.

    Read with the first axis, or the last, as one side, or as a delta-orthogonal kernel: zero but for its centre.
    """
    for how, read in _READINGS:
        found = [[_gain(m) for m in (read(x) for x in s.values[:4])] for s in samples if len(s.shape) > 1]
        if len(found) == len(samples) and all(_one_gain(case) for case in found):
            return [float(np.mean([g for g in case if g is not None])) for case in found], how
    return None


def _one_gain(case: Sequence[float | None]) -> bool:
    known = [g for g in case if g is not None]
    return len(known) == len(case) and max(known) - min(known) <= 1e-5 * max(known)  # a single row has any norm


def _leading(x: Floats) -> Floats | None:
    return x.reshape(x.shape[0], -1)


def _trailing(x: Floats) -> Floats | None:
    return x.reshape(-1, x.shape[-1])


def _centre(x: Floats) -> Floats | None:
    """The middle tap, its channels last or first, of a kernel that is zero elsewhere."""
    for axes in (range(x.ndim - 2), range(2, x.ndim)):
        if x.ndim < 3 or max(x.shape[a] for a in axes) == 1:
            continue
        middle = tuple((x.shape[a] - 1) // 2 if a in axes else slice(None) for a in range(x.ndim))
        core = x[middle]
        if np.count_nonzero(x) == np.count_nonzero(core):
            return np.asarray(core, dtype=np.float64)
    return None


_READINGS = (("", _leading), ("last axis", _trailing), ("delta kernel", _centre))


def _gain(x: Floats | None) -> float | None:
    """The common singular value, or None where they differ by more than a QR in float32 leaves (Higham 2002, 19.3)."""
    if x is None or min(x.shape) < 1 or x.size < 2 or not x.any():
        return None
    values = np.linalg.svd(x, compute_uv=False)
    gain = float(np.linalg.norm(x)) / math.sqrt(len(values))
    bound = gain * (gamma(8 * x.size, _UNIT) + _UNIT) * math.sqrt(len(values))
    return gain if bool(np.abs(values - gain).max() <= bound) else None
