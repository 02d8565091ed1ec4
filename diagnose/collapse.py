"""Whether rows of the batch that differ at the input are the same, or multiples of one, at the end."""

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from varlaw.diagnose import parameters
from varlaw.diagnose.flow import pooled
from varlaw.diagnose.records import Call, Finding, Moments, Sight, Tensor
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph, place

_ROOM, _ONE = 8, 1e-8  # width of a signal that can be of more ranks than one, and how near to one counts as one
_COLLAPSED = 1e-5  # share of the second moment in which the rows of the batch still differ


def collapse(sights: Sequence[Sight], graph: Graph, quiet: bool) -> list[Finding]:
    """Whether rows of the batch that differ at the input are the same at the end.

    quiet: branches start near zero on purpose, so that the output hardly looks at the input yet: then it is a note.
    """
    inputs = [c.apart for c in sights[0].calls if c.kind in ("input", "embedding") and c.apart is not None]
    if not inputs or max(inputs) < 0.1 or sights[0].batch_rows < 4:
        return []
    if (shut := _shut(sights[0], graph)) is not None:
        says = f"nothing of the input passes: {shut.op} gives 0 to every row, and no sum goes around it"
        name = shut.parameters[0] if shut.parameters else place(shut, graph.calls)
        return [finding("signal.collapse", "VIOLATES", says, name, observed=0.0, samples=len(sights))]
    # a map of zeros gives the same to all, on purpose: a head, or the end of a branch
    last = [
        c
        for c in sights[0].calls
        if c.kind == "linear" and c.apart is not None and math.isfinite(c.apart) and c.step and c.step.weight_second
    ]
    if not last or _behind_constant(last[-1]):
        return []
    number = last[-1].number
    known = [s for s in sights if number < len(s.calls)]
    same, shares = [s.calls[number] for s in known], [_apart(s.calls[number], s) for s in known]
    if all(_of_rank_one(c, sights[0]) for c in same) and _roomy(last[-1], graph, sights[0].batch_rows):
        return [_lost(last, sights, quiet, max(shares))]
    if max(shares) > _COLLAPSED * pooled(last[-1], graph):
        return []
    first = next((c for c in last if _apart(c, sights[0]) <= _COLLAPSED), last[-1])
    share = (
        f"{max(shares):.1g} of the second moment at {place(last[-1], graph.calls)}, in {max(inputs):.2g} at the input"
    )
    says = f"rows of the batch differ in {share}"
    outcome = "NOTE" if quiet else "VIOLATES"
    return [
        finding("signal.collapse", outcome, says, place(first, graph.calls), observed=max(shares), samples=len(sights))
    ]


def _apart(call: Call, sight: Sight) -> float:
    """The share in which the rows of a map differ, or what goes into it: a bias may start at the prior of a class."""
    given = [sight.calls[p].apart for p in call.parents]
    return max((abs(x) for x in (call.apart, *given) if x is not None and math.isfinite(x)), default=0.0)


def _shut(sight: Sight, graph: Graph) -> Call | None:
    """A norm or a scale of 0 through which everything passes: a branch may start at nothing, the trunk may not."""
    maps = [c.number for c in sight.calls if c.kind == "linear" and c.parameters]
    trunk = (sight.calls[n] for n in graph.trunk(maps[-1])) if maps else iter(())
    empty = (c for c in trunk if c.kind in _SCALES and _nothing(c.output))
    made = (c for call in empty for c in (call, *(sight.calls[p] for p in call.parents)))  # a norm by hand is several
    return next((c for c in made if _of_nothing(c) and c.parents and not _nothing(_before(c, graph))), None)


_SCALES = frozenset(("norm", "product"))


def _of_nothing(call: Call) -> bool:
    return call.kind in _SCALES and bool(call.parameters) and _nothing(call.output)


def _before(call: Call, graph: Graph) -> Moments | None:
    return graph.before(call).output


def _nothing(moments: Moments | None) -> bool:
    return moments is not None and moments.second == 0


def _of_rank_one(call: Call, sight: Sight) -> bool:
    """Whether all rows that a map takes are multiples of one, as many means with fixed weights leave them."""
    tensor = sight.tensors.get(call.parameters[0]) if call.parameters else None
    roomy = tensor is not None and len(tensor.shape) == 2 and tensor.shape[1] >= _ROOM
    return roomy and call.step is not None and call.step.effective_inputs < 1 + _ONE


def _roomy(call: Call, graph: Graph, rows: int) -> bool:
    """Whether a row was nowhere on its way so narrow that it could not but lose its ranks."""
    while call.parents:
        call = graph.before(call)
        if call.output and call.output.count < _ROOM * rows:
            return False
    return True


def _lost(maps: Sequence[Call], sights: Sequence[Sight], quiet: bool, share: float) -> Finding:
    first = next(c for c in maps if _of_rank_one(c, sights[0]))
    calls = sights[0].calls
    says = f"the rows that reach {place(maps[-1], calls)} are multiples of one: their size is all that is left of each"
    outcome = "NOTE" if quiet else "VIOLATES"
    return finding("signal.collapse", outcome, says, place(first, calls), observed=share, samples=len(sights))


def _behind_constant(call: Call) -> bool:
    return call.output is None or call.output.second == 0


def tables(found: list[Finding], sight: Sight, values: parameters.Values) -> list[Finding]:
    """A collapse that was found, with the tables of equal rows behind it: embeddings of 0, codebooks of one entry."""
    flat = [n for n, t in sight.tensors.items() if n in values.first and _flat(values.first[n])]
    flat = [n for n in flat if _looked_up(sight.tensors[n], sight.calls)]
    if not flat or not found or found[0].outcome != "VIOLATES":
        return found
    says = "every row of the table is the same: whichever is looked up, the signal is one"
    whole = msgspec.structs.replace(found[0], where=(*flat, *found[0].where))
    return [whole, finding("init.symmetric", "VIOLATES", says, *flat)]


def _flat(x: parameters.Floats) -> bool:
    """Whether all rows of a table are one."""
    return x.ndim == 2 and len(x) > 1 and x.size > len(x) and bool(np.all(x == x[:1]))


def _looked_up(tensor: Tensor, calls: Sequence[Call]) -> bool:
    """Whether a pass looks rows up in a table; of a buffer it is known alone that a signal has its width."""
    if tensor.buffer:
        return any(tensor.shape[1] in call.shape[1:] for call in calls)
    return any(tensor.name in call.parameters for call in calls if call.kind == "embedding")
