"""torch.nn.utils: gradient clipping by global norm and by value, on real parameters with gradients; normalize."""

from collections.abc import Sequence
from typing import Any

from varlaw.subjects.subject import Clipper, Floats
from varlaw.subjects.torch.framework import TORCH, dtype_of, floats, tensor


def _clipper(name: str, op: str) -> Clipper:
    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        import torch

        made: dict[int, Any] = {}  # an array that is given twice is one parameter given twice
        for g in grads:
            if id(g) not in made:
                made[id(g)] = torch.nn.Parameter(torch.zeros_like(tensor(g, dtype, device)))
                made[id(g)].grad = tensor(g, dtype, device).clone()  # clipped in place: the caller's data is shared
        parameters = [made[id(g)] for g in grads]
        norm = getattr(torch.nn.utils, name)(parameters, limit)
        return [floats(p.grad) for p in parameters], None if norm is None else float(norm)

    return Clipper(name=f"torch.nn.utils.{name}", framework=TORCH, op=op, apply=apply)


def _normalise() -> Clipper:
    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        import torch

        return [floats(torch.nn.functional.normalize(tensor(g, dtype, device), dim=0)) for g in grads], None

    return Clipper(name="torch.nn.functional.normalize", framework=TORCH, op="normalise", apply=apply)


def _spectral(name: str) -> Clipper:
    """The weight of a linear layer after one training step, from the start vectors of one seed."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        import torch

        found = []
        with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []), torch.no_grad():
            torch.manual_seed(0)
            for w in grads:
                layer = torch.nn.Linear(w.shape[1], w.shape[0], dtype=dtype_of(dtype), device=device)
                layer.weight.copy_(tensor(w, dtype, device))
                module = torch.nn.utils.parametrizations if name.startswith("parametrizations") else torch.nn.utils
                layer = module.spectral_norm(layer)
                layer(torch.ones(1, w.shape[1], dtype=dtype_of(dtype), device=device))
                found.append(floats(layer.weight))
        return found, None

    return Clipper(name=f"torch.nn.utils.{name}", framework=TORCH, op="spectral", apply=apply)


CLIPPERS: tuple[Clipper, ...] = (
    _normalise(),
    _spectral("spectral_norm"),
    _spectral("parametrizations.spectral_norm"),
    _clipper("clip_grad_norm_", "clip_norm"),
    _clipper("clip_grad_value_", "clip_value"),
)
