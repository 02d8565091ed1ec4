"""A pass foreseen from its inputs alone: theory's propagation along the graph that was called.

What is measured is how the batch starts (its size, how alike its rows and positions are), the weights' second moments,
and how many inputs each output adds up. Everything behind is theory: linear maps, activations, norms, adds, gates,
concatenations, pooling, attention, scales. Where theory has no rule, the signal is taken as measured and the way starts
anew there: such a place is `seen`, never foreseen.
"""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from varlaw.diagnose.advising.following import activation_of
from varlaw.diagnose.records import Call, Sight
from varlaw.diagnose.structure import Graph
from varlaw.theory.networks.attention import averaged, mean_square
from varlaw.theory.networks.blocks import RULES
from varlaw.theory.networks.joins import added, concatenated, multiplied
from varlaw.theory.networks.signals import Signal, band

_ROUNDINGS = 16  # of a norm's output, of which nothing else shakes: half of them in its statistic, half in its rows
_UNITS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float64": 2.0**-53}
_MASKED = 1e18  # second moments beyond are those of a mask that is added
_MEANT = 0.05  # share of a mean in a second moment, from which a signal counts as no centred normal one


@dataclass
class Foreseen:
    """What theory says behind one call: its signal, or that it was `seen`; factors on gradients to its parents."""

    signal: Signal
    seen: bool = False
    gains: Mapping[int, float] = field(default_factory=dict)


_ENDS = frozenset(("linear", "embedding", "input", "recurrent", "attention", "opaque"))
_Made = tuple[Signal, Sequence[float]]


@dataclass
class Foresight:
    """One pass; `ahead` has every call whose numbers are known, `gradients` E (dL/dy)^2 where theory reaches."""

    sight: Sight
    graph: Graph
    seconds: Mapping[str, float]  # E w^2 by parameter
    ahead: dict[int, Foreseen] = field(default_factory=dict)
    gradients: dict[int, float] = field(default_factory=dict)
    _from: dict[int, frozenset[int]] = field(default_factory=dict)

    def run(self) -> "Foresight":
        """Walks the pass from input to loss, and back."""
        for call in self.sight.calls:
            found = self._at(call)
            if found is not None:
                self.ahead[call.number] = found
        self._back()
        return self

    def of(self, number: int) -> tuple[float | None, float | None, float | None]:
        """What is foreseen of a call and its band; nothing where it was only seen."""
        one = self.ahead.get(number)
        if one is None or one.seen:
            return None, None, None
        second, rounded = (
            one.signal.second_moment,
            1 + _ROUNDINGS * _UNITS.get(self.sight.calls[number].dtype, 2.0**-24),
        )
        low, high = band(one.signal.spread, one.signal.own)
        return second, second * low / rounded, second * high * rounded

    def _at(self, call: Call) -> Foreseen | None:
        inputs = [self.ahead[p].signal for p in call.parents if p in self.ahead]
        rule = _KINDS.get(call.kind)
        made = None
        if rule and inputs and len(inputs) == len(call.parents) and not call.dtype.startswith("complex"):
            with contextlib.suppress(ValueError):  # a domain that theory does not have: a norm of a constant
                made = rule(self, call, inputs)
        if made is None:
            source = _measured(call)
            return None if source is None else Foreseen(source, seen=True)
        signal, gains = made
        return Foreseen(signal, gains=dict(zip(call.parents, gains, strict=False)))

    def apart(self, parents: Sequence[int]) -> bool:
        """Whether what made two signals ends in unlike weights: then they are independent unit by unit."""
        first, second = (self._sources(p) for p in parents)
        return not first & second

    def _sources(self, number: int) -> frozenset[int]:
        """The calls with weights, or beginnings, that a signal comes from through elementwise operations alone."""
        if number not in self._from:
            call = self.sight.calls[number]
            one = self.ahead.get(number)
            if call.kind in _ENDS or not call.parents or one is None:
                self._from[number] = frozenset([number])
            else:
                self._from[number] = frozenset().union(*map(self._sources, call.parents))
        return self._from[number]

    def second_of(self, names: Sequence[str]) -> float | None:
        """E of the square of what these parameters add; None where one of them is not known."""
        known = [self.seconds.get(name) for name in names]
        return None if not known or None in known else sum(x for x in known if x is not None)

    def _back(self) -> None:
        """From the last map with parameters to the input; where theory has no rule, from what was measured there."""
        known: dict[int, float] = {}
        last = next((c.number for c in reversed(self.sight.calls) if c.kind == "linear" and c.parameters), -1)
        for call in reversed(self.sight.calls[: last + 1]):
            measured = call.gradient.second if call.gradient and not call.gradient.nonfinite else None
            behind = [c for c in self.graph.children[call.number] if self.sight.calls[c].gradient is not None]
            ruled = all(c in known and call.number in self.ahead[c].gains for c in behind if c in self.ahead)
            if call.number < last and behind and ruled and all(c in self.ahead for c in behind):
                known[call.number] = self.gradients[call.number] = sum(
                    known[c] * self.ahead[c].gains[call.number] * _times(self.sight.calls[c], call) for c in behind
                )
            elif measured is not None:
                known[call.number] = measured


def foresight(sight: Sight, graph: Graph, seconds: Mapping[str, float]) -> Foresight:
    """The pass foreseen, from the second moments that its parameters started with."""
    return Foresight(sight, graph, seconds).run()


_ELEMENTWISE = frozenset(("add", "product", "activation", "norm", "dropout"))


def _times(call: Call, parent: Call) -> float:
    """How often an entry of the parent is used: below 1 for a part of it, above for one that is repeated."""
    alone = call.inputs[0] if len(call.parents) == 1 and call.inputs else None
    one = call.output if call.kind in _ELEMENTWISE else alone
    taken, whole = one.count if one else 0, parent.output.count if parent.output else 0
    return taken / whole if taken and whole else 1.0


def _measured(call: Call) -> Signal | None:
    """A signal as it was measured."""
    out = call.output
    if out is None or out.nonfinite or not 0 < out.second < _MASKED:
        return None
    rows, positions, elsewhere = call.kin or (0.0, None, None)
    width = float(call.shape[-1]) if call.shape else math.inf
    return Signal(out.second, rows, mean=out.mean, positions=positions, elsewhere=elsewhere, width=width)


def _normal(h: Signal) -> bool:
    return h.mean**2 < _MEANT * h.second_moment and h.kurtosis < 4


# -- one rule a kind ---------------------------------------------------------------------------------------------------


def _linear(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
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


def _values(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
    """Values averaged by a softmax's weights; any other product of two signals is only seen."""
    weights = way.sight.calls[call.parents[0]]
    while weights.kind == "dropout" and weights.parents:
        weights = way.sight.calls[weights.parents[0]]
    if weights.kind != "softmax" or weights.concentration is None or not weights.shape:
        return None
    keys = weights.shape[-1]
    square = 1 / keys + (1 - 1 / keys) * weights.concentration
    return averaged(inputs[1], square, float(keys)), [0.0, square]


def _attention(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
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


def _rule(way: Foresight, call: Call, h: Signal, block: dict[str, object]) -> _Made:
    after, gradient = RULES[str(block["block"])](block, h)
    return after, [gradient.gain]


def _activation(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
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


def _norm(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
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


def _add(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
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


def _product(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
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


def _pool(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
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


def _join(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
    if call.op not in ("cat", "concat", "concatenate") or len(inputs) != len(call.parents) or len(inputs) < 2:
        return None
    counts = [o.count if (o := way.sight.calls[p].output) else 0 for p in call.parents]
    if not all(counts) or call.output is None or sum(counts) != call.output.count:
        return None
    gains = [1.0] * len(inputs)
    after, _ = concatenated([replace(x, width=float(n)) for x, n in zip(inputs, counts, strict=True)], gains)
    return replace(after, width=min(x.width for x in inputs)), gains


def _dropout(way: Foresight, call: Call, inputs: Sequence[Signal]) -> _Made | None:
    rate = call.options.get("p", 0.0) if call.options.get("training", True) else 0.0
    if len(inputs) != 1 or not isinstance(rate, (int, float)) or call.op == "alpha_dropout":
        return None
    return _rule(way, call, inputs[0], {"block": "dropout", "rate": float(rate)}) if rate else (inputs[0], [1.0])


_KINDS: dict[str, Callable[[Foresight, Call, Sequence[Signal]], _Made | None]] = {
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
