"""A network from plain data to arrays: what its signal, its gradient and their spread are at every depth.

Each block is a mapping with the key `block` and its own numbers:

    {"block": "dense", "fan_in": 512, "fan_out": 512, "scheme": "he_normal"}       or "variance", "bias_variance"
    {"block": "conv", "channels_in": 64, "channels_out": 64, "kernel": [3, 3], "stride": [1, 1], "groups": 1, ...}
    {"block": "activation", "name": "relu"}
    {"block": "norm", "kind": "layer" | "rms" | "batch" | "group" | "instance", "eps": 1e-5}
    {"block": "dropout", "rate": 0.1}
    {"block": "attention", "width": 512, "context": 128, "head_width": 64, "causal": True, "value_variance": ..., ...}
    {"block": "pool", "kind": "average" | "max", "size": 4, "stride": 4}
    {"block": "embedding", "width": 512, "variance": 0.0004, "same": 0.0}
    {"block": "offset", "variance": 0.0004}                                         learned positions
    {"block": "scale", "value": 0.1}                                                LayerScale, a multiplier
    {"block": "residual", "branch": [...], "scale": 1.0}
    {"block": "merge", "by": "add" | "product" | "concat", "branches": [[...], [...]]}   a gate is a product

Second moments and correlations are those of infinite width; the spread is its first correction in 1/width.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from varlaw.theory.domain import printable
from varlaw.theory.networks.blocks import RULES
from varlaw.theory.networks.joins import MERGES, Branch, join, merged
from varlaw.theory.networks.reading import Block, number, within
from varlaw.theory.networks.signals import Backward, Signal
from varlaw.theory.numerics.quadrature import Floats
from varlaw.theory.variates.variate import real

HYPOTHESES = (
    "weights independent of each other and of the input, zero mean, the variances given; zero-mean biases",
    "pre-activations normal: wide layers (exact for Gaussian weights in the first layer); error O(depth / width)",
    "gradients independent of the weights they pass: an approximation in nets whose forward pass uses the same weights",
    "the last linear map of a residual branch has zero mean and is independent of the stream",
    "zero padding is ignored; positions are all alike and equally correlated; attention passes gradients along its "
    "values only, and to second order in the scores as those of two queries go",
    "merged branches end in weights of their own, or in signals that are independent unit by unit",
    "max pooling carries covariances of two inputs to first order; pooling takes gradients at positions as independent",
    "batch norm sees a large batch whose members have the given correlation pairwise",
    "orthogonal weights: the laws of normal ones at infinite width, and less spread, for norms are kept",
    "spread: variance of the log squared norm, first order in 1/width, Gaussian weights, nets that are alive; that of "
    "gradients leaves out how the scale of a norm shakes with the forward pass, so it is too small behind norms",
)


@dataclass(frozen=True)
class Prediction:
    """Arrays of shape (blocks + 1,): entry 0 is the network's input, entry l stands behind block l."""

    labels: tuple[str, ...]
    forward: Floats  # E h^2, per unit
    backward: Floats  # E (dL/dh)^2 per unit, relative to the output's
    correlation: Floats  # E[a b] / E[a^2] of two inputs
    forward_spread: Floats  # Var ln |h|^2
    backward_spread: Floats  # Var ln |dL/dh|^2
    forward_own: Floats  # of forward_spread, what the last linear map adds
    positions: Floats  # E[a a'] / E[a^2] of two positions of one input; NaN where there are none
    hypotheses: tuple[str, ...] = HYPOTHESES


def predict(
    network: Sequence[Block],
    *,
    second_moment: float = 1.0,
    correlation: float = 0.0,
    positions: float | None = None,
) -> Prediction:
    """Predict a network at initialisation, given its blocks and the input's second moment and correlation.

    `second_moment > 0` is E x^2 per input unit, `correlation` in [-1, 1] the uncentred correlation of two inputs of
    that size, `positions` that of two positions (tokens, pixels) of one input, where it has such. Raises `ValueError`
    in one line for a block that is unknown or incomplete.

    >>> layer = [{"block": "dense", "fan_in": 100, "fan_out": 100, "scheme": "he_normal"},
    ...          {"block": "activation", "name": "relu"}]
    >>> found = predict(layer * 10)
    >>> found.forward[[2, 20]].round(9).tolist(), round(float(found.forward_spread[-1]), 9)
    ([1.0, 1.0], 0.5)
    """
    if not _real(second_moment) or not 0 < real(second_moment) < math.inf:
        msg = f"second_moment={printable(second_moment)}, but should be a number > 0 [propagation.predict]"
        raise ValueError(msg)
    for name, value in (("correlation", correlation), ("positions", positions)):
        if value is not None and not (_real(value) and -1 <= value <= 1):
            msg = f"{name}={printable(value)}, but should be a number >= -1 and <= 1 [propagation.predict]"
            raise ValueError(msg)
    spaced = None if positions is None else positions * second_moment
    start = Signal(
        second_moment, correlation * second_moment, positions=spaced,
        elsewhere=None if spaced is None else correlation * spaced,
    )  # fmt: skip
    signals, gradients = _forward(network, start)
    gains, spreads = _backward(gradients)
    lost = next((i for i, s in enumerate(signals) if not math.isfinite(s.second_moment)), None)
    if lost is not None or not np.isfinite(gains).all():
        msg = f"the numbers leave float64 {f'behind block {lost}' if lost else 'on the way back'} [propagation.predict]"
        raise ValueError(msg)
    return Prediction(
        labels=("input", *(_label(block) for block in network)),
        forward=_array(s.second_moment for s in signals),
        backward=gains,
        correlation=_array(s.correlation for s in signals),
        forward_spread=_array(s.spread for s in signals),
        backward_spread=spreads,
        forward_own=_array(s.own for s in signals),
        positions=_array(math.nan if s.positions is None else s.positions / (s.second_moment or 1.0) for s in signals),
    )


def _real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _array(values: Iterable[float]) -> Floats:
    return np.asarray(list(values), dtype=np.float64)


def _label(block: Block) -> str:
    detail = block.get("name") or block.get("kind") or block.get("scheme") or block.get("by")
    if block["block"] == "residual":
        detail = next((str(b["block"]) for b in block["branch"] if b.get("block") != "norm"), "")
    return f"{block['block']} {detail}" if detail else str(block["block"])


def _forward(network: Sequence[Block], h: Signal) -> tuple[list[Signal], list[Backward]]:
    """The signal at every depth, and what each block does to gradients."""
    signals, gradients = [h], []
    for block in network:
        h, gradient = _step(block, h)
        signals.append(h)
        gradients.append(gradient)
    return signals, gradients


def _step(block: Any, h: Signal) -> tuple[Signal, Backward]:
    if not isinstance(block, Mapping):
        msg = f"block={printable(block)}, but should be a mapping with its kind as 'block' [propagation.predict]"
        raise ValueError(msg)
    kind = block.get("block")
    if kind == "residual":
        return _residual(block, h)
    if kind == "merge":
        return _merge(block, h)
    if not isinstance(kind, str) or kind not in RULES:
        known = ", ".join((*RULES, "residual", "merge"))
        msg = f"block={printable(kind)}, but should be one of {known} [propagation.predict]"
        raise ValueError(msg)
    return RULES[kind](block, h)


def _residual(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """h + scale f(h): second moments add, and so do mean squared gradients."""
    scale, branch = number(block, "scale", 1.0), within(block, "branch")
    signals, gradients = _forward(branch, replace(h, spread=0.0, before=None))
    steep, _ = _forward(branch, replace(h, spread=1.0, before=None))
    after = join(h, signals[-1], steep[-1].spread, scale, signals[-1].spread)
    gains, spreads = _backward(gradients)
    through = scale * scale * float(gains[0])
    share = through / (1 + through)
    noise = share**2 * float(spreads[0]) + 4 * share * (1 - share) / h.width
    return after, Backward(1 + through, noise)


def _merge(block: Block, h: Signal) -> tuple[Signal, Backward]:
    """Branches of one signal, put together again."""
    by = str(block.get("by"))
    if by not in MERGES:
        msg = f"by={block.get('by')!r}, but should be one of {', '.join(MERGES)} [propagation.merge]"
        raise ValueError(msg)
    branches = []
    for branch in within(block, "branches"):
        signals, gradients = _forward(branch, replace(h, spread=0.0, before=None))
        steep, _ = _forward(branch, replace(h, spread=1.0, before=None))
        gains, spreads = _backward(gradients)
        slope = math.sqrt(max(steep[-1].spread - signals[-1].spread, 0.0))
        branches.append(Branch(signals[-1], slope, float(gains[0]), float(spreads[0])))
    return merged(by, h, branches)


def _backward(gradients: Sequence[Backward]) -> tuple[Floats, Floats]:
    """Gains and spreads of the gradient at every depth, from the output (1 and 0) to the input.

    The 2/n of a linear map belongs to the activation in front of it, whose noise already holds it.
    """
    gains, spreads = [1.0], [0.0]
    for i in range(len(gradients) - 1, -1, -1):
        block = gradients[i]
        gains.append(gains[-1] * block.gain)
        in_front = gradients[i - 1] if i else None
        counted = in_front is not None and in_front.linear_width is None and in_front.spread > 0
        missing = 1 - counted - block.orthogonal
        own = 2 * missing / block.linear_width if block.linear_width else 0.0
        spreads.append(max(spreads[-1] + block.spread + own, 0.0))
    return np.asarray(gains[::-1]), np.asarray(spreads[::-1])
