"""A network foreseen, as a `Profile`: from its description in words or blocks, or along a model's own pass.

>>> found = described("10 x (dense 500 glorot_normal, tanh)")
>>> round(found.depths[-1].second, 4)
0.0522
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from varlaw.diagnose.foresight import Foresight, foresight
from varlaw.diagnose.records import Call, Depth, Profile
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.table import SHOWN
from varlaw.evidence.streams import SALT, Key
from varlaw.theory.networks.description import blocks_of
from varlaw.theory.networks.propagation import HYPOTHESES, Prediction, predict
from varlaw.theory.networks.signals import band


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
    low, high = band(float(found.forward_spread[i]), float(found.forward_own[i]))
    behind, above = band(float(found.backward_spread[i]))
    spaced = float(found.positions[i])
    return Depth(
        label=found.labels[i], second=second, low=second * low, high=second * high,
        gradient=gradient, gradient_low=gradient * behind, gradient_high=gradient * above,
        correlation=float(found.correlation[i]), positions=None if math.isnan(spaced) else spaced,
    )  # fmt: skip


def seen(build: Any, batch: Any, loss: Any = None, *, name: str = "model", salt: str = SALT) -> Profile:
    """What theory says of a model along its own pass over `batch`, beside what the pass measures."""
    from varlaw.diagnose.torch.looking import looked

    found = looked(build, batch, loss, 1, None, Key(salt, f"predict:{name}"), lambda _: False)
    sight = found.sights[0]
    ahead = foresight(sight, Graph(sight.calls), found.seconds)
    calls = [
        c for c in sight.calls if c.kind in (*SHOWN, "input", "product", "pool", "join") and c.number in ahead.ahead
    ]
    if not calls:
        msg = f"no number of the pass of {name} is finite, but its batch and weights should be [predict]"
        raise ValueError(msg)
    hypotheses = (*HYPOTHESES, "where theory has no law, what was measured starts the way anew")
    return Profile(name=name, depths=[_along(call, ahead) for call in calls], hypotheses=hypotheses)


def _along(call: Call, ahead: Foresight) -> Depth:
    second, low, high = ahead.of(call.number)
    h = ahead.ahead[call.number].signal
    return Depth(
        label=f"{call.path} {call.op}".strip(), second=second, low=low, high=high,
        gradient=ahead.gradients.get(call.number), correlation=h.correlation,
        positions=None if h.positions is None or not h.second_moment else h.positions / h.second_moment,
        measured=call.output.second if call.output else None,
        measured_gradient=call.gradient.second if call.gradient and not call.gradient.nonfinite else None,
    )  # fmt: skip
