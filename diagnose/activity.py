"""Units that do nothing: dead ones against the half that the law allows at most, saturated ones.

Whatever the inputs and however alike they are, a unit with weights symmetric about 0 and no bias is silent on all of
them with probability at most 1/2. So a layer of n units of which k are silent is held against Binomial(n, 1/2).

A share near a half is above it in one draw and below it in another: VIOLATES is said where it is above in every draw
that was made, which is a count, and by luck alone, with a median of a half, has probability 2^-n.
"""

from collections.abc import Sequence

from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph, place

_MOST = 0.5  # share of entries that may sit where the activation is flat
_SILENT = frozenset(["relu", "relu6", "threshold"])  # no gradient passes where these give 0
_FEWEST = 16  # rows of the batch, below which a silent unit says little


def units(sights: Sequence[Sight], alpha: float) -> list[Finding]:
    """Layers with more dead units than the law allows, or saturated ones; `alpha` is shared by the layers."""
    from scipy.special import bdtrc

    alpha /= max(1, sum(call.units is not None for call in sights[0].calls))
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
        says = "{percent:.3g} % of the entries of " + call.op + " lie where its derivative is below 2 % of its largest"
        found += _above([u.saturated for u in known], where, says)
    return found


def attention(sights: Sequence[Sight], graph: Graph) -> list[Finding]:
    """Attention, or a choice among experts, whose weight lies on one: E sum p^2, from 0 to 1, is above a half.

    With n keys and normal scores of deviation s that begins at s = 2 sqrt(2 ln n): the freezing of the random-energy
    model, where the gradient through the softmax has all but gone.
    """
    found = []
    for call in sights[0].calls:
        if not (what := _weighed(call, graph)):
            continue
        known = [c.concentration for s in sights if (c := _same(s, call)) and c.concentration is not None]
        says = what + ": sum p^2 is {share:.3g}, from 0 for even weights to 1 for one alone"
        found += _above(known, place(call, sights[0].calls), says)
    return found


def _weighed(call: Call, graph: Graph) -> str:
    """What is wrong where all weight of a softmax lies on one: of keys, of parts that it multiplies, of experts."""
    takers = [graph.calls[n] for n in graph.children[call.number]]
    if call.kind == "attention" or any(c.kind == "linear" and not c.parameters for c in takers):
        return "attention lies on one key"
    others = [p for c in takers if c.kind == "product" for p in c.parents if p != call.number]
    parts = any(not graph.leads(call.number, p) for p in others)  # p log p is the entropy, and chooses nothing
    return "the choice lies on one part" if parts or any(c.op == "topk" for c in takers) else ""


def _above(shares: Sequence[float], where: str, says: str) -> list[Finding]:
    """Shares above a half, one a draw: in every draw, or in some."""
    mean = sum(shares) / len(shares) if shares else 0.0
    if not mean > _MOST:
        return []
    every = min(shares) > _MOST
    says = says.format(share=mean, percent=100 * mean)
    says += "" if every else f"; {min(shares):.3g} to {max(shares):.3g} over {len(shares)} draws"
    return [
        finding(
            "unit.saturated", "VIOLATES" if every else "UNDECIDED", says, where,
            observed=mean, expected=_MOST, interval=(min(shares), max(shares)), samples=len(shares),
        )
    ]  # fmt: skip


def _same(sight: Sight, call: Call) -> Call | None:
    return sight.calls[call.number] if call.number < len(sight.calls) else None
