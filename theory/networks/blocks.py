"""What one block does to a signal and to a gradient: the rules that `propagation.predict` chains.

A `Signal` holds per-unit numbers at infinite width plus the first-order spread of finite width. A block returns the
signal behind it and a `Backward`: the factor on the mean squared gradient per unit, and what it adds to the variance of
the log squared gradient norm.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varlaw.theory.activations.named import under_normal
from varlaw.theory.networks.pair_products import pair_product, slope_fourth
from varlaw.theory.numerics.chi import trigamma
from varlaw.theory.numerics.softmax import softmax_means

Block = Mapping[str, Any]


@dataclass(frozen=True)
class Signal:
    """Two inputs of one size on their way through a network, per unit."""

    second_moment: float
    covariance: float  # E[a b] of the two inputs
    mean: float = 0.0  # mean over units
    spread: float = 0.0  # variance of ln |h|^2 over fresh weights
    before: float | None = None  # the spread in front of the last linear map, where nothing came since
    width: float = math.inf
    kurtosis: float = 3.0  # E h^4 / (E h^2)^2 over units

    @property
    def correlation(self) -> float:
        """Uncentred: E[a b] / E[a^2]."""
        return self.covariance / self.second_moment if self.second_moment else 0.0


@dataclass(frozen=True)
class Backward:
    """What a block does to a gradient that comes from behind it."""

    gain: float
    spread: float = 0.0
    linear_width: float | None = None  # a linear map's input width: its 2/n belongs to the activation in front


def dense(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """y = W x + b, also for convolutions: fans are counted by the layer's arithmetic."""
    fan_in, fan_out, width = _fans(block)
    variance = _variance(block, fan_in, fan_out)
    bias = _number(block, "bias_variance", 0.0)
    factor = fan_in * variance
    second = factor * h.second_moment + bias
    inherited = (factor * h.second_moment / second) ** 2 * h.spread if second else 0.0
    after = Signal(
        second_moment=second,
        covariance=factor * h.covariance + bias,
        spread=inherited + float(trigamma(width / 2)),
        before=inherited,
        width=width,
    )
    return after, Backward(fan_out * variance, linear_width=fan_in)


def activation(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """phi, elementwise, on a normal pre-activation."""
    name, q = str(block["name"]), h.second_moment
    second, fourth, mean = (float(under_normal(k, name, q)) for k in ("second", "fourth", "mean"))
    after = replace(
        h,
        second_moment=second,
        covariance=pair_product(name, q, min(1.0, max(-1.0, h.correlation))),
        mean=mean,
        before=None,
        kurtosis=fourth / second**2 if second else 3.0,
    )
    slope = float(under_normal("slope_second", name, q))
    if second <= 0 or h.before is None:
        return after, Backward(slope)
    inherited = _log_slope(name, q) ** 2 * h.before
    noise = (fourth / second**2 - 1) / h.width
    gradient_noise = (3 * slope_fourth(name, q) / slope**2 - 1) / h.width if slope else 0.0
    return replace(after, spread=inherited + noise), Backward(slope, gradient_noise)


def norm(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Layer, group, instance, RMS or batch norm without affine part; batch norm sees equicorrelated members."""
    kind, eps = block.get("kind", "layer"), _number(block, "eps", 1e-5)
    centre = {"rms": 0.0, "batch": h.covariance}.get(kind, h.mean**2)
    scale = max(h.second_moment - centre, 0.0) + eps
    if scale == 0:
        msg = f"norm of a constant signal with eps=0, but should be eps > 0 [propagation.{kind}]"
        raise ValueError(msg)
    left = eps / scale
    after = Signal(
        second_moment=(scale - eps) / scale,
        covariance=(h.covariance - centre) / scale,
        mean=h.mean / math.sqrt(scale) if kind == "rms" else 0.0,
        spread=left**2 * h.spread,
        width=h.width,
    )
    return after, Backward(1 / scale)


def dropout(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Inverted dropout with masks drawn for each input on its own: the covariance is kept."""
    keep = 1 - _number(block, "rate", 0.5)
    noise = (1 - keep) / keep / h.width * h.kurtosis
    after = replace(
        h, second_moment=h.second_moment / keep, spread=h.spread + noise, before=None, kurtosis=h.kurtosis / keep
    )
    return after, Backward(1 / keep, noise)


def attention(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Self-attention over `context` uncorrelated tokens: values averaged by the softmax of random logits."""
    d, context = _number(block, "width", None), _number(block, "context", None)
    value, out = _number(block, "value_variance", 1 / d), _number(block, "out_variance", 1 / d)
    head = _number(block, "head_width", d)
    query, key = _number(block, "query_variance", 1 / d), _number(block, "key_variance", 1 / d)
    scale = _number(block, "scale", 1 / math.sqrt(head))
    logit_std = scale * math.sqrt(head * query * key) * d * h.second_moment
    square = softmax_means(context, min(logit_std, 32.0)).square
    shared = (context * square) ** (h.correlation**2) / context
    gain = d * value * d * out
    after = Signal(
        second_moment=gain * square * h.second_moment,
        covariance=gain * shared * h.covariance,
        spread=h.spread + 2 * float(trigamma(d / 2)),
        width=d,
    )
    return after, Backward(gain * square, 2 * float(trigamma(d / 2)))


def join(h: Signal, branch: Signal, rise: float, scale: float, own: float) -> Signal:
    """h + scale * f(h): `own` is the branch's spread from an input without spread, `rise` that from a unit one."""
    square = scale * scale * branch.second_moment
    total = h.second_moment + square
    kept, added = (h.second_moment / total, square / total) if total else (1.0, 0.0)
    inherited = (kept + added * math.sqrt(max(rise - own, 0.0))) ** 2 * h.spread
    cross = 4 * kept * added / min(h.width, branch.width)
    return Signal(
        second_moment=total,
        covariance=h.covariance + scale * scale * branch.covariance,
        mean=h.mean + scale * branch.mean,
        spread=inherited + added**2 * own + cross,
        width=min(h.width, branch.width),
    )


RULES = {
    "dense": dense,
    "conv": dense,
    "activation": activation,
    "norm": norm,
    "dropout": dropout,
    "attention": attention,
}


def _log_slope(name: str, q: float) -> float:
    """d ln E phi^2 / d ln q, by a central difference: 1 for homogeneous phi, 0 where phi saturates."""
    step = 1e-4
    up, down = (math.log(float(under_normal("second", name, q * math.exp(s)))) for s in (step, -step))
    return (up - down) / (2 * step)


def _fans(block: Block) -> tuple[float, float, float]:
    """fan_in, mean fan_out, and the number of independent output units (channels)."""
    if block["block"] == "dense":
        fan_in, fan_out = _number(block, "fan_in", None), _number(block, "fan_out", None)
        return fan_in, fan_out, fan_out
    groups = _number(block, "groups", 1.0)
    taps, stride = _product(block, "kernel"), _product(block, "stride")
    channels_in, channels_out = _number(block, "channels_in", None), _number(block, "channels_out", None)
    return channels_in / groups * taps, channels_out / groups * taps / stride, channels_out


def _variance(block: Block, fan_in: float, fan_out: float) -> float:
    if "variance" in block:
        return _number(block, "variance", None)
    from varlaw.theory.catalogue import LAWS

    scheme = block.get("scheme")
    law = LAWS.get(f"{scheme}.variance")
    if law is None:
        msg = f"scheme={scheme!r}, but should be a law of initial variance such as 'he_normal' [propagation.dense]"
        raise ValueError(msg)
    gain = math.sqrt(2.0) if str(scheme).startswith("he_") else 1.0
    known = {"fan_in": fan_in, "fan_out": fan_out, "gain": _number(block, "gain", gain)}
    return float(law.value(**{name: known.get(name, block.get(name)) for name in law.domain.ranges}))


def _number(block: Block, key: str, default: float | None) -> float:
    value = block.get(key, default)
    if value is None:
        msg = f"{key} is missing, but should be a number [propagation.{block['block']}]"
        raise ValueError(msg)
    number = float(value)
    if not number >= 0:
        msg = f"{key}={value!r}, but should be a number >= 0 [propagation.{block['block']}]"
        raise ValueError(msg)
    return number


def _product(block: Block, key: str) -> float:
    sides: Sequence[float] = np.atleast_1d(block.get(key, 1.0)).tolist()
    return float(np.prod(sides))
