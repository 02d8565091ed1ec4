"""The Euclidean norm of gradients taken as one vector, right wherever it can be written, at the speed of memory.

Leaves of float32 on the CPU are summed in float32 over blocks of 128 entries, and the blocks in float64: a dozen
additions a lane keep the error at some 4 units of float32 (measured on equal entries, the worst case), where one
float32 sum of 2**24 squares loses 1 % and a float64 sum takes thirty times as long. Where squares may have left the
range of float32, and for every other dtype, the sum is float64 throughout, scaled by a power of two that keeps the
squares of float64 in range.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from varlaw.impl.torch.shards import is_sharded, norm_of_whole
from varlaw.impl.torch.streams import may_ask

TINY = 2.0**-1000  # a peak below it is scaled as if it were this: its square then still has all its digits
_BLOCK = 128
_LONG = 32 * _BLOCK  # shorter leaves are not worth blocks of their own
_LOST = 2.0**-96  # with squares of this size on average, those below float32's range add less than 2**-30


class Norm(NamedTuple):
    """total / scale, where scale is a power of two."""

    total: torch.Tensor
    scale: torch.Tensor

    @property
    def value(self) -> torch.Tensor:
        """The norm, a 0-dim float64 tensor."""
        return self.total / self.scale


def norm_of(leaves: Sequence[torch.Tensor]) -> Norm:
    """The norm of all leaves, with a scale that keeps the squares of float64 leaves in range.

    >>> norm_of([torch.full((2,), 3e200, dtype=torch.float64)]).value
    tensor(4.2426e+200, dtype=torch.float64)
    """
    home = leaves[0].device if leaves else torch.device("cpu")
    one = torch.ones((), dtype=torch.float64, device=home)
    if not leaves:
        return Norm(torch.zeros_like(one), one)
    whole = [leaf for leaf in leaves if is_sharded(leaf)]
    doubles = [leaf for leaf in leaves if leaf.dtype == torch.float64 and leaf.numel() and not is_sharded(leaf)]
    narrow = [leaf for leaf in leaves if leaf.dtype != torch.float64 and not is_sharded(leaf)]
    scale = _power_of_two(doubles, home) if doubles else one
    parts = [_wide_norm(leaf, scale).to(home, non_blocking=True).reshape(1) for leaf in doubles]
    if narrow:
        parts.append(torch.stack([norm.to(home, non_blocking=True) for norm in _narrow_norms(narrow)]) * scale)
    parts += [norm_of_whole(leaf).to(home).reshape(1) * scale for leaf in whole]
    return Norm(torch.cat(parts).square_().sum().sqrt() if parts else torch.zeros_like(one), scale)


def _narrow_norms(leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Norms of leaves narrower than float64, whose squares never leave float64."""
    known = {i: norm for i, leaf in enumerate(leaves) if _blockwise(leaf) and (norm := _block_norm(leaf)) is not None}
    rest = [leaf for i, leaf in enumerate(leaves) if i not in known]
    wide = iter(torch._foreach_norm(rest, 2, dtype=torch.float64) if rest else ())
    return [known[i] if i in known else next(wide) for i in range(len(leaves))]


def _blockwise(leaf: torch.Tensor) -> bool:
    return leaf.dtype == torch.float32 and leaf.numel() >= _LONG and leaf.is_contiguous() and may_ask(leaf)


def _block_norm(leaf: torch.Tensor) -> torch.Tensor | None:
    """The norm from blocks summed in float32; None where a square may have overflowed or underflowed."""
    flat = leaf.view(-1)
    end = flat.numel() // _BLOCK * _BLOCK
    blocks = torch.linalg.vector_norm(flat[:end].view(-1, _BLOCK), dim=1).double()
    squares = float(blocks.dot(blocks))
    if end < flat.numel():
        squares += float(torch.linalg.vector_norm(flat[end:])) ** 2
    if not flat.numel() * _LOST < squares < math.inf:
        return None
    return torch.tensor(math.sqrt(squares), dtype=torch.float64)


def _wide_norm(leaf: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return (leaf * scale.to(leaf.device, non_blocking=True)).square_().sum().sqrt()


def _power_of_two(leaves: Sequence[torch.Tensor], home: torch.device) -> torch.Tensor:
    """2**-e with the largest entry in [2**(e-1), 2**e); 1 when that entry is zero or not finite."""
    peaks = [leaf.abs().amax().to(home, non_blocking=True) for leaf in leaves]
    peak = torch.stack(peaks).amax()
    usable = peak.isfinite() & (peak > 0)
    peak = torch.where(usable, peak.clamp(min=TINY), 1.0)
    return torch.frexp(peak).mantissa / peak
