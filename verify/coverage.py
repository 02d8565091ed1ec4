"""Verdicts on the run itself: what could not run, and the deviations that it should have met."""

import fnmatch
from collections.abc import Iterable, Iterator

from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Outcome, Verdict
from varlaw.subjects.availability import Absence
from varlaw.subjects.registry import select
from varlaw.verify import deviations
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


def missed(row: Row, device: str) -> Verdict:
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
        detail=f"deviation {row.id} ({row.claim} of {' '.join(row.subjects)}) matched nothing: is it fixed upstream?",
        replay="",
    )


def unmatched(verdicts: Iterable[Verdict]) -> list[Row]:
    """The deviations that these verdicts should have met, and did not.

    A row counts where all that it speaks of was on trial, in a version and dtype of its own; one whose claim violates
    in another way than foreseen has been reported there already.
    """
    reached: dict[tuple[str, str], dict[tuple[str, str, str, str], bool]] = {}  # (claim, library): place -> settled
    tried: dict[tuple[str, str], set[str]] = {}  # (claim, subject): dtypes
    for v in verdicts:
        tried.setdefault((v.claim, v.subject), set()).add(v.dtype)
        if v.outcome in (Outcome.CONFORMS, Outcome.VIOLATES):
            place = (v.claim, v.subject, v.version, v.dtype)
            known = reached.setdefault((v.claim, v.subject.partition(".")[0]), {})
            known[place] = known.get(place, False) or v.outcome is Outcome.VIOLATES or v.deviation is not None
    found = []
    for row in (one for rows in deviations.rows() for one in rows.each()):
        library = str(row.subject).partition(".")[0]  # where it is written out it is the subject's
        near = [
            k for k in reached if fnmatch.fnmatchcase(k[0], row.claim) and (k[1] == library or set("*?[") & {*library})
        ]
        settled = [ok for k in near for place, ok in reached[k].items() if row.foresees(*place)]
        by_chance = row.statistics == "drawn"  # so perhaps not here
        if not settled or any(settled) or by_chance:
            continue
        if all(_in_a_dtype_of(row, tried.get(at, set())) for at in _spoken_of(row)):
            found.append(row)
    return found


def _in_a_dtype_of(row: Row, tried: set[str]) -> bool:
    """Some claims are tried in one dtype alone, whichever a run asks for, beside others of the same row."""
    return bool(tried.intersection(row.dtypes) if row.dtypes else tried)


def _spoken_of(row: Row) -> Iterator[tuple[str, str]]:
    """Every claim and target that a row's globs match: a run of some of them cannot tell that none is met."""
    for subject in select([f"{row.framework}.*"]):
        for claim in claims_of(subject):
            if (
                fnmatch.fnmatchcase(claim.name, row.claim)
                and fnmatch.fnmatchcase(claim.target, str(row.subject))
                and not (row.dtypes and claim.dtypes and set(row.dtypes).isdisjoint(claim.dtypes))
            ):
                yield claim.name, claim.target
