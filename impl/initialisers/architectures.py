"""Initial weights of particular architectures: SIREN, low-rank adapters, gates, new tokens, heads.

Scales that depend on depth or width are in `varlaw.impl.scales`.
"""

import math

from varlaw.impl.arguments import choice, flag, number, positive, refuse, sizes, whole
from varlaw.impl.backend import Array, Backend, Device, DType, Seed, Shape
from varlaw.impl.scales import chrono_range, head_std


class Architectures(Backend[Array, Seed, DType, Device]):
    """Weights of layers with a purpose."""

    def siren(
        self,
        shape: Shape,
        omega: float = 30.0,
        *,
        first: bool,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Uniform weights for sin(omega * (W x)): bound 1 / fan_in in the first layer, sqrt(6 / fan_in) / omega after.

        Sitzmann et al. 2020, arXiv:2006.09661.

        shape: (out, in).
        omega: the frequency by which the layer multiplies.
        first: whether this is the layer that sees the coordinates.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import siren
        >>> bool(abs(siren((8, 4), first=True, seed=0)).max() < 0.25)
        True
        """
        where = "siren"
        rate, opening = positive("omega", omega, where), flag("first", first, where)
        w = self.array(shape, dtype, device, out, where, seed)
        _, fan_in = _dense(tuple(w.shape), where)
        return self.fill_uniform(w, 1 / fan_in if opening else math.sqrt(6 / fan_in) / rate, seed, where)

    def lora(
        self,
        shape: Shape,
        rank: int,
        *,
        seed: Seed,
        dtype: DType | None = None,
        device: Device | None = None,
    ) -> tuple[Array, Array]:
        """A (rank, in) with U(+-1/sqrt(in)) and B (out, rank) of zeros: the update B A starts at zero.

        Hu et al. 2021, arXiv:2106.09685; the variance of A is that of its reference code, 1/(3 in).

        shape: (out, in) of the weight that is adapted.
        rank: of the update.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.

        >>> from varlaw.impl.numpy import lora
        >>> a, b = lora((8, 4), 2, seed=0)
        >>> a.shape, b.shape
        ((2, 4), (8, 2))
        """
        where = "lora"
        low = whole("rank", rank, where, low=1)
        outputs, inputs = _dense(shape, where)
        a = self.array((low, inputs), dtype, device, None, where, seed)
        b = self.array((outputs, low), dtype, device, None, where, seed)
        return self.fill_uniform(a, 1 / math.sqrt(inputs), seed, where), self.fill(b, 0.0)

    def new_embeddings(
        self,
        old: Array,
        count: int,
        *,
        seed: Seed,
        spread: float = 0.0,
        dtype: DType | None = None,
        device: Device | None = None,
    ) -> Array:
        """Rows for new tokens, (count, dim): the mean of the old ones, plus `spread` times draws with their covariance.

        At spread 0 the new distribution is within log(1 + count/tokens) of the old one (Hewitt 2021); a bias needs its
        own mean.

        old: the embeddings that there are, (tokens, dim), all finite.
        count: new tokens.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        spread: what the draws are multiplied by; 1 gives the covariance of the old rows.
        dtype, device: of the result; by default those of `old`.

        >>> import numpy as np
        >>> from varlaw.impl.numpy import new_embeddings
        >>> new_embeddings(np.array([[1.0, 3.0], [3.0, 5.0]]), 1, seed=0)
        array([[2., 4.]])
        """
        where = "new_embeddings"
        kind, place = self.home(self.float_array("old", old, where))
        if old.ndim != 2 or not math.prod(old.shape):
            refuse("old.shape", tuple(old.shape), "(tokens, dim), neither zero", where)
        wide, size = number("spread", spread, where, low=0.0), whole("count", count, where)
        if bad := self.nonfinite(old):
            refuse("old", f"{bad} of {math.prod(old.shape)} not finite", "finite", where)
        rows = self.constant_wide(old)
        centre = rows.mean(axis=0)
        dtype, device = kind if dtype is None else dtype, place if device is None else device
        result = self.array((size, old.shape[1]), dtype, device, None, where)
        if not wide:
            return self.write(result, centre)
        # weights N(0, 1/tokens) on the centred rows have the rows' covariance
        weights = self.fill_normal(self.empty_wide((size, len(rows)), rows), wide / math.sqrt(len(rows)), seed, where)
        return self.write(result, weights @ (rows - centre) + centre)

    def lstm_bias(
        self,
        units: int,
        forget: float = 1.0,
        *,
        shares: int = 2,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Zero but for the forget gate, whose biases add up to `forget`; the gates lie in the order i, f, g, o.

        units: hidden units; the result is (4 * units,).
        forget: what the forget gate's biases add up to.
        shares: bias vectors that the cell adds: two in torch, each of which gets half, one elsewhere.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import lstm_bias
        >>> lstm_bias(1, 1.0)
        array([0. , 0.5, 0. , 0. ], dtype=float32)
        """
        where = "lstm_bias"
        size, value = whole("units", units, where, low=1), number("forget", forget, where)
        b = self.array((4 * size,), dtype, device, out, where)
        self.representable("forget", value, b, where)
        share = value / whole("shares", shares, where, low=1)
        self.fill(self.part(self.fill(b, 0.0), slice(size, 2 * size)), share)
        return b

    def chrono_bias(
        self,
        units: int,
        longest: float,
        *,
        cell: str,
        seed: Seed,
        shares: int = 2,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Gate biases for memories of 1 to `longest` steps: b = log(U(1, longest - 1)) (arXiv:1804.11188).

        units: hidden units; the result has that many for each gate.
        longest: dependency that is to be remembered, in steps, > 2.
        cell: "lstm" (gates i, f, g, o), with b for the forget gate and -b for the input gate, or "gru" (r, z, n), with
            b for the update gate, which keeps the old state.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        shares: bias vectors that the cell adds, among which b is divided: two in torch.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import chrono_bias
        >>> chrono_bias(2, 100, cell="lstm", seed=0).shape
        (8,)
        """
        where = "chrono_bias"
        size, (low, high) = whole("units", units, where, low=1), chrono_range(longest, where)
        gates = {"lstm": 4, "gru": 3}[choice("cell", cell, ("lstm", "gru"), where)]
        parts = whole("shares", shares, where, low=1)
        b = self.array((gates * size,), dtype, device, out, where, seed)
        bias = self.logs_between(low, high, size, seed, b, where) / parts
        self.write(self.part(self.fill(b, 0.0), slice(size, 2 * size)), bias)
        if cell == "lstm":
            self.write(self.part(b, slice(0, size)), -bias)
        return b

    def head(
        self,
        shape: Shape,
        logit_std: float = 0.0,
        *,
        seed: Seed,
        second_moment: float = 1.0,
        dtype: DType | None = None,
        device: Device | None = None,
        out: Array | None = None,
    ) -> Array:
        """Weights of a classifier whose logits start with std `logit_std`: at 0 the loss is ln(classes).

        shape: (classes, in).
        logit_std: standard deviation of a logit.
        seed: an int in [0, 2**64), or a generator of the library, which moves on.
        second_moment: mean square of a feature.
        dtype: "float32" (default), "float64", "float16", "bfloat16", or the library's own object.
        device: where the result lies; NumPy has "cpu" alone.
        out: filled and returned in place of a new array, whatever its strides; its dtype and device are meant.

        >>> from varlaw.impl.numpy import head
        >>> float(abs(head((10, 4), seed=0)).max())
        0.0
        """
        w = self.array(shape, dtype, device, out, "head", seed)
        _, fan_in = _dense(tuple(w.shape), "head")
        return self.fill_normal(w, head_std(logit_std, fan_in, second_moment), seed, "head")


def _dense(shape: Shape, where: str) -> tuple[int, int]:
    """(out, in) of a dense layer, neither zero."""
    found = sizes(shape, where)
    if len(found) != 2 or 0 in found:
        refuse("shape", found, "(out, in), neither zero", where)
    return found[0], found[1]
