"""Which family the entries follow: uniform, normal, or a normal law cut at some number of sigmas, by full likelihood.

Uniform and normal are the two ends of the cut normal laws (`scales.Entries`), so one sweep over the cut compares all.
The winner must then stand the battery of `evidence`: tails, shape, neighbours, ties. What does not is unknown.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from varlaw.evidence.battery import Battery
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.identify.formulas import DECISIVE, Unit
from varlaw.identify.sample import Moments, Sample
from varlaw.identify.scales import ROUNDING, Entries, Floats
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform

ALPHA = 1e-9  # false refusal of a true family, per tensor

_LOG_ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)
_LIMIT = 20_000  # scalars of each case that the battery looks at
_CUTS = {0.0: 1.0, math.inf: 1.0, 2.0: 2.0, 3.0: 3.0, 1.0: 5.0, 1.5: 5.0, 2.5: 5.0, 4.0: 5.0, 5.0: 5.0}  # price
_FREE = 12.0  # price of any other cut
_GRID = np.concatenate([np.arange(0.6, 3.5, 0.05), np.arange(3.5, 6.0, 0.25)])
_STEP = 0.01  # to which any other cut is found


@dataclass(frozen=True)
class Family:
    """A family with its cut in sigmas: 0 for the uniform law, inf for the normal law."""

    cut: float

    @property
    def name(self) -> str:
        return {0.0: "uniform", math.inf: "normal"}.get(self.cut, "truncated normal")

    @property
    def units(self) -> tuple[Unit, ...]:
        """The ways to state the scale, in units of the likelihood's: bound, or std of the parent."""
        if self.cut == 0:
            return Unit("bound"), Unit("std", 1 / math.sqrt(3), 2.0)
        if math.isinf(self.cut):
            return (Unit("std"),)
        return Unit("parent std"), Unit("std", TruncatedNormal(1.0, -self.cut, self.cut).std)

    def variate(self, scale: float) -> Normal | TruncatedNormal | Uniform:
        """The law of one entry."""
        if self.cut == 0:
            return Uniform(scale)
        return Normal(scale) if math.isinf(self.cut) else TruncatedNormal(scale, -self.cut, self.cut)


@dataclass(frozen=True)
class Choice:
    """The likeliest family, its lead in nats, and the one after it."""

    family: Family
    lead: float
    runner_up: Family

    @property
    def decisive(self) -> bool:
        return self.lead >= DECISIVE


def choose(moments: Sequence[Moments]) -> Choice:
    """The likeliest family of entries centred at zero, whatever the scale of each case."""
    scores = {cut: log_likelihood(moments, cut) - price for cut, price in _CUTS.items()}
    coarse = max(_GRID, key=lambda cut: log_likelihood(moments, float(cut)))
    fine = coarse + _STEP * np.arange(-5, 6)
    free = round(float(max(fine, key=lambda cut: log_likelihood(moments, float(cut)))), 2)
    scores[free] = max(scores.get(free, -math.inf), log_likelihood(moments, free) - _FREE)
    winner = max(scores, key=scores.__getitem__)
    rivals = {cut: s for cut, s in scores.items() if _kind(cut) != _kind(winner) and not _unseen(moments, cut, winner)}
    second = max(rivals, key=rivals.__getitem__)
    return Choice(Family(winner), scores[winner] - rivals[second], Family(second))


def _unseen(moments: Sequence[Moments], cut: float, winner: float) -> bool:
    """Whether a cut is so far out that so few draws cannot show it: it is then as good as none."""
    beyond = math.erfc(min(cut, 30.0) / math.sqrt(2)) * sum(m.n for m in moments)
    return cut > 0 and math.isinf(winner) and beyond < DECISIVE


def _kind(cut: float) -> str:
    return Family(cut).name


def log_likelihood(moments: Sequence[Moments], cut: float) -> float:
    """ln of the largest density of all entries under a cut, each case with the scale that suits it best."""
    n = sum(m.n for m in moments)
    if cut == 0:
        return Entries(moments, 0.0).free - n * math.log(2)
    mass = 0.0 if math.isinf(cut) else math.log(math.erf(cut / math.sqrt(2)))
    return Entries(moments, cut).free - n * (_LOG_ROOT_TWO_PI + mass)


def log_likelihoods(n: Floats, squares: Floats, peak: Floats, cut: float) -> Floats:
    """`log_likelihood` of many single cases, by their sums."""
    floor = np.full(len(n), -np.inf) if math.isinf(cut) else np.log(peak) - math.log(cut or 1.0) - ROUNDING
    if cut == 0:
        return -n * (floor + math.log(2))
    mass = 0.0 if math.isinf(cut) else math.log(math.erf(cut / math.sqrt(2)))
    scale = np.maximum(0.5 * np.log(squares / n), floor)
    found: Floats = -n * (scale + _LOG_ROOT_TWO_PI + mass) - squares * np.exp(-2 * scale) / 2
    return found


def refusal(family: Family, samples: Sequence[Sample], centres: Floats, logs: Floats, key: Key) -> tuple[float, str]:
    """ln e-value against `family` with the scales exp(logs), and the process of the battery that speaks loudest.

    `centres` were taken off the samples: values are rounded where they lay before.

    The average over the cases is an e-value, so more than ln(1/ALPHA) refuses.
    """
    found = []
    for i, (sample, centre, log_scale) in enumerate(zip(samples, centres.tolist(), logs, strict=True)):
        # A limit that was computed in float32 may round up past the formula: one unit in the last place is lawful.
        law = family.variate(math.exp(log_scale) * (1 + 2.0**-22))
        battery = Battery(law, FORMATS["float32"], _LIMIT, offset=centre)
        battery.update([x + centre for x in _enough(sample)], key.at(block=i).generator())
        found.append((battery.violation(), battery.strongest()[0]))
    violation = float(np.logaddexp.reduce([v for v, _ in found]) - math.log(len(found)))
    return violation, max(found)[1]


def _enough(sample: Sample) -> list[Floats]:
    per_instance = max(1, sample.values[0].size)
    return list(sample.values[: max(1, -(-_LIMIT // per_instance))])
