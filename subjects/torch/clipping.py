"""torch: gradient clipping by global norm and by value, rows of bounded norm, weights divided by their norm."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

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


def _bounded(name: str, bound: Callable[[Any, float], Any]) -> Clipper:
    """`bound(row, limit)` gives a matrix of one row, which holds all leaves, back with a norm of `limit` at most."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        one = bound(tensor(np.concatenate([np.ravel(g) for g in grads])[None], dtype, device), limit)
        parts = np.split(floats(one)[0], np.cumsum([g.size for g in grads])[:-1])
        return [part.reshape(g.shape) for part, g in zip(parts, grads, strict=True)], None

    return Clipper(name=f"torch.{name}", framework=TORCH, op="clip_norm", apply=apply)


def _renorm(row: Any, limit: float) -> Any:
    import torch

    return torch.renorm(row, 2, 0, limit)


def _embedding(row: Any, limit: float) -> Any:
    """The vector that a lookup gives, and that it leaves in the table."""
    import torch

    layer = torch.nn.Embedding(1, row.shape[1], max_norm=limit, dtype=row.dtype, device=row.device)
    with torch.no_grad():
        layer.weight.copy_(row)
        return layer(torch.zeros(1, dtype=torch.int64, device=row.device))


def _direction(name: str) -> Clipper:
    """The weight of a linear layer of one output after `weight_norm`, at a length of 1."""

    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        import torch

        found = []
        for g in grads:
            layer = torch.nn.Linear(g.size, 1, bias=False, dtype=dtype_of(dtype), device=device)
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # one of the two functions is deprecated, and says so
                layer.weight.copy_(tensor(g[None], dtype, device))
                parametrised = name.startswith("parametrizations")
                layer = (torch.nn.utils.parametrizations if parametrised else torch.nn.utils).weight_norm(layer)
                (layer.parametrizations.weight.original0 if parametrised else layer.weight_g).fill_(1.0)
                layer(torch.zeros(1, g.size, dtype=dtype_of(dtype), device=device))  # what recomputes the weight
            found.append(floats(layer.weight)[0])
        return found, None

    return Clipper(name=f"torch.nn.utils.{name}(direction)", framework=TORCH, op="normalise", apply=apply)


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
    _direction("weight_norm"),
    _direction("parametrizations.weight_norm"),
    _spectral("spectral_norm"),
    _spectral("parametrizations.spectral_norm"),
    _clipper("clip_grad_norm_", "clip_norm"),
    _clipper("clip_grad_value_", "clip_value"),
    _bounded("renorm", _renorm),
    _bounded("nn.Embedding(max_norm)", _embedding),
)
