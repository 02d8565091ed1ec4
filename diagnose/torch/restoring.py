"""Putting a model back: what one pass changes in a module, its gradients and the generators is what it was before."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

from varlaw.diagnose.torch.building import seeded


@contextlib.contextmanager
def untouched(model: torch.nn.Module, seed: int) -> Iterator[None]:
    """Runs the body with `.grad` empty and generators seeded, and restores every module whatever the body does."""
    modules = list(model.modules())
    before = [(module, dict(module.__dict__), _own(module)) for module in modules]
    buffers = [(b, b.detach().clone()) for b in model.buffers()]
    gradients = [(p, p.grad) for p in model.parameters()]
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        with seeded(seed):
            yield
    finally:
        _restore(before, buffers, gradients)


def _own(module: torch.nn.Module) -> dict[str, dict[str, Any]]:
    """The tables of a module that a pass may add to: parameters, buffers, hooks, and plain dictionaries."""
    return {name: dict(value) for name, value in module.__dict__.items() if isinstance(value, dict)}


def _restore(before: Any, buffers: Any, gradients: Any) -> None:
    with torch.no_grad():
        for buffer, value in buffers:
            if not torch.equal(buffer, value):
                buffer.resize_(value.shape).copy_(value)
    for module, attributes, tables in before:
        for name in set(module.__dict__) - set(attributes):
            del module.__dict__[name]
        module.__dict__.update(attributes)
        for name, table in tables.items():
            kept = module.__dict__[name]
            for key in [k for k in kept if k not in table]:
                del kept[key]
            kept.update(table)
    for parameter, gradient in gradients:
        parameter.grad = gradient
    torch.clear_autocast_cache()
