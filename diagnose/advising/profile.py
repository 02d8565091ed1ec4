"""What the laws make of given weights at every operation of a pass: each map's weights can be chosen on the way.

The graph is the one that was measured, so branches, adds, cosines of summands and borders of convolutions are as they
are. Where theory has no rule for an operation, it does what it was measured to do: its ratio of output to input.

* linear: E y^2 = fan E w^2 E x^2 + E b^2 (linear.second_moment), with the fan measured, borders counted;
* activation: E phi(z)^2 of a normal z (activation's moments); norm: gamma^2 v / (v + eps) + beta^2;
* an activation written out by hand, such as z / 2 (1 + erf(z / sqrt 2)): as measured from its beginning to its end;
* add: the sum, with the measured cosine of the summands; product of signals: proportional to each.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from varlaw.diagnose.advising.following import activation_of, composed
from varlaw.diagnose.expect import fans_of
from varlaw.diagnose.records import Call, Moments, Sight
from varlaw.diagnose.structure import Graph
from varlaw.theory.activations.named import under_normal

_TOO_SMALL = 1e-6  # of a bias beside what is mapped: below, their difference has lost its digits
_UNDERFLOW = 1e-70  # second moments of numbers at the lower end of float32
Choose = Callable[[Call, float], None]  # sets the second moments of a call's parameters, given that of its input


@dataclass
class Profile:
    """Second moments by call; `seconds` are E w^2 of the parameters that they were made with."""

    sight: Sight
    graph: Graph
    seconds: dict[str, float]
    forward: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        maps = [c for c in self.sight.calls if c.kind == "linear"]
        self._begins = {last.number: c for c in maps if (last := composed(c, self.graph))}

    def run(self, choose: Choose = lambda call, q: None) -> "Profile":
        """Walks the pass from input to loss, `choose` at each call."""
        for call in self.sight.calls:
            choose(call, self.incoming(call))
            self.forward[call.number] = self._forward(call)
        return self

    def incoming(self, call: Call) -> float:
        """E x^2 of the signal that a call takes; 1 where there is none."""
        parents = [p for p in call.parents if p in self.forward]
        return self.forward[self.graph.main(parents)] if parents else 1.0

    def _forward(self, call: Call) -> float:
        q = self.incoming(call)
        if call.number in self._begins:
            return self._composed(call, self._begins[call.number])
        if not call.parents or call.kind in ("input", "embedding"):
            return self._source(call)
        if call.kind == "linear" and len(call.parents) == 1 and (weight := weight_of(call, self.sight)):
            bias = self._sum(vectors_of(call, self.sight))
            return self.fan(call) * self.seconds.get(weight, 0.0) * q + bias
        if self._normal_in(call) and (name := activation_of(call, self.seconds)):
            return float(under_normal("second", name, q))
        if call.kind == "norm":
            return self._norm(call, q)
        if call.kind == "add" and len(call.parents) == 2:
            a, b = (self.forward[p] for p in call.parents)
            cosine = call.cosine if call.cosine is not None and math.isfinite(call.cosine) else 0.0
            return a + b + 2 * cosine * math.sqrt(a * b)
        return self._measured(call, q)

    def _normal_in(self, call: Call) -> bool:
        """Whether an activation's input is a map's or a norm's output: a stream of positive parts is not normal."""
        kinds = {self.sight.calls[p].kind for p in call.parents}
        return call.kind == "activation" and kinds <= {"linear", "norm", "input"}

    def _source(self, call: Call) -> float:
        if call.kind == "embedding" and call.parameters:
            return self.seconds.get(call.parameters[0], 1.0)
        return _finite(call.output) or 1.0

    def _norm(self, call: Call, q: float) -> float:
        gamma, *rest = [self.seconds.get(n, 1.0) for n in call.parameters] or [1.0]
        return gamma * kept(call, q) + sum(rest)

    def _composed(self, call: Call, first: Call) -> float:
        """An activation written out by hand: its end is to its beginning as it was measured."""
        end, begin = _finite(call.output), _finite(first.output)
        return self.forward[first.number] * (end / begin if end and begin else 1.0)

    def _measured(self, call: Call, q: float) -> float:
        """Proportional to its inputs, as it was measured."""
        if call.kind == "softmax":
            return _finite(call.output) or 1.0
        measured = _finite(call.output)
        if measured is None:
            return q
        before = [p for p in dict.fromkeys(call.parents) if _finite(self.sight.calls[p].output)]
        if call.kind in ("join", "add", "pool", "other", "dropout", "attention", "recurrent", "loss", "opaque"):
            before = self._last_or_main(call, before)
        ratio = math.prod(self.forward[p] / (_finite(self.sight.calls[p].output) or 1.0) for p in before)
        return measured * ratio if call.kind not in ("recurrent", "loss", "opaque") else measured

    def _last_or_main(self, call: Call, before: Sequence[int]) -> list[int]:
        """The values of an attention, the signal of the rest."""
        if not before:
            return []
        return [before[-1]] if call.kind == "attention" else [self.graph.main(before)]

    def _sum(self, names: Sequence[str]) -> float:
        return sum(self.seconds.get(name, 0.0) for name in names)

    def fan(self, call: Call) -> float:
        """Entries of the input that one output adds up, by measurement; by the layout where nothing was measured."""
        step, given = call.step, call.inputs[0] if call.inputs else None
        if step and given and _finite(given) and step.weight_second > 0 and math.isfinite(step.expected):
            mapped = step.expected - step.bias_second
            if mapped > _TOO_SMALL * step.bias_second and given.second > _UNDERFLOW:
                return mapped / (step.weight_second * given.second)
        return self._fans(call)[0]

    def _fans(self, call: Call) -> tuple[float, float]:
        weight = weight_of(call, self.sight)
        shape = self.sight.tensors[weight].shape if weight else ()
        return (fans_of(weight, shape, self.sight, self.graph) if weight else None) or (1.0, 1.0)


def weight_of(call: Call, sight: Sight) -> str | None:
    """The one matrix or kernel that a map uses; None where there is none, or where several make it."""
    found = [n for n in call.parameters if n in sight.tensors and len(sight.tensors[n].shape) > 1]
    return found[0] if len(found) == 1 else None


def vectors_of(call: Call, sight: Sight) -> list[str]:
    """The biases that a map adds."""
    return [n for n in call.parameters if n in sight.tensors and len(sight.tensors[n].shape) == 1]


def share(call: Call) -> float:
    """Share of the second moment that a norm divides by: all of it, or the variance alone."""
    one = call.inputs[0] if call.inputs else None
    if call.op == "rms_norm" or one is None or not _finite(one):
        return 1.0
    return max(1 - one.mean**2 / one.second, 0.0)


def kept(call: Call, q: float) -> float:
    """v / (v + eps): what eps leaves of a norm's output (norm.shortfall)."""
    eps = call.options.get("eps")
    eps = eps if isinstance(eps, float) else 1e-5
    v = q * share(call)
    return v / (v + eps) if v + eps > 0 else 0.0


def _finite(moments: Moments | None) -> float | None:
    known = moments is not None and not moments.nonfinite and moments.second > 0
    return moments.second if known and moments else None
