"""A claim: a law, a subject, the cases they are tried in, and the judge that decides one case."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from varlaw.claims.verdict import Outcome
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import Decision
from varlaw.evidence.exact import SMALL, Comparison
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Subject

Case = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """One case on trial.

    `factor` is 1, or the ratio that a documented deviation foresees: a judge that draws decides its law times that. One
    that compares exactly knows nothing of it, for its finding can be held `against` any ratio. `dtype_statistics` is
    set where a deviation foresees that statistics are kept in the dtype itself, whose rounding is then allowed for.
    """

    case: Case
    dtype: str
    device: str
    policy: Policy
    key: Key
    factor: float = 1.0
    dtype_statistics: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a judge found; `verify` adds who, where and when to make it a verdict."""

    outcome: Outcome
    quantity: str
    expected: float | None = None
    observed: float | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    samples: int = 0
    delta: float = 0.0
    certified: float | None = None
    alpha: float = 0.0
    beta: float = 0.0
    log_evidence: float | None = None
    likely: str | None = None
    likely_log_ratio: float | None = None
    detail: str = ""
    cells: tuple[int, ...] | msgspec.UnsetType = msgspec.UNSET  # of a histogram, as `Battery.cells` says
    loose: float = 0.0  # by how much something is off that lies within its bound, where that is as wide
    # What a deviation's range speaks of, where neither ratio nor observation measures it; 0 where nothing deviates.
    size: float | None = None
    # What a deviation's ratio may speak of beside the case.
    names: Mapping[str, Any] = msgspec.field(default_factory=dict)
    # Asked for only if the finding stays a violation: the same with its cause, found on draws of their own.
    explained: Callable[["Finding"], "Finding"] | None = None
    # Of an exact comparison: what the same observations are, held against a ratio that a deviation foresees.
    against: Callable[[float], "Finding"] | None = None


INTERNAL = ("names", "size", "explained", "loose", "against")  # fields of a finding that no verdict has


class NotApplicable(Exception):
    """The claim says nothing in this case: e.g. a number that the dtype cannot hold."""


Judge = Callable[[Trial], Finding]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`law` (a name in the catalogue) holds for `target` in every case of `op`."""

    name: str
    law: str
    statement: str
    subject: Subject
    target: str  # the subject's name, with its tensor's
    op: str
    judge: Judge
    pooled: bool = False  # judged once on all cases, as {"cases": [...]}
    dtypes: tuple[str, ...] = ()  # those that it is tried in; none: all that a run asks for


def statistical(
    decision: Decision, policy: Policy, *, quantity: str, expected: float, names: Mapping[str, Any] | None = None
) -> Finding:
    """A finding from draws; `expected` in the quantity's unit, observed = expected times the measured ratio.

    Where nothing was drawn there is neither.
    """
    drawn = decision.state.n > 0
    return Finding(
        outcome=Outcome(decision.outcome),
        quantity=quantity,
        expected=expected,
        observed=expected * decision.ratio if drawn else None,
        ratio=decision.ratio if drawn else None,
        interval=decision.interval if drawn else None,
        samples=decision.state.n,
        delta=policy.delta,
        certified=decision.certified,
        alpha=policy.alpha,
        beta=policy.beta,
        log_evidence=decision.log_evidence,
        likely=decision.likely,
        likely_log_ratio=decision.likely_log_ratio,
        detail=decision.detail,
        cells=decision.cells or msgspec.UNSET,
        names=names or {},
    )


def foreseen(judge: Judge, trial: Trial, ratio: float) -> Finding:
    """What a judge finds of a trial against `ratio` times its law, whether it draws or compares exactly."""
    finding = judge(replace(trial, factor=ratio))
    return finding.against(ratio) if finding.against and ratio != 1 else finding


def deterministic(
    comparison: Comparison,
    *,
    quantity: str,
    detail: str = "",
    names: Mapping[str, Any] | None = None,
    against: Callable[[float], Comparison] | None = None,
) -> Finding:
    """A finding from exact comparisons: no alpha is spent, delta is the rounding bound as a share of the scale.

    A bound is of use as long as it is small against the effect: what lies within its bound, but off by more than
    `SMALL`, keeps that in `loose`, for rounding may have done it or not. So nothing conforms that is off by more than
    `SMALL`, however loose the bound, and delta says no more than that.

    `against` gives the comparison with a foreseen ratio, where that is not all observations against that multiple.
    """
    held = against or comparison.times
    delta = comparison.bound / (comparison.scale or abs(comparison.expected) or 1.0)
    if not math.isfinite(delta):  # nothing finite to compare with: the observation speaks for itself
        delta = 0.0
    elif comparison.holds:
        delta = min(delta, SMALL)
    return Finding(
        outcome=Outcome.CONFORMS if comparison.holds else Outcome.VIOLATES,
        quantity=quantity,
        expected=comparison.expected,
        observed=comparison.observed,
        ratio=comparison.ratio,
        samples=comparison.n,
        delta=delta,
        certified=delta if comparison.holds else None,
        detail=detail,
        names=names or {},
        loose=comparison.largest if comparison.holds and comparison.largest > SMALL else 0.0,
        size=comparison.off,
        against=lambda ratio: deterministic(held(ratio), quantity=quantity, detail=detail, names=names),
    )
