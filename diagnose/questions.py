"""All that is asked of a model: of its values, of what its pass did, and of its signals over several passes.

Questions with chance in them share the report's alpha evenly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from varlaw.diagnose import (
    activity,
    copies,
    doubling,
    flow,
    gradients,
    losses,
    parameters,
    passed,
    recurrence,
    rounding,
    wiring,
)  # fmt: skip
from varlaw.diagnose import expect as expectations
from varlaw.diagnose.collapse import collapse, tables
from varlaw.diagnose.exponentials import exponentials
from varlaw.diagnose.records import Finding, Sight, Tensor, Written
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.unrolled import steps, unrolled
from varlaw.evidence.budget import Policy
from varlaw.evidence.streams import Key

# Those with chance in them: correlated pairs, correlated beginnings, peers, new rows, laws expected, signals,
# gradients, gradients through time, dead units, the first loss.
_FAMILIES = 10
_QUIET = 0.1  # a scale parameter that starts below it starts near zero


@dataclass
class Asked:
    """One model as it was seen, and what questions need of it."""

    sights: Sequence[Sight]
    written: Sequence[Written]
    values: parameters.Values
    graph: Graph
    rule: Policy
    expect: Any = None
    key: Key | None = None
    loss_law: float | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        there = {n: x for n, x in self.values.first.items() if n in self.sight.tensors}  # a pass may take one away
        self.values = replace(self.values, first=there)

    @property
    def sight(self) -> Sight:
        return self.sights[0]

    @property
    def alpha(self) -> float:
        return self.rule.alpha / _FAMILIES

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        return {n: t for n, t in self.sight.tensors.items() if n in self.values.first or t.meta}

    @cached_property
    def still(self) -> frozenset[str]:
        return gradients.still(self.sight, self.graph)


def findings(asked: Asked) -> list[Finding]:
    """Everything that is found; of a model with unwritten memory only what does not depend on it."""
    found = parameters.uninitialised(asked.tensors, asked.values, asked.written)
    broken = {name for f in found for name in f.where}
    if broken:
        sound = {n: x for n, x in asked.values.first.items() if n not in broken}
        return [*found, *_of_beginnings(asked, replace(asked.values, first=sound))]
    found += [*_of_beginnings(asked, asked.values), *_of_weights(asked), *_of_wiring(asked)]
    if any(f.signal == "number.range" for f in found):
        return found
    notes = [f for f in _through_time(asked) if f.outcome == "NOTE"]  # no further passes would say more
    return [*found, *of_passes(asked), *notes, *_of_gradients(asked)]


def _through_time(asked: Asked) -> list[Finding]:
    first, alpha = asked.values.first, asked.alpha
    chosen = {w.name for w in asked.written if not w.default and w.name in first and np.any(first[w.name])}
    return [
        *recurrence.through_time(asked.sights, asked.written, alpha),
        *unrolled(asked.sights, asked.graph, frozenset(chosen), alpha),
    ]


def _of_beginnings(asked: Asked, values: parameters.Values) -> list[Finding]:
    """Who wrote what, and what is the same as what."""
    return [
        *copies.copied(asked.tensors, values, asked.written, asked.still, asked.alpha),
        *copies.shared(asked.tensors),
        *passed.unset(asked.tensors, asked.written, _heads(asked.sight)),
    ]


def _of_weights(asked: Asked) -> list[Finding]:
    tensors, values, rule = asked.tensors, asked.values, asked.rule
    tables = dict.fromkeys(n for c in asked.sight.calls if c.kind == "embedding" for n in c.parameters)
    tables |= dict.fromkeys(n for n in _heads(asked.sight) if n in tensors and len(tensors[n].shape) == 2)
    return [
        *parameters.peers(tensors, values, asked.graph.uses(), rule.delta, asked.alpha),
        *_expected(asked),
        *parameters.new_rows(list(tables), values, rule.delta, asked.alpha),
        *rounding.lost(tensors, values, asked.written, rule.delta),
        *rounding.phases(asked.sight),
    ]


def _of_wiring(asked: Asked) -> list[Finding]:
    sight, graph = asked.sight, asked.graph
    vectors = frozenset(n for n, t in asked.tensors.items() if len(t.shape) == 1 and not t.buffer)
    first = asked.values.first
    ones = frozenset(n for n, t in asked.tensors.items() if t.buffer and n in first and bool(np.all(first[n] == 1)))
    return [
        *wiring.ranges(sight, graph),
        *doubling.doubled(sight, graph),
        *wiring.adapters(sight, graph, copies.twins(asked.values, asked.still)),
        *gradients.unregistered(sight),
        *wiring.norms(sight, graph, vectors, ones),
        *wiring.by_hand(sight, graph),
    ]


def open_questions(asked: Asked) -> bool:
    """Whether further passes could say more: never of one that leaves the range of its numbers."""
    return not wiring.ranges(asked.sight, asked.graph) and bool(of_passes(asked))


def of_passes(asked: Asked) -> list[Finding]:
    """What several passes say better than one: signals, gradients, units, the first loss."""
    started, asked.loss_law = losses.start(asked.sights, asked.alpha)
    same = collapse(asked.sights, asked.graph, _starts_quiet(asked.sight, asked.values))
    return [
        *flow.signals(asked.sights, asked.graph, asked.alpha),
        *exponentials(asked.sights, asked.graph, asked.alpha),
        *tables(same, asked.sight, asked.values),
        *flow.gradients(asked.sights, asked.graph, asked.alpha, steps(asked.graph)),
        *(f for f in _through_time(asked) if f.outcome != "NOTE"),
        *activity.units(asked.sights, asked.alpha),
        *activity.attention(asked.sights, asked.graph),
        *started,
    ]


def _of_gradients(asked: Asked) -> list[Finding]:
    first = asked.values.first
    zeros = frozenset(n for n, x in first.items() if x.size and not np.any(x))
    flat = frozenset(n for n, x in first.items() if x.size > 1 and not np.ptp(x) and x.flat[0] != 0)
    targets = copies.targets(asked.values, asked.still)
    return [
        *gradients.arriving(asked.sight, asked.graph, zeros, targets),
        *gradients.nothing_trains(asked.sight),
        *gradients.frozen(asked.sight, copies.redrawn(asked.values) - targets),
        *gradients.symmetric(asked.sight, flat),
    ]


def _starts_quiet(sight: Sight, values: parameters.Values) -> bool:
    """Whether a scale parameter starts at a constant near zero: LayerScale, ReZero, a norm's zero gain."""
    scales = {n for c in sight.calls if c.kind in ("product", "norm") for n in c.parameters[:1]}
    known = [values.first[n] for n in scales if n in values.first and values.first[n].size]
    return any(not np.ptp(x) and abs(float(x.flat[0])) < _QUIET for x in known)


def _heads(sight: Sight) -> frozenset[str]:
    """The parameters of the last linear map of the pass."""
    maps = [c for c in sight.calls if c.kind == "linear" and c.parameters]
    return frozenset(maps[-1].parameters) if maps else frozenset()


def _expected(asked: Asked) -> list[Finding]:
    if asked.expect is None:
        return []
    from varlaw.diagnose.recipes import as_laws

    assert asked.key is not None
    tensors: Mapping[str, Tensor] = asked.tensors
    names = {n: t.shape for n, t in tensors.items() if not t.buffer}
    recipe = as_laws(asked.expect, asked.sight, asked.graph)
    laws = expectations.laws_of(recipe, names, asked.sight, asked.graph)
    defaults = frozenset(w.name for w in asked.written if w.default)
    dtypes = {n: t.dtype for n, t in tensors.items()}
    rule = replace(asked.rule, alpha=asked.alpha)
    return list(expectations.judged(laws, asked.values, dtypes, rule, asked.key, defaults))
