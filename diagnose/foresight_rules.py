"""What each kind of operation makes of its inputs, by theory: one rule a kind, for `foresight` to follow.

A rule returns the signal behind a call and the factors on gradients to its parents, or nothing where theory has none:
there the signal is only seen.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from varlaw.diagnose.advising.following import activation_of
from varlaw.diagnose.records import Call, Sight
from varlaw.theory.networks.attention import averaged, mean_square
from varlaw.theory.networks.blocks import RULES
from varlaw.theory.networks.joins import added, concatenated, multiplied
from varlaw.theory.networks.signals import Signal

_MEANT = 0.05  # share of a mean in a second moment, from which a signal counts as no centred normal one
Made = tuple[Signal, Sequence[float]]


class Way(Protocol):
    """What a rule may ask of the pass that it is part of."""

    sight: Sight
    seconds: Mapping[str, float]  # E w^2 by parameter

    def apart(self, parents: Sequence[int]) -> bool:
        """Whether what made two signals ends in unlike weights."""

    def second_of(self, names: Sequence[str]) -> float | None:
        """E of the square of what these parameters add, where it is known."""


def _normal(h: Signal) -> bool:
    return h.mean**2 < _MEANT * h.second_moment and h.kurtosis < 4


def _linear(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    if len(call.parents) == 2:
        return _values(way, call, inputs)
    step, given = call.step, call.inputs[0] if call.inputs else None
    if step is None or given is None or not given.second > 0 or not math.isfinite(step.expected):
        return None
    h, bias = inputs[0], step.bias_second
    factor = (step.expected - bias) / given.second
    own = 2 / (step.units * step.effective_inputs)
    second = factor * h.second_moment + bias
    inherited = (factor * h.second_moment / second) ** 2 * h.spread if second else 0.0
    after = replace(
        h.mapped(lambda c: factor * c + bias), second_moment=second, mean=0.0, kurtosis=3.0, normal=None,
        spread=inherited + own, before=inherited, width=float(step.units),
    )  # fmt: skip
    out = call.output.count if call.output else 0
    return after, [factor * out / given.count if given.count else 0.0]


def _values(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    """Values averaged by a softmax's weights; any other product of two signals is only seen."""
    weights = way.sight.calls[call.parents[0]]
    while weights.kind == "dropout" and weights.parents:
        weights = way.sight.calls[weights.parents[0]]
    if weights.kind != "softmax" or weights.concentration is None or not weights.shape:
        return None
    keys = weights.shape[-1]
    square = 1 / keys + (1 - 1 / keys) * weights.concentration
    return averaged(inputs[1], square, float(keys)), [0.0, square]


def _attention(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    """scaled_dot_product_attention: scores from the sizes of queries and keys, unevenness from what keys share."""
    first = way.sight.calls[call.parents[0]]
    if call.op != "scaled_dot_product_attention" or not call.shape or first.output is None:
        return None
    query, key, value = (inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1])
    causal, keys = call.options.get("is_causal", call.options.get("argument_5")), call.options.get("keys")
    head, context = float(call.shape[-1]), float(call.shape[-2])
    if keys is not None:  # a mask: of every key, of those up to each query, or of others, which no rule is about
        causal = abs(keys - (context + 1) / 2) < 1e-6 * context
        if not causal and abs(keys - context) > 1e-6 * context:
            return None
    scale = call.options.get("scale")
    scale = 1 / math.sqrt(head) if not isinstance(scale, float) else scale
    alike = min(1.0, max(0.0, (key.positions or 0.0) / key.second_moment)) if key.second_moment else 0.0
    std = scale * math.sqrt(head * query.second_moment * key.second_moment * (1 - alike))
    square = mean_square(context, std, causal=bool(causal))
    return averaged(value, square, context), [square] * len(inputs)


def _rule(way: Way, call: Call, h: Signal, block: dict[str, object]) -> Made:
    after, gradient = RULES[str(block["block"])](block, h)
    return after, [gradient.gain]


def _activation(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    h = inputs[0]
    if len(inputs) != 1 or not _normal(h):
        return None
    if call.op == "glu":
        gate, gradient = RULES["activation"]({"block": "activation", "name": "sigmoid"}, h)
        after, gain = multiplied([replace(h, before=None), gate], [1.0, gradient.gain])
        return after, [gain]
    name = activation_of(call, way.seconds)
    return None if name is None else _rule(way, call, h, {"block": "activation", "name": name})


_NORMS = {
    "layer_norm": "layer",
    "rms_norm": "rms",
    "batch_norm": "batch",
    "group_norm": "group",
    "instance_norm": "instance",
}


_EPS = {"rms": 2.0**-23}  # where none is given: torch's of float32


def _norm(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    """The norm, its gain and its bias, both of all units together."""
    kind = _NORMS.get(call.op)
    if kind is None or len(inputs) != 1 or (kind == "batch" and not call.options.get("training")):
        return None
    given = call.options.get("eps")
    eps = given if isinstance(given, float) else _EPS.get(kind, 1e-5)
    h, gradient = RULES["norm"]({"block": "norm", "kind": kind, "eps": eps}, inputs[0])
    gamma, *rest = [way.seconds.get(name, math.nan) for name in call.parameters] or [1.0]
    bias = sum(rest)
    if not math.isfinite(gamma + bias):
        return None
    after = replace(h.mapped(lambda c: gamma * c + bias), second_moment=gamma * h.second_moment + bias)
    return after, [gradient.gain * gamma]


def _add(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    if len(inputs) == 2 and len(call.parents) == 2:
        if not way.apart(call.parents):
            return None
        a, b = (_spread_out(h, way.sight.calls[p], call) for h, p in zip(inputs, call.parents, strict=True))
        after, _ = added([a, replace(b, mean=-b.mean) if "sub" in call.op else b], [1.0, 1.0])
        return after, [1.0, 1.0]
    bias = way.second_of(call.parameters) if call.parameters else None
    if bias is None or len(inputs) != 1:
        return None
    return _rule(way, call, inputs[0], {"block": "offset", "variance": bias})


def _spread_out(h: Signal, parent: Call, call: Call) -> Signal:
    """A signal as the add sees it: a table that all rows of the batch share has one row for each position."""
    shared = len(parent.shape) < len(call.shape) or (parent.shape[:1] == (1,) and call.shape[:1] != (1,))
    if shared:
        near = 0.0 if parent.kind == "embedding" and max(parent.shape[:-1], default=1) > 1 else h.second_moment
        return replace(h, covariance=h.second_moment, positions=near, elsewhere=near)
    return h


def _product(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    if len(inputs) == 2 and not call.parameters:
        if call.op not in ("mul", "rmul", "imul") or not way.apart(call.parents):
            return None
        after, _ = multiplied(inputs, [1.0, 1.0])
        return after, [inputs[1].second_moment, inputs[0].second_moment]
    factor = way.second_of(call.parameters) if call.parameters else _scalar(call)
    if factor is None or len(inputs) != 1:
        return None
    return _rule(way, call, inputs[0], {"block": "scale", "value": math.sqrt(factor)})


def _scalar(call: Call) -> float | None:
    """The square of the number by which a signal is multiplied or divided."""
    given = next((v for n, v in call.options.items() if n in ("argument_1", "other")), None)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not given or not math.isfinite(given):
        return None
    if call.op in ("div", "truediv", "itruediv"):
        return 1 / given**2
    return float(given) ** 2 if call.op in ("mul", "rmul", "imul") else None


def _pool(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    """Windows as large as entries go in for one that comes out; overlapping ones by their kernel."""
    h, given, out = inputs[0], call.inputs[0] if call.inputs else None, call.output
    if h.positions is None or given is None or out is None or not out.count or call.op not in _POOLS:
        return None
    ratio = given.count / out.count
    kernel = call.options.get("kernel_size")
    size = _sides(kernel, max(1, len(call.shape) - 2)) if kernel is not None else ratio
    if call.op == "mean" and not _over_positions(call, way.sight.calls[call.parents[0]]):
        return None
    kind = "max" if "max" in call.op else "average"
    return _rule(way, call, h, {"block": "pool", "kind": kind, "size": max(size, 1.0), "stride": max(ratio, 1.0)})


_POOLS = frozenset(f"{kind}_pool{n}d" for kind in ("avg", "max", "adaptive_avg", "adaptive_max") for n in (1, 2, 3))
_POOLS |= {"mean", "amax"}


def _sides(kernel: object, axes: int) -> float:
    return float(math.prod(kernel)) if isinstance(kernel, (list, tuple)) else float(kernel) ** axes  # type: ignore[arg-type]


def _over_positions(call: Call, parent: Call) -> bool:
    """Whether a mean is over the places of an image or the tokens of a sequence."""
    given = call.options.get("dim", call.options.get("argument_1"))
    axes = {
        a % len(parent.shape) for a in (given if isinstance(given, (list, tuple)) else [given]) if isinstance(a, int)
    }
    return axes == ({2, 3} if len(parent.shape) == 4 else {1} if len(parent.shape) == 3 else None)


def _join(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    if call.op not in ("cat", "concat", "concatenate") or len(inputs) != len(call.parents) or len(inputs) < 2:
        return None
    counts = [o.count if (o := way.sight.calls[p].output) else 0 for p in call.parents]
    if not all(counts) or call.output is None or sum(counts) != call.output.count:
        return None
    gains = [1.0] * len(inputs)
    after, _ = concatenated([replace(x, width=float(n)) for x, n in zip(inputs, counts, strict=True)], gains)
    return replace(after, width=min(x.width for x in inputs)), gains


def _dropout(way: Way, call: Call, inputs: Sequence[Signal]) -> Made | None:
    rate = call.options.get("p", 0.0) if call.options.get("training", True) else 0.0
    if len(inputs) != 1 or not isinstance(rate, (int, float)) or call.op == "alpha_dropout":
        return None
    return _rule(way, call, inputs[0], {"block": "dropout", "rate": float(rate)}) if rate else (inputs[0], [1.0])


RULE_OF: dict[str, Callable[[Way, Call, Sequence[Signal]], Made | None]] = {
    "linear": _linear,
    "attention": _attention,
    "activation": _activation,
    "norm": _norm,
    "add": _add,
    "product": _product,
    "pool": _pool,
    "join": _join,
    "dropout": _dropout,
}
