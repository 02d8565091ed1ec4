"""What is exact about one pass: gradients that do not arrive, things done twice, norms of nothing, numbers lost.

No chance is involved: a finding here is a count or an equality.
"""

import re
from collections.abc import Mapping, Sequence

from varlaw.diagnose.records import Call, Finding, Sight, Tensor
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph

_BETWEEN = frozenset(("dropout", "view"))
_NAMED = 8


def still(sight: Sight, graph: Graph) -> frozenset[str]:
    """Parameters that no gradient moves: frozen ones, and those that the pass uses without a graph alone."""
    users = graph.users()
    return frozenset(
        n
        for n, t in sight.tensors.items()
        if not t.trainable or (t.gradient is None and n in users and not any(sight.calls[c].graph for c in users[n]))
    )


def unregistered(sight: Sight) -> list[Finding]:
    """Trainable parameters that the forward pass uses and that no optimiser will be given."""
    if not sight.foreign:
        return []
    says = "a trainable parameter that model.parameters() does not have: no optimiser moves it"
    return [finding("structure.unregistered", "VIOLATES", says, *sight.foreign)]


def gradients(sight: Sight, graph: Graph, zeros: frozenset[str], targets: frozenset[str]) -> list[Finding]:
    """Trainable parameters whose gradient is missing or exactly zero, unless their role explains it.

    targets: parameters that start as copies of trained ones.
    """
    users = graph.users()
    found: list[Finding] = []
    for tensor in sight.tensors.values():
        if not tensor.trainable or tensor.meta or not tensor.shape or 0 in tensor.shape:
            continue
        calls = [n for name in (tensor.name, *tensor.aliases) for n in users.get(name, [])]
        if tensor.gradient is None and tensor.name in targets:
            says = "no gradient moves it: it starts as a copy of one that is trained, as a target does"
            found.append(finding("gradient.none", "NOTE", says, tensor.name))
        elif tensor.gradient is None:
            found += _missing(tensor, calls, sight, graph)
        elif tensor.gradient.second == 0:
            found += _zero(tensor, calls, sight, graph, zeros)
    return _merged(found)


def _missing(tensor: Tensor, calls: Sequence[int], sight: Sight, graph: Graph) -> list[Finding]:
    if not calls:
        if _idle(tensor, sight, graph):
            return []
        if any(path.startswith(_owner(tensor.name)) for path in _blind_paths(sight)):
            return [
                finding("gradient.none", "NOT_APPLICABLE", "not seen: its module cannot be looked into", tensor.name)
            ]
        return [finding("gradient.none", "VIOLATES", "no operation of the pass uses it", tensor.name)]
    cut = next((sight.calls[n] for n in calls if not sight.calls[n].graph), None) or graph.cut(calls[0])
    why = f"cut at {cut.path or 'the model'} ({cut.op})" if cut else "nothing that is minimised depends on it"
    return [finding("gradient.none", "VIOLATES", why, tensor.name)]


def _zero(tensor: Tensor, calls: Sequence[int], sight: Sight, graph: Graph, zeros: frozenset[str]) -> list[Finding]:
    if _idle(tensor, sight, graph) or any(_waits(n, sight, graph, zeros) for n in calls):
        return []
    if calls and all(_cancelled(n, tensor, graph) for n in calls):
        return []
    if len(tensor.shape) == 1 and any(_arrives(sight.calls[n]) for n in calls):
        says = "what follows takes it off: the gradients of its rows cancel"
        return [finding("gradient.zero", "NOTE", says, tensor.name, observed=0.0)]
    return [finding("gradient.zero", "VIOLATES", "its gradient is exactly zero", tensor.name, observed=0.0)]


def _arrives(call: Call) -> bool:
    return call.kind in ("linear", "add") and call.gradient is not None and call.gradient.second > 0


def _waits(number: int, sight: Sight, graph: Graph, zeros: frozenset[str]) -> bool:
    """Behind a parameter that is all zero and gets a gradient itself: it moves from the second step on."""
    return any(
        name in zeros and (g := sight.tensors[name].gradient) is not None and g.second > 0
        for call in graph.downstream(number)
        for name in call.parameters
        if name in sight.tensors
    )


def _cancelled(number: int, tensor: Tensor, graph: Graph) -> bool:
    """A bias in front of a norm that takes the mean off, or behind a softmax's keys: its gradient is zero by law."""
    if len(tensor.shape) != 1:
        return False
    behind = list(graph.single(number, _BETWEEN))
    return bool(behind) and behind[-1].kind in ("norm", "softmax", "attention")


def _idle(tensor: Tensor, sight: Sight, graph: Graph) -> bool:
    """One of several experts that the router did not choose: its siblings get gradients."""
    pattern = _pattern(tensor.name)
    peers = [t for t in sight.tensors.values() if t.name != tensor.name and _pattern(t.name) == pattern]
    alike = [t for t in peers if t.shape == tensor.shape]
    routed = any(c.op in ("topk", "index_add", "scatter", "one_hot") for c in sight.calls)
    return routed and any(t.gradient is not None and t.gradient.second > 0 for t in alike)


def _pattern(name: str) -> str:
    return re.sub(r"\d+", "*", name)


def _owner(name: str) -> str:
    return name.rpartition(".")[0]


def _blind_paths(sight: Sight) -> list[str]:
    return [reason.partition(":")[0] for reason in sight.blind]


def _merged(found: Sequence[Finding]) -> list[Finding]:
    """Findings that say the same of several parameters are one, with their names."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in found:
        groups.setdefault((one.signal, one.outcome, one.says), []).extend(one.where)
    return [finding(signal, outcome, says, *names) for (signal, outcome, says), names in groups.items()]


def symmetric(sight: Sight, constants: frozenset[str]) -> list[Finding]:
    """Weights whose rows, or columns, started the same and got the same gradient, and weights of one value.

    constants: parameters whose entries are all one number that is not 0.
    """
    found = []
    bad = [t.name for t in sight.tensors.values() if t.equal_rows and t.trainable]
    if bad:
        says = "units start the same and get the same gradient: nothing will ever part them"
        found.append(finding("init.symmetric", "VIOLATES", says, *bad))
    maps = {c.parameters[0] for c in sight.calls if c.kind == "linear" and c.parameters}
    flat = [n for n in sorted(maps & constants) if n not in bad and _wide(sight.tensors.get(n))]
    if flat:
        found.append(finding("init.symmetric", "VIOLATES", "every weight of the map is the same number", *flat))
    return found


def _wide(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.trainable and len(tensor.shape) > 1 and min(tensor.shape[:2]) > 1


def norms(sight: Sight, graph: Graph, biases: frozenset[str]) -> list[Finding]:
    """Norms over a single value, norms whose eps is of the size of the variance, biases that a norm cancels."""
    found: list[Finding] = []
    for call in sight.calls:
        if call.kind != "norm" or not call.inputs or call.output is None:
            continue
        place = call.path or call.op
        if _values(call) == 1:
            found.append(finding("norm.degenerate", "VIOLATES", "one value a set: the output is the bias alone", place))
            continue
        found += _eps(call, place)
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


def _eps(call: Call, place: str) -> list[Finding]:
    eps, one = call.options.get("eps"), call.inputs[0]
    variance = one.second if call.op == "rms_norm" else one.second - one.mean**2
    if (
        not isinstance(eps, float)
        or one.nonfinite
        or variance <= 0
        or (call.op == "batch_norm" and not call.options.get("training"))
    ):
        return []
    kept = variance / (variance + eps)
    if kept > 0.95:
        return []
    says = f"eps {eps:g} beside a variance of {variance:.2g}: the output has {kept:.2g} of its variance"
    outcome = "VIOLATES" if kept < 0.5 else "NOTE"
    return [finding("norm.eps", outcome, says, place, expected=1.0, observed=kept, ratio=kept)]


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
            return [finding("number.range", "VIOLATES", says, call.path or bad[0].path or call.op)]
    return []


def _forward_range(sight: Sight, graph: Graph) -> list[Finding]:
    """An infinity that the next operation takes in, as a softmax does a mask, is none."""
    bad = [c for c in sight.calls if c.kind in _MADE and c.output is not None and c.output.nonfinite]
    lasting = [c for c in bad if not (after := graph.children[c.number]) or any(_lost(sight.calls[n]) for n in after)]
    if not lasting:
        return []
    first = lasting[0]
    size = f" of inputs of rms {first.inputs[0].rms:.3g}" if first.inputs and not first.inputs[0].nonfinite else ""
    says = f"{first.op} gives numbers that are not finite in {first.dtype}{size}"
    return [finding("number.range", "VIOLATES", says, first.path or first.op)]


_MADE = frozenset(
    ("linear", "norm", "activation", "add", "loss", "recurrent", "attention", "softmax", "product", "other")
)


def _lost(call: Call) -> bool:
    return call.output is not None and call.output.nonfinite


def adapters(sight: Sight, graph: Graph) -> list[Finding]:
    """A trainable branch beside a frozen map of the same input must add nothing at the start."""
    found = []
    for call in sight.calls:
        if call.kind != "add" or len(call.parents) != 2:
            continue
        frozen = [p for p in call.parents if _frozen(sight.calls[p], sight.tensors)]
        other = [p for p in call.parents if p not in frozen]
        if len(frozen) != 1 or not other or not _trained(other[0], frozen[0], sight, graph):
            continue
        branch, beside = sight.calls[other[0]], sight.calls[frozen[0]].output
        if branch.output is not None and beside is not None and branch.output.second > 0:
            says = f"its branch starts at rms {branch.output.rms:.3g} beside {beside.rms:.3g}"
            found.append(finding("adapter.active", "VIOLATES", says, call.path or branch.path))
    return found


def _frozen(call: Call, tensors: Mapping[str, Tensor]) -> bool:
    mine = [tensors[n] for n in call.parameters if n in tensors]
    return call.kind == "linear" and bool(mine) and not any(t.trainable for t in mine)


def _trained(node: int, frozen: int, sight: Sight, graph: Graph) -> bool:
    """Whether `node` ends a chain of trainable linear maps that begins at the frozen map's own input."""
    start = sight.calls[frozen].parents
    maps = [c for c in sight.calls if (c.number == node or graph.leads(c.number, node)) and c.kind == "linear"]
    inside = [c for c in maps if any(p in start or any(graph.leads(s, p) for s in start) for p in c.parents)]
    named = [sight.tensors[n] for c in inside for n in c.parameters if n in sight.tensors]
    return bool(named) and all(t.trainable for t in named)
