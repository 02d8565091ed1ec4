"""torch: vectors divided by their norm, weights of a layer that keeps their length, spectral normalisation."""

import warnings
from typing import Any

from varlaw.subjects.subject import Floats, Normaliser
from varlaw.subjects.torch.framework import TORCH, dtype_of, floats, tensor


def _linear(w: Any) -> Any:
    """A linear layer that has this weight, of shape (outputs, inputs)."""
    import torch

    layer = torch.nn.Linear(w.shape[1], w.shape[0], bias=False, dtype=w.dtype, device=w.device)
    with torch.no_grad():
        layer.weight.copy_(w)
    return layer


def _inputs(w: Floats, dtype: str, device: str) -> Any:
    """For the forward pass that computes the weight anew."""
    import torch

    return torch.ones(1, w.shape[-1], dtype=dtype_of(dtype), device=device)


def _function() -> Normaliser:
    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        import torch

        return floats(torch.nn.functional.normalize(tensor(x, dtype, device), dim=0))

    return Normaliser(name="torch.nn.functional.normalize", framework=TORCH, op="normalise", apply=apply)


def _direction(name: str) -> Normaliser:
    """The weight of a layer of one output after `weight_norm`, at a length of 1."""
    parametrised = name.startswith("parametrizations")

    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        import torch

        module = torch.nn.utils.parametrizations if parametrised else torch.nn.utils
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one of the two functions is deprecated, and says so
            layer: Any = module.weight_norm(_linear(tensor(x[None], dtype, device)))
            (layer.parametrizations.weight.original0 if parametrised else layer.weight_g).fill_(1.0)
            layer(_inputs(x, dtype, device))
        row: Floats = floats(layer.weight)[0]
        return row

    return Normaliser(name=f"torch.nn.utils.{name}(direction)", framework=TORCH, op="normalise", apply=apply)


def _spectral(name: str) -> Normaliser:
    """The weight of a linear layer after one training step."""

    def apply(x: Floats, dtype: str, device: str, seed: int) -> Floats:
        import torch

        module = torch.nn.utils.parametrizations if name.startswith("parametrizations") else torch.nn.utils
        with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []), torch.no_grad():
            torch.manual_seed(seed)
            layer = module.spectral_norm(_linear(tensor(x, dtype, device)))
            layer(_inputs(x, dtype, device))
        return floats(layer.weight)

    return Normaliser(name=f"torch.nn.utils.{name}", framework=TORCH, op="spectral", apply=apply)


NORMALISERS: tuple[Normaliser, ...] = (
    _function(),
    _direction("weight_norm"),
    _direction("parametrizations.weight_norm"),
    _spectral("spectral_norm"),
    _spectral("parametrizations.spectral_norm"),
)
