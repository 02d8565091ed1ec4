"""Verdicts on the run itself: what could not run, and the deviations that it should have met."""

from varlaw.claims.verdict import Outcome, Verdict
from varlaw.subjects.availability import Absence
from varlaw.verify.deviations import Row


def unavailable(absence: Absence, device: str) -> Verdict:
    """The record of an absence, so that a report shows it beside what was decided."""
    return Verdict(
        claim="framework.present",
        law="parameters.coverage",
        statement="the framework can be imported and has the device",
        subject=absence.framework,
        framework=absence.framework,
        version="",
        op="",
        dtype="",
        device=device,
        case={},
        outcome=Outcome.ERROR if absence.error else Outcome.NOT_APPLICABLE,
        quantity="",
        delta=0.0,
        alpha=0.0,
        beta=0.0,
        detail=absence.reason,
        replay="",
    )


def unmatched(row: Row, device: str) -> Verdict:
    """The violation of strictness: a deviation that the run should have met."""
    subject = " ".join(row.subjects)
    return Verdict(
        claim="deviations.strict",
        law="parameters.coverage",
        statement="every documented deviation is met",
        subject=subject,
        framework=row.framework,
        version=row.versions,
        op="",
        dtype="",
        device=device,
        case={"deviation": row.id},
        outcome=Outcome.VIOLATES,
        quantity="matches",
        expected=1.0,
        observed=0.0,
        ratio=0.0,
        delta=0.0,
        alpha=0.0,
        beta=0.0,
        detail=f"deviation {row.id} ({row.claim} of {' '.join(row.subjects)}) matched nothing: is it mended upstream?",
        replay="",
    )
