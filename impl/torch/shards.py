"""Tensors that live in parts on several processes (DTensor): their place, their norm, and work on the part at hand.

torch.distributed is imported only when such a tensor is met.
"""

from collections.abc import Callable
from typing import Any

import torch


def is_sharded(tensor: torch.Tensor) -> bool:
    """Whether a tensor is a DTensor, sharded or replicated."""
    return type(tensor) is not torch.Tensor and hasattr(tensor, "placements")  # most are plain: told apart at once


def local_part(tensor: torch.Tensor) -> tuple[torch.Tensor, tuple[int, ...]]:
    """This process's part, sharing memory, and its corner in the whole; a plain tensor is its own part."""
    if not is_sharded(tensor):
        return tensor, (0,) * tensor.ndim
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    whole: Any = tensor
    _, offset = compute_local_shape_and_global_offset(whole.shape, whole.device_mesh, whole.placements)
    return whole.to_local().detach(), tuple(int(place) for place in offset)


def norm_of_whole(tensor: torch.Tensor) -> torch.Tensor:
    """Euclidean norm of the whole, a 0-dim float64 tensor, the same on every process."""
    norm: Any = torch.linalg.vector_norm(tensor.detach(), dtype=torch.float64)
    full: torch.Tensor = norm.full_tensor()
    return full


def peak_of_whole(tensor: torch.Tensor) -> torch.Tensor:
    """A finite size no smaller than the largest entry of the whole, nor larger than all together, 0-dim float64."""
    small: Any = torch.linalg.vector_norm(with_part(tensor, lambda part: part.double() * 2.0**-64), 1)
    full: torch.Tensor = small.full_tensor()
    return full.clamp(max=2.0**956) * 2.0**64


def all_finite(tensor: torch.Tensor) -> bool:
    """Whether all entries of the whole are finite, asked of every process."""
    return not norm_of_whole(with_part(tensor, lambda part: (~part.isfinite()).double())).any()


def with_part(tensor: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """A DTensor placed like `tensor` whose part is `change` of its part."""
    from torch.distributed.tensor import DTensor

    whole: Any = tensor
    part = change(whole.to_local().detach())
    result: torch.Tensor = DTensor.from_local(
        part, whole.device_mesh, whole.placements, run_check=False, shape=whole.shape, stride=whole.stride()
    )
    return result
