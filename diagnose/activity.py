"""Units that do nothing: dead ones against the half that the law allows at most, saturated ones.

Whatever the inputs and however alike they are, a unit with weights symmetric about 0 and no bias is silent on all of
them with probability at most 1/2. So a layer of n units of which k are silent is held against Binomial(n, 1/2).

A share of 0.51 may be luck where a half is meant. The mean of n independent values in [0, 1] whose expectations are a
half or less reaches p with probability at most exp(-n KL(p || 1/2)), by Hoeffding's first bound: VIOLATES is said below
alpha, UNDECIDED above. Given what they are given, the units of a layer are independent, and so are heads; for its
weights, an attention's rows of the batch are.
"""

import math
from collections.abc import Sequence

from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph, place

_MOST = 0.5  # share of entries that may sit where the activation is flat
_SILENT = frozenset(["relu", "relu6", "threshold"])  # no gradient passes where these give 0
_ASKED = 3  # questions that share one alpha: dead units, saturated ones, attention
_HEADED = 3  # axes: with more the second is that of heads
_FEWEST = 16  # rows of the batch, below which a silent unit says little


def units(sights: Sequence[Sight], alpha: float) -> list[Finding]:
    """Layers with more dead units than the law allows, or saturated ones; `alpha` is shared by the layers."""
    from scipy.special import bdtrc

    alpha /= _ASKED * max(1, sum(call.units is not None for call in sights[0].calls))
    found = []
    for call in sights[0].calls:
        if call.inputs and (call.inputs[0].second == 0 or call.inputs[0].nonfinite):
            continue  # behind zeros: the gradient tells whether that is on purpose; -inf is a mask
        seen = [s.calls[call.number].units for s in sights if call.number < len(s.calls)]
        known = [u for u in seen if u is not None]
        if not known or known[0].rows < _FEWEST:
            continue
        count, silent = sum(u.units for u in known), sum(u.silent for u in known)
        where = place(call, sights[0].calls)
        if silent and call.op in _SILENT and float(bdtrc(silent - 1, count, _MOST)) < alpha:
            says = f"{silent} of {count} units of {call.op} are 0 on all {known[0].rows} rows; the law allows half"
            found.append(
                finding(
                    "unit.dead",
                    "VIOLATES",
                    says,
                    where,
                    observed=silent / count,
                    expected=0.5,
                    samples=count,
                    alpha=alpha,
                )
            )
        share = sum(u.saturated for u in known) / len(known)
        says = f"{100 * share:.3g} % of the entries of {call.op} lie where its derivative is below 2 % of its largest"
        found += _above(share, count, len(known), alpha, where, says)
    return found


def attention(sights: Sequence[Sight], graph: Graph, alpha: float) -> list[Finding]:
    """Attention whose weight lies on one key: E sum p^2, from 0 for even weights to 1, is above a half.

    With n keys and normal scores of deviation s that begins at s = 2 sqrt(2 ln n): the freezing of the random-energy
    model, where the gradient through the softmax has all but gone.
    """
    weighing = [c for c in sights[0].calls if c.concentration is not None and _weighs(c, graph)]
    alpha /= _ASKED * max(1, len(weighing))
    found = []
    for call in weighing:
        known = [c.concentration for s in sights if (c := _same(s, call)) and c.concentration is not None]
        heads = call.shape[1] if len(call.shape) > _HEADED else 1
        share, count = sum(known) / len(known), len(known) * max(heads, sights[0].batch_rows, 1)
        says = f"attention lies on one key: sum p^2 is {share:.3g}, from 0 for even weights to 1 for one key"
        found += _above(share, count, len(known), alpha, place(call, sights[0].calls), says)
    return found


def _weighs(call: Call, graph: Graph) -> bool:
    behind = graph.behind(call.number)
    return call.kind == "attention" or (behind is not None and behind.kind == "linear" and not behind.parameters)


def _above(share: float, count: int, draws: int, alpha: float, where: str, says: str) -> list[Finding]:
    """A share above a half, of `count` independent values in [0, 1]."""
    if not share > _MOST:
        return []
    rest = 1 - share
    nats = count * (math.log(2) + share * math.log(share) + (rest * math.log(rest) if rest > 0 else 0.0))
    outcome = "VIOLATES" if nats > -math.log(alpha) else "UNDECIDED"
    return [finding("unit.saturated", outcome, says, where, observed=share, expected=_MOST, samples=draws, alpha=alpha)]


def _same(sight: Sight, call: Call) -> Call | None:
    return sight.calls[call.number] if call.number < len(sight.calls) else None
