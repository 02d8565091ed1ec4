"""Laws about fans: how many terms an output sums, what a convention counts instead, and what borders take away."""

import functools
import math
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Relation, at_least, between, one_of
from varlaw.theory.law import Kind, Law
from varlaw.theory.numerics.quadrature import Floats, floats

_CHANNELS = at_least(1, typical=(1, 1024))
_TAPS = at_least(1, typical=(1, 49))
_STRIDES = at_least(1, typical=(1, 8))
_GROUPS = at_least(1, typical=(1, 1))
_STEP = "taps and strides: products over the spatial axes"
_MEAN = "mean over positions away from the border"


_law = functools.partial(
    Law,
    kind=Kind.EXACT,
    statistic="the layer itself with weights 1 on input 1 (its vector-Jacobian product of ones for fan_out)",
)


def _divides(axis: str) -> Relation:
    def holds(**params: Any) -> Any:
        return np.mod(params[axis], params["groups"]) == 0

    return Relation(f"groups divides {axis}", holds)


def transposed_taps(position: Any, kernel: Any, stride: Any) -> Floats:
    """Taps that reach one output position of a transposed convolution along one axis, far from the border."""
    residue = floats(position) % floats(stride)
    return floats(np.maximum(np.ceil((floats(kernel) - residue) / floats(stride)), 0.0))


@functools.partial(np.vectorize, otypes=[np.float64])
def bordered_taps(position: float, kernel: float, size: float, stride: float, padding: float, dilation: float) -> float:
    """Taps of a transposed convolution that bring one of `size` inputs to an output position, along one axis."""
    p, s, d = int(position + padding), int(stride), int(dilation)
    common = math.gcd(s, d)
    if p % common:
        return 0
    # Tap (p - j s) / d of input j is whole for one input in `every`, counted from `first`.
    every = d // common
    first = p // common * pow(s // common, -1, every) % every
    low, high = max(0, -((int(kernel - 1) * d - p) // s)), min(int(size) - 1, p // s)
    return (high - first) // every - (low - 1 - first) // every if low <= high else 0


def padded_taps(position: Any, kernel: Any, size: Any, stride: Any, padding: Any, dilation: Any) -> Floats:
    """Taps of a zero-padded convolution that fall on the input, along one axis."""
    start = floats(position) * floats(stride) - floats(padding)
    d = floats(dilation)
    # The taps t with 0 <= start + t d <= size - 1 and 0 <= t <= kernel - 1.
    first = np.maximum(np.ceil(-start / d), 0.0)
    last = np.minimum(np.floor((floats(size) - 1 - start) / d), floats(kernel) - 1)
    return floats(np.maximum(last - first + 1, 0.0))


def mean_padded_taps(kernel: Any, size: Any) -> Floats:
    """Mean over positions of the taps on the input, for odd kernels and padding that keeps the size."""
    pad = (floats(kernel) - 1) / 2
    n = floats(size)
    return np.where(n >= pad, floats(kernel) - pad * (pad + 1) / np.maximum(n, 1), n)  # n < pad: all inputs, always


_CONV = (
    _law(
        name="conv.fan_in",
        title="True fan_in of a convolution",
        quantity="terms in one output",
        formula="channels_in / mpf(groups) * taps",
        rule=lambda channels_in, groups, taps: channels_in / groups * taps,
        domain=Domain(_divides("channels_in"), channels_in=_CHANNELS, groups=_GROUPS, taps=_TAPS),
        hypotheses=(_STEP, "away from the border"),
        derivation=(
            "Every output sums one tap per kernel position and input channel of its group. Dilation changes nothing."
        ),
    ),
    _law(
        name="conv.fan_out",
        title="True mean fan_out of a convolution",
        quantity="outputs that one input enters, " + _MEAN,
        formula="channels_out / mpf(groups) * taps / strides",
        rule=lambda channels_out, groups, taps, strides: channels_out / groups * taps / strides,
        domain=Domain(_divides("channels_out"), channels_out=_CHANNELS, groups=_GROUPS, taps=_TAPS, strides=_STRIDES),
        hypotheses=(_STEP,),
        derivation="Outputs times fan_in, over inputs; a stride keeps one output in strides.",
        not_to_confuse="channels_out * taps, as torch's helper counts: too large by groups * strides",
    ),
    _law(
        name="conv.shape_fan_out_excess",
        title="How far fan_out read off the shape exceeds the true one",
        quantity="shape convention over true fan_out",
        formula="mpf(groups) * strides",
        rule=lambda groups, strides: groups * strides,
        domain=Domain(groups=at_least(1, typical=(1, 64)), strides=_STRIDES),
        hypotheses=("fan_out = shape[0] * taps by convention", _STEP),
        derivation=(
            "channels_out taps over channels_out taps/(groups strides); for a depthwise layer groups is channels_in."
        ),
        source="derived; pytorch issue 23854",
    ),
    _law(
        name="conv_transpose.fan_in",
        title="True mean fan_in of a transposed convolution",
        quantity="terms in one output, " + _MEAN,
        formula="channels_in / mpf(groups) * taps / strides",
        rule=lambda channels_in, groups, taps, strides: channels_in / groups * taps / strides,
        domain=Domain(_divides("channels_in"), channels_in=_CHANNELS, groups=_GROUPS, taps=_TAPS, strides=_STRIDES),
        hypotheses=(_STEP,),
        derivation="The adjoint of a convolution: its fan_in is that one's fan_out.",
        not_to_confuse="shape[1] * taps, torch's helper: that is the true fan_out, because the axes are swapped",
    ),
    _law(
        name="conv_transpose.fan_out",
        title="True fan_out of a transposed convolution",
        quantity="outputs that one input enters",
        formula="channels_out / mpf(groups) * taps",
        rule=lambda channels_out, groups, taps: channels_out / groups * taps,
        domain=Domain(_divides("channels_out"), channels_out=_CHANNELS, groups=_GROUPS, taps=_TAPS),
        hypotheses=(_STEP, "away from the border"),
        derivation="The adjoint of a convolution: its fan_out is that one's fan_in.",
    ),
    _law(
        name="conv_transpose.taps_at",
        title="Terms of a transposed convolution at one position",
        quantity="taps that reach output position p along one axis",
        formula="max(ceil((kernel - position % stride) / mpf(stride)), 0)",
        rule=transposed_taps,
        domain=Domain(position=at_least(0, typical=(0, 64)), kernel=_TAPS, stride=_STRIDES),
        hypotheses=("away from the border", "no output padding; position counted from the first untrimmed output"),
        derivation=(
            "Input j reaches p through tap p - j stride: as many taps as t = p mod stride, + stride, ... below kernel."
        ),
        not_to_confuse="one variance everywhere: unless stride divides kernel it is periodic (checkerboard)",
    ),
    _law(
        name="conv_transpose.border_taps_at",
        title="Terms of a transposed convolution at one position, borders included",
        quantity="taps that bring an input to output position p along one axis",
        formula=(
            "sum(1 for t in range(kernel) if (position + padding - t * dilation) % stride == 0 "
            "and 0 <= position + padding - t * dilation < size * stride)"
        ),
        rule=bordered_taps,
        domain=Domain(
            position=at_least(0, typical=(0, 64)),
            kernel=_TAPS,
            size=at_least(1, typical=(1, 64)),
            stride=_STRIDES,
            padding=at_least(0, typical=(0, 24)),
            dilation=_STRIDES,
        ),
        hypotheses=(
            "padding trims the output; position counted from the first one kept",
            "output padding adds positions at the end",
        ),
        derivation=(
            "Input j reaches p + padding through tap (p + padding - j stride) / dilation, if it is one. Positions "
            "nearer to an end than dilation (kernel - 1) lack inputs that conv_transpose.taps_at counts."
        ),
        not_to_confuse="the count away from the border: the first position of an untrimmed output has one term",
    ),
    _law(
        name="conv_transpose.mean_taps",
        title="Mean number of terms of an untrimmed transposed convolution",
        quantity="mean over all positions of the taps that bring an input, along one axis",
        formula="kernel * size / (mpf(size - 1) * stride + dilation * (kernel - 1) + 1)",
        rule=lambda kernel, size, stride, dilation: kernel * size / ((size - 1) * stride + dilation * (kernel - 1) + 1),
        domain=Domain(kernel=_TAPS, size=at_least(1, typical=(1, 64)), stride=_STRIDES, dilation=_STRIDES),
        hypotheses=("no padding and no output padding", "E x^2 equal at all positions"),
        derivation=(
            "Each tap of each input lands on one of (size - 1) stride + dilation (kernel - 1) + 1 outputs. Axes "
            "multiply."
        ),
        not_to_confuse="kernel / stride, the mean away from the border (conv_transpose.fan_in)",
    ),
    _law(
        name="padding.taps_at",
        title="Terms of a zero-padded convolution at one position",
        quantity="taps that fall on the input along one axis",
        formula="sum(1 for t in range(kernel) if 0 <= position * stride - padding + t * dilation < size)",
        rule=padded_taps,
        domain=Domain(
            position=at_least(0, typical=(0, 64)),
            kernel=_TAPS,
            size=at_least(1, typical=(1, 64)),
            stride=_STRIDES,
            padding=at_least(0, typical=(0, 24)),
            dilation=_STRIDES,
        ),
        hypotheses=("zero padding; reflect, circular and replicate padding keep all taps",),
        derivation=(
            "Taps on padding add nothing; distinct taps are independent, so E y^2 = Var[w] E[x^2] times the count."
        ),
    ),
    _law(
        name="padding.mean_taps",
        title="Mean number of terms of a zero-padded convolution",
        quantity="mean over positions of the taps on the input, along one axis",
        formula=(
            "sum(sum(1 for t in range(kernel) if 0 <= p - (kernel - 1) // 2 + t < size) for p in range(size)) "
            "/ mpf(size)"
        ),
        rule=mean_padded_taps,
        domain=Domain(
            Relation("kernel is odd", lambda kernel, **_: kernel % 2 == 1),
            kernel=at_least(1, typical=(1, 1)),
            size=at_least(1, typical=(1, 64)),
        ),
        hypotheses=("odd kernel, padding (kernel - 1)/2, stride 1, dilation 1", "E x^2 equal at all positions"),
        derivation=(
            "kernel - pad (pad+1)/size for size >= pad: offset t misses |t| positions. Axes multiply: 7.5625 of 9 on "
            "8x8."
        ),
        not_to_confuse="kernel: zero padding loses second moment at the border, most in small images",
    ),
)

_OTHER = (
    _law(
        name="packed_qkv.xavier_factor",
        title="Glorot's variance on a packed projection",
        quantity="Var[w] of one (k d, d) matrix over that of k separate (d, d) ones",
        formula="2 / (1 + mpf(blocks))",
        rule=lambda blocks: 2 / (1 + blocks),
        domain=Domain(blocks=at_least(1, typical=(1, 8))),
        hypotheses=("Glorot's rule applied to the shape of the pack",),
        derivation="2/(k d + d) over 2/(d + d): 1/2 for packed query, key and value.",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of w^2 over all entries",
        source="derived; pytorch issue 166378",
        not_to_confuse="the law of the separate matrices: the query-key logit variance falls by its square, 1/4",
    ),
    _law(
        name="embedding.second_moment",
        title="Second moment of an embedded token",
        quantity="E[y_i^2]",
        formula="variance",
        rule=lambda variance: variance,
        domain=Domain(variance=at_least(0, whole=False, typical=(1e-4, 1.0))),
        hypotheses=("lookup of one row; equal to a one-hot input, so fan_in is 1",),
        derivation="y is a row of the table: no sum, no fan.",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of y^2 over tokens and fresh draws",
        not_to_confuse="variance 1/fan with fan the vocabulary or the dimension: outputs then shrink with the table",
    ),
    _law(
        name="average_pool.second_moment_factor",
        title="Second moment through average pooling",
        quantity="E[y^2]/E[x^2]",
        formula="1 / mpf(taps)",
        rule=lambda taps: 1 / taps,
        domain=Domain(taps=_TAPS),
        hypotheses=("inputs of mean 0, uncorrelated within the window",),
        derivation="The mean of k uncorrelated terms of variance E[x^2].",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of y^2 over mean of x^2 over fresh inputs",
        not_to_confuse="1, the value for equal inputs: real feature maps lie between",
    ),
    _law(
        name="average_pool.correlated_factor",
        title="Second moment through average pooling of equally correlated inputs",
        quantity="E[y^2]/E[x^2]",
        formula="(1 + (mpf(taps) - 1) * correlation) / taps",
        rule=lambda taps, correlation: (1 - correlation) / taps + correlation,
        domain=Domain(taps=_TAPS, correlation=between(0, 1)),
        hypotheses=("E[x_i x_j] = correlation E[x^2] for every pair of the window",),
        derivation="k terms on the diagonal, k (k-1) off it, over k^2.",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of y^2 over mean of x^2 over fresh inputs",
    ),
    _law(
        name="shape_convention.fan",
        title="Fan by torch's documented convention",
        quantity="fan_in or fan_out of a weight of shape (first, second, *receptive)",
        formula="(second if mode == 'fan_in' else first) * mpf(receptive)",
        rule=lambda first, second, receptive, mode: (second if mode == "fan_in" else first) * receptive,
        domain=Domain(first=_CHANNELS, second=_CHANNELS, receptive=_TAPS, mode=one_of("fan_in", "fan_out")),
        hypotheses=("receptive: product of the sides from the third on",),
        derivation=(
            "A definition. It is the layer's own fan for dense layers and for convolutions without groups and stride."
        ),
        kind=Kind.CONVENTION,
        source="torch.nn.init documentation",
        statistic="bound or standard deviation of the drawn weights",
        not_to_confuse="the true fans of transposed, grouped, strided or embedding layers",
    ),
)

ENTRIES: tuple[Law, ...] = (*_CONV, *_OTHER)
