"""A network foreseen from its description: words or blocks to a `Profile`.

>>> found = described("10 x (dense 500 glorot_normal, tanh)")
>>> round(found.depths[-1].second, 4)
0.0522
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from varlaw.diagnose.records import Depth, Profile
from varlaw.theory.networks.description import blocks_of
from varlaw.theory.networks.propagation import Prediction, predict

BAND = 3.29  # standard deviations: 99.9 % of draws


def described(
    network: str | Sequence[Mapping[str, Any]],
    *,
    second_moment: float = 1.0,
    correlation: float = 0.0,
    positions: float | None = None,
) -> Profile:
    """What theory says of a network in words, or of blocks as `theory.networks.propagation` has them."""
    name = network if isinstance(network, str) else f"{len(network)} blocks"
    blocks = blocks_of(network) if isinstance(network, str) else network
    found = predict(blocks, second_moment=second_moment, correlation=correlation, positions=positions)
    depths = [_depth(found, i) for i in range(len(found.labels))]
    return Profile(name=" ".join(name.split()), depths=depths, hypotheses=found.hypotheses)


def _depth(found: Prediction, i: int) -> Depth:
    second, gradient = float(found.forward[i]), float(found.backward[i])
    spread, back = band(float(found.forward_spread[i])), band(float(found.backward_spread[i]))
    spaced = float(found.positions[i])
    return Depth(
        label=found.labels[i], second=second, low=second / spread, high=second * spread,
        gradient=gradient, gradient_low=gradient / back, gradient_high=gradient * back,
        correlation=float(found.correlation[i]), positions=None if math.isnan(spaced) else spaced,
    )  # fmt: skip


def band(variance: float) -> float:
    """The factor either way in which a draw lies, whose ln varies by `variance`."""
    return math.exp(min(BAND * math.sqrt(max(variance, 0.0)), 700.0))
