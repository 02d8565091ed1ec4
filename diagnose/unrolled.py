"""Recurrences that are written out by hand: maps that a pass calls again on what came of their own last call, each time
with something new beside it, such as the next step of a sequence. Depth with shared weights is none: nothing new comes.

How a gradient comes back through them is read off the pass itself: that of a map's first call beside that of its last.
It is held against a half of it a step, which gates at zero keep; against 0.731, sigmoid(1), where gates have a bias
that the author chose.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from varlaw.diagnose.flow import BAND, interval
from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph
from varlaw.theory.catalogue import LAWS

_FEWEST = 4  # calls of one map
_BAND = 2 * math.log(BAND)
_GATES = frozenset(("sigmoid", "hardsigmoid"))


class Gate(NamedTuple):
    """The bias in front of a gate on the state, which part of it, and whether more of it keeps more (1) or less."""

    bias: str
    part: tuple[int, int] | None
    sign: int


class Loop(NamedTuple):
    """The maps of a recurrence, each with its calls in order, and its gates."""

    maps: dict[str, list[int]]
    gates: list[Gate]

    @property
    def steps(self) -> int:
        """How often it is run through."""
        return max(map(len, self.maps.values()))


def loops(graph: Graph) -> list[Loop]:
    """The recurrences of a pass; maps whose calls take turns belong to one."""
    found: list[dict[str, list[int]]] = []
    for name, calls in sorted(_chains(graph).items(), key=lambda one: one[1][0]):
        if found and calls[0] < max(last[-1] for last in found[-1].values()):
            found[-1][name] = calls
        else:
            found.append({name: calls})
    return [Loop(maps, _gates(maps, graph)) for maps in found]


def steps(graph: Graph) -> frozenset[int]:
    """The calls that belong to recurrences, from the first call of a map to the last."""
    spans = [[n for calls in loop.maps.values() for n in calls] for loop in loops(graph)]
    return frozenset(n for span in spans for n in range(min(span), max(span) + 1))


def _chains(graph: Graph) -> dict[str, list[int]]:
    users: dict[str, list[int]] = {}
    for call in graph.calls:
        if call.kind == "linear" and call.parents and call.parameters:
            users.setdefault(call.parameters[0], []).append(call.number)
    return {name: calls for name, calls in users.items() if len(calls) >= _FEWEST and _again(calls, graph)}


def _again(calls: Sequence[int], graph: Graph) -> bool:
    """Whether each call takes what came of the one before it, and something new."""
    steps = list(pairwise(calls))
    if not all(graph.leads(a, b) for a, b in steps):
        return False
    beside = [_beside(a, b, calls[0], graph) for a, b in steps]
    return all(beside) and all(a != b for a, b in pairwise(beside))


def _beside(first: int, last: int, start: int, graph: Graph) -> set[tuple[int, int]]:
    """What enters between two calls of a map and came not of its first one: the call that made it, and its place."""
    between = [c for c in graph.calls[first + 1 : last + 1] if c.number == last or graph.leads(c.number, last)]
    return {
        (p, c.offsets.get(p, 0)) for c in between for p in c.parents if p != start and not graph.leads(start, p)
    }  # fmt: skip


def _gates(maps: dict[str, list[int]], graph: Graph) -> list[Gate]:
    first, last = min(c[0] for c in maps.values()), max(c[-1] for c in maps.values())
    found: dict[Gate, None] = {}
    for call in graph.calls[first : last + 1]:
        if call.op in _GATES and len(call.parents) == 1 and (sign := _keeps(call, graph)):
            bias, part = _bias(call, graph)
            if bias:
                found[Gate(bias, part, sign)] = None
    return list(found)


def _keeps(gate: Call, graph: Graph) -> int:
    """1 where the gate multiplies the state that it was made of and that is then added to, -1 where 1 - gate does."""
    for number in graph.children[gate.number]:
        taker = graph.calls[number]
        if taker.kind == "product":
            other = [p for p in taker.parents if p != gate.number]
            if other and graph.leads(other[0], gate.number) and _added(taker, graph):
                return 1
            if other and _less_state(graph.calls[other[0]], gate, graph):
                return -1
        if taker.op == "rsub" and any(
            p != number and graph.leads(p, gate.number) and _added(product, graph)
            for n in graph.children[number] if (product := graph.calls[n]).kind == "product" for p in product.parents
        ):  # fmt: skip
            return -1
    return 0


def _added(product: Call, graph: Graph) -> bool:
    behind = graph.behind(product.number)
    return behind is not None and behind.kind == "add" and len(behind.parents) > 1


def _less_state(call: Call, gate: Call, graph: Graph) -> bool:
    """Whether a candidate less the state goes through the gate: h + z (c - h)."""
    return call.op == "sub" and len(call.parents) == 2 and graph.leads(call.parents[1], gate.number)


def _bias(gate: Call, graph: Graph) -> tuple[str, tuple[int, int] | None]:
    """The bias in front of a gate, and which part of it where several gates share one."""
    before = graph.calls[gate.parents[0]]
    width, whole = (one.shape[-1] if one.shape else 0 for one in (gate, before))
    first = gate.offsets.get(before.number, 0) % max(whole, 1)
    part = None if width == whole else (first, first + width)
    near = [before, *(graph.calls[p] for p in before.parents if before.kind == "add")]
    names = [c.parameters[-1] for c in near if (c.kind == "add" and c.parameters) or len(c.parameters) > 1]
    return (names[0] if names else ""), part


def unrolled(sights: Sequence[Sight], graph: Graph, chosen: frozenset[str], alpha: float) -> list[Finding]:
    """Recurrences by hand whose gradient grows or vanishes; `chosen`: what the author gave values other than zeros.

    What vanishes by torch's own values gets a note.
    """
    return [f for loop in loops(graph) for f in _judged(loop, sights, graph, chosen, alpha)]


def _judged(loop: Loop, sights: Sequence[Sight], graph: Graph, chosen: frozenset[str], alpha: float) -> list[Finding]:
    gains = [g for s in sights if (g := _gain(loop, s)) is not None]
    if not gains:
        return []
    dofs = [float(max(graph.calls[next(iter(loop.maps.values()))[0]].shape[-1], 1))] * loop.steps
    mean, low, high = interval(gains, dofs, alpha)
    bias = float(bool(chosen & {g.bias for g in loop.gates}))
    sound = 2 * float(LAWS["recurrent.log_retention"].value(bias=bias, steps=float(loop.steps - 1)))
    names = [*loop.maps, *dict.fromkeys(g.bias for g in loop.gates)]
    if mean > _BAND:
        name, outcome = "gradient.grows", "VIOLATES" if low > _BAND else "UNDECIDED"
    elif mean < sound - _BAND:
        name, outcome = "gradient.shrinks", "VIOLATES" if high < sound - _BAND else "UNDECIDED"
        outcome = outcome if chosen & set(names) else "NOTE"
    else:
        return []
    says = (
        f"through {loop.steps} steps: the gradient at the first is {math.exp(mean / 2):.2g} of that at the last; "
        f"{'gates at 1' if bias else 'a half a step'} would leave {math.exp(sound / 2):.2g}"
    )
    return [finding(
        name, outcome, says, *names, law="recurrent.time_constant", expected=math.exp(sound / 2),
        observed=math.exp(mean / 2), interval=(math.exp(low / 2), math.exp(high / 2)), samples=len(gains), alpha=alpha,
    )]  # fmt: skip


def _gain(loop: Loop, sight: Sight) -> float | None:
    """ln of E g^2 at the first call over that at the last, of the map in the middle."""
    gains = []
    for calls in loop.maps.values():
        if calls[-1] >= len(sight.calls):
            continue
        first, last = (sight.calls[n].gradient for n in (calls[0], calls[-1]))
        if first and last and first.second > 0 and last.second > 0 and not (first.nonfinite or last.nonfinite):
            gains.append(math.log(first.second / last.second))
    return median(gains) if gains else None
