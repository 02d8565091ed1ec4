"""A violation held against the documented deviations: it is one where an independent second measurement finds its size.

A row states the size in one of three ways, and each has a second measurement of its own. A *ratio*: what is drawn anew
conforms to the law times that ratio. Statistics kept in the *dtype*: a second input stays within that rounding. A
*range*, recorded case by case: the violation lies in it, and so does what a second input gives. Where no size was ever
recorded the claim must violate a second time, whatever the size, and the verdict says so.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from varlaw.claims.claim import Claim, Finding, Trial, foreseen
from varlaw.claims.domains import cases_of
from varlaw.claims.verdict import Deviation, Outcome
from varlaw.evidence.budget import Policy, policy
from varlaw.subjects import registry
from varlaw.verify import deviations
from varlaw.verify.deviations import measured

# Inputs of which one must violate again where draws decide and no ratio is foreseen (or be lawful, where a violation is
# met by chance): such an effect depends on how many numbers are drawn, so half of them are looked at more closely.
_AGAIN = 10

Judge = Callable[[Claim, Trial], Finding]


def held(claim: Claim, trial: Trial, finding: Finding, judge: Judge) -> tuple[Finding, Deviation | None]:
    """The finding, and the deviation that foresaw it; a violation that nobody foresaw says so."""
    if finding.outcome not in (Outcome.VIOLATES, Outcome.CONFORMS):
        return finding, None
    known = {**trial.case, **finding.names}
    row = deviations.foreseen(claim.name, *spoken_of(claim), trial.dtype, known)
    if row is None:
        return finding, None
    ratio = _ratio(row, known)
    if finding.outcome is Outcome.CONFORMS:
        return _lawful(row, finding, known, ratio)
    if not row.ratio and row.statistics != "dtype":
        return _in_range(claim, trial, row, finding, judge)
    second = _again(claim, trial, row, ratio, judge)
    if second is None or (row.ratio and _of_size(second) and _other_foresees(claim, trial, row, known)):
        return finding, row.deviation(known)
    detail = f"deviation {row.id} foresaw the ratio {ratio:.6g}; a second measurement, against that, {second.outcome}"
    return msgspec.structs.replace(finding, detail=detail), None


def spoken_of(claim: Claim) -> tuple[str, str]:
    """The target and the version that deviations speak of: those of another row, where a subject deviates as that."""
    other = registry.named(claim.subject.as_) if claim.subject.as_ else None
    if other is None:
        return claim.target, claim.subject.framework.version()
    return other.name + claim.target.removeprefix(claim.subject.name), other.framework.version()


def _ratio(row: deviations.Row, known: Mapping[str, Any]) -> float:
    try:
        return row.foreseen_ratio(known)
    except NameError:  # a lawful finding knows no worst parameter, of whose fans the row speaks
        return math.nan


def _lawful(
    row: deviations.Row, finding: Finding, known: Mapping[str, Any], ratio: float
) -> tuple[Finding, Deviation | None]:
    """What conforms where a ratio was foreseen violates strictness, unless the effect is too small to be seen."""
    if row.statistics or not row.ratio:
        return finding, None  # whether the effect shows depends on the input
    if abs(ratio - 1) <= 2 * finding.delta:
        return finding, row.deviation(known)
    detail = f"deviation {row.id} foresaw a violation here: is it fixed upstream?"
    return msgspec.structs.replace(finding, outcome=Outcome.VIOLATES, detail=detail), None


def _in_range(
    claim: Claim, trial: Trial, row: deviations.Row, finding: Finding, judge: Judge
) -> tuple[Finding, Deviation | None]:
    ranges = ranges_of(row, claim, trial, finding)
    missed = "" if ranges is None or measured.meets(finding, ranges) else f"{measured.size(finding):.6g} was measured"
    if not missed and (finding.alpha or ranges is not None or row.statistics):
        missed = _missed_again(claim, trial, row, judge)
    if not missed and ranges is None:
        detail = "; ".join(filter(None, [measured.UNMEASURED, finding.detail]))
        return msgspec.structs.replace(finding, detail=detail), row.deviation(trial.case, sized=False)
    if not missed:
        return finding, row.deviation(trial.case, measured.hull(ranges or []))
    text = f"deviation {row.id} foresaw {measured.told(ranges or [])} here; {missed}"
    return msgspec.structs.replace(finding, detail="; ".join(filter(None, [text, finding.detail]))), None


def ranges_of(row: deviations.Row, claim: Claim, trial: Trial, finding: Finding) -> list[measured.Band] | None:
    """The sizes that a row foresees in this case; None where nobody could measure them."""
    sizes = measured.sizes(row.framework)
    target, version = spoken_of(claim)
    if sizes is None or not measured.recorded(row.id, row.framework, version, trial.dtype):
        return None
    bands = measured.bands(row.id, row.framework, claim.name, target, trial.dtype, drawn=bool(finding.alpha))
    closer = bool(finding.alpha) and trial.policy.delta < policy(measured.POLICY).delta
    name = measured.case_name(trial.case)
    corner = name in corners(claim, trial.dtype) and not closer
    return measured.foreseen(bands, finding, name if corner else None, sizes.recording(row.id).inputs)


def corners(claim: Claim, dtype: str = "float32") -> set[str]:
    """The names of the cases that every run tries."""
    if claim.pooled:
        return set()
    return {measured.case_name(case) for case in cases_of(claim, dtype, "", 0)}


def _missed_again(claim: Claim, trial: Trial, row: deviations.Row, judge: Judge) -> str:
    """What a second input gave that the row did not foresee; "" where it confirms the row.

    An exact claim may conform the second time, for its effect depends on the input; where draws decide one input in
    ten must violate again, and where chance decides whether the effect is met one in ten must be lawful.
    """
    if row.statistics:
        other = _again(claim, trial, row, 1.0, judge)
        return f"a second measurement {other.outcome}" if other else ""
    for again in _inputs(claim, trial, sharp=False):
        second = judge(claim, again)
        if second.outcome is Outcome.VIOLATES:
            ranges = ranges_of(row, claim, trial, second)
            outside = ranges is not None and not measured.meets(second, ranges)
            return f"a second input gave {measured.size(second):.6g}" if outside else ""
        if not second.alpha and second.outcome is Outcome.CONFORMS:
            return ""
    return f"a second measurement {second.outcome}"


def _again(claim: Claim, trial: Trial, row: deviations.Row, ratio: float, judge: Judge) -> Finding | None:
    """None where an independent measurement conforms to what the row foresees, else the last that does not."""
    sharp = bool(row.ratio) or row.statistics == "dtype"  # then one measurement settles it, unless it is undecided
    for again in _inputs(claim, trial, sharp=sharp):
        rounded = replace(again, dtype_statistics=bool(row.statistics))
        second = foreseen(lambda one: judge(claim, one), rounded, ratio)
        if second.outcome is Outcome.CONFORMS:
            return None
        if sharp and second.outcome is not Outcome.UNDECIDED:
            break
    return second


def _inputs(claim: Claim, trial: Trial, *, sharp: bool) -> Iterator[Trial]:
    """Independent trials of the same case, the later ones looked at more closely; one that conforms may be enough.

    So all of them together have the policy's beta.
    """
    for stage in range(1, _AGAIN + 1):
        closer = trial.policy if sharp or stage <= _AGAIN // 2 else _closer(trial.policy)
        rule = replace(closer, beta=closer.beta / _AGAIN)
        yield replace(trial, key=trial.key.at(block=0, stage=stage), policy=rule)


def _closer(rule: Policy) -> Policy:
    nightly = policy("nightly")
    return nightly if nightly.delta < rule.delta else rule


def _of_size(second: Finding) -> bool:
    """Whether a measurement against what a row foresees found that size, and violates in another respect."""
    off = math.inf if second.ratio is None else abs(second.ratio - 1) if second.size is None else abs(second.size)
    return second.outcome is Outcome.VIOLATES and off <= second.delta


def _other_foresees(claim: Claim, trial: Trial, row: deviations.Row, known: Mapping[str, Any]) -> bool:
    """Whether another row, without a ratio, foresees the rest: two things at once, a wrong fan and a sampler's grid."""
    place = (claim.name, *spoken_of(claim), trial.dtype)
    rest = (r for r in deviations.rows() if r is not row and not r.ratio and r.statistics != "dtype")
    return any(r.foresees(*place) and r.applies(known) for r in rest)
