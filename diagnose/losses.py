"""The first loss against its own law, with options, targets and classes read off the call that made it."""

import math
from collections.abc import Sequence

from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.theory.catalogue import LAWS

_CHANCE = 7.0  # standard errors: 1e-12 either side
_WIDEST = 32.0  # std of logits up to which the law of the loss is known


def start(sights: Sequence[Sight], alpha: float) -> tuple[list[Finding], float | None]:
    """What is wrong with the first loss, and the law's value of it where the call is one that has a law."""
    calls = [c for c in sights[0].calls if c.kind == "loss" and c.op in _LAWS]
    if len(calls) != 1 or sights[0].loss is None:
        return [], None
    return _LAWS[calls[0].op](calls[0], sights, alpha)


def _classes(call: Call, sight: Sight) -> tuple[int, int]:
    """Classes and labels of a cross entropy: its logits are (labels, classes, ...)."""
    shape = sight.calls[call.parents[0]].shape if call.parents else ()
    given = call.options.get("shape_of_logits") or shape
    return (given[1] if len(given) > 1 else 0), math.prod(given) // given[1] if len(given) > 1 and given[1] else 0


def _cross_entropy(call: Call, sights: Sequence[Sight], alpha: float) -> tuple[list[Finding], float | None]:
    classes, labels = _classes(call, sights[0])
    before = sights[0].calls[call.parents[0]] if call.parents else None
    if classes < 2 or before is None or before.output is None or before.kind == "softmax":
        return [], None
    zero, std = math.log(classes), _logits(call, sights)
    law = float(LAWS["loss.random_logits"].value(classes=classes, std=min(std, _WIDEST)))
    observed = sum(s.loss or 0.0 for s in sights) / len(sights)
    place, reduction = before.path or "loss", call.options.get("reduction", "mean")
    given = f"ln {classes} = {zero:.4g} and logits of std {std:.2g} make {law:.4g}"
    if reduction != "mean":
        says = f"reduction={reduction!r} makes it {observed:.4g}, where the mean is about {law:.4g}"
        return [finding("loss.start", "NOTE", says, place, expected=law, observed=observed)], zero
    chance = _CHANCE * math.sqrt((1 + std**2) / (max(1, min(labels, classes)) * len(sights)))
    if std <= _WIDEST and abs(observed - law) > chance:
        cause = (
            "the labels are known, or it is divided once too often" if observed < law else "it is no mean over labels"
        )
        return [
            _wrong(f"starts at {observed:.4g}, but {given}: {cause}", place, law, observed, len(sights), alpha)
        ], zero
    excess = float(LAWS["loss.random_logits_excess"].value(classes=classes, std=1.0))
    if observed > 2 * zero + chance:
        says = f"starts at {observed:.4g}, more than twice ln {classes} = {zero:.4g}: logits have std {std:.3g}"
        return [_wrong(says, place, zero, observed, len(sights), alpha)], zero
    if observed > zero + excess + chance:
        says = f"starts at {observed:.4g}: {given}, of variance 1 {zero + excess:.4g}"
        return [finding("loss.start", "NOTE", says, place, expected=law, observed=observed)], zero
    return [], zero


def _logits(call: Call, sights: Sequence[Sight]) -> float:
    """Root mean square of the logits, over all draws."""
    outputs = [s.calls[call.parents[0]].output for s in sights]
    return math.sqrt(sum(o.second for o in outputs if o) / len(outputs))


def _binary(call: Call, sights: Sequence[Sight], alpha: float) -> tuple[list[Finding], float | None]:
    zero, observed = math.log(2), sum(s.loss or 0.0 for s in sights) / len(sights)
    if call.options.get("reduction", "mean") != "mean" or not call.parents:
        return [], None
    place = sights[0].calls[call.parents[0]].path or "loss"
    if observed > zero + 0.5 + _CHANCE / math.sqrt(max(1, math.prod(sights[0].calls[call.parents[0]].shape))):
        says = f"starts at {observed:.4g}, where ln 2 = {zero:.4g} and logits of variance 1 add at most 0.12"
        return [_wrong(says, place, zero, observed, len(sights), alpha)], zero
    return [], zero


def _wrong(says: str, place: str, expected: float, observed: float, samples: int, alpha: float) -> Finding:
    return finding(
        "loss.start", "VIOLATES", says, place, expected=expected, observed=observed, ratio=observed / expected,
        samples=samples, alpha=alpha,
    )  # fmt: skip


_LAWS = {"cross_entropy": _cross_entropy, "binary_cross_entropy_with_logits": _binary}
