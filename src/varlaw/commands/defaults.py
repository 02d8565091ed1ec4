"""Baselines as the texts that the report's pages of defaults show."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from varlaw.identify.baseline.records import Baseline, Fact
    from varlaw.identify.records import Identified
    from varlaw.reports.defaults import Default, Defaults, Version, VersionChange


def pages_of(paths: Sequence[Path]) -> "Defaults":
    """The pages of some baseline files; of the same frameworks, each is held against the one before it.

    Raises `ReportError`, in one line, for a file that is no baseline, or was changed by hand.
    """
    from varlaw.reports.defaults import Defaults

    found = [_read(path) for path in paths]
    families: dict[tuple[str, ...], list[Baseline]] = {}
    for baseline in found:
        families.setdefault(tuple(sorted(baseline.versions)), []).append(baseline)
    changes = (_version_change(a, b) for same in families.values() for a, b in itertools.pairwise(same))
    return Defaults(versions=tuple(_version(b) for b in found), changes=tuple(changes))


def _read(path: Path) -> "Baseline":
    from varlaw.identify.baseline.records import decode
    from varlaw.identify.baseline.sound import BaselineError
    from varlaw.reports.files import ReportError, read_record

    try:
        return decode(read_record(path), str(path))
    except BaselineError as error:
        raise ReportError(str(error)) from error


def _title(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _version(baseline: "Baseline") -> "Version":
    from varlaw.reports.defaults import Version

    return Version(
        title=_title(baseline.versions),
        defaults=tuple(_default(one) for one in baseline.tensors),
        facts=tuple((fact.subject, fact.name, _value(fact)) for fact in baseline.facts),
        failed=tuple((one.subject, one.error) for one in baseline.failed),
        source=f"Recorded by varlaw {baseline.varlaw} under the salt {baseline.salt}.",
    )


def _value(fact: "Fact") -> str:
    return fact.value if isinstance(fact.value, str) else f"{fact.value:.4g}"


def _default(one: "Identified") -> "Default":
    from varlaw.commands.readings import nats
    from varlaw.reports.defaults import Default

    reading = one.reading
    fixed = reading.family in ("constant", "identity", "dirac", "fixed")
    std = f"{one.cases[0].std:.4g} of {one.cases[0].shape}" if one.cases and not fixed else ""
    lead = reading.lead is not None and reading.runner_up
    evidence = f"next best {reading.runner_up}, behind by {nats(reading.lead or 0.0)}" if lead else ""
    return Default(
        name=one.name, law=reading.text, known=reading.known, std=std, evidence=evidence, notes=tuple(_notes(one))
    )


def _notes(one: "Identified") -> Iterator[str]:
    yield from filter(None, (one.error, one.reading.reason, one.reading.note))


def _version_change(old: "Baseline", new: "Baseline") -> "VersionChange":
    from varlaw.commands.changes import counts, in_order, scale
    from varlaw.identify.baseline.diff import compare
    from varlaw.reports.defaults import Move, VersionChange

    found = compare(old, new)
    moves = (
        Move(kind=c.kind, name=c.name, before=c.before, after=c.after, scale=scale(c), touches=tuple(c.touches))
        for c in in_order(found)
    )
    return VersionChange(old=_title(old.versions), new=_title(new.versions), summary=counts(found), moves=tuple(moves))
