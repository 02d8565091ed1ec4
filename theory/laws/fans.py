"""Laws about fans: how many terms an output sums, what a convention counts instead, and what borders take away."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.law import Domain, Kind, Law, Relation, at_least, between, one_of
from varlaw.theory.numerics.quadrature import Floats

_CHANNELS = at_least(1, typical=(1, 1024))
_TAPS = at_least(1, typical=(1, 49))
_STRIDES = at_least(1, typical=(1, 8))
_GROUPS = at_least(1, typical=(1, 1))
_STEP = "taps and strides: products over the spatial axes"
_MEAN = "mean over positions away from the border"


def _floats(x: Any) -> Floats:
    return np.asarray(x, dtype=np.float64)


def _law(
    name: str,
    title: str,
    quantity: str,
    formula: str,
    rule: Callable[..., Any],
    domain: Domain,
    hypotheses: tuple[str, ...],
    derivation: str,
    **more: Any,
) -> Law:
    return Law(
        name=name,
        title=title,
        quantity=quantity,
        formula=formula,
        kind=more.pop("kind", Kind.EXACT),
        domain=domain,
        rule=rule,
        hypotheses=hypotheses,
        derivation=derivation,
        source=more.pop("source", "derived"),
        statistic=more.pop(
            "statistic", "the layer itself with weights 1 on input 1 (its vector-Jacobian product of ones for fan_out)"
        ),
        **more,
    )


def _divides(axis: str) -> Relation:
    def holds(**params: Any) -> Any:
        return _floats(params[axis]) % _floats(params["groups"]) == 0

    return Relation(f"groups divides {axis}", holds)


def transposed_taps(position: Any, kernel: Any, stride: Any) -> Floats:
    """Taps that reach one output position of a transposed convolution along one axis, far from the border."""
    residue = _floats(position) % _floats(stride)
    return _floats(np.maximum(np.ceil((_floats(kernel) - residue) / _floats(stride)), 0.0))


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
    start = _floats(position) * _floats(stride) - _floats(padding)
    d = _floats(dilation)
    # The taps t with 0 <= start + t d <= size - 1 and 0 <= t <= kernel - 1.
    first = np.maximum(np.ceil(-start / d), 0.0)
    last = np.minimum(np.floor((_floats(size) - 1 - start) / d), _floats(kernel) - 1)
    return _floats(np.maximum(last - first + 1, 0.0))


def mean_padded_taps(kernel: Any, size: Any) -> Floats:
    """Mean over positions of the taps on the input, for odd kernels and padding that keeps the size."""
    pad = (_floats(kernel) - 1) / 2
    n = _floats(size)
    return np.where(n >= pad, _floats(kernel) - pad * (pad + 1) / np.maximum(n, 1), n)  # n < pad: all inputs, always


_CONV = (
    _law(
        "conv.fan_in",
        "True fan_in of a convolution",
        "terms in one output",
        "channels_in / mpf(groups) * taps",
        lambda channels_in, groups, taps: _floats(channels_in) / groups * taps,
        Domain(_divides("channels_in"), channels_in=_CHANNELS, groups=_GROUPS, taps=_TAPS),
        (_STEP, "away from the border"),
        "Every output sums one tap per kernel position and input channel of its group. Dilation changes nothing.",
    ),
    _law(
        "conv.fan_out",
        "True mean fan_out of a convolution",
        "outputs that one input enters, " + _MEAN,
        "channels_out / mpf(groups) * taps / strides",
        lambda channels_out, groups, taps, strides: _floats(channels_out) / groups * taps / strides,
        Domain(_divides("channels_out"), channels_out=_CHANNELS, groups=_GROUPS, taps=_TAPS, strides=_STRIDES),
        (_STEP,),
        "Outputs times fan_in, over inputs; a stride keeps one output in strides.",
        not_to_confuse="channels_out * taps, as torch's helper counts: too large by groups * strides",
    ),
    _law(
        "conv.shape_fan_out_excess",
        "How far fan_out read off the shape exceeds the true one",
        "shape convention over true fan_out",
        "mpf(groups) * strides",
        lambda groups, strides: _floats(groups) * _floats(strides),
        Domain(groups=at_least(1, typical=(1, 64)), strides=_STRIDES),
        ("fan_out = shape[0] * taps by convention", _STEP),
        "channels_out taps over channels_out taps/(groups strides); for a depthwise layer groups is channels_in.",
        source="derived; pytorch issue 23854",
    ),
    _law(
        "conv_transpose.fan_in",
        "True mean fan_in of a transposed convolution",
        "terms in one output, " + _MEAN,
        "channels_in / mpf(groups) * taps / strides",
        lambda channels_in, groups, taps, strides: _floats(channels_in) / groups * taps / strides,
        Domain(_divides("channels_in"), channels_in=_CHANNELS, groups=_GROUPS, taps=_TAPS, strides=_STRIDES),
        (_STEP,),
        "The adjoint of a convolution: its fan_in is that one's fan_out.",
        not_to_confuse="shape[1] * taps, torch's helper: that is the true fan_out, because the axes are swapped",
    ),
    _law(
        "conv_transpose.fan_out",
        "True fan_out of a transposed convolution",
        "outputs that one input enters",
        "channels_out / mpf(groups) * taps",
        lambda channels_out, groups, taps: _floats(channels_out) / groups * taps,
        Domain(_divides("channels_out"), channels_out=_CHANNELS, groups=_GROUPS, taps=_TAPS),
        (_STEP, "away from the border"),
        "The adjoint of a convolution: its fan_out is that one's fan_in.",
    ),
    _law(
        "conv_transpose.taps_at",
        "Terms of a transposed convolution at one position",
        "taps that reach output position p along one axis",
        "max(ceil((kernel - position % stride) / mpf(stride)), 0)",
        transposed_taps,
        Domain(position=at_least(0, typical=(0, 64)), kernel=_TAPS, stride=_STRIDES),
        ("away from the border", "no output padding; position counted from the first untrimmed output"),
        "Input j reaches p through tap p - j stride: as many taps as t = p mod stride, + stride, ... below kernel.",
        not_to_confuse="one variance everywhere: unless stride divides kernel it is periodic (checkerboard)",
    ),
    _law(
        "conv_transpose.border_taps_at",
        "Terms of a transposed convolution at one position, borders included",
        "taps that bring an input to output position p along one axis",
        "sum(1 for t in range(kernel) if (position + padding - t * dilation) % stride == 0"
        " and 0 <= position + padding - t * dilation < size * stride)",
        bordered_taps,
        Domain(
            position=at_least(0, typical=(0, 64)),
            kernel=_TAPS,
            size=at_least(1, typical=(1, 64)),
            stride=_STRIDES,
            padding=at_least(0, typical=(0, 24)),
            dilation=_STRIDES,
        ),
        (
            "padding trims the output; position counted from the first one kept",
            "output padding adds positions at the end",
        ),
        "Input j reaches p + padding through tap (p + padding - j stride) / dilation, if it is one. Positions nearer "
        "to an end than dilation (kernel - 1) lack inputs that conv_transpose.taps_at counts.",
        not_to_confuse="the count away from the border: the first position of an untrimmed output has one term",
    ),
    _law(
        "conv_transpose.mean_taps",
        "Mean number of terms of an untrimmed transposed convolution",
        "mean over all positions of the taps that bring an input, along one axis",
        "kernel * size / (mpf(size - 1) * stride + dilation * (kernel - 1) + 1)",
        lambda kernel, size, stride, dilation: (
            _floats(kernel) * size / ((_floats(size) - 1) * stride + _floats(dilation) * (_floats(kernel) - 1) + 1)
        ),
        Domain(kernel=_TAPS, size=at_least(1, typical=(1, 64)), stride=_STRIDES, dilation=_STRIDES),
        ("no padding and no output padding", "E x^2 equal at all positions"),
        "Each tap of each input lands on one of (size - 1) stride + dilation (kernel - 1) + 1 outputs. Axes multiply.",
        not_to_confuse="kernel / stride, the mean away from the border (conv_transpose.fan_in)",
    ),
    _law(
        "padding.taps_at",
        "Terms of a zero-padded convolution at one position",
        "taps that fall on the input along one axis",
        "sum(1 for t in range(kernel) if 0 <= position * stride - padding + t * dilation < size)",
        padded_taps,
        Domain(
            position=at_least(0, typical=(0, 64)),
            kernel=_TAPS,
            size=at_least(1, typical=(1, 64)),
            stride=_STRIDES,
            padding=at_least(0, typical=(0, 24)),
            dilation=_STRIDES,
        ),
        ("zero padding; reflect, circular and replicate padding keep all taps",),
        "Taps on padding add nothing; distinct taps are independent, so E y^2 = Var[w] E[x^2] times the count.",
    ),
    _law(
        "padding.mean_taps",
        "Mean number of terms of a zero-padded convolution",
        "mean over positions of the taps on the input, along one axis",
        "sum(sum(1 for t in range(kernel) if 0 <= p - (kernel - 1) // 2 + t < size) for p in range(size)) / mpf(size)",
        mean_padded_taps,
        Domain(
            Relation("kernel is odd", lambda kernel, **_: _floats(kernel) % 2 == 1),
            kernel=at_least(1, typical=(1, 1)),
            size=at_least(1, typical=(1, 64)),
        ),
        ("odd kernel, padding (kernel - 1)/2, stride 1, dilation 1", "E x^2 equal at all positions"),
        "kernel - pad (pad+1)/size for size >= pad: offset t misses |t| positions. Axes multiply: 7.5625 of 9 on 8x8.",
        not_to_confuse="kernel: zero padding loses second moment at the border, most in small images",
    ),
)

_OTHER = (
    _law(
        "packed_qkv.xavier_factor",
        "Glorot's variance on a packed projection",
        "Var[w] of one (k d, d) matrix over that of k separate (d, d) ones",
        "2 / (1 + mpf(blocks))",
        lambda blocks: 2 / (1 + _floats(blocks)),
        Domain(blocks=at_least(1, typical=(1, 8))),
        ("Glorot's rule applied to the shape of the pack",),
        "2/(k d + d) over 2/(d + d): 1/2 for packed query, key and value.",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of w^2 over all entries",
        source="derived; pytorch issue 166378",
        not_to_confuse="the law of the separate matrices: the query-key logit variance falls by its square, 1/4",
    ),
    _law(
        "embedding.second_moment",
        "Second moment of an embedded token",
        "E[y_i^2]",
        "variance",
        lambda variance: _floats(variance),
        Domain(variance=at_least(0, whole=False, typical=(1e-4, 1.0))),
        ("lookup of one row; equal to a one-hot input, so fan_in is 1",),
        "y is a row of the table: no sum, no fan.",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of y^2 over tokens and fresh draws",
        not_to_confuse="variance 1/fan with fan the vocabulary or the dimension: outputs then shrink with the table",
    ),
    _law(
        "average_pool.second_moment_factor",
        "Second moment through average pooling",
        "E[y^2]/E[x^2]",
        "1 / mpf(taps)",
        lambda taps: 1 / _floats(taps),
        Domain(taps=_TAPS),
        ("inputs of mean 0, uncorrelated within the window",),
        "The mean of k uncorrelated terms of variance E[x^2].",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of y^2 over mean of x^2 over fresh inputs",
        not_to_confuse="1, the value for equal inputs: real feature maps lie between",
    ),
    _law(
        "average_pool.correlated_factor",
        "Second moment through average pooling of equally correlated inputs",
        "E[y^2]/E[x^2]",
        "(1 + (mpf(taps) - 1) * correlation) / taps",
        lambda taps, correlation: (1 - _floats(correlation)) / _floats(taps) + _floats(correlation),
        Domain(taps=_TAPS, correlation=between(0, 1)),
        ("E[x_i x_j] = correlation E[x^2] for every pair of the window",),
        "k terms on the diagonal, k (k-1) off it, over k^2.",
        kind=Kind.IN_EXPECTATION,
        statistic="mean of y^2 over mean of x^2 over fresh inputs",
    ),
    _law(
        "shape_convention.fan",
        "Fan by torch's documented convention",
        "fan_in or fan_out of a weight of shape (first, second, *receptive)",
        "(second if mode == 'fan_in' else first) * mpf(receptive)",
        lambda first, second, receptive, mode: _floats(second if mode == "fan_in" else first) * _floats(receptive),
        Domain(first=_CHANNELS, second=_CHANNELS, receptive=_TAPS, mode=one_of("fan_in", "fan_out")),
        ("receptive: product of the sides from the third on",),
        "A definition. It is the layer's own fan for dense layers and for convolutions without groups and stride.",
        kind=Kind.CONVENTION,
        source="torch.nn.init documentation",
        statistic="bound or standard deviation of the drawn weights",
        not_to_confuse="the true fans of transposed, grouped, strided or embedding layers",
    ),
)

ENTRIES: tuple[Law, ...] = (*_CONV, *_OTHER)
