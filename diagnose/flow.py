"""Signals and gradients over depth: what each linear map makes of its measured input, and what all of them together do.

A signal is followed from where its size was last set (the input, an embedding, a norm, a bounded activation) to the
operation in hand; its size is the root mean square of its entries. The band is a factor of 1,000 either way: all layers
share one rate and one number format, and float16 holds the square of nothing beyond. One draw of a deep and narrow
net is noisy: how far luck brings it is bounded from the maps that it passed (`tails`), so that VIOLATES is said only
where luck of `alpha` does not explain it, and UNDECIDED where it might.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from varlaw.diagnose import tails
from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph, place

BAND = 1000.0  # of a root mean square, over the whole depth
_MASK = BAND**2
_SETS = frozenset(
    ("input", "embedding", "norm", "softmax", "product", "attention", "loss", "recurrent", "join", "opaque")
)
_BOUNDED = frozenset(["tanh", "sigmoid", "softsign", "hardsigmoid", "hardtanh", "relu6", "sin", "cos"])
_JOINS = frozenset(("cat", "concat", "concatenate"))
_MASKS = frozenset(
    ["relu", "relu6", "threshold", "leaky_relu", "rrelu", "prelu", "gelu", "silu", "mish", "elu", "selu", "celu"]
)
_AVERAGES = frozenset(["mean", *(f"{a}avg_pool{n}d" for a in ("", "adaptive_") for n in (1, 2, 3))])
_TRUNK = frozenset(("linear", "recurrent", "add", "embedding"))
_FOLLOWED = frozenset(("linear", "activation", "add", "dropout", "pool", "other"))


@dataclass(frozen=True)
class Passed:
    """What became of a signal up to one call: ln of its gain since its size was last set, and through what."""

    origin: int
    gain: float = 0.0
    maps: int = 0  # and sums
    dofs: tuple[float, ...] = ()  # of the maps passed: units * independent inputs, and of the masks between them
    inputs: float = 1.0  # independent ones of the last map
    steps: tuple[tuple[int, float], ...] = ()  # calls and their ln gains


def followed(sight: Sight, graph: Graph) -> dict[int, Passed]:
    """Every call whose second moment is known, with the way that its largest input came."""
    known: dict[int, Passed] = {}
    for call in sight.calls:
        if call.output is None or not call.output.second > 0 or call.output.nonfinite:
            continue
        parents = [p for p in call.parents if p in known]
        largest = graph.main(parents) if parents else -1
        goes_on = _scaled(call, sight) or _joined(call, parents, known)
        if not parents or (call.kind in _SETS and not goes_on) or call.op == "masked_fill":
            known[call.number] = Passed(call.number)
            continue
        if _masked(call, sight.calls[largest]):
            known[call.number] = Passed(call.number)
            continue
        known[call.number] = _further(known[largest], sight.calls[largest], call)
    return known


def _scaled(call: Call, sight: Sight) -> bool:
    """Whether a signal inside the net is multiplied by a plain number; at the input that is a change of units."""
    alone = call.kind == "product" and len(call.parents) == 1 and not call.parameters
    number = any(isinstance(x, (int, float)) and not isinstance(x, bool) for x in call.options.values())
    return alone and number and sight.calls[call.parents[0]].kind != "input"


def _joined(call: Call, parents: Sequence[int], known: Mapping[int, Passed]) -> bool:
    """Whether parts of one signal come together again, as at the skips of a U-Net: the largest goes on."""
    return call.op in _JOINS and len(parents) > 1 and len({known[p].origin for p in parents}) == 1


def _masked(call: Call, parent: Call) -> bool:
    """Whether a constant beyond all signal is added, as a mask of scores is."""
    return (
        call.kind == "add"
        and len(call.parents) == 1
        and not call.parameters
        and _second(call) > _MASK * _second(parent)
    )


def _second(call: Call) -> float:
    return call.output.second if call.output else 0.0


def _further(before: Passed, parent: Call, call: Call) -> Passed:
    assert call.output
    gain = math.log(call.output.second / _second(parent)) if _second(parent) > 0 else 0.0
    return Passed(
        before.origin,
        before.gain + gain,
        before.maps + (call.kind == "linear" or (call.kind == "add" and len(call.parents) > 1)),
        (*before.dofs, *(_mask_dofs(call, before.inputs) or _dofs(call))),
        call.step.effective_inputs if call.step else before.inputs,
        (*before.steps, (call.number, gain)),
    )


def _dofs(call: Call) -> tuple[float, ...]:
    """The chi-square's degrees of freedom in the mean square that a map makes."""
    if call.step:
        return (call.step.units * call.step.effective_inputs,)
    return (float(max(1, call.shape[-1] if call.shape else 1)),) if call.kind == "linear" else ()


def _mask_dofs(call: Call, inputs: float) -> tuple[float, ...]:
    """Of the mask of a rectifier: which of n units are on adds 3/n to the variance, where the map's own is 2/n.

    Rows whose signals correlate by rho share as much of their masks, and rho^2 of their squares: the root of the
    independent inputs counts.
    """
    if call.kind != "activation" or call.op not in _MASKS:
        return ()
    units = call.units.units if call.units else max(1, call.shape[-1] if call.shape else 1)
    return (2 / 3 * units * math.sqrt(inputs),)


def signals(sights: Sequence[Sight], graph: Graph, alpha: float) -> list[Finding]:
    """Growth and shrinking of the signal over depth, over all draws, along the trunk."""
    ways = [followed(sight, graph) for sight in sights]
    calls = sights[0].calls
    trunk = graph.trunk(_end(calls))
    shared = [n for n in trunk if all(n in way for way in ways) and calls[n].kind in _FOLLOWED]
    scored = {n: _mean([way[n].gain for way in ways]) for n in shared if ways[0][n].maps > 1}
    found = []
    for name, sign in (("signal.grows", 1), ("signal.shrinks", -1)):
        worst = max(scored, key=lambda n: sign * scored[n], default=None)
        if worst is None or sign * scored[worst] <= 2 * math.log(BAND):
            continue
        found.append(_judged(name, sign, [way[worst] for way in ways], calls, graph, alpha))
    return found


def _end(calls: Sequence[Call]) -> int:
    """The last linear map with parameters, or the last call where there is none."""
    return next((c.number for c in reversed(calls) if c.kind == "linear" and c.parameters), len(calls) - 1)


def _judged(name: str, sign: int, ways: Sequence[Passed], calls: Sequence[Call], graph: Graph, alpha: float) -> Finding:
    gains = [way.gain for way in ways]
    mean, low, high = interval(gains, ways[0].dofs, alpha)
    outcome = "VIOLATES" if min(sign * low, sign * high) > 2 * math.log(BAND) else "UNDECIDED"
    way = ways[0]
    name = _residual_or(name, way, calls, graph)
    per_map = math.exp(mean / 2 / max(1, way.maps))
    culprits = _culprits(way, calls)
    says = (
        f"rms x{math.exp(mean / 2):.3g} over {way.maps} maps from {place(calls[way.origin], calls)} to "
        f"{place(calls[way.steps[-1][0]], calls)}, x{per_map:.3g} a map"
    )
    ends = math.exp(low / 2), math.exp(high / 2)
    return finding(
        name, outcome, says, *culprits, expected=1.0, observed=math.exp(mean / 2), ratio=math.exp(mean / 2),
        interval=ends, samples=len(ways), alpha=alpha,
    )  # fmt: skip


def interval(gains: Sequence[float], dofs: Sequence[float], alpha: float) -> tuple[float, float, float]:
    """The mean ln gain and its interval, by Chernoff's bound over the maps, or over as much as the draws spread."""
    n, mean = len(gains), _mean(gains)
    seen = sum((g - mean) ** 2 for g in gains) / (n - 1) if n > 2 else 0.0
    below, above = tails.away(tails.lowered(dofs, seen), alpha / 2, n)
    return mean, mean - above, mean + below  # a mean lies above its expectation by `above` at most


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _residual_or(name: str, way: Passed, calls: Sequence[Call], graph: Graph) -> str:
    """Growth from the first residual add to the last one on the way is the residual stream's."""
    if name != "signal.grows":
        return name
    adds = {r.add for r in graph.residuals()}
    places = [i for i, (number, _) in enumerate(way.steps) if number in adds]
    if len(places) < 3:
        return name
    between = sum(gain for _, gain in way.steps[places[0] + 1 : places[-1] + 1])
    return "signal.residual" if between > way.gain / 2 else name


def _culprits(way: Passed, calls: Sequence[Call]) -> tuple[str, ...]:
    """The parameters of the one step that makes most of the change, or of all maps on the way."""
    steps = [(gain, calls[number]) for number, gain in way.steps if calls[number].parameters]
    total = sum(abs(gain) for gain, _ in steps) or 1.0
    steps.sort(key=lambda step: -abs(step[0]))
    if steps and abs(steps[0][0]) > 0.7 * total:
        return steps[0][1].parameters[:1]
    return tuple(call.parameters[0] for _, call in steps[:6]) or (place(calls[way.steps[-1][0]], calls),)


def gradients(
    sights: Sequence[Sight], graph: Graph, alpha: float, elsewhere: frozenset[int] = frozenset()
) -> list[Finding]:
    """Growth and shrinking of the gradient from the last linear map with parameters to the first ones.

    It is followed along the trunk: beside it, in a residual branch or at the keys of an attention, it is as small as
    that part is, on purpose where it starts near zero. Calls `elsewhere` are judged there, as steps of a recurrence.
    """
    calls = sights[0].calls
    maps = [
        c.number
        for c in calls
        if c.kind in ("linear", "recurrent") and c.parameters and all(_live(s, c) for s in sights)
    ]
    if len(maps) < 3:
        return []
    last = maps[-1]
    trunk = [n for n in graph.trunk(last) if calls[n].kind in _TRUNK and n not in elsewhere]
    known = [n for n in trunk if all(_live(s, calls[n]) for s in sights)]
    plain = {n: [_norm(s, n) - _norm(s, last) for s in sights] for n in known}
    found = []
    for name, sign in (("gradient.grows", 1), ("gradient.shrinks", -1)):
        logs = plain if sign > 0 else {n: [x - _averaged(n, last, graph) for x in plain[n]] for n in known}
        worst = max(logs, key=lambda n: sign * _mean(logs[n]), default=None)
        if worst is not None and sign * _mean(logs[worst]) > 2 * math.log(BAND):
            found.append(_gradient(name, sign, logs[worst], calls, worst, last, len(known), alpha))
    return found


def _live(sight: Sight, call: Call) -> bool:
    same = sight.calls[call.number] if call.number < len(sight.calls) else None
    return same is not None and same.gradient is not None and same.gradient.second > 0 and not same.gradient.nonfinite


def _norm(sight: Sight, number: int) -> float:
    gradient = sight.calls[number].gradient
    assert gradient
    return math.log(gradient.second * gradient.count)


def _gradient(
    name: str, sign: int, gains: Sequence[float], calls: Sequence[Call], first: int, last: int, depth: int, alpha: float
) -> Finding:
    dofs = [d for c in calls[first : last + 1] for d in (_mask_dofs(c, 1.0) or (_dofs(c) if c.step else ()))]
    mean, low, high = interval(gains, dofs, alpha)
    outcome = "VIOLATES" if min(sign * low, sign * high) > 2 * math.log(BAND) else "UNDECIDED"
    there = f"{math.exp(mean / 2):.3g} of that at {place(calls[last], calls)}"
    says = f"gradient norm at {place(calls[first], calls)} is {there}, over {depth} operations"
    where = calls[first].parameters[:1] or (place(calls[first], calls),)
    return finding(
        name, outcome, says, *where, expected=1.0, observed=math.exp(mean / 2), ratio=math.exp(mean / 2),
        interval=(math.exp(low / 2), math.exp(high / 2)), samples=len(gains), alpha=alpha,
    )  # fmt: skip


def _averaged(first: int, last: int, graph: Graph) -> float:
    """ln of the share of a gradient's square that averages leave on its way back: no depth takes it."""
    calls = graph.calls
    return math.log(pooled(calls[last], graph, _AVERAGES) / pooled(calls[first], graph, _AVERAGES))


def pooled(call: Call, graph: Graph, by: frozenset[str] = frozenset()) -> float:
    """What is left of the entries of a signal behind averages on its way: so far may luck alone make rows alike."""
    share = 1.0
    while call.parents:
        if call.kind == "pool" and (not by or call.op in by) and call.output and call.inputs and call.inputs[0].count:
            share *= min(1.0, call.output.count / call.inputs[0].count)
        call = graph.before(call)
    return share


Judge = Callable[[Sequence[Sight], Graph], list[Finding]]
