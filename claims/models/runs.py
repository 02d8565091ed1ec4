"""What a model does when it is run: norms with gain 1, and a first loss of ln C."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from varlaw.claims.claim import Finding, NotApplicable, Trial, deterministic
from varlaw.claims.models import structure
from varlaw.claims.models.draws import drawn
from varlaw.evidence.exact import Comparison, compare
from varlaw.evidence.formats import FORMATS, gamma
from varlaw.subjects.subject import Model
from varlaw.theory.catalogue import LAWS

_NAMED = 6  # norms that a detail names
_EPS_SHARE = 5e-7  # eps <= 0.01 beside an input of mean square 1e4 takes that much off the output's rms


def norms(subject: Model, trial: Trial) -> Finding:
    """Each norm, run alone on noise of rms 100, gives rms 1: neither 2, as with a weight 1 added to 1, nor 0."""
    assert subject.gains
    try:
        seen = subject.gains(trial.case, trial.dtype, trial.device, drawn(subject, trial).key.seed)
    except LookupError as reason:
        raise NotApplicable(str(reason)) from reason
    if not seen:
        msg = "no norm that can be run alone"
        raise NotApplicable(msg)
    unit = FORMATS[trial.dtype].unit
    bounds = [gamma(length + 8, FORMATS["float32"].unit) + 4 * unit + _EPS_SHARE for _, length in seen.values()]
    observed = [rms for rms, _ in seen.values()]
    comparison = compare(observed, [1.0] * len(seen), bounds)

    def against(ratio: float) -> Comparison:
        """Where each has gain 1 or the foreseen one, those that have the foreseen one."""
        lawful = [abs(rms - 1) <= b or abs(rms - ratio) <= b for rms, b in zip(observed, bounds, strict=True)]
        kept = [i for i, rms in enumerate(observed) if abs(rms - ratio) <= bounds[i]] if all(lawful) else []
        of = kept or range(len(observed))
        return compare([observed[i] for i in of], [ratio] * len(of), [bounds[i] for i in of])

    bad = {n: rms for (n, (rms, _)), b in zip(seen.items(), bounds, strict=True) if not abs(rms - 1) <= b}
    if trial.dtype_statistics and bad:  # foreseen: scales that are drawn, and off by another factor each time
        comparison = compare([0.0], [0.0], [0.0])
    named = _count({f"{structure.pattern(n)} gain {rms:.4g}" for n, rms in bad.items()})
    detail = f"{len(bad)} of {len(seen)}: {named}" if bad else ""
    return deterministic(comparison, quantity="gain", detail=detail, against=against)


def _count(words: Iterable[str]) -> str:
    listed = sorted(words)
    return ", ".join(listed[:_NAMED]) + (f" and {len(listed) - _NAMED} kinds more" if len(listed) > _NAMED else "")


def first_loss(subject: Model, trial: Trial) -> Finding:
    """ln C, plus at most what logits of variance 1 add, plus the chance of the labels at risk alpha.

    A head that keeps the second moment gives logits of variance 1; its labels then spread the mean of N losses by at
    most 1/sqrt(N). Both ends are allowed for, the excess only above.
    """
    from scipy.stats import norm

    assert subject.first_loss
    try:
        seen = subject.first_loss(trial.case, trial.dtype, trial.device, drawn(subject, trial).key.seed)
    except LookupError as reason:
        raise NotApplicable(str(reason)) from reason
    if seen.classes < 2:
        msg = "a single class has no loss to speak of"
        raise NotApplicable(msg)
    expected = math.log(seen.classes)
    chance = float(norm.isf(trial.policy.alpha / 2)) / math.sqrt(seen.samples) if seen.samples else 1e-6
    excess = float(LAWS["loss.random_logits_excess"].value(classes=seen.classes, std=1.0))
    high = seen.loss > expected
    bound = chance + (excess if high else 0.0)
    comparison = compare([seen.loss], [expected], [bound])
    if trial.dtype_statistics and not comparison.holds:  # foreseen: how far it is off is drawn with the weights
        comparison = compare([0.0], [0.0], [0.0])
    names: Mapping[str, Any] = {"classes": seen.classes, "logits_std": seen.logits_std}
    detail = f"logits of std {seen.logits_std:.3g}, {seen.samples} labels out of {seen.classes}"
    return deterministic(comparison, quantity="loss, nats", detail=detail, names=names)
