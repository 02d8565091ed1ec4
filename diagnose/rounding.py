"""Initial values that their number format loses: a draw that is smaller than the steps of the format at its mean.

Rounding to steps of s changes a variance by s^2 / 12 (Sheppard), which is more than 2 delta of it where the std is
below s / sqrt(24 delta). A draw that vanished as a whole is told by who wrote it.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from varlaw.diagnose.parameters import Values
from varlaw.diagnose.records import Finding, Sight, Tensor, Written
from varlaw.diagnose.signals import finding

# Bits of the fraction, and the exponent of the smallest normal number, of formats of 16 bits and fewer.
_FORMATS = {"float16": (10, -14), "bfloat16": (7, -126), "float8_e4m3fn": (3, -6), "float8_e5m2": (2, -14)}


def lost(tensors: Mapping[str, Tensor], values: Values, written: Sequence[Written], delta: float) -> list[Finding]:
    """Tensors whose spread is that of rounding: their std is below the steps of their format."""
    drawn = {w.name for w in written if w.drawn}
    found = []
    for name, x in values.first.items():
        if tensors[name].buffer or x.size < 2 or not np.isfinite(x).all():
            continue
        dtype = tensors[name].dtype
        if name in drawn and not np.ptp(x) and (dtype in _FORMATS or x.flat[0]):  # a std of 0 is one's own choice
            says = f"was drawn, and every entry is {float(x.flat[0]):g} in {dtype}"
            found.append(finding("number.lost", "VIOLATES", says, name, observed=0.0, samples=x.size))
        elif dtype in _FORMATS and np.ptp(x):
            found += _coarse(
                name, dtype, float(np.mean(x, dtype=np.float64)), float(np.std(x, dtype=np.float64)), delta
            )
    return found


def phases(sight: Sight) -> list[Finding]:
    """Sines and cosines of numbers whose steps in their format are more than a radian: positions counted in 16 bits."""
    found = []
    for path, dtype in dict.fromkeys((path, dtype) for path, dtype, _ in sight.phases):
        largest = max(x for p, d, x in sight.phases if (p, d) == (path, dtype))
        if math.isfinite(largest) and (step := step_at(dtype, largest)) > 1:
            says = (
                f"a sine of numbers up to {largest:.4g} in {dtype}, whose steps there are {step:g}: its phase is lost"
            )
            found.append(finding("number.lost", "VIOLATES", says, path or "the model's forward()", observed=step))
    return found


def _coarse(name: str, dtype: str, mean: float, std: float, delta: float) -> list[Finding]:
    step = step_at(dtype, max(abs(mean), std))
    if std >= step / math.sqrt(24 * delta):
        return []
    says = f"its std {std:.2g} is lost between the steps of {dtype}, {step:.2g} at {max(abs(mean), std):.2g}"
    return [finding("number.lost", "VIOLATES", says, name, expected=step, observed=std, ratio=std / step)]


def step_at(dtype: str, x: float) -> float:
    """The distance of neighbouring numbers of a format at x.

    >>> step_at("float16", 1.0) == 2.0**-10, step_at("float16", 1e-7) == 2.0**-24
    (True, True)
    """
    bits, least = _FORMATS[dtype]
    exponent = max(least, math.floor(math.log2(x))) if x > 0 else least
    return math.ldexp(1.0, exponent - bits)
