"""The law of random entries: signs, sparse and clipped laws, then family, formula, and whether the winner fits."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from varlaw.evidence.streams import Key
from varlaw.identify import discrete, families, formulas, notation, told
from varlaw.identify.formulas import DECISIVE, Fit, Formula, Unit
from varlaw.identify.records import Reading
from varlaw.identify.sample import Floats, Sample, moments
from varlaw.identify.scales import Entries, Exact

_CENTRED = 7.0  # |mean| in standard errors: 3e-12 for a law of mean zero
_STRAYS = 1e-4  # share of entries that may lie beyond the limits of a law and be told apart from it
_LOOSE = 1.1  # ends of a constant's interval, from which it is said
_EDGE = 20.0  # times the share of entries that a continuous law leaves exactly on its extremes


def of_few(found: Sequence[discrete.Atoms], samples: Sequence[Sample]) -> Reading:
    """A law of few values: fair signs times a scale, or no law that has a name here."""
    if scales := discrete.signs(found, samples):
        fit = formulas.fit(Exact(scales), [s.names for s in samples], (Unit("value"),))
        return told.named("rademacher", Unit("value"), fit)
    shown = ", ".join(f"{v:.4g}: {p:.3g}" for v, p in zip(found[0].values, found[0].shares, strict=True))
    return Reading(family="discrete", reason=f"values and shares in the first case: {shown}")


def random(samples: Sequence[Sample], key: Key) -> Reading:
    """The law of entries with chance in all of them: zeros, limits and mean are taken off first."""
    share = discrete.zeros(samples)
    share = discrete.written(share, samples) if share else 0.0
    kept = [s.changed(s.values[s.values != 0]) for s in samples] if share else list(samples)
    clipped = min(discrete.limits(s.values) * s.values.size for s in kept) > _EDGE
    if clipped:
        kept = [s.changed(s.values[(s.values > s.values.min()) & (s.values < s.values.max())]) for s in kept]
    if min(s.values.size for s in kept) < 2:
        return Reading(family="unknown", reason="too few entries in a case to look at")
    found = Reading(family="unknown")
    for centres in _centres(kept):
        found = _about(centres, kept, share, clipped, key)
        if found.family != "unknown":
            break
    if share and discrete.by_case("sparsity", samples):  # then the share over all cases is that of none
        return msgspec.structs.replace(found, law=found.law.replace(f", {share:.3g})", ", sparsity)"))
    return found


def _about(centres: Floats, kept: Sequence[Sample], share: float, clipped: bool, key: Key) -> Reading:
    centred = [s.changed(s.values - c) if c else s for s, c in zip(kept, centres, strict=True)]
    if min(moments(s.values).squares for s in centred) == 0:
        return Reading(family="unknown", reason="a case without spread")
    found = _continuous(centred, centres, share, clipped, key)
    return found if found.family != "unknown" else _but_strays(found, centred, centres, share, clipped, key)


def _but_strays(
    refused: Reading, centred: Sequence[Sample], centres: Floats, share: float, clipped: bool, key: Key
) -> Reading:
    """A bounded law that a few entries leave, as where a sampler gives up after some tries: the law and the strays."""
    sums = [moments(s.values[np.abs(s.values) <= np.quantile(np.abs(s.values), 1 - _STRAYS)]) for s in centred]
    # What was cut off with the strays widens the law again by less than 20 times its share.
    limits = [m.peak * (1 + 20 * _STRAYS) for m in sums]
    kept = [s.changed(s.values[np.abs(s.values) <= limit]) for s, limit in zip(centred, limits, strict=True)]
    found = _continuous(kept, centres, share, clipped, key)
    n = sum(s.values.size for s in centred)
    beyond = n - sum(s.values.size for s in kept)
    if not found.known or not beyond or found.family not in ("uniform", "truncated normal"):
        return refused
    note = f"{beyond} of {n} entries lie beyond its limits"
    return msgspec.structs.replace(found, note="; ".join(filter(None, [note, found.note])))


def _continuous(centred: Sequence[Sample], centres: Floats, share: float, clipped: bool, key: Key) -> Reading:
    entries = [moments(s.values) for s in centred]
    choice = families.choose(entries)
    scales = Entries(entries, choice.family.cut)
    fit = formulas.fit(scales, [s.names for s in centred], choice.family.units)
    logs = fit.formula.logs if fit.accepted else scales.each
    evidence, process = families.refusal(choice.family, centred, centres, logs, key)
    lead: dict[str, Any] = {"family_lead": choice.lead, "family_runner_up": choice.runner_up.name, "fit": evidence}
    if evidence > -math.log(families.ALPHA):
        nearest = choice.family.name
        reason = f"no family tried fits: nearest is {nearest}, refused by {process} (ln e-value {evidence:.0f})"
        return Reading(family="unknown", reason=f"{reason}; {_shape(centred, centres)}", **lead)
    family, cut = _titled(choice.family, share, clipped), choice.family.cut
    shape: dict[str, Any] = {"cut": cut if 0 < cut < math.inf else None, "zeros": share, **lead}
    if not fit.accepted:
        return Reading(family=family, reason=told.no_formula(fit), fit_p=fit.p_value, **shape)
    best = fit.formula
    law = notation.law(choice.family.name, best.unit.name, cut, best.constant, best.product)
    law = _sparse(law, share, centred) if share else law
    law = law.replace("TruncatedNormal", "ClippedNormal") if clipped else law
    law, reason = _moved(law, centres, best, centred)
    return Reading(
        family=family, law=law, reason=reason, note=_doubts(choice, fit), **shape, **told.evidence(fit, told.root(best))
    )


def _titled(family: families.Family, share: float, clipped: bool) -> str:
    name = "clipped normal" if clipped else family.name
    return f"sparse {name}" if share else name


def _doubts(choice: families.Choice, fit: Fit) -> str:
    """What the draws leave open."""
    doubts = []
    if not choice.decisive:
        doubts.append(f"{choice.runner_up.name} not told apart ({choice.lead:.1f} nats)")
    if fit.lead < DECISIVE and fit.runner_up:
        doubts.append(f"{told.root(fit.runner_up)} not told apart ({fit.lead:.1f} nats)")
    low, high = fit.interval
    if high > _LOOSE * low:
        doubts.append(f"the constant lies anywhere from {low:.3g} to {high:.3g}")
    return "; ".join(doubts)


def _centres(samples: Sequence[Sample]) -> Iterator[Floats]:
    """0 where no case has a mean beyond chance; else the means, after the middles of the ranges if there are limits."""
    sums = [moments(s.values) for s in samples]
    if all(abs(m.total) <= _CENTRED * math.sqrt(m.squares) for m in sums):
        yield np.zeros(len(samples))
        return
    middles = np.array([(m.low + m.high) / 2 for m in sums])
    about = [moments(s.values - c) for s, c in zip(samples, middles, strict=True)]
    if families.choose(about).family.cut <= 3:
        yield middles
    yield np.array([m.mean for m in sums])


def _sparse(law: str, share: float, samples: Sequence[Sample]) -> str:
    inner, _, rest = law.partition("(")
    if inner == "Normal":
        return f"SparseNormal({rest[:-1]}, {share:.3g})"
    return f"{law} with {share:.3g} zeros"


def _moved(law: str, centres: Floats, best: Formula, samples: Sequence[Sample]) -> tuple[str, str]:
    """The law with its mean where there is one: a number, or a multiple of the scale."""
    if not centres.any():
        return law, ""
    scale = np.exp(best.logs)
    n = np.array([s.values.size for s in samples])
    error = _CENTRED * scale / np.sqrt(n)
    weights = n / scale**2
    if best.unit.name == "bound" and not best.product.factors and np.ptp(centres) <= error.min():
        middle = float((weights * centres).sum() / weights.sum())
        slack = 2 * _CENTRED * float(scale[0]) / n.min()  # by which the ends of so few entries fall short of the limits
        ends = (_end(middle + side * scale[0], slack, float(scale[0])) for side in (-1, 1))
        return f"UniformRange({', '.join(ends)})", ""
    for unit, text in ((np.ones(len(n)), ""), (scale, "bound" if best.unit.name == "bound" else "std")):
        factor = float((weights * unit * centres).sum() / (weights * unit**2).sum())
        if bool((np.abs(centres - factor * unit) <= error).all()):
            nice = float(f"{factor:.2g}")
            factor = nice if bool((np.abs(centres - nice * unit) <= error).all()) else factor
            return f"{law} + {factor:.4g}{'*' + text if text else ''}", ""
    return "", "the mean follows no formula tried"


def _end(limit: float, slack: float, half: float) -> str:
    """A limit as people write it, where the draws leave that open; else to a thousandth of half the range."""
    texts = [f"{limit:.{d}g}" for d in range(1, 18)]
    near = (t for t in texts[:3] if abs(float(t) - limit) <= slack)
    return next(near, next(t for t in texts[3:] if abs(float(t) - limit) <= 1e-3 * half))


def _shape(samples: Sequence[Sample], centres: Floats) -> str:
    sums = [moments(s.values) for s in samples]
    n = sum(m.n for m in sums)
    kurtosis = sum(m.kurtosis * m.n for m in sums) / n
    first = sums[0]
    low, high = first.low + centres[0], first.high + centres[0]
    return f"kurtosis {kurtosis:.4g}, in the first case std {first.rms:.4g}, range {low:.4g}..{high:.4g}"
