"""Weights written as direction and length, or standardised, for torch: weight norm and weight standardisation.

One unit is a row of the weight, axis 0, its other axes flattened. Both maps are computed in float64 and come with
their gradients, derived by hand; results have the dtype of the weight. A unit of zeros has no direction: on
the CPU a `ValueError` says which, elsewhere, where nothing waits to look, its weights become NaN.
"""

import math

import torch

from varlaw.impl.affine import fitting
from varlaw.impl.arguments import flag, number, refuse
from varlaw.impl.torch.norm_gradients import layer_norm_backward
from varlaw.impl.torch.norms import layer_norm
from varlaw.impl.torch.rows import PEAKS
from varlaw.impl.torch.streams import float_tensor, may_ask


def weight_norm(v: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """w = g * v / |v| for each unit (Salimans & Kingma 2016, arXiv:1602.07868).

    `v` is (out, ...) and `g` is (out,), the length of each unit's weights.

    >>> weight_norm(torch.tensor([[3.0, 4.0]]), torch.tensor([10.0]))
    tensor([[6., 8.]])
    """
    wide, length, scale, _ = _polar(v, g, "weight_norm")
    return (wide * (scale / length).unsqueeze(1)).to(v.dtype).reshape(v.shape)


def weight_norm_backward(grad: torch.Tensor, v: torch.Tensor, g: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients by `v` and `g` from that of w: the one for v is orthogonal to v in every unit.

    >>> weight_norm_backward(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]), torch.tensor([4.0]))
    (tensor([[2., 0.]]), tensor([0.]))
    """
    where = "weight_norm_backward"
    wide, length, scale, power = _polar(v, g, where)
    fitting("grad", tuple(float_tensor("grad", grad, where).shape), tuple(v.shape), where)
    given = grad.to(torch.float64).reshape(wide.shape)
    unit = wide / length.unsqueeze(1)
    along = (given * unit).sum(dim=1)
    by_v = (given - along.unsqueeze(1) * unit) * (scale / length).unsqueeze(1) * power
    return by_v.to(v.dtype).reshape(v.shape), along.to(g.dtype)


def weight_standardise(w: torch.Tensor, *, eps: float = 0.0, by_fan_in: bool = False) -> torch.Tensor:
    """Each unit's weights with mean 0 and variance 1 (Qiao et al. 2019, arXiv:1903.10520).

    With `by_fan_in` the variance is 1/fan_in instead, which keeps the second moment (arXiv:2101.08692).

    >>> weight_standardise(torch.tensor([[3.0, 1.0]]))
    tensor([[ 1., -1.]])
    """
    where = "weight_standardise"
    size, spread = number("eps", eps, where, low=0.0), _spread(w, by_fan_in, where)
    flat = layer_norm(w.to(torch.float64).reshape(len(w), -1), eps=size)
    return (flat / spread).to(w.dtype).reshape(w.shape)


def weight_standardise_backward(
    grad: torch.Tensor, w: torch.Tensor, *, eps: float = 0.0, by_fan_in: bool = False
) -> torch.Tensor:
    """Gradient by the weights before they were standardised.

    >>> weight_standardise_backward(torch.tensor([[1.0, 1.0]]), torch.tensor([[3.0, 1.0]]))
    tensor([[0., 0.]])
    """
    where = "weight_standardise_backward"
    size, spread = number("eps", eps, where, low=0.0), _spread(w, by_fan_in, where)
    fitting("grad", tuple(float_tensor("grad", grad, where).shape), tuple(w.shape), where)
    given = grad.to(torch.float64).reshape(len(w), -1) / spread
    found = layer_norm_backward(given, w.to(torch.float64).reshape(len(w), -1), eps=size)
    return found.x.to(w.dtype).reshape(w.shape)


def _polar(
    v: torch.Tensor, g: torch.Tensor, where: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows of v times a power of two each, their lengths, g and the powers, such that no square leaves its range."""
    _units("v", v, where)
    fitting("g", tuple(float_tensor("g", g, where).shape), tuple(v.shape[:1]), where)
    wide = v.to(torch.float64).reshape(len(v), -1)
    peak = torch.linalg.vector_norm(wide.detach(), math.inf, dim=1)
    if may_ask(peak) and not peak.all():
        refuse("v", f"unit {int(peak.argmin())} of zeros", "without a unit of zeros", where)
    peak = torch.where(peak.isfinite(), peak.clamp(*PEAKS[torch.float64]), 1.0)
    power = (torch.frexp(peak).mantissa / peak).unsqueeze(1)
    wide = wide * power
    return wide, (wide * wide).sum(dim=1).sqrt(), g.to(torch.float64), power


def _spread(w: torch.Tensor, by_fan_in: bool, where: str) -> float:
    """What standardised weights are divided by."""
    units = _units("w", w, where)
    return math.sqrt(w.numel() // units) if flag("by_fan_in", by_fan_in, where) else 1.0


def _units(name: str, w: torch.Tensor, where: str) -> int:
    if float_tensor(name, w, where).ndim < 2 or not w.numel():
        refuse(f"{name}.shape", tuple(w.shape), "(out, ...) with at least one weight", where)
    return len(w)
