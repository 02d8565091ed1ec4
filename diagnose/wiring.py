"""What is exact about one pass: norms of nothing, biases that a norm cancels, numbers out of range, adapters.

No chance is involved: a finding here is a count or an equality.
"""

from collections.abc import Mapping

from varlaw.diagnose.records import Call, Finding, Sight, Tensor
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph, place

_BETWEEN = frozenset(("dropout", "view"))
_NAMED = 8
_FORGETS = 0.9  # weight of the last batch in a running average, as one who takes it for that of the others writes it


def by_hand(sight: Sight, graph: Graph) -> list[Finding]:
    """Norms that the model writes out, mean of squares + eps under a root or std + eps, whose eps is large."""
    found, ends = [], graph.branch_ends()
    for call in sight.calls:
        if call.kind != "add" or len(call.parents) != 1 or not call.inputs or call.op in ("sub", "rsub"):
            continue
        eps, before = call.options.get("argument_1"), sight.calls[call.parents[0]]
        after = [c.op for c in sight.calls if call.number in c.parents]
        squared = before.op == "var" or (before.op == "mean" and _squared(before, sight))
        if not isinstance(eps, float | int) or eps <= 0 or call.inputs[0].nonfinite or call.inputs[0].mean <= 0:
            continue
        root = squared and after in (["sqrt"], ["rsqrt"])
        if root or (before.op == "std" and after == ["div"]):
            size = call.inputs[0].mean
            kept = size / (size + eps) if root else (size / (size + eps)) ** 2
            found += _shortfall(kept, eps, size if root else size**2, place(call, sight.calls), call.number in ends)
    return found


def _squared(call: Call, sight: Sight) -> bool:
    before = sight.calls[call.parents[0]] if call.parents else None
    return before is not None and (before.op in ("square", "pow") or (before.op == "mul" and len(before.parents) == 1))


def norms(sight: Sight, graph: Graph, biases: frozenset[str], ones: frozenset[str]) -> list[Finding]:
    """Norms over a single value, with a large eps, with statistics that stand still; biases that a norm cancels.

    ones: tensors all of whose entries are 1, as a running variance starts.
    """
    found: list[Finding] = []
    ends = graph.branch_ends()
    for call in sight.calls:
        if call.kind != "norm" or not call.inputs or call.output is None:
            continue
        where = place(call, sight.calls)
        if _values(call) == 1:
            found.append(finding("norm.degenerate", "VIOLATES", "one value a set: the output is the bias alone", where))
            continue
        found += [*_eps(call, where, call.number in ends), *_statistics(call, where, f"{where}.running_var" in ones)]
    cancelled = [n for n in biases if _all_cancelled(n, graph)]
    if cancelled:
        found.append(
            finding("norm.bias", "NOTE", "a bias that the following batch norm takes off", *cancelled[:_NAMED])
        )
    return found


def _values(call: Call) -> int:
    """How many numbers one mean is taken over; 0 where that is not known."""
    shape = call.shape
    positions = 1
    for side in shape[2:]:
        positions *= side
    match call.op:
        case "batch_norm":
            return shape[0] * positions if call.options.get("training", True) else 0
        case "instance_norm":
            return positions
        case "group_norm":
            return positions * shape[1] // int(call.options.get("num_groups", 1) or 1)
        case "layer_norm":
            size = 1
            for side in call.options.get("normalized_shape") or ():
                size *= side
            return size
    return 0


def _eps(call: Call, place: str, ends: bool) -> list[Finding]:
    eps, one = call.options.get("eps"), call.inputs[0]
    variance = one.second if call.op == "rms_norm" else one.second - one.mean**2
    if (
        not isinstance(eps, float | int)  # a truth value too: LayerNorm(d, True) asks for an eps of 1
        or one.nonfinite
        or variance <= 0
        or (call.op == "batch_norm" and not call.options.get("training"))
    ):
        return []
    return _shortfall(variance / (variance + eps), eps, variance, place, ends)


def _shortfall(kept: float, eps: float, variance: float, place: str, ends: bool) -> list[Finding]:
    """A norm that ends a residual branch may start it small: that is a note."""
    if kept > 0.95:
        return []
    says = f"eps {eps:g} beside a variance of {variance:.2g}: the output has {kept:.2g} of its variance"
    outcome = "VIOLATES" if kept < 0.5 and not ends else "NOTE"
    return [finding("norm.eps", outcome, says, place, expected=1.0, observed=kept, ratio=kept)]


def _statistics(call: Call, place: str, fresh: bool) -> list[Finding]:
    """A running mean and variance that start at 0 and 1 and never move, or that forget all batches but the last."""
    momentum = call.options.get("momentum")
    trains = call.options.get("training") or call.options.get("use_input_stats")
    if not fresh or not trains or not isinstance(momentum, float | int) or 0 < momentum < _FORGETS:
        return []
    if momentum <= 0:
        says = f"momentum {momentum:g}: the running mean and variance stay 0 and 1, and evaluation normalises nothing"
        return [finding("norm.statistics", "VIOLATES", says, place, observed=float(momentum))]
    says = f"momentum {momentum:g} is the weight of the last batch in torch: evaluation knows little of the others"
    return [finding("norm.statistics", "NOTE", says, place, observed=float(momentum))]


def _all_cancelled(name: str, graph: Graph) -> bool:
    calls = graph.users().get(name, [])
    return bool(calls) and all(
        graph.calls[n].kind == "linear"
        and (b := list(graph.single(n, _BETWEEN)))
        and b[-1].op in ("batch_norm", "instance_norm")
        for n in calls
    )


def ranges(sight: Sight, graph: Graph) -> list[Finding]:
    """The first operation that made NaN or an infinity that lasts, and the one that made such a gradient."""
    return [*_forward_range(sight, graph), *_backward_range(sight)]


def _backward_range(sight: Sight) -> list[Finding]:
    """The last operation that is given a finite gradient and makes one that is not."""
    for call in reversed(sight.calls):
        parents = [sight.calls[p] for p in call.parents]
        bad = [p for p in parents if p.gradient is not None and p.gradient.nonfinite]
        finite = call.gradient is None or not call.gradient.nonfinite
        if bad and finite and call.output is not None and not call.output.nonfinite:
            says = f"the gradient of {call.op} is not finite, where its output is"
            return [finding("number.range", "VIOLATES", says, place(call, sight.calls))]
    return []


def _forward_range(sight: Sight, graph: Graph) -> list[Finding]:
    """An infinity that a later operation takes in, as a softmax does a mask that was added to its scores, is none.

    Not so a division by it: what is 0 for that has lost its numbers.
    """
    lasting: set[int] = set()
    for call in reversed(sight.calls):
        after = graph.children[call.number]
        divided = any(sight.calls[n].op in _DIVIDED for n in after)
        if _lost(call) and (not after or divided or lasting.intersection(after)):
            lasting.add(call.number)
    bad = [c for c in sight.calls if c.kind in _MADE and c.number in lasting]
    if not bad:
        return []
    first = bad[0]
    finite = [moments.rms for moments in first.inputs if not moments.nonfinite]
    size = f" of inputs of rms {max(finite):.3g}" if finite else ""
    says = f"{first.op} gives numbers that are not finite in {first.dtype}{size}"
    return [finding("number.range", "VIOLATES", says, place(first, sight.calls))]


_MADE = frozenset(
    ("linear", "norm", "activation", "add", "loss", "recurrent", "attention", "softmax", "product", "other")
)


_DIVIDED = frozenset(("div", "truediv", "itruediv", "rtruediv", "rdiv", "rsqrt", "reciprocal"))


def _lost(call: Call) -> bool:
    return call.output is not None and call.output.nonfinite


def adapters(sight: Sight, graph: Graph, twins: frozenset[str]) -> list[Finding]:
    """A trainable branch beside a frozen map of the same input, or a copy of it, must add nothing at the start.

    twins: trained parameters that start as copies of frozen ones.
    """
    found = _controls(sight, graph, twins) if twins else []
    for call in sight.calls:
        if call.kind != "add" or len(call.parents) != 2:
            continue
        frozen = [p for p in call.parents if _frozen(sight.calls[p], sight.tensors)]
        other = [p for p in call.parents if p not in frozen]
        names = _trained(other[0], frozen[0], sight, graph) if len(frozen) == 1 and other else []
        if not names:
            continue
        branch, beside = sight.calls[other[0]], sight.calls[frozen[0]].output
        if branch.output is not None and beside is not None and branch.output.second > 0:
            says = f"its branch starts at rms {branch.output.rms:.3g} beside {beside.rms:.3g}"
            maps = sum(len(sight.tensors[n].shape) > 1 for n in names)  # one alone may be no adapter
            found.append(finding("adapter.active", "VIOLATES" if maps > 1 else "NOTE", says, *names))
    return found


def _controls(sight: Sight, graph: Graph, twins: frozenset[str]) -> list[Finding]:
    """Branches through a trained copy of a frozen net that are added to it, and do not end in a map of 0."""
    found = []
    for call in sight.calls:
        if call.op not in ("add", "iadd", "radd") or len(call.parents) != 2:
            continue
        ends = [graph.made_by(p) for p in call.parents]
        still = [e for e in ends if _frozen(e, sight.tensors)]
        moved = [e for e in ends if e not in still and e.kind == "linear" and e.parameters]
        if len(still) != 1 or len(moved) != 1 or twins.intersection(moved[0].parameters):
            continue  # what is no map of its own behind the copy is a blend of two
        if not moved[0].output or not moved[0].output.second:
            continue
        behind = {n for c in sight.calls if graph.leads(c.number, moved[0].number) for n in c.parameters}
        if twins & behind and all(sight.tensors[n].trainable for n in moved[0].parameters if n in sight.tensors):
            says = f"a branch through a copy of the frozen net starts at rms {moved[0].output.rms:.3g}"
            found.append(finding("adapter.active", "VIOLATES", says, *moved[0].parameters))
    return found


def _frozen(call: Call, tensors: Mapping[str, Tensor]) -> bool:
    mine = [tensors[n] for n in call.parameters if n in tensors]
    return call.kind == "linear" and bool(mine) and not any(t.trainable for t in mine)


def _trained(node: int, frozen: int, sight: Sight, graph: Graph) -> list[str]:
    """The weights of a chain of trainable linear maps from the frozen map's own input to `node`, the last one first."""
    start = sight.calls[frozen].parents
    maps = [c for c in sight.calls if (c.number == node or graph.leads(c.number, node)) and c.kind == "linear"]
    inside = [c for c in maps if any(p in start or any(graph.leads(s, p) for s in start) for p in c.parents)]
    named = [sight.tensors[n] for c in inside for n in c.parameters if n in sight.tensors]
    return [t.name for t in reversed(named)] if all(t.trainable for t in named) else []
