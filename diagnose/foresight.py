"""A pass foreseen from its inputs alone: theory's propagation along the graph that was called.

What is measured is how the batch starts (its size, how alike its rows and positions are), the weights' second moments,
and how many inputs each output adds up. Everything behind is theory: linear maps, activations, norms, adds, gates,
concatenations, pooling, attention, scales. Where theory has no rule, the signal is taken as measured and the way starts
anew there: such a place is `seen`, never foreseen. The rules stand in `foresight_rules`.
"""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from varlaw.diagnose.foresight_rules import RULE_OF
from varlaw.diagnose.records import Call, Sight
from varlaw.diagnose.structure import Graph
from varlaw.theory.networks.signals import Signal, band

_ROUNDINGS = 16  # of a norm's output, of which nothing else shakes: half of them in its statistic, half in its rows
_UNITS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float64": 2.0**-53}
_MASKED = 1e18  # second moments beyond are those of a mask that is added


@dataclass
class Foreseen:
    """What theory says behind one call: its signal, or that it was `seen`; factors on gradients to its parents."""

    signal: Signal
    seen: bool = False
    gains: Mapping[int, float] = field(default_factory=dict)


_ENDS = frozenset(("linear", "embedding", "input", "recurrent", "attention", "opaque"))


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
        rule = RULE_OF.get(call.kind)
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
