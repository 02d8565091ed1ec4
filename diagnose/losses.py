"""The first loss against its own law, with options, targets and classes read off the call that made it.

Labels that the model does not know give the loss that they would give if they were dealt to the rows anew: the mean of
log sum exp less each label's mean logit. That holds for any logits, whatever their distribution and whatever the prior
of the classes; how large they may be is another question, for which ln C is the ruler.
"""

import math
from collections.abc import Sequence

import msgspec

from varlaw.diagnose.records import Call, Finding, Sight
from varlaw.diagnose.signals import finding
from varlaw.diagnose.structure import largest, place
from varlaw.theory.catalogue import LAWS

_CHANCE = 7.6  # standard errors: 3e-14 either side together, for each loss of the pass
_EQUAL = 1e-3  # two quotients of float32 losses that are one
_COLD = 25  # times ln C; a trained pair of towers at a temperature of .01 has some 5
_UNMISTAKABLE = math.log(2)  # of the sum of all probabilities, which is 1


def start(sights: Sequence[Sight], alpha: float) -> tuple[list[Finding], float | None]:
    """What is wrong with the first loss, and ln C where the call is one that has classes."""
    found, zeros = [], []
    for call in sights[0].calls:
        if call.kind == "loss" and call.op in _LAWS and sights[0].loss is not None:
            told, zero = _LAWS[call.op](call, sights, alpha)
            found += told
            zeros += [zero] if zero is not None else []
    return found, zeros[0] if zeros else None


def _mean(call: Call, sights: Sequence[Sight], name: str) -> float:
    """An option that was measured, in the mean over draws."""
    known = [s.calls[call.number].options.get(name, math.nan) for s in sights]
    return float(sum(known)) / len(known)


def _observed(call: Call, sights: Sequence[Sight]) -> float:
    """The value of the call for one label, in the mean over draws."""
    outputs = [s.calls[call.number].output for s in sights]
    value = sum(o.mean for o in outputs if o) / len(outputs)
    match call.options.get("reduction", "mean"):
        case "sum":
            return value / max(1.0, _mean(call, sights, "labels"))
        case "none":
            return value * math.prod(call.shape) / max(1.0, _mean(call, sights, "labels"))
    return value


def _place(call: Call, sight: Sight) -> str:
    return place(sight.calls[call.parents[0]], sight.calls) if call.parents else "loss"


def _cross_entropy(call: Call, sights: Sequence[Sight], alpha: float) -> tuple[list[Finding], float | None]:
    shape: list[int] = call.options.get("shape_of_logits") or []
    classes = shape[1] if len(shape) > 1 else 0
    before = sights[0].calls[call.parents[0]] if call.parents else None
    if classes < 2 or before is None or before.kind == "softmax":
        return [], None
    where, zero = _place(call, sights[0]), math.log(classes)
    told = [
        *_independent(call, sights, where, alpha, _compared(before, sights[0]) is not None),
        *_size(call, sights, where, zero, alpha),
    ]
    if _of_a_cosine_head(before, sights[0]):  # its scale is chosen to be large, and a margin lowers the right one
        told = [msgspec.structs.replace(f, outcome="NOTE") for f in told]
    return [*_cold(call, sights, where, zero, alpha), *told, *_scaled(call, sights, where)], zero


def _chance(call: Call, sights: Sequence[Sight]) -> float:
    """By how much luck moves the loss: rows of a batch are independent, the labels within a row may not be."""
    rows = min(max(1, sights[0].batch_rows), max(1.0, _mean(call, sights, "labels")))
    return _CHANCE * math.sqrt(max(_mean(call, sights, "spread"), 0.0) / (rows * len(sights)))


_ANGLES = frozenset(("cos", "sin"))  # of the margin of a cosine head
_DISTANCES = frozenset(("cosine_similarity", "cdist", "pairwise_distance"))
_PASSING = frozenset(("product", "add", "other", "join", "pool"))


def _of_a_cosine_head(call: Call, sight: Sight) -> bool:
    """Whether logits are cosines of a signal and of weights of length 1, as of ArcFace."""
    while call.kind in _PASSING or call.op in _ANGLES:
        if not call.parents:
            return False
        call = sight.calls[largest(call.parents, sight.calls)]
    width = sight.calls[call.parents[0]].shape[-1:] if call.parents else ()
    weights = (
        call.step is not None and bool(width) and math.isclose(call.step.weight_second * width[0], 1, rel_tol=_EQUAL)
    )
    return call.kind == "linear" and weights and _cosines(call, sight)


def _compared(call: Call, sight: Sight) -> Call | None:
    """The call that holds two signals against each other, as in contrastive losses: the label says which are a pair.

    None where logits are something else.
    """
    while not _compares(call):
        if call.kind not in _PASSING or not call.parents:
            return None
        call = sight.calls[largest(call.parents, sight.calls)]
    return call


def _compares(call: Call) -> bool:
    """Whether a call holds signals against each other: no parameter is in it."""
    product = call.kind == "linear" and not call.parameters  # of one signal with itself, or of two
    return product or call.op in _DISTANCES or (len(call.parents) > 1 and call.op in ("sub", "rsub"))


def _independent(call: Call, sights: Sequence[Sight], where: str, alpha: float, alike: bool) -> list[Finding]:
    law, observed = _mean(call, sights, "shuffled"), _observed(call, sights)
    rounding = _EQUAL * abs(law)
    if not abs(observed - law) > _chance(call, sights) + rounding:
        return []
    cause = "the labels are known to the model" if observed < law else "the logits speak against their labels"
    says = f"starts at {observed:.4g}, but {law:.4g} with the labels dealt anew to the rows: {cause}"
    if alike and observed < law:
        says = f"starts at {observed:.4g}, but {law:.4g} with the labels dealt anew: what belongs together is alike"
        return [finding("loss.start", "NOTE", says, where, expected=law, observed=observed)]
    return [_wrong(says, where, law, observed, len(sights), alpha)]


def _cold(call: Call, sights: Sequence[Sight], where: str, zero: float, alpha: float) -> list[Finding]:
    """Cosines over a temperature so low that a softmax of them sees the largest alone, which nothing moves any more.

    The largest of C normal logits of std s stands about s sqrt(2 ln C) above their mean.
    """
    compared = _compared(sights[0].calls[call.parents[0]], sights[0])
    if compared is None or not compared.output or not _cosines(compared, sights[0]):
        return []
    factor = _factor(sights[0].calls[call.parents[0]], compared, sights[0])
    spread = factor * math.sqrt(max(0.0, compared.output.second - compared.output.mean**2))
    above = spread * math.sqrt(2 * zero)
    if not above > _COLD * zero:
        return []
    says = f"logits are cosines times {factor:.4g}: their std is {spread:.4g}, and the softmax sees the largest alone"
    return [_wrong(says, where, zero, above, len(sights), alpha)]


def _factor(call: Call, compared: Call, sight: Sight) -> float:
    """By what factors from a call back to `compared` multiply."""
    factor = 1.0
    while call.number != compared.number:
        before = sight.calls[largest(call.parents, sight.calls)]
        if call.kind == "product" and call.output and before.output and before.output.second:
            factor *= call.output.rms / before.output.rms
        call = before
    return factor


def _cosines(call: Call, sight: Sight) -> bool:
    """Whether what is compared has the length 1."""
    if call.op == "cosine_similarity":
        return True
    sides = [sight.calls[p] for p in call.parents]
    lengths = [c.output.second * c.shape[-1] for c in sides if c.output and c.shape]
    return bool(lengths) and all(math.isclose(x, 1, rel_tol=_EQUAL) for x in lengths)


def _size(call: Call, sights: Sequence[Sight], where: str, zero: float, alpha: float) -> list[Finding]:
    classes, observed = round(math.exp(zero)), _observed(call, sights)
    excess = float(LAWS["loss.random_logits_excess"].value(classes=classes, std=1.0))
    luck = _chance(call, sights)
    given = f"starts at {observed:.4g}, where ln {classes} = {zero:.4g} and logits of variance 1 add {excess:.2g}"
    if observed > 2 * zero + luck:
        return [_wrong(given, where, zero, observed, len(sights), alpha)]
    if observed > max(2 * zero, zero + excess):  # which the labels of few rows might explain
        return [finding("loss.start", "UNDECIDED", given, where, expected=zero, observed=observed)]
    if observed > zero + excess + luck:
        return [finding("loss.start", "NOTE", given, where, expected=zero, observed=observed)]
    return []


def _scaled(call: Call, sights: Sequence[Sight], where: str) -> list[Finding]:
    """What is minimised against the mean over labels, where nothing but factors stands between."""
    behind = sights[0].calls[call.number + 1 :]
    if any(c.kind != "product" or len(c.parents) != 1 for c in behind) or not call.output:
        return []
    observed, labels = _observed(call, sights), _mean(call, sights, "labels")
    factor = sum(s.loss or 0.0 for s in sights) / len(sights) / observed if observed else 1.0
    rows = {float(n) for n in (labels, sights[0].batch_rows) if n > 1}
    if any(math.isclose(factor * n, 1, rel_tol=_EQUAL) for n in rows) and call.options.get("reduction") == "mean":
        says = f"is {factor:.3g} of its mean over {labels:.0f} labels: it is divided once too often"
        return [finding("loss.start", "VIOLATES", says, where, expected=1.0, observed=factor, ratio=factor)]
    if not math.isclose(factor, 1, rel_tol=_EQUAL):
        says = f"is x{factor:.4g} the mean over {labels:.0f} labels"
        return [finding("loss.start", "NOTE", says, where, expected=1.0, observed=factor, ratio=factor)]
    return []


def _nll(call: Call, sights: Sequence[Sight], alpha: float) -> tuple[list[Finding], float | None]:
    before = sights[0].calls[call.parents[0]] if call.parents else None
    total = _mean(call, sights, "log_total")
    if before is None or before.op == "softmax" or not abs(total) > _UNMISTAKABLE:
        return [], None
    says = f"{call.op} of what are no log probabilities: their exp add up to exp({total:.3g})"
    return [_wrong(says, _place(call, sights[0]), 0.0, total, len(sights), alpha)], None


def _binary(call: Call, sights: Sequence[Sight], alpha: float) -> tuple[list[Finding], float | None]:
    zero, where = math.log(2), _place(call, sights[0])
    if wrong := _labels(call, sights, alpha):
        return wrong, zero
    if (
        call.op == "binary_cross_entropy"
        or call.options.get("reduction", "mean") != "mean"
        or call.options.get("weighted")
        or not call.output
    ):
        return [], None
    observed = sum(o.mean for s in sights if (o := s.calls[call.number].output)) / len(sights)
    shape = sights[0].calls[call.parents[0]].shape if call.parents else ()
    if observed > zero + 0.5 + _CHANCE / math.sqrt(max(1, math.prod(shape))):
        says = f"starts at {observed:.4g}, where ln 2 = {zero:.4g} and logits of variance 1 add at most 0.12"
        return [_wrong(says, where, zero, observed, len(sights), alpha)], zero
    return [], zero


def _labels(call: Call, sights: Sequence[Sight], alpha: float) -> list[Finding]:
    """Labels of a binary cross entropy are probabilities: with others it has no smallest value at the truth."""
    least, largest = (float(sights[0].calls[call.number].options.get(n, 0)) for n in ("least", "largest"))
    off = max(-least, largest - 1)
    if not off > _EQUAL:
        return []
    says = f"labels from {least:.4g} to {largest:.4g}: {call.op} takes 0 to 1"
    return [_wrong(says, _place(call, sights[0]), 0.0, off, len(sights), alpha)]


def _wrong(says: str, where: str, expected: float, observed: float, samples: int, alpha: float) -> Finding:
    ratio = observed / expected if expected else None
    return finding(
        "loss.start", "VIOLATES", says, where, expected=expected, observed=observed, ratio=ratio, samples=samples,
        alpha=alpha,
    )  # fmt: skip


_LAWS = {
    "cross_entropy": _cross_entropy, "binary_cross_entropy_with_logits": _binary,
    "nll_loss": _nll, "kl_div": _nll, "ctc_loss": _nll,
}  # fmt: skip
