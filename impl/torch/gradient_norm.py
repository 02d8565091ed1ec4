"""The Euclidean norm of gradients taken as one vector, right wherever it can be written, at the speed of memory.

Many float32 entries on the CPU are summed in float32 over blocks of 512 entries, by the dot product of BLAS, and the
blocks in float64: a dozen additions a lane keep the error at some 2 units of float32 (measured on equal entries, the
worst case), where one float32 sum of 2**24 squares loses 1 % and a float64 sum takes thirty times as long. Where
squares may have left the range of float32, and for every other dtype, the sum is float64 throughout, scaled by a
power of two that keeps the squares of float64 in range.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch._utils import _flatten_dense_tensors

from varlaw.impl.numpy.rows import dots
from varlaw.impl.numpy.streams import Array, in_parallel
from varlaw.impl.torch.shards import is_sharded, norm_of_whole, peak_of_whole, with_part
from varlaw.impl.torch.streams import eager

TINY = 2.0**-1000  # a peak below it is scaled as if it were this: its square then still has all its digits
_BLOCK = 512
_MANY = 2**20  # entries for which a second thread pays
_LONG = 2**14  # what is shorter is copied together first, which stays in the cache; fewer in all are not worth it
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
    home = leaves[0].device if leaves else torch.device("cpu")  # not the default device, which may be another
    one = torch.ones((), dtype=torch.float64, device=home)
    if not leaves:
        return Norm(torch.zeros_like(one), one)
    if is_plain(leaves):
        return Norm(_plain_norm(leaves), one)
    whole = [leaf for leaf in leaves if is_sharded(leaf)]
    doubles = [leaf for leaf in leaves if leaf.dtype == torch.float64 and leaf.numel() and not is_sharded(leaf)]
    narrow = [leaf for leaf in leaves if leaf.dtype != torch.float64 and not is_sharded(leaf)]
    wide = [leaf for leaf in whole if leaf.dtype == torch.float64]
    scale = _power_of_two(doubles, wide, home) if doubles or wide else one
    parts = [_wide_norm(leaf, scale).to(home, non_blocking=True).reshape(1) for leaf in doubles]
    parts += [norm.to(home, non_blocking=True).reshape(1) * scale for norm in _narrow_norms(narrow)]
    parts += [norm_of_whole(leaf).to(home).reshape(1) * scale for leaf in whole if leaf.dtype != torch.float64]
    parts += [norm_of_whole(_scaled(leaf, scale)).to(home).reshape(1) for leaf in wide]
    return Norm(torch.cat(parts).square_().sum().sqrt() if parts else torch.zeros_like(one), scale)


def is_plain(leaves: Sequence[torch.Tensor]) -> bool:
    """Whether all leaves are float32 tensors on the CPU that can be read now."""
    plain = [type(leaf) is torch.Tensor and leaf.dtype is torch.float32 and leaf.is_cpu for leaf in leaves]
    return False not in plain and eager()


def _plain_norm(leaves: Sequence[torch.Tensor]) -> torch.Tensor:
    together = _norm_in_blocks(leaves)
    return _total(torch._foreach_norm(list(leaves), 2, dtype=torch.float64)) if together is None else together


def _narrow_norms(leaves: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Norms, of some leaves together, that add up to the norm of all; squares of these never leave float64."""
    quick = [leaf for leaf in leaves if is_plain([leaf])]
    rest = [leaf for leaf in leaves if not is_plain([leaf])]
    wide = torch._foreach_norm(rest, 2, dtype=torch.float64) if rest else ()
    return [_plain_norm(quick), *wide] if quick else [*wide]


def _total(norms: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(norms)).square_().sum().sqrt()


def _norm_in_blocks(leaves: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """The norm from blocks summed in float32; None of few entries, or where a square may have left its range."""
    count = sum([leaf.numel() for leaf in leaves])
    if count < _LONG:
        return None
    rows = list(_blocks(leaves))
    sums = np.empty(sum([len(block) for block in rows]), np.float32)
    ends = list(itertools.accumulate([len(block) for block in rows]))

    def run(first: int, step: int) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            for block, end in zip(rows[first::step], ends[first::step], strict=True):
                dots(block, block, out=sums[end - len(block) : end])

    in_parallel(run, len(rows) if count >= _MANY else 1, torch.get_num_threads())
    squares = float(sums.sum(dtype=np.float64))
    if not count * _LOST < squares < math.inf:
        return None
    return torch.tensor(math.sqrt(squares), dtype=torch.float64, device="cpu")


def _blocks(leaves: Sequence[torch.Tensor]) -> Iterator[Array]:
    """Every entry once, in rows: long leaves where they lie, short ones and remainders copied side by side."""
    waiting: list[torch.Tensor] = []
    tails: list[Array] = []
    held = 0
    for leaf in leaves:
        size = leaf.numel()
        if size >= _LONG and leaf.is_contiguous() and not leaf.is_neg():
            flat = (leaf.detach() if leaf.requires_grad else leaf).numpy().reshape(-1)
            rest = size % _BLOCK
            yield flat[: size - rest].reshape(-1, _BLOCK)
            if rest:
                tails.append(flat[size - rest :])
            continue
        waiting.append(leaf)
        held += size
        if held >= _LONG:
            yield from _rows(_side_by_side(waiting))
            waiting, held = [], 0
    if waiting:
        yield from _rows(_side_by_side(waiting))
    if tails:
        yield from _rows(np.concatenate(tails))


def _side_by_side(leaves: list[torch.Tensor]) -> Array:
    entries = _flatten_dense_tensors(leaves)  # type: ignore[no-untyped-call]
    flat: Array = entries.detach().resolve_neg().numpy()
    return flat


def _rows(entries: Array) -> Iterator[Array]:
    whole = entries.size // _BLOCK * _BLOCK
    yield from (part for part in (entries[:whole].reshape(-1, _BLOCK), entries[None, whole:]) if part.size)


def _wide_norm(leaf: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return (leaf * scale.to(leaf.device, non_blocking=True)).square_().sum().sqrt()


def _scaled(leaf: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    return with_part(leaf, lambda part: part * scale.to(part.device, non_blocking=True))


def _power_of_two(leaves: Sequence[torch.Tensor], sharded: Sequence[torch.Tensor], home: torch.device) -> torch.Tensor:
    """2**-e with the largest entry in [2**(e-1), 2**e), or nearly; 1 when that entry is zero or not finite."""
    peaks = [leaf.abs().amax().to(home, non_blocking=True) for leaf in leaves]
    peaks += [peak_of_whole(leaf).to(home, non_blocking=True) for leaf in sharded]
    peak = torch.stack(peaks).amax()
    usable = peak.isfinite() & (peak > 0)
    peak = torch.where(usable, peak.clamp(min=TINY), 1.0)
    return torch.frexp(peak).mantissa / peak
