"""Units that do nothing: dead ones against the half that the law allows at most, saturated ones.

Whatever the inputs and however alike they are, a unit with weights symmetric about 0 and no bias is silent on all of
them with probability at most 1/2. So a layer of n units of which k are silent is held against Binomial(n, 1/2).
"""

from collections.abc import Sequence

from varlaw.diagnose.records import Finding, Sight
from varlaw.diagnose.signals import finding

_MOST = 0.5  # share of entries that may sit where the activation is flat
_FEWEST = 16  # rows of the batch, below which a silent unit says little


def units(sights: Sequence[Sight], alpha: float) -> list[Finding]:
    """Layers with more dead units than the law allows, or saturated ones."""
    from scipy.special import bdtrc

    found = []
    for call in sights[0].calls:
        seen = [s.calls[call.number].units for s in sights if call.number < len(s.calls)]
        known = [u for u in seen if u is not None]
        if not known or known[0].rows < _FEWEST:
            continue
        count, silent = sum(u.units for u in known), sum(u.silent for u in known)
        place = call.path or call.op
        if silent and float(bdtrc(silent - 1, count, _MOST)) < alpha:
            says = f"{silent} of {count} units of {call.op} are 0 on all {known[0].rows} rows; the law allows half"
            found.append(
                finding(
                    "unit.dead",
                    "VIOLATES",
                    says,
                    place,
                    observed=silent / count,
                    expected=0.5,
                    samples=count,
                    alpha=alpha,
                )
            )
        saturated = sum(u.saturated for u in known) / len(known)
        if saturated > _MOST:
            says = f"{saturated:.0%} of the entries of {call.op} lie where its derivative is below 2 % of its largest"
            found.append(finding("unit.saturated", "VIOLATES", says, place, observed=saturated, samples=len(known)))
    return found
