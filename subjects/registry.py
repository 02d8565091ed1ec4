"""Which framework's rows live in which module, read off the table of frameworks; and the rows of others."""

import fnmatch
import importlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any

from varlaw.subjects import sources
from varlaw.subjects.subject import Subject

# The frameworks under test by name: what is installed to check each, and where. The file says what its columns mean.
FRAMEWORKS: Mapping[str, Mapping[str, Any]] = tomllib.loads(
    (resources.files("varlaw.subjects") / "frameworks.toml").read_text(encoding="utf-8")
)
# First part of the subject names -> module whose `SUBJECTS` holds the rows. Nothing is imported before it is asked for.
MODULES = {
    "varlaw.numpy": "varlaw.subjects.ours_numpy",
    "varlaw.torch": "varlaw.subjects.ours_torch",
    **{name: f"varlaw.subjects.{name}" for name in FRAMEWORKS},
}


def subjects(prefix: str) -> tuple[Subject, ...]:
    """All rows of one framework, in the order of its table."""
    rows: tuple[Subject, ...] = importlib.import_module(MODULES[prefix]).SUBJECTS
    return rows


def select(targets: Iterable[str]) -> list[Subject]:
    """The subjects that any of the globs names: a subject itself, one of its tensors, or everything below it.

    >>> [s.name for s in select(["varlaw.numpy.he_normal"])]
    ['varlaw.numpy.he_normal']
    """
    patterns = list(targets)
    rows = [row for prefix in MODULES if any(_reaches(p, prefix) for p in patterns) for row in subjects(prefix)]
    rows += [row for row, _ in _of_others(patterns)]
    return [row for row in rows if any(fnmatch.fnmatchcase(row.name, p) or _tensor_named(row, p) for p in patterns)]


def named(name: str) -> Subject | None:
    """The subject of exactly that name."""
    there = (row for prefix in MODULES if _reaches(name, prefix) for row in subjects(prefix))
    ours = next((row for row in there if row.name == name), None)
    return ours or next((row for row, _ in _of_others([name]) if row.name == name), None)


def place_of(subject: Subject) -> str:
    """Where another process has to look for a subject: "" where its name alone says it."""
    source = next((source for row, source in _of_others([subject.name]) if row.name == subject.name), None)
    return source.place if source and not source.prefix and not source.place.endswith(".py") else ""


def faults(targets: Iterable[str]) -> list[tuple[str, str]]:
    """Whose rows cannot be loaded, among the sources that any of the globs reaches, and why."""
    patterns = list(targets)
    found = []
    names: dict[str, sources.Source] = {}
    for source in _reached(patterns):
        whose = source.prefix or source.place
        found += [(whose, fault) for fault in (*sources.loaded(source).faults, *_beside_rows(source))]
        for row in sources.loaded(source).rows:
            if fault := _taken(row, source, names):
                found.append((row.name, fault))
    for prefix, points in _shared().items():
        if any(_reaches(p, prefix) for p in patterns):
            which = " and ".join(map(str, points))
            found.append((prefix, f"two libraries give rows of {prefix}.*: {which}; neither is asked"))
    return found


# -- rows of others ----------------------------------------------------------------------------------------------------


def _of_others(patterns: list[str]) -> Iterator[tuple[Subject, sources.Source]]:
    """The rows of the sources that a glob reaches, each name once."""
    names: dict[str, sources.Source] = {}
    for source in _reached(patterns):
        for row in sources.loaded(source).rows:
            if not _taken(row, source, names):
                yield row, source


def _taken(row: Subject, source: sources.Source, names: dict[str, sources.Source]) -> str:
    """Why a row cannot have its name; "" where it can, and then `names` knows it."""
    ours = next((prefix for prefix in MODULES if row.name.startswith(f"{prefix}.")), None)
    if ours:
        return f"a row of {source} is named {row.name}, but {ours}.* are rows of varlaw's own"
    if row.name in names:
        return f"{row.name} is a row of {names[row.name]} and of {source}; the first is asked"
    names[row.name] = source
    return ""


def _beside_rows(source: sources.Source) -> Iterator[str]:
    """What is wrong with the claims and laws that stand beside the rows of a source: of no row, or none at all."""
    there = sources.loaded(source)
    given = getattr(there.module, "ROWS", ())  # a class that is named itself is but one of them
    listed = (*(given if isinstance(given, list | tuple) else ()), *there.rows)
    names = [row.name for row in listed if hasattr(row, "name")]
    claims, seen = getattr(there.module, "CLAIMS", ()), set()
    if not isinstance(claims, list | tuple):
        yield f"CLAIMS of {source} is {type(claims).__name__}, but should be a list"
        claims = ()
    for claim in claims:
        of = getattr(claim, "of", None)
        if not isinstance(of, str):
            yield f"CLAIMS of {source} holds {type(claim).__name__}, but should be made by varlaw.rows.claim"
        elif claim.name in seen:
            yield f"CLAIMS of {source} has two named {claim.name}"
        elif not fnmatch.filter(names, of) and not any(_reaches(of, prefix) for prefix in MODULES):
            yield f"the claim {claim.name} is of {of!r}, which names no row of {source}"
        seen.add(getattr(claim, "name", ""))
    if not isinstance(getattr(there.module, "LAWS", {}), Mapping):
        yield f"LAWS of {source} is {type(there.module.LAWS).__name__}, but should map names to functions"


def _reached(patterns: list[str]) -> Iterator[sources.Source]:
    """The sources that a glob can reach; one without a prefix by all but the names of our own frameworks."""
    shared = _shared()
    strange = [p for p in patterns if not any(f"{p}.".startswith(f"{prefix}.") for prefix in MODULES)]
    for source in sources.every():
        if source.prefix in shared:
            continue
        if any(_reaches(p, source.prefix) for p in patterns) if source.prefix else strange:
            yield source


def _shared() -> dict[str, list[sources.Source]]:
    """Prefixes that two installed libraries claim, or that are ours."""
    by_prefix: dict[str, list[sources.Source]] = {}
    for source in sources.installed():
        by_prefix.setdefault(source.prefix, []).append(source)
    return {prefix: points for prefix, points in by_prefix.items() if len(points) > 1}


def _reaches(pattern: str, prefix: str) -> bool:
    """Whether a glob can match a name below `prefix`: rows of other frameworks are then not even imported."""
    literal = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
    return f"{literal}.".startswith(f"{prefix}.") or f"{prefix}.".startswith(literal)


def _tensor_named(row: Subject, pattern: str) -> bool:
    tensors = getattr(row, "tensors", ())
    return any(fnmatch.fnmatchcase(f"{row.name}.{t.name}", pattern) for t in tensors if t.name)
