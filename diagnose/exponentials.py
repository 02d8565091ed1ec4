"""Exponentials of signals that are too large for them, as of a head of log variances: their mean is made by the few
largest entries, and so is its gradient.

Of z ~ N(m, q) the rms of exp(z) is exp(m + q). Where that is beyond the band though it was measured, the map in front
of it is too large by law, whatever follows.
"""

import math
from collections.abc import Sequence

from varlaw.diagnose.flow import BAND, Passed, followed, interval
from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import Graph, place

_EXPONENTIALS = frozenset(("exp", "expm1"))


def exponentials(sights: Sequence[Sight], graph: Graph, alpha: float) -> list[Finding]:
    """Exponentials of what the model's own maps made, whose rms law and measurement both put beyond the band."""
    calls = [c for c in sights[0].calls if c.op in _EXPONENTIALS and c.parents]
    if not calls:
        return []
    ways = followed(sights[0], graph)
    behind = [(c, way) for c in calls if (way := ways.get(graph.before(c).number)) and way.maps]
    found = [_judged(c, way, [s.calls[c.number] for s in sights if c.number < len(s.calls)], sights, alpha)
             for c, way in behind]  # fmt: skip
    largest = sorted((f for f in found if f is not None), key=lambda f: f.observed or 0.0)
    return list({f.where: f for f in largest}.values())


def _judged(call: Call, way: Passed, same: Sequence[Call], sights: Sequence[Sight], alpha: float) -> Finding | None:
    known = [(c.inputs[0], c.output) for c in same if c.op == call.op and c.inputs and c.output]
    logs = [math.log(q) for z, _ in known if 0 < (q := z.second - z.mean**2) < math.inf]
    if not logs or len(logs) < len(known) or not all(out.rms > BAND for _, out in known):
        return None
    middle = sum(z.mean for z, _ in known) / len(known)
    mean, low, high = interval(logs, way.dofs, alpha)
    if middle + math.exp(mean) <= math.log(BAND):
        return None
    outcome = "VIOLATES" if middle + math.exp(low) > math.log(BAND) else "UNDECIDED"
    says = f"{call.op} of a signal of variance {math.exp(mean):.3g}: the rms of its values is exp of that, by law"
    names = [sights[0].calls[number].parameters[:1] for number, _ in way.steps if sights[0].calls[number].parameters]
    where = names[-1] if names else (place(call, sights[0].calls),)
    ends = math.exp(low), math.exp(high)
    return finding(
        "signal.grows", outcome, says, *where, observed=math.exp(mean), interval=ends,
        expected=math.log(BAND), samples=len(known), alpha=alpha,
    )  # fmt: skip
