"""Initial weights of particular architectures for torch: SIREN, low-rank adapters, gates, new tokens, heads.

Arguments common to all are explained in `varlaw.impl.torch.draws`; scales that depend on depth or width are in
`varlaw.impl.scales`.
"""

import math

import torch

from varlaw.impl.arguments import choice, flag, number, positive, refuse, refuse_type, sizes, whole
from varlaw.impl.scales import chrono_range, head_std
from varlaw.impl.torch.draws import fill_normal, fill_uniform, representable
from varlaw.impl.torch.streams import (
    Device,
    DType,
    Seed,
    Shape,
    between_,
    dtype_of,
    generator_for,
    may_ask,
    tensor_for,
    write_,
)

GATES = ("i", "f", "g", "o")  # the order of an LSTM's gates, in torch as here


def siren(
    shape: Shape,
    omega: float = 30.0,
    *,
    first: bool,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Uniform weights for sin(omega * (W x)): bound 1 / fan_in in the first layer, sqrt(6 / fan_in) / omega after it.

    `shape` is (out, in) (Sitzmann et al. 2020, arXiv:2006.09661).

    >>> bool(abs(siren((8, 4), first=True, seed=0)).max() < 0.25)
    True
    """
    where = "siren"
    rate, opening = positive("omega", omega, where), flag("first", first, where)
    target = tensor_for(shape, dtype, device, out, where, seed)
    inputs = dense_inputs(tuple(target.shape), where)
    return fill_uniform(target, 1 / inputs if opening else math.sqrt(6 / inputs) / rate, seed, where)


def lora(
    shape: Shape,
    rank: int,
    *,
    seed: Seed,
    dtype: DType = None,
    device: Device = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A (rank, in) with U(+-1/sqrt(in)) and B (out, rank) of zeros, for a weight of `shape` (out, in): B A is zero.

    Hu et al. 2021, arXiv:2106.09685; the variance of A is that of its reference code, 1/(3 in).

    >>> a, b = lora((8, 4), 2, seed=0)
    >>> a.shape, b.shape
    (torch.Size([2, 4]), torch.Size([8, 2]))
    """
    where = "lora"
    low = whole("rank", rank, where, low=1)
    outputs, inputs = dense_sizes(shape, where)
    a = fill_uniform(tensor_for((low, inputs), dtype, device, None, where, seed), 1 / math.sqrt(inputs), seed, where)
    b = torch.zeros((outputs, low), dtype=a.dtype, device=a.device)
    return a, b


def new_embeddings(
    old: torch.Tensor, count: int, *, seed: Seed, spread: float = 0.0, dtype: DType = None, device: Device = None
) -> torch.Tensor:
    """Rows for new tokens: the mean of the old ones, plus `spread` times draws with their covariance.

    `old` is (tokens, dim); the result is (count, dim) and has its dtype unless `dtype` says otherwise. At spread 0 the
    new distribution is within log(1 + count/tokens) of the old one (Hewitt 2021); a bias needs its own mean.

    >>> new_embeddings(torch.tensor([[1.0, 3.0], [3.0, 5.0]]), 1, seed=0)
    tensor([[2., 4.]])
    """
    where = "new_embeddings"
    if not isinstance(old, torch.Tensor):
        refuse_type("old", old, "a torch.Tensor", where)
    kind = dtype_of(old.dtype, where)
    if old.ndim != 2 or not old.numel():
        refuse("old.shape", tuple(old.shape), "(tokens, dim), neither zero", where)
    wide, size = number("spread", spread, where, low=0.0), whole("count", count, where)
    place = old.device if device is None else device
    result = tensor_for((size, old.shape[1]), kind if dtype is None else dtype, place, None, where)
    if may_ask(old.detach()) and not old.isfinite().all():
        refuse("old", f"{int((~old.isfinite()).sum())} of {old.numel()} not finite", "finite", where)
    with torch.no_grad():
        rows = old.to(torch.float64)
        centre = rows.mean(dim=0)
        mixed = centre.expand(size, -1)
        if wide:  # weights N(0, 1/tokens) on the centred rows have the rows' covariance
            weights = torch.empty((size, len(rows)), dtype=torch.float64, device=old.device)
            fill_normal(weights, wide / math.sqrt(len(rows)), seed, where)
            mixed = weights @ (rows - centre) + centre
        return write_(result, mixed)


def lstm_bias(
    units: int,
    forget: float = 1.0,
    *,
    shares: int = 2,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Zero but for the forget gate, whose biases add up to `forget` over the `shares` bias vectors of the cell.

    The gates lie in the order i, f, g, o. torch adds two bias vectors, so each gets half; `shares=1` where there is
    only one.

    >>> lstm_bias(1, 1.0)
    tensor([0.0000, 0.5000, 0.0000, 0.0000])
    """
    where = "lstm_bias"
    size, value = whole("units", units, where, low=1), number("forget", forget, where)
    target = tensor_for((4 * size,), dtype, device, out, where)
    representable("forget", value, target, where)
    share = value / whole("shares", shares, where, low=1)
    with torch.no_grad():
        target.zero_().narrow(0, size, size).fill_(share)
    return target


def chrono_bias(
    units: int,
    longest: float,
    *,
    cell: str,
    seed: Seed,
    shares: int = 2,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Gate biases for memories of 1 to `longest` steps: b = log(U(1, longest - 1)) (arXiv:1804.11188).

    "lstm" (gates i, f, g, o): b for the forget gate and -b for the input gate. "gru" (r, z, n): b for the update gate,
    which keeps the old state. Divided among the `shares` bias vectors that the cell adds.

    >>> chrono_bias(2, 100, cell="lstm", seed=0).shape
    torch.Size([8])
    """
    where = "chrono_bias"
    size, low_high = whole("units", units, where, low=1), chrono_range(longest, where)
    gates = {"lstm": 4, "gru": 3}[choice("cell", cell, ("lstm", "gru"), where)]
    parts = whole("shares", shares, where, low=1)
    target = tensor_for((gates * size,), dtype, device, out, where, seed)
    generator = generator_for(seed, target.device, where)
    with torch.no_grad():
        steps = torch.empty(size, dtype=torch.float64, device=target.device)
        bias = between_(steps, *low_high, generator).log_().div_(parts)
        write_(target.zero_().narrow(0, size, size), bias)
        if cell == "lstm":
            write_(target.narrow(0, 0, size), -bias)
    return target


def head(
    shape: Shape,
    logit_std: float = 0.0,
    *,
    seed: Seed,
    second_moment: float = 1.0,
    dtype: DType = None,
    device: Device = None,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Weights of a classifier (classes, in) whose logits start with std `logit_std`: at 0 the loss is ln(classes).

    `second_moment` is the mean square of a feature.

    >>> float(abs(head((10, 4), seed=0)).max())
    0.0
    """
    target = tensor_for(shape, dtype, device, out, "head", seed)
    std = head_std(logit_std, dense_inputs(tuple(target.shape), "head"), second_moment)
    return fill_normal(target, std, seed, "head")


def dense_sizes(shape: Shape, where: str) -> tuple[int, int]:
    """(out, in) of a dense layer, neither zero."""
    found = sizes(shape, where)
    if len(found) != 2 or 0 in found:
        refuse("shape", found, "(out, in), neither zero", where)
    return found[0], found[1]


def dense_inputs(shape: Shape, where: str) -> int:
    """fan_in of a dense layer."""
    return dense_sizes(shape, where)[1]
