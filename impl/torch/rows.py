"""Rows of a 2-D torch tensor with mean 0 and mean square 1, and the statistics that make them so.

The mean is taken about a value of the row, and rows whose squares leave the range of the dtype are scaled by a power of
two: on the CPU when a look says so, elsewhere, where nothing waits to look, always.
"""

import math
from typing import Any

import numpy as np
import torch

from varlaw.impl.numpy.rows import inverse_rms
from varlaw.impl.torch.streams import eager, may_ask

LOST = {torch.float32: 2.0**-80, torch.float64: 2.0**-900}  # mean squares below it may lack what underflowed
PEAKS = {
    torch.float32: (2.0**-100, 2.0**126),
    torch.float64: (2.0**-1000, 2.0**1020),
}  # rows are scaled by 1 over these

PIECE = 256  # values whose squares may be summed plainly
_TENSORS = (torch.Tensor, torch.nn.Parameter)
MANY = 2**19  # values for which torch's threads pay


def quick_rms(x: torch.Tensor, axes: Any, gamma: torch.Tensor | None, eps: float) -> torch.Tensor | None:
    """RMS norm over the last axis of a plain float32 tensor of which nobody asks gradients, in few calls; else None."""
    usual = type(axes) is int and axes == -1 and type(eps) is float and eager()
    if not usual or not _plain(x) or not x.numel():
        return None
    length = x.shape[-1]
    if gamma is not None and not (_plain(gamma) and gamma.ndim == 1 and len(gamma) == length):
        return None
    asked = x.requires_grad or (gamma is not None and gamma.requires_grad)
    if not LOST[x.dtype] <= eps <= 1e30 or (asked and torch.is_grad_enabled()):
        return None
    rows = x.detach() if asked else x
    rows = rows if x.ndim == 2 and x.is_contiguous() else rows.reshape(-1, length).contiguous()
    scale = _scales_by_numpy(rows, eps) if rows.numel() < MANY else _scales(rows, eps)
    if scale is None:
        return None
    result = rows * scale
    result = result if gamma is None else result.mul_(gamma.detach() if asked else gamma)
    return result if x.ndim == 2 else result.view(x.shape)


def _plain(x: Any) -> bool:
    usual = type(x) in _TENSORS and x.dtype is torch.float32 and x.is_cpu
    return usual and x.layout is torch.strided and x.ndim > 0 and not x.is_neg()


def _scales_by_numpy(rows: torch.Tensor, eps: float) -> torch.Tensor | None:
    """A column of 1 / RMS, or None where a square is not finite: the quicker way for few entries."""
    with np.errstate(over="ignore", invalid="ignore"):
        scale = inverse_rms(rows.numpy(), eps)
    return None if scale is None else torch.from_numpy(scale)


def _scales(rows: torch.Tensor, eps: float) -> torch.Tensor | None:
    """The same on all threads; None, too, for lengths that do not divide well."""
    count, length = rows.shape
    piece = length if length <= PIECE else math.gcd(length, PIECE)
    if piece < min(length, PIECE // 4):
        return None
    norms = torch.linalg.vector_norm(rows.view(count, length // piece, piece), dim=2)
    square = norms.square_().sum(dim=1, keepdim=True).div_(length)
    return None if square.isinf().any() else square.add_(eps).rsqrt_()


def standardised(
    work: torch.Tensor, eps: float, centred: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Normalised rows; their means, biased variances (mean squares, if not centred) and scales."""
    if may_ask(work.detach()):
        found = _standardised(work, eps, centred)
        least = LOST[work.dtype] if eps < LOST[work.dtype] else 0.0
        square = found[2].detach()
        if bool(((square >= least) & (square < math.inf)).all()):
            return found
    smallest, greatest = PEAKS[work.dtype]
    peak = torch.linalg.vector_norm(work.detach(), math.inf, dim=1).clamp(max(smallest, math.sqrt(eps)), greatest)
    peak = torch.where(peak.isfinite(), peak, 1.0)
    unit = torch.frexp(peak).mantissa / peak  # a power of two near 1 / peak
    result, mean, square, scale = _standardised(work * unit.unsqueeze(1), _in_units(eps, unit), centred)
    wide = unit.to(work.dtype if work.device.type == "mps" else torch.float64)  # there is no float64 on mps
    return result, mean / unit, square / wide / wide, scale * unit


def _standardised(
    work: torch.Tensor, eps: float | torch.Tensor, centred: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    mean = torch.zeros_like(work.select(1, 0))
    if centred:
        shift = work.narrow(1, 0, 1).detach()  # exact zeros for a constant row, and no digits lost to a large mean
        work = work - shift
        rest = work.mean(dim=1, keepdim=True)
        work = work - rest
        mean = (shift + rest).squeeze(1)
    square = work.square().mean(dim=1)
    scale = inverse_root(square + eps)
    return work * scale.unsqueeze(1), mean, square, scale


def _in_units(eps: float, unit: torch.Tensor) -> torch.Tensor | float:
    """eps * unit**2, in steps of which none can be too large or too small where eps matters."""
    even = math.frexp(eps)[1] // 2
    return (unit * 2.0**even).square() * math.ldexp(eps, -2 * even) if eps else 0.0


def inverse_root(x: torch.Tensor) -> torch.Tensor:
    """1 / sqrt(x), 0 at 0, where its gradient is 0 as well."""
    zero = x == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, x).rsqrt())
