"""Matrices that are meant to be orthogonal: no law of single entries, but an equality of sums of their products."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.evidence.formats import FORMATS

_EPS = 2.0**-23  # of the float32 in which matrices are decomposed
_GATES = (3, 4)  # matrices that a recurrent layer packs along its first axis


@dataclass(frozen=True)
class Orthogonal:
    """`gain` times a matrix whose rows, or whose columns where they are fewer, are orthonormal."""

    gain: float = 1.0


def named(text: str) -> str | None:
    """What stands in the brackets of `orthogonal(gain)`, "1" for the plain word; None for another law.

    >>> named("orthogonal"), named("orthogonal(sqrt(2))"), named("Normal(1)")
    ('1', 'sqrt(2)', None)
    """
    found = re.fullmatch(r"orthogonal(?:\((.+)\))?", text.strip())
    return (found[1] or "1") if found else None


def judged(
    name: str, text: str, law: Orthogonal, draws: Sequence[NDArray[np.float32]], dtype: str, word: str
) -> Finding | None:
    """Whether each draw is orthogonal but for rounding, as a whole or gate by gate."""
    if draws[0].ndim < 2:
        return finding(word, "NOT_APPLICABLE", f"a vector is not {text}", name, law=text)
    matrices = [x.reshape(x.shape[0], -1).astype(np.float64) for x in draws]
    size, unit = law.gain**2, FORMATS[dtype].unit
    room = size * (max(matrices[0].shape) * _EPS + 2 * unit + unit**2)
    worst = max(min(_off(parts, size) for parts in _readings(w)) for w in matrices)
    if worst <= room:
        return None
    rms = math.sqrt(float(np.mean([np.mean(np.square(w)) for w in matrices])))
    short, long_ = sorted(matrices[0].shape)
    expected = abs(law.gain) / math.sqrt(long_)
    says = f"products of {'rows' if matrices[0].shape[0] == short else 'columns'} are {worst:.3g} off those of {text}"
    ratio = rms / expected if expected else None
    return finding(word, "VIOLATES", says, name, law=text, expected=expected, observed=rms, ratio=ratio)


def _readings(w: NDArray[np.float64]) -> list[list[NDArray[np.float64]]]:
    """The matrix as a whole, and as gates one below the other."""
    rows, columns = w.shape
    return [[w], *(np.split(w, n) for n in _GATES if rows == n * columns)]


def _off(parts: Sequence[NDArray[np.float64]], size: float) -> float:
    """How far the products of rows, or of columns where they are fewer, are from those of orthogonal ones at most."""
    products = [w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w for w in parts]
    return max(float(np.abs(p - size * np.eye(len(p))).max()) for p in products)
