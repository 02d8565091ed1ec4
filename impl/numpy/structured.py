"""Initial weights with structure for NumPy: delta-orthogonal, sparse, identity, dirac, and orthogonal per gate.

Arguments common to all are explained in `varlaw.impl.numpy.draws`.
"""

import math

import numpy as np

from varlaw.impl.arguments import number, refuse, whole
from varlaw.impl.numpy.draws import fill_normal, representable
from varlaw.impl.numpy.orthogonal import haar
from varlaw.impl.numpy.streams import Array, DType, Seed, Shape, array_for, root


def delta_orthogonal(
    shape: Shape,
    gain: float = 1.0,
    *,
    seed: Seed,
    dtype: DType = None,
    device: object = None,
    out: Array | None = None,
) -> Array:
    """Zero but for the centre tap, which is gain times Haar (semi-)orthogonal (Xiao et al. 2018, arXiv:1806.05393).

    `shape` is (out, in, *taps) with odd numbers of taps.

    >>> w = delta_orthogonal((4, 4, 3), seed=0)
    >>> float(abs(w[:, :, [0, 2]]).max())
    0.0
    """
    where = "delta_orthogonal"
    size = number("gain", gain, where)
    target = array_for(shape, dtype, device, out, where)
    representable("gain", size, target, where)
    centre = _centre(target.shape, where)
    target.fill(0)
    if target.size:
        matrix = haar(target.shape[0], target.shape[1], target.dtype, seed=seed, where=where)
        target[centre] = matrix * matrix.dtype.type(size)
    return target


def sparse(
    shape: Shape,
    std: float,
    sparsity: float,
    *,
    seed: Seed,
    dtype: DType = None,
    device: object = None,
    out: Array | None = None,
) -> Array:
    """N(0, std**2) with exactly ceil(sparsity * rows) zeros in each column, at places drawn without replacement.

    `shape` is (rows, columns), (out, in) of a dense layer; `sparsity` lies in [0, 1] (Martens 2010).

    >>> w = sparse((10, 5), 0.01, 0.3, seed=0)
    >>> [int(n) for n in (w == 0).sum(axis=0)]
    [3, 3, 3, 3, 3]
    """
    where = "sparse"
    size, share = number("std", std, where, low=0.0), _share(sparsity, where)
    target = array_for(shape, dtype, device, out, where)
    if target.ndim != 2:
        refuse("shape", target.shape, "of 2 axes", where)
    generator = np.random.Generator(root(seed, where))
    fill_normal(target, size, generator, where)
    zeros = math.ceil(share * target.shape[0])
    if zeros and target.size:
        order = np.argsort(generator.random(target.shape), axis=0)[:zeros]
        np.put_along_axis(target, order, target.dtype.type(0), axis=0)
    return target


def identity(
    shape: Shape, gain: float = 1.0, *, dtype: DType = None, device: object = None, out: Array | None = None
) -> Array:
    """gain on the diagonal of a (rows, columns) weight, zero elsewhere.

    >>> identity((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    where = "identity"
    size = number("gain", gain, where)
    target = array_for(shape, dtype, device, out, where)
    representable("gain", size, target, where)
    if target.ndim != 2:
        refuse("shape", target.shape, "of 2 axes", where)
    target.fill(0)
    np.fill_diagonal(target[: target.shape[1]], size)
    return target


def dirac(
    shape: Shape,
    gain: float = 1.0,
    *,
    groups: int = 1,
    dtype: DType = None,
    device: object = None,
    out: Array | None = None,
) -> Array:
    """A convolution that copies each input channel to the output channel of the same number in its group.

    `shape` is (out, in/groups, *taps) with odd numbers of taps; channels beyond the fewer of the two stay zero.

    >>> dirac((2, 2, 3))[:, :, 1]
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    where = "dirac"
    size = number("gain", gain, where)
    target = array_for(shape, dtype, device, out, where)
    representable("gain", size, target, where)
    centre = _centre(target.shape, where)
    parts = whole("groups", groups, where, low=1)
    if target.shape[0] % parts:
        refuse("groups", parts, f"a divisor of shape[0] = {target.shape[0]}", where)
    target.fill(0)
    each = target.shape[0] // parts
    copied = np.arange(min(each, target.shape[1]))
    for part in range(parts):
        target[(part * each + copied, copied, *centre[2:])] = size
    return target


def gated_orthogonal(
    shape: Shape,
    gates: int,
    gain: float = 1.0,
    *,
    seed: Seed,
    dtype: DType = None,
    device: object = None,
    out: Array | None = None,
) -> Array:
    """Independent Haar (semi-)orthogonal matrices, one below the other: the weight of an RNN (1), GRU (3) or LSTM (4).

    `shape` is (gates * units, inputs).

    >>> gated_orthogonal((12, 4), 3, seed=0).shape
    (12, 4)
    """
    where = "gated_orthogonal"
    size, count = number("gain", gain, where), whole("gates", gates, where, low=1)
    target = array_for(shape, dtype, device, out, where)
    representable("gain", size, target, where)
    if target.ndim != 2 or target.shape[0] % count:
        refuse("shape", target.shape, f"({count} * units, inputs)", where)
    generator = np.random.Generator(root(seed, where))
    if target.size:
        for part in np.split(target, count):
            matrix = haar(part.shape[0], part.shape[1], target.dtype, seed=generator, where=where)
            part[...] = matrix * matrix.dtype.type(size)
    return target


def _share(sparsity: float, where: str) -> float:
    share = number("sparsity", sparsity, where)
    if not 0 <= share <= 1:
        refuse("sparsity", share, "in [0, 1]", where)
    return share


def _centre(shape: tuple[int, ...], where: str) -> tuple[slice | int, ...]:
    if len(shape) < 3 or any(taps % 2 == 0 for taps in shape[2:]):
        refuse("shape", shape, "(out, in, *taps) with odd numbers of taps", where)
    return (slice(None), slice(None), *(taps // 2 for taps in shape[2:]))
