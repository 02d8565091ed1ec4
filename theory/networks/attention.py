"""Self-attention at initialisation over tokens that are correlated, as those of one text or image are.

Keys that share a part c of their variance share a part of every score, which softmax ignores: scores of deviation s are
as uneven as independent ones of deviation s sqrt(1 - c). Values average less than independent ones would: with S the
mean of sum p^2, a token's output has S q + (1 - S) p, where p is the covariance of two tokens' values.
"""

import math
from dataclasses import replace

import numpy as np

from varlaw.theory.networks.reading import Block, number
from varlaw.theory.networks.signals import Backward, Signal
from varlaw.theory.numerics.chi import trigamma
from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.numerics.softmax import softmax_squares

_POINTS = 24  # contexts at which a causal mask's mean is taken
_WIDE = 8.0  # standard deviation of scores


def attention(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Values averaged by the softmax of random scores, over `context` tokens, or those up to each where `causal`."""
    d, context = number(block, "width", None), number(block, "context", None)
    value, out = number(block, "value_variance", 1 / d), number(block, "out_variance", 1 / d)
    alike = _share(h.positions, h)
    score_std = _score_std(block, d, h) * math.sqrt(1 - alike)
    square = mean_square(context, score_std, causal=bool(block.get("causal", False)))
    gain = d * value * d * out
    return attended(h, gain, square, context, d), Backward(gain * square, 2 * float(trigamma(d / 2)))


def attended(h: Signal, gain: float, square: float, context: float, width: float) -> Signal:
    """The signal behind attention whose weights have this E sum p^2, and whose value and output maps this gain."""
    near, far = h.positions or 0.0, h.far if h.elsewhere is not None else 0.0
    uneven = context * square
    queries, both = uneven ** abs(_share(h.positions, h)) / context, uneven ** (h.correlation**2) / context
    positions = None if h.positions is None else gain * (queries * h.second_moment + (1 - queries) * near)
    elsewhere = gain * (both * h.covariance + (1 - both) * far)
    return Signal(
        second_moment=gain * (square * h.second_moment + (1 - square) * near),
        covariance=elsewhere,
        spread=h.spread + 2 * float(trigamma(width / 2)),
        width=width,
        positions=positions,
        elsewhere=None if h.elsewhere is None else elsewhere,
    )


def averaged(h: Signal, square: float, context: float) -> Signal:
    """`attended` without maps of its own: what the softmax's weights alone make of the values."""
    return replace(attended(h, 1.0, square, context, h.width), spread=h.spread + 2 / h.width)


def mean_square(context: float, std: float, *, causal: bool) -> float:
    """E sum p^2 of a softmax over `context` normal scores, or its mean over 1, ..., context of them.

    >>> round(mean_square(4, 0.0, causal=True), 6) == round((1 + 1/2 + 1/3 + 1/4) / 4, 6)
    True
    """
    if not causal:
        return float(_squares(np.array([context]), std)[0])
    n = max(1, round(context))
    if n <= 2 * _POINTS:
        return float(_squares(np.arange(1.0, n + 1), std).mean())
    nodes = np.unique(np.round(np.geomspace(1, n, _POINTS)))
    every = np.arange(1, n + 1)
    return float(np.exp(np.interp(np.log(every), np.log(nodes), np.log(_squares(nodes, std)))).mean())


def _squares(contexts: Floats, std: float) -> Floats:
    """E sum p^2; where the largest score takes nearly all, what it leaves falls like 1/std, to 2 % of it from 8 on."""
    exact = softmax_squares(contexts, min(std, _WIDE))
    return 1 - (1 - exact) * min(1.0, _WIDE / std) if std else exact


def _share(covariance: float | None, h: Signal) -> float:
    if covariance is None or not h.second_moment:
        return 0.0
    return min(1.0, max(0.0, covariance / h.second_moment))


def _score_std(block: Block, d: float, h: Signal) -> float:
    head = number(block, "head_width", d)
    query, key = number(block, "query_variance", 1 / d), number(block, "key_variance", 1 / d)
    scale = number(block, "scale", 1 / math.sqrt(head))
    return scale * math.sqrt(head * query * key) * d * h.second_moment
