"""What a linear map feeds, as the pass called it: the activation with its options, a norm, an add, a loss.

An activation is named as `theory` knows it, so that its moments are those of the catalogue.
"""

from collections.abc import Mapping
from typing import NamedTuple

from varlaw.diagnose.records import Call
from varlaw.diagnose.structure import Graph
from varlaw.theory.activations.table import ACTIVATIONS

HOMOGENEOUS = frozenset(("relu", "leaky_relu", "prelu", "abs"))  # phi(a x) = a phi(x) for a > 0: any size is kept

# Operation -> its activation in theory, the option that is its parameter, and that option's place and default.
_PARAMETER = {
    "leaky_relu": ("negative_slope", 0.01),
    "elu": ("alpha", 1.0),
    "celu": ("alpha", 1.0),
    "softplus": ("beta", 1.0),
    "hardshrink": ("lambd", 0.5),
    "softshrink": ("lambd", 0.5),
}
_ENTRIES = frozenset(("activation", "product", "add", "other"))
_THROUGH = frozenset(("dropout", "view", "pool"))


class Follower(NamedTuple):
    """What takes the output of a map: its kind, and the activation by theory's name where it is one."""

    kind: str  # activation, norm, add, linear, loss, attention, end, other
    activation: str = ""
    call: Call | None = None


def activation_of(call: Call, seconds: Mapping[str, float]) -> str | None:
    """The activation of a call by theory's name, "leaky_relu:0.2" with its option; None where theory has none."""
    op = call.op
    if op == "gelu":
        chosen = call.options.get("approximate", call.options.get("argument_1", "none"))
        return "gelu_tanh" if chosen == "tanh" else "gelu"
    if op == "prelu":
        slope = seconds.get(call.parameters[0], 0.0625) ** 0.5 if call.parameters else 0.25
        return f"prelu:{slope!r}"
    if op == "hardtanh":
        ends = tuple(
            call.options.get(name, call.options.get(f"argument_{place}", default))
            for place, (name, default) in enumerate((("min_val", -1.0), ("max_val", 1.0)), 1)
        )
        return {(-1, 1): "hardtanh", (0, 6): "relu6"}.get(ends)
    if op == "threshold":
        return "relu" if call.options.get("threshold", 0) == 0 else None
    if op in _PARAMETER:
        option, default = _PARAMETER[op]
        return f"{op}:{float(call.options.get(option, call.options.get('argument_1', default)))!r}"
    return op if op in ACTIVATIONS else None


def homogeneous(activation: str) -> bool:
    """Whether any size of the signal is kept by one gain.

    >>> homogeneous("leaky_relu:0.2"), homogeneous("tanh")
    (True, False)
    """
    return activation.partition(":")[0] in HOMOGENEOUS


def composed(call: Call, graph: Graph) -> Call | None:
    """The last of the maps of entries that follow a call and come together again: an activation written out by hand."""
    inside, last, joins = {call.number}, None, False
    for c in graph.calls[call.number + 1 :]:
        if c.parents and set(c.parents) <= inside and c.kind in _ENTRIES and c.shape == call.shape and not c.parameters:
            inside.add(c.number)
            last, joins = c, joins or len(c.parents) > 1
    leaving = [n for n in inside if set(graph.children[n]) - inside]
    return last if joins and last is not None and leaving == [last.number] else None


def follower(number: int, graph: Graph, seconds: Mapping[str, float]) -> Follower:
    """What takes the output of call `number`, past views, dropout and pooling.

    Of several takers an activation leads: x * sigmoid(x) and gated units feed theirs and a product.
    """
    while True:
        children = [graph.calls[c] for c in graph.children[number]]
        if not children:
            return Follower("end")
        for call in children:
            if call.kind == "activation" and (name := activation_of(call, seconds)):
                return Follower("activation", name, call)
        first = children[0]
        if len(children) > 1 or first.kind not in _THROUGH:
            return Follower(first.kind if first.kind in _KINDS else "other", "", first)
        number = first.number


_KINDS = frozenset(("norm", "add", "linear", "loss", "attention", "softmax"))
