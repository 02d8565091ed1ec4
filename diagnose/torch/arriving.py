"""Gradients as they arrive: their numbers are taken and their memory is given back before the next one is made.

A pass then holds its activations and one gradient, not one for every parameter.
"""

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import torch

from varlaw.diagnose.records import Moments
from varlaw.diagnose.torch import measuring


class Arrived(NamedTuple):
    """What is known of one gradient: its moments, and whether it keeps units alike that started alike."""

    moments: Moments
    equal_rows: bool


@contextlib.contextmanager
def noted(model: torch.nn.Module, blind: list[str]) -> Iterator[dict[torch.nn.Parameter, Arrived]]:
    """The gradients of the backward pass that the body runs, by parameter; sharded ones stay where they are."""
    found: dict[torch.nn.Parameter, Arrived] = {}

    def arrived(name: str, parameter: torch.nn.Parameter) -> None:
        again = parameter in found
        now = of(parameter)
        if now is not None and not (again and found[parameter].moments.second > now.moments.second):
            found[parameter] = now
        if again:  # a backward pass inside the backward pass, as reentrant checkpoints run one
            blind.append(f"{name}: its gradient comes in parts, of which the largest counts")
        parameter.grad = None

    hooks = [
        parameter.register_post_accumulate_grad_hook(lambda p, name=name: arrived(name, p))  # type: ignore[no-untyped-call]
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.is_leaf and not hasattr(parameter, "full_tensor")
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def of(parameter: torch.Tensor) -> Arrived | None:
    """What is known of the gradient that a parameter holds; None where it holds none."""
    if parameter.grad is None:
        return None
    gradient = measuring.whole(parameter.grad)
    if not gradient.numel():
        return None
    dense = not gradient.is_sparse
    second, mean = (float(x) for x in measuring.moments_of(gradient if dense else gradient.coalesce().values()))
    equal = dense and parameter.ndim >= 2 and second > 0
    return Arrived(
        measuring.moments(second, mean, gradient.numel()),
        equal and _alike(measuring.whole(parameter)) and _alike(gradient),
    )


def _alike(x: torch.Tensor) -> bool:
    """Whether all rows, or all columns, are the same bits."""
    x = x[0] if x.ndim > 2 and x.shape[0] == 1 else x  # a table that is broadcast over the batch
    if x.is_complex() or 1 in x.shape[:2]:
        return False
    rows, columns = (x, x[:1]), (x, x[:, :1])
    return any(bool((a[:2, :2] == b[:2, :2]).all()) and bool((a == b).all()) for a, b in (rows, columns))
