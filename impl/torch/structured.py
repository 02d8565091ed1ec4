"""Initial weights with structure for torch: delta-orthogonal, sparse, identity, dirac, and orthogonal per gate.

Arguments common to all are explained in `varlaw.impl.torch.draws`.
"""

import math

import torch

from varlaw.impl.arguments import number, refuse, whole
from varlaw.impl.torch.draws import fill_normal, representable
from varlaw.impl.torch.orthogonal import haar
from varlaw.impl.torch.streams import Device, DType, Seed, Shape, between_, generator_for, tensor_for, write_


def delta_orthogonal(
    shape: Shape,
    gain: float = 1.0,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Zero but for the centre tap, which is gain times Haar (semi-)orthogonal (Xiao et al. 2018, arXiv:1806.05393).

    `shape` is (out, in, *taps) with odd numbers of taps.

    >>> w = delta_orthogonal((4, 4, 3), seed=0)
    >>> float(abs(w[:, :, [0, 2]]).max())
    0.0
    """
    where = "delta_orthogonal"
    size = number("gain", gain, where)
    target = tensor_for(shape, dtype, device, out, where, seed)
    representable("gain", size, target, where)
    centre = _centre(tuple(target.shape), where)
    with torch.no_grad():
        target.zero_()
        if target.numel():
            matrix = haar(target.shape[0], target.shape[1], target, seed=seed, where=where)
            write_(_tap(target, centre), matrix.mul_(size))
    return target


def sparse(
    shape: Shape,
    std: float,
    sparsity: float,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """N(0, std**2) with exactly ceil(sparsity * rows) zeros in each column, at places drawn without replacement.

    `shape` is (rows, columns), (out, in) of a dense layer; `sparsity` lies in [0, 1] (Martens 2010).

    >>> w = sparse((10, 5), 0.01, 0.3, seed=0)
    >>> [int(n) for n in (w == 0).sum(axis=0)]
    [3, 3, 3, 3, 3]
    """
    where = "sparse"
    size, share = number("std", std, where, low=0.0), _share(sparsity, where)
    target = tensor_for(shape, dtype, device, out, where, seed)
    if target.ndim != 2:
        refuse("shape", tuple(target.shape), "of 2 axes", where)
    generator = generator_for(seed, target.device, where)
    fill_normal(target, size, generator, where)
    zeros = math.ceil(share * target.shape[0])
    with torch.no_grad():
        if zeros and target.numel():
            places = between_(torch.empty(target.shape, device=target.device), 0.0, 1.0, generator).argsort(dim=0)
            target.scatter_(0, places.narrow(0, 0, zeros), 0.0)
    return target


def identity(
    shape: Shape, gain: float = 1.0, *, dtype: DType = None, device: Device = None, out: torch.Tensor | None = None
) -> torch.Tensor:
    """gain on the diagonal of a (rows, columns) weight, zero elsewhere.

    >>> identity((2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    where = "identity"
    size = number("gain", gain, where)
    target = tensor_for(shape, dtype, device, out, where)
    representable("gain", size, target, where)
    if target.ndim != 2:
        refuse("shape", tuple(target.shape), "of 2 axes", where)
    with torch.no_grad():
        target.zero_()
        target.diagonal().fill_(size)
    return target


def dirac(
    shape: Shape,
    gain: float = 1.0,
    *,
    groups: int = 1,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """A convolution that copies each input channel to the output channel of the same number in its group.

    `shape` is (out, in/groups, *taps) with odd numbers of taps; channels beyond the fewer of the two stay zero.

    >>> dirac((2, 2, 3))[:, :, 1]
    tensor([[1., 0.],
            [0., 1.]])
    """
    where = "dirac"
    size = number("gain", gain, where)
    target = tensor_for(shape, dtype, device, out, where)
    representable("gain", size, target, where)
    centre = _centre(tuple(target.shape), where)
    parts = whole("groups", groups, where, low=1)
    if target.shape[0] % parts:
        refuse("groups", parts, f"a divisor of shape[0] = {target.shape[0]}", where)
    each = target.shape[0] // parts
    with torch.no_grad():
        middle = _tap(target.zero_(), centre)
        for part in range(parts):
            middle.narrow(0, part * each, each).diagonal().fill_(size)
    return target


def gated_orthogonal(
    shape: Shape,
    gates: int,
    gain: float = 1.0,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Independent Haar (semi-)orthogonal matrices, one below the other: the weight of an RNN (1), GRU (3) or LSTM (4).

    `shape` is (gates * units, inputs).

    >>> gated_orthogonal((12, 4), 3, seed=0).shape
    torch.Size([12, 4])
    """
    where = "gated_orthogonal"
    size, count = number("gain", gain, where), whole("gates", gates, where, low=1)
    target = tensor_for(shape, dtype, device, out, where, seed)
    representable("gain", size, target, where)
    if target.ndim != 2 or target.shape[0] % count:
        refuse("shape", tuple(target.shape), f"({count} * units, inputs)", where)
    generator = generator_for(seed, target.device, where)
    with torch.no_grad():
        for part in target.chunk(count) if target.numel() else ():
            write_(part, haar(part.shape[0], part.shape[1], target, seed=generator, where=where).mul_(size))
    return target


def _share(sparsity: float, where: str) -> float:
    share = number("sparsity", sparsity, where)
    if not 0 <= share <= 1:
        refuse("sparsity", share, "in [0, 1]", where)
    return share


def _centre(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    if len(shape) < 3 or any(taps % 2 == 0 for taps in shape[2:]):
        refuse("shape", shape, "(out, in, *taps) with odd numbers of taps", where)
    return tuple(taps // 2 for taps in shape[2:])


def _tap(target: torch.Tensor, place: tuple[int, ...]) -> torch.Tensor:
    """The (out, in) matrix of one tap."""
    for step in place:
        target = target.select(2, step)
    return target
