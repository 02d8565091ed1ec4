"""Tensors that a module keeps as plain attributes and that want a gradient: no optimiser will be given them."""

from collections.abc import Iterator
from typing import Any

import torch


def kept(model: torch.nn.Module) -> dict[str, list[torch.Tensor]]:
    """By the name of an attribute, the leaves behind it that are no parameters of the model."""
    own = {id(p) for p in model.parameters()}
    found: dict[str, list[torch.Tensor]] = {}
    for owner, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor) and value.requires_grad:
                leaves = [leaf for leaf in _leaves(value) if id(leaf) not in own]
                if leaves:
                    found[f"{owner}.{name}".removeprefix(".")] = leaves
    return found


def _leaves(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    if tensor.is_leaf:
        yield tensor
        return
    waiting: list[Any] = [tensor.grad_fn]
    seen = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            yield node.variable
        waiting += [function for function, _ in node.next_functions]


class Loose:
    """The attributes of a model as they were before a pass; `moved` names those that the pass gave a gradient."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._kept = kept(model)
        self._before = {id(leaf): (leaf, leaf.grad) for leaves in self._kept.values() for leaf in leaves}
        for leaf, _ in self._before.values():
            leaf.grad = None

    def moved(self) -> tuple[str, ...]:
        found = tuple(name for name, leaves in self._kept.items() if any(leaf.grad is not None for leaf in leaves))
        for leaf, gradient in self._before.values():
            leaf.grad = gradient
        return found
