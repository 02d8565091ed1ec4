"""Roles that explain a missing gradient by its peers: an expert that was not chosen, the last of a stack."""

import re

from varlaw.diagnose.parameters import pattern
from varlaw.diagnose.records import Sight, Tensor


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
