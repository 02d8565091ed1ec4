"""Initial weights with structure: orthogonal, delta-orthogonal, sparse, identity, dirac, and orthogonal per gate."""

import math

from varlaw.impl.arguments import number, refuse, whole
from varlaw.impl.backend import Array, Backend, Device, DType, Seed, Shape, Shaped


class Structured(Backend[Array, Seed, DType, Device]):
    """Weights most of which are zero, or that depend on one another."""

    def orthogonal(
        self,
        shape: Shape,
        gain: float = 1.0,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """gain times a Haar (semi-)orthogonal matrix of shape[0] rows, the other axes flattened.

        Rows are orthonormal if there are at most as many as columns, columns otherwise. Computed in float64 for
        float64, in float32 for narrower dtypes (Saxe et al. 2014, arXiv:1312.6120).

        shape: sizes of the weight, of at least two axes.
        gain: multiplies every weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import orthogonal
        >>> q = orthogonal((3, 3), seed=0, dtype="float64")
        >>> bool(abs((q * q).sum(axis=0) - 1).max() < 1e-14)
        True
        """
        where = "orthogonal"
        size = number("gain", gain, where)
        w = self.array(shape, dtype, device, out, where, seed)
        self.representable("gain", size, w, where)
        if w.ndim < 2:
            refuse("shape", tuple(w.shape), "of at least 2 axes", where)
        rows, cols = w.shape[0], math.prod(w.shape[1:])
        if not rows * cols:
            return w
        matrix = self.haar(rows, cols, size, w, seed, where)
        return self.write(w, matrix if w.ndim == 2 else matrix.reshape(w.shape))

    def delta_orthogonal(
        self,
        shape: Shape,
        gain: float = 1.0,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Zero but for the centre tap, which is gain times Haar (semi-)orthogonal (Xiao et al. 2018, arXiv:1806.05393).

        shape: (out, in, *taps) with odd numbers of taps.
        gain: multiplies every weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import delta_orthogonal
        >>> w = delta_orthogonal((4, 4, 3), seed=0)
        >>> float(abs(w[:, :, [0, 2]]).max())
        0.0
        """
        where = "delta_orthogonal"
        size = number("gain", gain, where)
        w = self.array(shape, dtype, device, out, where, seed)
        self.representable("gain", size, w, where)
        tap = self.part(w, _centre(tuple(w.shape), where))
        self.fill(w, 0.0)
        if math.prod(w.shape):
            self.write(tap, self.haar(w.shape[0], w.shape[1], size, w, seed, where))
        return w

    def sparse(
        self,
        shape: Shape,
        std: float,
        sparsity: float,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """N(0, std**2) with exactly ceil(sparsity * rows) zeros in each column, at places drawn without replacement.

        Martens 2010, Deep learning via Hessian-free optimization.

        shape: (rows, columns), which is (out, in) of a dense layer.
        std: standard deviation of a weight that is not set to zero.
        sparsity: share of zeros, in [0, 1].
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import sparse
        >>> w = sparse((10, 5), 0.01, 0.3, seed=0)
        >>> [int(n) for n in (w == 0).sum(axis=0)]
        [3, 3, 3, 3, 3]
        """
        where = "sparse"
        size, share = number("std", std, where, low=0.0), number("sparsity", sparsity, where)
        if not 0 <= share <= 1:
            refuse("sparsity", share, "in [0, 1]", where)
        w = self.array(shape, dtype, device, out, where, seed)
        zeros = math.ceil(share * _two_axes(w, where)[0])
        stream = self.stream(seed, w, where)
        self.fill_normal(w, size, stream, where)
        if zeros and w.shape[1]:
            self.zero_in_columns(w, zeros, stream)
        return w

    def identity(
        self,
        shape: Shape,
        gain: float = 1.0,
        *,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """gain on the diagonal, zero elsewhere.

        shape: (rows, columns).
        gain: what stands on the diagonal.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import identity
        >>> identity((2, 3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
        """
        where = "identity"
        size = number("gain", gain, where)
        w = self.array(shape, dtype, device, out, where)
        self.representable("gain", size, w, where)
        _two_axes(w, where)
        self.fill_diagonal(self.fill(w, 0.0), size)
        return w

    def dirac(
        self,
        shape: Shape,
        gain: float = 1.0,
        *,
        groups: int = 1,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """A convolution that copies each input channel to the output channel of the same number in its group.

        shape: (out, in/groups, *taps) with odd numbers of taps; channels beyond the fewer of the two stay zero.
        gain: what a channel is multiplied by.
        groups: of the convolution.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import dirac
        >>> dirac((2, 2, 3))[:, :, 1]
        array([[1., 0.],
               [0., 1.]], dtype=float32)
        """
        where = "dirac"
        size = number("gain", gain, where)
        w = self.array(shape, dtype, device, out, where)
        self.representable("gain", size, w, where)
        tap = self.part(w, _centre(tuple(w.shape), where))
        parts = whole("groups", groups, where, low=1)
        if w.shape[0] % parts:
            refuse("groups", parts, f"a divisor of shape[0] = {w.shape[0]}", where)
        self.fill(w, 0.0)
        each = w.shape[0] // parts
        for group in range(parts):
            self.fill_diagonal(self.part(tap, slice(group * each, (group + 1) * each)), size)
        return w

    def gated_orthogonal(
        self,
        shape: Shape,
        gates: int,
        gain: float = 1.0,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Independent Haar (semi-)orthogonal matrices, one below the other: the weight of an RNN, GRU or LSTM.

        shape: (gates * units, inputs).
        gates: how many there are: 1 (RNN), 3 (GRU), 4 (LSTM).
        gain: multiplies every weight.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import gated_orthogonal
        >>> gated_orthogonal((12, 4), 3, seed=0).shape
        (12, 4)
        """
        where = "gated_orthogonal"
        size, count = number("gain", gain, where), whole("gates", gates, where, low=1)
        w = self.array(shape, dtype, device, out, where, seed)
        self.representable("gain", size, w, where)
        if w.ndim != 2 or w.shape[0] % count:
            refuse("shape", tuple(w.shape), f"({count} * units, inputs)", where)
        stream, units = self.stream(seed, w, where), w.shape[0] // count
        for gate in range(count) if math.prod(w.shape) else ():
            matrix = self.haar(units, w.shape[1], size, w, stream, where)
            self.write(self.part(w, slice(gate * units, (gate + 1) * units)), matrix)
        return w


def _two_axes(w: Shaped, where: str) -> tuple[int, int]:
    if w.ndim != 2:
        refuse("shape", tuple(w.shape), "of 2 axes", where)
    return w.shape[0], w.shape[1]


def _centre(shape: tuple[int, ...], where: str) -> tuple[slice | int, ...]:
    """The index of the (out, in) matrix of the centre tap."""
    if len(shape) < 3 or any(taps % 2 == 0 for taps in shape[2:]):
        refuse("shape", shape, "(out, in, *taps) with odd numbers of taps", where)
    return (slice(None), slice(None), *(taps // 2 for taps in shape[2:]))
