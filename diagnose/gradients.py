"""Gradients that do not arrive, or arrive as nothing: unused, cut off, hidden behind zeros, the same for every unit.

No chance is involved: a finding here is a count or an equality.
"""

from collections.abc import Sequence

from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Call, Finding, Moments, Sight, Tensor
from varlaw.diagnose.signals import finding
from varlaw.diagnose.stacks import best_of_many, divided_by_itself, idle, last_of_stack
from varlaw.diagnose.structure import Graph, place

_BETWEEN = frozenset(("dropout", "view"))
_FEW = 2  # arguments that a line names


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


def arriving(sight: Sight, graph: Graph, zeros: frozenset[str], targets: frozenset[str]) -> list[Finding]:
    """Trainable parameters whose gradient is missing or exactly zero, unless their role explains it.

    targets: parameters that start as copies of trained ones.
    """
    users = graph.users()
    found: list[Finding] = []
    for tensor in sight.tensors.values() if sight.output else ():
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
        elif calls and all(divided_by_itself(n, graph) for n in calls):
            says = "the largest of its scores is divided by itself: 1 whatever the score"
            found.append(finding("gradient.zero", "VIOLATES", says, tensor.name, observed=0.0))
    return _merged(found)


def nothing_trains(sight: Sight) -> list[Finding]:
    """A model with a loss of which no parameter may move, nor the batch itself."""
    own = [t for t in sight.tensors.values() if not t.buffer]
    wanted = any(c.graph for c in sight.calls if c.kind == "input") or sight.foreign
    if sight.loss is None or not own or wanted or any(t.trainable for t in own):
        return []
    says = "requires_grad=False on every parameter: nothing that the loss depends on will move"
    return [finding("gradient.none", "VIOLATES", says, *(t.name for t in own))]


def frozen(sight: Sight, drawn: frozenset[str]) -> list[Finding]:
    """Weights drawn at random by every build that stay as they are, though others of their role are trained."""
    trained = {(pattern(n), t.shape) for n, t in sight.tensors.items() if t.trainable}
    still = [t for t in sight.tensors.values() if not t.trainable and not t.buffer and t.name in drawn]
    names = [t.name for t in still if (pattern(t.name), t.shape) in trained]
    says = "requires_grad=False on random weights, where others of their role are trained"
    return [finding("gradient.none", "NOTE", says, *names)] if names else []


def _missing(tensor: Tensor, calls: Sequence[int], sight: Sight, graph: Graph) -> list[Finding]:
    if not calls:
        if idle(tensor, sight):
            return []
        if any(path.startswith(_owner(tensor.name)) for path in _blind_paths(sight)):
            return [
                finding("gradient.none", "NOT_APPLICABLE", "not seen: its module cannot be looked into", tensor.name)
            ]
        if (wants := _wants(tensor.name, sight)) is not None:
            says = f"not fed by this batch, which holds no {' and no '.join(wants[:_FEW])}"
            return [finding("gradient.none", "NOTE", says, tensor.name)]
        return [finding("gradient.none", "VIOLATES", "no operation of the pass uses it", tensor.name)]
    cut = next((sight.calls[n] for n in calls if not sight.calls[n].graph), None) or graph.cut(calls[0])
    if cut is None and last_of_stack(tensor.name, sight):
        says = "the last of a stack, all of which it runs: what this one makes goes nowhere"
        return [finding("gradient.none", "NOTE", says, tensor.name)]
    why = f"cut at {cut.path or 'the model'} ({cut.op})" if cut else _loose(calls, graph)
    return [finding("gradient.none", "VIOLATES", why, tensor.name)]


def _loose(calls: Sequence[int], graph: Graph) -> str:
    """That no loss depends on it, and where its way ends."""
    behind = {c.number for n in calls for c in (graph.calls[n], *graph.downstream(n))}
    ends = dict.fromkeys(place(graph.calls[n], graph.calls) for n in sorted(behind) if not graph.children[n])
    says = "nothing that is minimised depends on it"
    return f"{says}: its way ends at {next(iter(ends))}" if len(ends) == 1 else says


def _wants(name: str, sight: Sight) -> tuple[str, ...] | None:
    """The arguments for want of which the module of a parameter did not run; None where that is not why."""
    return next((wants for path, wants in sight.unfed.items() if f"{name}.".startswith(f"{path}.")), None)


def _zero(tensor: Tensor, calls: Sequence[int], sight: Sight, graph: Graph, zeros: frozenset[str]) -> list[Finding]:
    if idle(tensor, sight) or any(_waits(n, sight, graph, zeros) for n in calls):
        return []
    if any(_within(sight.calls[n], tensor, sight, zeros) for n in calls):
        return []
    if calls and all(_cancelled(n, tensor, graph) for n in calls):
        return []
    if calls and all(any(_of_one_key(c, graph) for c in graph.downstream(n)) for n in calls):
        says = "a softmax of one score: its weight is 1 whatever the score, and the batch shows no more"
        return [finding("gradient.zero", "NOTE", says, tensor.name, observed=0.0)]
    if len(tensor.shape) == 1 and any(_arrives(sight.calls[n]) for n in calls):
        says = "what follows takes it off: the gradients of its rows cancel"
        return [finding("gradient.zero", "NOTE", says, tensor.name, observed=0.0)]
    says = "its gradient is exactly zero"
    if len(tensor.shape) > 1 and calls and all(_empty(sight.calls[n].inputs[:1]) for n in calls):
        says += ", as is all that it is given"
    return [finding("gradient.zero", "VIOLATES", says, tensor.name, observed=0.0)]


def _empty(seen: Sequence[Moments | None]) -> bool:
    return any(m is not None and m.second == 0 for m in seen)


def _of_one_key(call: Call, graph: Graph) -> bool:
    """Whether a softmax has one number to weigh because the batch has one, not because one unit makes its scores."""
    dim = call.options.get("dim", call.options.get("argument_1"))
    if call.kind != "softmax" or not isinstance(dim, int) or not call.shape or call.shape[dim] != 1:
        return False
    before = call
    while before.parents and before.kind != "linear":
        if best_of_many(before):
            return False  # so it is for every batch
        before = graph.before(before)
    units = 1 if before.op.startswith("conv") else -1
    if before.kind != "linear" or not before.parameters or before.shape[units] != 1:
        return True
    if before.shape.count(1) == 1:
        return False
    return len(before.shape) != len(call.shape) or (dim - units) % len(call.shape) != 0


def _arrives(call: Call) -> bool:
    return call.kind in ("linear", "add", "norm") and call.gradient is not None and call.gradient.second > 0


def _waits(number: int, sight: Sight, graph: Graph, zeros: frozenset[str]) -> bool:
    """Held by a factor that is all zero and gets a gradient itself: it moves from the second step on.

    The factor stands behind it, or in front of it, or made the other side of a product. In front of it a bias will do.
    """
    moving = [c for c in sight.calls if any(_moves(n, sight, zeros) for n in _scales(c, sight))]
    if any(graph.leads(number, c.number) for c in moving if c.kind != "embedding"):
        return True
    nothing = [c.number for c in moving if _empty([c.output])]
    begun = [c.number for c in sight.calls if _empty([c.output]) and any(_moves(n, sight, zeros) for n in c.parameters)]
    if any(graph.leads(c, number) for c in begun) and _empty(sight.calls[number].inputs[:1]):
        return True
    products = [
        d.number for d in graph.downstream(number) if d.kind == "product" or (d.kind == "linear" and not d.parameters)
    ]
    return any(graph.leads(c, d) and not graph.leads(number, c) for c in nothing for d in products)


def _within(call: Call, tensor: Tensor, sight: Sight, zeros: frozenset[str]) -> bool:
    """Whether the weight of a map is made of several parameters, one of which is such a factor: W + B A."""
    others = [n for n in _factors(call, sight) if n not in (tensor.name, *tensor.aliases)]
    return call.kind == "linear" and any(_moves(n, sight, zeros) for n in others)


def _moves(name: str, sight: Sight, zeros: frozenset[str]) -> bool:
    g = sight.tensors[name].gradient if name in zeros and name in sight.tensors else None
    return g is not None and g.second > 0


def _scales(call: Call, sight: Sight) -> list[str]:
    """What a call multiplies by: its factors, or the table from which it takes what another is multiplied by."""
    return [n for n in call.parameters if n in sight.tensors] if call.kind == "embedding" else _factors(call, sight)


def _factors(call: Call, sight: Sight) -> list[str]:
    """The parameters of a call that its signal is multiplied by: no bias, nothing that is added."""
    names = [n for n in call.parameters if n in sight.tensors]
    if call.kind in ("add", "embedding", "join"):
        return []
    if call.kind in ("linear", "recurrent"):
        return [n for n in names if len(sight.tensors[n].shape) > 1]
    return names[:1] if call.kind == "norm" else names


def _cancelled(number: int, tensor: Tensor, graph: Graph) -> bool:
    """A bias in front of a norm that takes the mean off, or behind a softmax's keys: its gradient is zero by law."""
    if len(tensor.shape) != 1:
        return False
    behind = list(graph.single(number, _BETWEEN))
    return bool(behind) and behind[-1].kind in ("norm", "softmax", "attention")


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
    maps = [names for c in sight.calls for names in _maps(c, sight)]
    whole = {n for names in maps if constants.issuperset(names) for n in names}
    flat = [n for n in sorted(whole) if n not in bad and _wide(sight.tensors.get(n))]
    if flat:
        found.append(finding("init.symmetric", "VIOLATES", "every weight of the map is the same number", *flat))
    return found


def _maps(call: Call, sight: Sight) -> list[list[str]]:
    """The matrices that make one layer's units: of a recurrent layer those of the input and of the state together."""
    names = _factors(call, sight)
    if call.kind == "recurrent":
        return [names[i : i + 2] for i in range(0, len(names), 2)]
    return [names[:1]] if call.kind == "linear" and names else []


def _wide(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.trainable and len(tensor.shape) > 1 and min(tensor.shape[:2]) > 1
