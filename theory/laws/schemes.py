"""The named initialisation schemes: each a function from fans to the law of one weight, and its variance as a law.

`SCHEMES` maps a name to such a function. A scheme is told a number of terms, not a shape: `fans(layout, shape)` counts
them by the layer's arithmetic and `fan(fans, mode)` picks the one that a mode names. Truncated forms widen the parent
normal law so that the result, not the parent, has the stated variance.
"""

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Real
from types import MappingProxyType
from typing import Any

from varlaw.theory.law import Domain, Kind, Law, above, at_least, printable
from varlaw.theory.layouts import Fans
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform, Variate

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
    return _real(value) and 0 < value < math.inf


def _std(gain: float, fan: float, where: str) -> float:
    if not _positive(fan):
        msg = f"fan={printable(fan)}, but should be a finite number > 0 [{where}]"
        raise ValueError(msg)
    if not _real(gain) or not 0 < abs(gain) < math.inf:
        msg = f"gain={printable(gain)}, but should be a finite number other than 0 [{where}]"
        raise ValueError(msg)
    return abs(gain) / math.sqrt(fan)


def _mean(fan_in: float, fan_out: float, where: str) -> float:
    for name, value in (("fan_in", fan_in), ("fan_out", fan_out)):
        if not _positive(value):
            msg = f"{name}={printable(value)}, but should be a finite number > 0 [{where}]"
            raise ValueError(msg)
    return (fan_in + fan_out) / 2


_FAN = above(0, typical=(1, 65536))
_GAIN = above(0, typical=(0.1, 10))
_WEIGHTS = ("weights independent with mean zero", "fans counted by the layer's arithmetic, not read off the shape")
_STATISTIC = "mean of w^2 over all entries of fresh draws"
_HE = (
    "y = W relu(x) sums fan_in terms of variance Var[w] E[relu(x)^2], and E[relu(x)^2] = E[x^2]/2 for symmetric x: "
    "gain^2 = 2 keeps E[y^2] = E[x^2]. With mode fan_out the same holds for gradients."
)
_GLOROT = (
    "E[y^2] is kept by Var[w] = 1/fan_in and E of the squared gradient by 1/fan_out; the mean of the two fans is the "
    "compromise, whose forward factor is 2 fan_in/(fan_in + fan_out)."
)
_NOT_HALF_VARIANCE = "Var[relu(x)] = Var[x]/2, as often written: for normal x it is (pi-1)/(2 pi) = 0.341 of it"


_scheme = functools.partial(Law, quantity="Var[w]", kind=Kind.CONVENTION, hypotheses=_WEIGHTS, statistic=_STATISTIC)
_he = functools.partial(
    _scheme,
    formula="gain**2 / fan_in",
    domain=Domain(fan_in=_FAN, gain=replace(_GAIN, default=SQRT2)),
    rule=lambda fan_in, gain: gain * (gain / fan_in),
    hypotheses=(*_WEIGHTS, "mode fan_out or fan_avg puts that number in the place of fan_in"),
    derivation=_HE,
    source="He et al. 2015, arXiv:1502.01852",
    not_to_confuse=_NOT_HALF_VARIANCE,
)
_glorot = functools.partial(
    _scheme,
    formula="2 * gain**2 / (fan_in + fan_out)",
    domain=Domain(fan_in=_FAN, fan_out=_FAN, gain=replace(_GAIN, default=1.0)),
    rule=lambda fan_in, fan_out, gain: gain * (2 * (gain / (fan_in + fan_out))),
    derivation=_GLOROT,
    source="Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks",
    not_to_confuse="a law that keeps signals: its forward factor is 2 fan_in/(fan_in + fan_out)",
)
_lecun = functools.partial(
    _scheme,
    formula="1 / fan_in",
    domain=Domain(fan_in=_FAN),
    rule=lambda fan_in: 1 / fan_in,
    derivation="y = W x sums fan_in terms of variance Var[w] E[x^2], so E[y^2] = E[x^2].",
    source="LeCun, Bottou, Orr & Muller 1998, Efficient BackProp",
)

ENTRIES: tuple[Law, ...] = (
    _he(name="he_normal.variance", title="He normal"),
    _he(name="he_uniform.variance", title="He uniform"),
    _he(name="he_truncated.variance", title="He truncated normal, corrected for the cut"),
    _glorot(name="glorot_normal.variance", title="Glorot normal"),
    _glorot(name="glorot_uniform.variance", title="Glorot uniform"),
    _glorot(name="glorot_truncated.variance", title="Glorot truncated normal, corrected for the cut"),
    _lecun(name="lecun_normal.variance", title="LeCun normal"),
    _lecun(name="lecun_uniform.variance", title="LeCun uniform"),
    _lecun(name="lecun_truncated.variance", title="LeCun truncated normal, corrected for the cut"),
    _scheme(
        name="variance_scaling.variance",
        title="Variance scaling, any distribution",
        formula="scale / fan",
        domain=Domain(scale=above(0, typical=(0.1, 10)), fan=_FAN),
        rule=lambda scale, fan: scale / fan,
        hypotheses=(*_WEIGHTS, "fan is the one that the mode names"),
        derivation="The common form of He (scale 2), LeCun (scale 1, fan_in) and Glorot (scale 1, fan_avg).",
        source="Keras VarianceScaling; jax.nn.initializers.variance_scaling",
    ),
    _scheme(
        name="torch_default.variance",
        title="torch's default for dense and convolution layers",
        quantity="Var[w] = Var[b]",
        formula="1 / (3 * fan_in)",
        domain=Domain(fan_in=_FAN),
        rule=lambda fan_in: 1 / (3 * fan_in),
        derivation="kaiming_uniform_(a=sqrt(5)): gain^2 = 2/6, so the bound sqrt(3 gain^2/fan_in) = 1/sqrt(fan_in).",
        source="torch.nn.Linear.reset_parameters",
        not_to_confuse="He (Kaiming) initialisation, of variance 2/fan_in: six times as much",
    ),
    _scheme(
        name="residual_scaled.variance",
        title="Residual projections scaled by the depth",
        formula="std**2 / (2 * layers)",
        domain=Domain(std=above(0, typical=(1e-3, 1.0)), layers=at_least(1, typical=(1, 1000))),
        rule=lambda std, layers: std * (std / (2 * layers)),
        hypotheses=("two residual branches in each of the layers", "weights independent with mean zero"),
        derivation="The stream sums 2*layers independent branches, each at 1/(2*layers) of the variance of one.",
        source="Radford et al. 2019, Language models are unsupervised multitask learners (GPT-2)",
        statistic="mean of w^2 over the projections onto the residual stream",
        not_to_confuse="1/sqrt(layers): the number of residual branches is twice the number of transformer blocks",
    ),
)
