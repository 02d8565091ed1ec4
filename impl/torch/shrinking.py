"""Gradients times limit / norm, in steps that lose no digit of the result where no dtype holds the factor."""

import torch

from varlaw.impl.clips import slack
from varlaw.impl.torch.gradient_norm import TINY, Norm
from varlaw.impl.torch.shards import is_sharded, with_part
from varlaw.impl.torch.streams import may_ask, name_of, write_

# a factor below it is applied in two steps, as the dtype may not hold all its digits
SMALL_FACTOR = {torch.float64: 2.0**-1022, torch.float32: 2.0**-125}


def times(leaf: torch.Tensor, norm: Norm, ceiling: float, over: torch.Tensor, in_place: bool) -> torch.Tensor:
    """leaf * scale * (ceiling / total) where `over`, else leaf, bit for bit."""
    if is_sharded(leaf):
        changed = with_part(leaf, lambda part: times(part, norm, ceiling, over, in_place))
        return leaf if in_place else changed
    steps = _steps(
        ceiling / norm.total, norm.scale, over, torch.float64 if leaf.dtype == torch.float64 else torch.float32
    )
    steps = [step.to(leaf.device, non_blocking=True) for step in steps]
    if leaf.dtype in (torch.float16, torch.bfloat16):
        wide = leaf.float()
        for step in steps:
            wide = wide * step.float()
        return write_(leaf, wide) if in_place else wide.to(leaf.dtype)
    if in_place:
        for step in steps:
            leaf.mul_(step)
        return leaf
    result = leaf * steps[0]
    for step in steps[1:]:
        result.mul_(step)
    return result


def _steps(ratio: torch.Tensor, scale: torch.Tensor, over: torch.Tensor, kind: torch.dtype) -> list[torch.Tensor]:
    """Factors whose product is ratio * scale where `over`, else 1, each with all its digits in the dtype."""
    whole = torch.where(over, ratio * scale, 1.0)
    near = whole >= SMALL_FACTOR[kind]
    if may_ask(near) and near.all():
        return [whole]
    if kind == torch.float64:  # a ratio > 4 is never far
        return [torch.where(near, whole, ratio / 4), torch.where(near, 1.0, scale * 4)]
    first = torch.where(near, 1.0, SMALL_FACTOR[kind]).to(torch.float64)
    return [first, whole / first]


def unit_norms(leaf: torch.Tensor, axes: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """(total, scale) with norms total / scale over `axes`, kept as axes of one, in float64."""
    wide = leaf.to(torch.float64)
    if not leaf.numel():
        none = torch.zeros([1 if i in axes else n for i, n in enumerate(leaf.shape)], dtype=wide.dtype)
        return none.to(leaf.device), torch.ones_like(none, device=leaf.device)
    peak = _peaks(wide, axes) if axes else wide.abs()
    peak = torch.where(peak.isfinite() & (peak > 0), peak.clamp(min=TINY), 1.0)
    scale = torch.frexp(peak).mantissa / peak
    wide = wide * scale
    return (torch.linalg.vector_norm(wide, dim=axes, keepdim=True) if axes else wide.abs()), scale


def _peaks(wide: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """The size of the largest entry, or, as a part of a DTensor may be empty and then has none, of all together."""
    if not is_sharded(wide):
        return wide.abs().amax(dim=axes, keepdim=True)
    return wide.abs().mul(2.0**-64).sum(dim=axes, keepdim=True).clamp(max=2.0**956) * 2.0**64


def unitwise(leaf: torch.Tensor, ceiling: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    total, scale = unit_norms(leaf, axes)
    over = total.isfinite() & (total > ceiling * scale * (1 + slack([name_of(leaf.dtype)])))
    wide = leaf.to(torch.float64)
    for step in _steps(ceiling / total, scale, over, torch.float64):
        wide = wide * step
    return wide.to(leaf.dtype)
