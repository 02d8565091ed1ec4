"""The named initialisation schemes: each a function from fans to the law of one weight.

`SCHEMES` maps a name to such a function. A scheme is told a number of terms, not a shape: `fans(layout, shape)` counts
them by the layer's arithmetic and `fan(fans, mode)` picks the one that a mode names. Truncated forms widen the parent
normal law so that the result, not the parent, has the stated variance.
"""

import math
from collections.abc import Callable, Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any

from varlaw.theory.domain import printable
from varlaw.theory.layouts import Fans
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, Variate
from varlaw.theory.variates.variate import real

SQRT2 = math.sqrt(2.0)
MODES = ("fan_in", "fan_out", "fan_avg")


def fan(fans: Fans, mode: str) -> float:
    """The number of terms that a mode names: `fan_in`, `fan_out`, or `fan_avg`, their mean.

    fans: both numbers of terms.
    mode: which of them.

    >>> fan(Fans(100, 300), "fan_avg")
    200.0
    """
    if mode not in MODES:
        msg = f"mode={printable(mode)}, but should be one of {', '.join(map(repr, MODES))} [fan]"
        raise ValueError(msg)
    return float({"fan_in": fans.fan_in, "fan_out": fans.fan_out, "fan_avg": (fans.fan_in + fans.fan_out) / 2}[mode])


def he_normal(fan: float, gain: float = SQRT2) -> Normal:
    """N(0, gain**2 / fan). Source: He et al. 2015, arXiv:1502.01852.

    fan: the number of terms to keep the signal over: fan_in, or fan_out for gradients; >= 1.
    gain: multiplies the standard deviation of one weight.

    >>> he_normal(800).std
    0.05
    """
    return Normal(_std(gain, fan, "he_normal"))


def he_uniform(fan: float, gain: float = SQRT2) -> Uniform:
    """The symmetric uniform law of variance gain**2 / fan. Source: He et al. 2015, arXiv:1502.01852.

    fan: the number of terms to keep the signal over: fan_in, or fan_out for gradients; >= 1.
    gain: multiplies the standard deviation of one weight.

    >>> he_uniform(600).bound
    0.1
    """
    return Uniform.with_std(_std(gain, fan, "he_uniform"))


def he_truncated(fan: float, gain: float = SQRT2, low: float = -2.0, high: float = 2.0) -> TruncatedNormal:
    """A normal law cut at `low` and `high` sigmas of variance gain**2 / fan after the cut, as Keras's `he_normal`.

    fan: the number of terms to keep the signal over: fan_in, or fan_out for gradients; >= 1.
    gain: multiplies the standard deviation of one weight.
    low, high: where the normal law is cut, in standard deviations of what was there before the cut.

    >>> round(he_truncated(200).variance, 15)
    0.01
    """
    return TruncatedNormal.with_std(_std(gain, fan, "he_truncated"), low, high)


def glorot_normal(fan_in: float, fan_out: float, gain: float = 1.0) -> Normal:
    """N(0, 2 gain**2 / (fan_in + fan_out)). Source: Glorot & Bengio 2010.

    fan_in, fan_out: the numbers of terms that an output, and a gradient, add up, >= 1.
    gain: multiplies the standard deviation of one weight.

    >>> glorot_normal(100, 300).variance == 2 / 400
    True
    """
    return Normal(_std(gain, _mean(fan_in, fan_out, "glorot_normal"), "glorot_normal"))


def glorot_uniform(fan_in: float, fan_out: float, gain: float = 1.0) -> Uniform:
    """U(-b, b) with b = gain sqrt(6 / (fan_in + fan_out)). Source: Glorot & Bengio 2010.

    fan_in, fan_out: the numbers of terms that an output, and a gradient, add up, >= 1.
    gain: multiplies the standard deviation of one weight.

    >>> round(glorot_uniform(200, 400).bound, 15)
    0.1
    """
    return Uniform.with_std(_std(gain, _mean(fan_in, fan_out, "glorot_uniform"), "glorot_uniform"))


def glorot_truncated(
    fan_in: float, fan_out: float, gain: float = 1.0, low: float = -2.0, high: float = 2.0
) -> TruncatedNormal:
    """A normal law cut at `low` and `high` sigmas of variance 2 gain**2 / (fan_in + fan_out) after the cut.

    fan_in, fan_out: the numbers of terms that an output, and a gradient, add up, >= 1.
    gain: multiplies the standard deviation of one weight.
    low, high: where the normal law is cut, in standard deviations of what was there before the cut.

    >>> round(glorot_truncated(100, 300).variance, 15)
    0.005
    """
    std = _std(gain, _mean(fan_in, fan_out, "glorot_truncated"), "glorot_truncated")
    return TruncatedNormal.with_std(std, low, high)


def lecun_normal(fan_in: float) -> Normal:
    """N(0, 1 / fan_in). Source: LeCun et al. 1998, Efficient BackProp.

    fan_in: the number of terms that one output adds up, >= 1.

    >>> lecun_normal(100).std
    0.1
    """
    return Normal(_std(1.0, fan_in, "lecun_normal"))


def lecun_uniform(fan_in: float) -> Uniform:
    """U(-b, b) with b = sqrt(3 / fan_in). Source: LeCun et al. 1998, Efficient BackProp.

    fan_in: the number of terms that one output adds up, >= 1.

    >>> round(lecun_uniform(300).bound, 15)
    0.1
    """
    return Uniform.with_std(_std(1.0, fan_in, "lecun_uniform"))


def lecun_truncated(fan_in: float, low: float = -2.0, high: float = 2.0) -> TruncatedNormal:
    """A normal law cut at `low` and `high` sigmas of variance 1 / fan_in after the cut.

    fan_in: the number of terms that one output adds up, >= 1.
    low, high: where the normal law is cut, in standard deviations of what was there before the cut.

    >>> round(lecun_truncated(100).variance, 15)
    0.01
    """
    return TruncatedNormal.with_std(_std(1.0, fan_in, "lecun_truncated"), low, high)


def variance_scaling(scale: float, fan: float, distribution: str = "normal") -> Variate:
    """The law of variance scale / fan: "normal", "uniform", or "truncated_normal" (cut at two sigmas, corrected).

    scale: the variance of one weight times the fan, > 0.
    fan: the number of terms that a mode names, >= 1.
    distribution: the family.

    >>> variance_scaling(2.0, 200, "uniform").variance == he_uniform(200).variance
    True
    """
    kinds: Mapping[str, Callable[[float], Variate]] = {
        "normal": Normal,
        "uniform": Uniform.with_std,
        "truncated_normal": TruncatedNormal.with_std,
    }
    family = kinds.get(str(distribution))
    if family is None:
        known = ", ".join(map(repr, kinds))
        msg = f"distribution={printable(distribution)}, but should be one of {known} [variance_scaling]"
        raise ValueError(msg)
    if not _positive(scale):
        msg = f"scale={printable(scale)}, but should be a finite number > 0 [variance_scaling]"
        raise ValueError(msg)
    return family(_std(math.sqrt(scale), fan, "variance_scaling"))


def torch_default(fan_in: float) -> Uniform:
    """U(-b, b) with b = 1 / sqrt(fan_in), torch's own default for dense and convolution weights and biases.

    fan_in: the number of terms that one output adds up, >= 1.

    >>> torch_default(100).bound
    0.1
    """
    return Uniform(_std(1.0, fan_in, "torch_default"))


def residual_scaled(std: float, layers: int) -> Normal:
    """N(0, std**2 / (2 layers)): projections onto the residual stream of `layers` blocks of two branches each.

    Source: Radford et al. 2019 (GPT-2), where the number of residual *layers* is twice that of blocks.

    std: of a weight elsewhere in the model, > 0.
    layers: blocks of two branches each, >= 1.

    >>> residual_scaled(0.02, 8).std
    0.005
    """
    if not _real(layers) or layers < 1:
        msg = f"layers={printable(layers)}, but should be a whole number >= 1 [residual_scaled]"
        raise ValueError(msg)
    return Normal(std).scaled(1 / math.sqrt(2 * layers))


SCHEMES: Mapping[str, Callable[..., Variate]] = MappingProxyType(
    {
        f.__name__: f
        for f in (
            he_normal,
            he_uniform,
            he_truncated,
            glorot_normal,
            glorot_uniform,
            glorot_truncated,
            lecun_normal,
            lecun_uniform,
            lecun_truncated,
            variance_scaling,
            torch_default,
            residual_scaled,
        )
    }
)


def _real(value: object) -> bool:
    return isinstance(value, Real)


def _positive(value: Any) -> bool:
    return _real(value) and 0 < real(value) < math.inf


def _std(gain: float, fan: float, where: str) -> float:
    if not _positive(fan):
        msg = f"fan={printable(fan)}, but should be a finite number > 0 [{where}]"
        raise ValueError(msg)
    if not _real(gain) or not 0 < abs(real(gain)) < math.inf:
        msg = f"gain={printable(gain)}, but should be a finite number other than 0 [{where}]"
        raise ValueError(msg)
    return abs(gain) / math.sqrt(fan)


def _mean(fan_in: float, fan_out: float, where: str) -> float:
    for name, value in (("fan_in", fan_in), ("fan_out", fan_out)):
        if not _positive(value):
            msg = f"{name}={printable(value)}, but should be a finite number > 0 [{where}]"
            raise ValueError(msg)
    return (fan_in + fan_out) / 2
