"""Roles that explain a missing gradient by its peers, and choices that leave none: of many the largest alone."""

import re

from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Call, Sight, Tensor
from varlaw.diagnose.structure import Graph


def idle(tensor: Tensor, sight: Sight) -> bool:
    """One of several experts that the router did not choose: its siblings get gradients."""
    role = pattern(tensor.name)
    peers = [t for t in sight.tensors.values() if t.name != tensor.name and pattern(t.name) == role]
    alike = [t for t in peers if t.shape == tensor.shape]
    routed = any(c.op in ("topk", "index_add", "scatter", "one_hot") for c in sight.calls)
    return routed and any(t.gradient is not None and t.gradient.second > 0 for t in alike)


def last_of_stack(name: str, sight: Sight) -> bool:
    """Whether all before it in a stack get gradients, and so do others of its own block: WaveNet's last residual."""
    moved = {n for n, t in sight.tensors.items() if t.gradient is not None}
    for number in re.finditer(r"\d+", name):
        ahead, behind = name[: number.start()], name[number.end() :]
        stack = {int(n[len(ahead) : len(n) - len(behind)]): n for n in sight.tensors if _like(n, ahead, behind)}
        block = [n for n in moved if number[0] in n.split(".") and pattern(n) != pattern(name)]
        if len(stack) > 1 and max(stack) == int(number[0]) and set(stack.values()) - moved == {name} and block:
            return True
    return False


def _like(name: str, ahead: str, behind: str) -> bool:
    inside = name.startswith(ahead) and name.endswith(behind) and len(name) > len(ahead) + len(behind)
    return inside and name[len(ahead) : len(name) - len(behind)].isdigit()


def best_of_many(call: Call) -> bool:
    """Whether a call keeps the largest alone, on an axis of its own."""
    asked, second = call.options, call.options.get("argument_2")
    if call.op == "topk":
        return 1 in (asked.get("k"), asked.get("argument_1"))
    return call.op in ("max", "amax") and (asked.get("keepdim") is True or second is True)


def divided_by_itself(number: int, graph: Graph) -> bool:
    """Whether all ways from a call end in the largest of some scores divided by itself, which is 1 whatever it is."""
    ones = {c.number for c in graph.calls if c.op in ("div", "truediv", "itruediv") and _of_best(c, graph)}
    open_, seen = [number], set[int]()
    while open_ and ones:
        here = open_.pop()
        if here in ones or here in seen or graph.calls[here].gradient is None:
            continue
        if not graph.children[here]:
            return False
        seen.add(here)
        open_ += graph.children[here]
    return bool(ones)


def _of_best(call: Call, graph: Graph) -> bool:
    one = call.output is not None and call.output.count > 1 and call.output.mean == call.output.second == 1
    related = len(call.parents) == 2 and graph.leads(*sorted(call.parents))
    return one and related and best_of_many(graph.calls[min(call.parents)])
