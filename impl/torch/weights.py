"""Weights written as direction and length, or standardised, for torch: weight norm and weight standardisation.

One unit is a row of the weight, axis 0, its other axes flattened. Both maps are computed in float64 and come with
their gradients, derived by hand; results have the dtype of the weight. A unit of zeros has no direction: on
the CPU a `ValueError` says which, elsewhere, where nothing waits to look, its weights become NaN.
"""

import math

import torch

from varlaw.impl.affine import fitting
from varlaw.impl.arguments import number, refuse, refuse_type
from varlaw.impl.torch.norm_gradients import layer_norm_backward
from varlaw.impl.torch.norms import layer_norm
from varlaw.impl.torch.streams import dtype_of, may_ask


def weight_norm(v: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """w = g * v / |v| for each unit (Salimans & Kingma 2016, arXiv:1602.07868).

    `v` is (out, ...) and `g` is (out,), the length of each unit's weights.

    >>> weight_norm(torch.tensor([[3.0, 4.0]]), torch.tensor([10.0]))
    tensor([[6., 8.]])
    """
    wide, length, scale = _polar(v, g, "weight_norm")
    return (wide * (scale / length).unsqueeze(1)).to(v.dtype).reshape(v.shape)


def weight_norm_backward(grad: torch.Tensor, v: torch.Tensor, g: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients by `v` and `g` from that of w: the one for v is orthogonal to v in every unit.

    >>> weight_norm_backward(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), torch.tensor([4.0]))
    (tensor([[2., 0.]]), tensor([0.]))
    """
    wide, length, scale = _polar(v, g, "weight_norm_backward")
    fitting("grad", tuple(grad.shape), tuple(v.shape), "weight_norm_backward")
    given = grad.to(torch.float64).reshape(wide.shape)
    unit = wide / length.unsqueeze(1)
    along = (given * unit).sum(dim=1)
    by_v = (given - along.unsqueeze(1) * unit) * (scale / length).unsqueeze(1)
    return by_v.to(v.dtype).reshape(v.shape), along.to(g.dtype)


def weight_standardise(w: torch.Tensor, *, eps: float = 0.0, by_fan_in: bool = False) -> torch.Tensor:
    """Each unit's weights with mean 0 and variance 1 (Qiao et al. 2019, arXiv:1903.10520).

    With `by_fan_in` the variance is 1/fan_in instead, which keeps the second moment (arXiv:2101.08692).

    >>> weight_standardise(torch.tensor([[3.0, 1.0]]))
    tensor([[ 1., -1.]])
    """
    size, count = number("eps", eps, "weight_standardise", low=0.0), _fan_in(w, "weight_standardise")
    flat = layer_norm(w.to(torch.float64).reshape(len(w), -1), eps=size)
    return (flat / math.sqrt(count) if by_fan_in else flat).to(w.dtype).reshape(w.shape)


def weight_standardise_backward(
    grad: torch.Tensor, w: torch.Tensor, *, eps: float = 0.0, by_fan_in: bool = False
) -> torch.Tensor:
    """Gradient by the weights before they were standardised.

    >>> weight_standardise_backward(torch.tensor([[1.0, 1.0]]), torch.tensor([[3.0, 1.0]]))
    tensor([[0., 0.]])
    """
    where = "weight_standardise_backward"
    size, count = number("eps", eps, where, low=0.0), _fan_in(w, where)
    fitting("grad", tuple(grad.shape), tuple(w.shape), where)
    given = grad.to(torch.float64).reshape(len(w), -1) / (math.sqrt(count) if by_fan_in else 1.0)
    found = layer_norm_backward(given, w.to(torch.float64).reshape(len(w), -1), eps=size)
    return found.x.to(w.dtype).reshape(w.shape)


def _polar(v: torch.Tensor, g: torch.Tensor, where: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    _fan_in(v, where)
    if not isinstance(g, torch.Tensor):
        refuse_type("g", g, "a torch.Tensor", where)
    fitting("g", tuple(g.shape), tuple(v.shape[:1]), where)
    wide = v.to(torch.float64).reshape(len(v), -1)
    length = (wide * wide).sum(dim=1).sqrt()
    if may_ask(length.detach()) and not length.all():
        refuse("v", f"unit {int(length.argmin())} of zeros", "without a unit of zeros", where)
    return wide, length, g.to(torch.float64)


def _fan_in(w: torch.Tensor, where: str) -> int:
    if not isinstance(w, torch.Tensor):
        refuse_type("w", w, "a torch.Tensor", where)
    dtype_of(w.dtype, where)
    if w.ndim < 2 or not w.numel():
        refuse("w.shape", tuple(w.shape), "(out, ...) with at least one weight", where)
    return w.numel() // len(w)
