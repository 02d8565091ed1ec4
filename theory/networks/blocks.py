"""What one block does to a signal and to a gradient: the rules that `propagation.predict` chains.

A `Signal` holds per-unit numbers at infinite width plus the first-order spread of finite width. A block returns the
signal behind it and a `Backward`: the factor on the mean squared gradient per unit, and what it adds to the variance of
the log squared gradient norm.
"""

import math
from dataclasses import replace

from varlaw.theory.activations.named import under_normal
from varlaw.theory.domain import printable
from varlaw.theory.networks.attention import attention
from varlaw.theory.networks.pair_products import pair_product, slope_fourth
from varlaw.theory.networks.pooling import pool
from varlaw.theory.networks.reading import Block, number, product
from varlaw.theory.networks.signals import Backward, Signal
from varlaw.theory.numerics.chi import trigamma

_LEAST = 1e-150  # whose square float64 holds


def dense(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """y = W x + b, also for convolutions: fans are counted by the layer's arithmetic."""
    fan_in, fan_out, width = _fans(block)
    variance = _variance(block, fan_in, fan_out, width)
    bias = number(block, "bias_variance", 0.0)
    factor = fan_in * variance
    second = factor * h.second_moment + bias
    share = factor * h.second_moment / second if second else 0.0
    before = share**2 * (h.spread - _steadied(block, fan_in, width))
    after = replace(
        h.mapped(lambda c: factor * c + bias), second_moment=second, mean=0.0, width=width, kurtosis=3.0, normal=None,
        spread=before + float(trigamma(width / 2)), before=before,
    )  # fmt: skip
    if block["block"] == "conv" or block.get("scheme") != "orthogonal":
        return after, Backward(fan_out * variance, linear_width=fan_in)
    shaken = float(trigamma(fan_in / 2)) - _steadied(block, fan_in, width)
    return after, Backward(fan_out * variance, shaken, linear_width=fan_in, orthogonal=True)


def _steadied(block: Block, inputs: float, units: float) -> float:
    """What orthogonal weights take from Var ln |y|^2, which is trigamma(units / 2) for normal ones."""
    return float(trigamma(max(inputs, units) / 2)) if block.get("scheme") == "orthogonal" else 0.0


def activation(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """phi, elementwise, on a normal pre-activation."""
    name, q = str(block.get("name")), h.second_moment
    second, fourth, mean = (float(under_normal(k, name, q)) for k in ("second", "fourth", "mean"))
    if 0 < second < _LEAST:
        msg = f"the second moment behind {name} is {second:.1e}, too small for its square [propagation.activation]"
        raise ValueError(msg)
    after = replace(
        h.mapped(lambda c: pair_product(name, q, min(1.0, max(-1.0, c / q if q else 0.0)))),
        second_moment=second,
        mean=mean,
        before=None,
        kurtosis=fourth / second**2 if second else 3.0,
        normal=(name, q, h.positions or 0.0),
    )
    slope = float(under_normal("slope_second", name, q))
    if second <= 0:
        return after, Backward(slope)
    # of units whose |h|^2 has that spread and no map's noise to come: behind a norm, as an add or the input has them
    in_front = h.spread - 2 / h.width if h.before is None else h.before
    inherited = _log_slope(name, q) ** 2 * in_front
    noise = (fourth / second**2 - 1) / h.width
    after = replace(after, spread=max(inherited + noise, 0.0))
    if h.before is None:
        return after, Backward(slope)
    gradient_noise = (3 * slope_fourth(name, q) / slope**2 - 1) / h.width if slope else 0.0
    return after, Backward(slope, max(gradient_noise, 0.0))


def norm(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Layer, group, instance, RMS or batch norm without affine part; batch norm sees equicorrelated members."""
    kind, eps = block.get("kind", "layer"), number(block, "eps", 1e-5)
    if kind not in ("layer", "rms", "batch", "group", "instance"):
        msg = f"kind={printable(kind)}, but should be layer, rms, batch, group or instance [propagation.norm]"
        raise ValueError(msg)
    centre = {"rms": 0.0, "batch": h.far}.get(kind, h.mean**2)
    scale = max(h.second_moment - centre, 0.0) + eps
    if scale == 0:
        msg = f"norm of a constant signal with eps=0, but should be eps > 0 [propagation.{kind}]"
        raise ValueError(msg)
    left = eps / scale  # of a mean group; those of rows and channels differ, by as much as their mean at most
    after = replace(
        h.mapped(lambda c: (c - centre) / scale), second_moment=(scale - eps) / scale, kurtosis=3.0, normal=None,
        mean=h.mean / math.sqrt(scale) if kind == "rms" else 0.0, spread=left**2 * (h.spread + 1), before=None,
    )  # fmt: skip
    return after, Backward(1 / scale)


def dropout(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Inverted dropout with masks drawn for each input on its own: the covariance is kept."""
    rate = number(block, "rate", 0.5)
    if rate >= 1:
        msg = f"rate={rate:g}, but should be a number >= 0 and < 1 [propagation.dropout]"
        raise ValueError(msg)
    keep = 1 - rate
    noise = (1 - keep) / keep / h.width * h.kurtosis
    after = replace(
        h, second_moment=h.second_moment / keep, spread=h.spread + noise, before=None, kurtosis=h.kurtosis / keep,
        normal=None,
    )  # fmt: skip
    return after, Backward(1 / keep, noise)


def scale(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """A factor on every unit: a number, or the root mean square of a vector as LayerScale has it."""
    factor = number(block, "value", None)
    square = factor * factor
    after = replace(
        h.mapped(lambda c: square * c), second_moment=square * h.second_moment, mean=factor * h.mean, normal=None
    )
    return after, Backward(square)


def embedding(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Rows of a table: `same` is the share of pairs that look up one row, of two inputs or two positions alike."""
    variance, same = number(block, "variance", None), number(block, "same", 0.0)
    width = number(block, "width", math.inf)
    after = Signal(
        second_moment=variance, covariance=same * variance, positions=same * variance, elsewhere=same * variance,
        width=width,
    )  # fmt: skip
    return after, Backward(1.0)


def offset(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """A table that is added, one row a position and the same for every input: learned positions, or a bias."""
    variance = number(block, "variance", None)
    total = h.second_moment + variance
    kept, own = (h.second_moment / total, variance / total) if total else (1.0, 0.0)
    after = replace(
        h, second_moment=total, covariance=h.covariance + variance, before=None, normal=None,
        spread=kept**2 * h.spread + (2 * own**2 + 4 * kept * own) / h.width,
    )  # fmt: skip
    return after, Backward(1.0)


RULES = {
    "dense": dense,
    "conv": dense,
    "activation": activation,
    "norm": norm,
    "dropout": dropout,
    "attention": attention,
    "pool": pool,
    "scale": scale,
    "embedding": embedding,
    "offset": offset,
}


def _log_slope(name: str, q: float) -> float:
    """d ln E phi^2 / d ln q, by a central difference: 1 for homogeneous phi, 0 where phi saturates."""
    step = 1e-4
    up, down = (math.log(float(under_normal("second", name, q * math.exp(s)))) for s in (step, -step))
    return (up - down) / (2 * step)


def _fans(block: Block) -> tuple[float, float, float]:
    """fan_in, mean fan_out, and the number of independent output units (channels)."""
    if block["block"] == "dense":
        fan_in, fan_out = number(block, "fan_in", None), number(block, "fan_out", None)
        return fan_in, fan_out, fan_out
    groups = number(block, "groups", 1.0)
    taps, stride = product(block, "kernel"), product(block, "stride")
    channels_in, channels_out = number(block, "channels_in", None), number(block, "channels_out", None)
    return channels_in / groups * taps, channels_out / groups * taps / stride, channels_out


def _variance(block: Block, fan_in: float, fan_out: float, units: float) -> float:
    if "variance" in block:
        return number(block, "variance", None)
    from varlaw.theory.catalogue import LAWS

    scheme = block.get("scheme")
    gain = number(block, "gain", math.sqrt(2.0) if str(scheme).startswith("he_") else 1.0)
    if scheme == "orthogonal":  # of the weights as one matrix, a row an output
        return gain**2 * float(LAWS["orthogonal.entry_variance"].value(rows=units, cols=fan_in))
    law, known = LAWS.get(f"{scheme}.variance"), {**block, "fan_in": fan_in, "fan_out": fan_out, "gain": gain}
    if law is None or not law.domain.ranges.keys() <= known.keys():
        laws = "a law of variance such as 'he_normal', or 'orthogonal'"
        msg = f"scheme={printable(scheme)}, but should be {laws} [propagation.{block['block']}]"
        raise ValueError(msg)
    found = float(law.value(**{name: known[name] for name in law.domain.ranges}))
    return found if "gain" in law.domain.ranges else gain * gain * found
