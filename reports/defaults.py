"""Recorded defaults: a page for each version with every law identified, and one for what changed to the next.

What the pages say comes as texts: whoever reads baselines turns them into `Version` and `VersionChange`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from varlaw.reports.pages import ALONE, Bar, template

FOLDER: Final = "defaults"
INDEX: Final = f"{FOLDER}/index.html"


@dataclass(frozen=True, kw_only=True)
class Default:
    """One tensor: the law identified from its draws, its std in one case, and what speaks for it."""

    name: str
    law: str
    known: bool
    std: str = ""
    evidence: str = ""
    notes: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Version:
    """What one baseline recorded; `facts` are constants measured, as (subject, name, value)."""

    title: str  # "torch 2.13.0"
    defaults: Sequence[Default]
    facts: Sequence[tuple[str, str, str]] = ()
    failed: Sequence[tuple[str, str]] = ()
    source: str = ""  # under which salt, by which varlaw

    @property
    def unknown(self) -> int:
        """Tensors whose law was not recognised."""
        return sum(not default.known for default in self.defaults)


@dataclass(frozen=True, kw_only=True)
class Move:
    """One change from a version to another."""

    kind: str
    name: str
    before: str
    after: str
    scale: str
    touches: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class VersionChange:
    """What changed between two versions, out of how many laws compared at which risk."""

    old: str
    new: str
    summary: str
    moves: Sequence[Move] = ()


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """All that the pages show."""

    versions: Sequence[Version] = ()
    changes: Sequence[VersionChange] = field(default=())


def pages(shown: Defaults, bar: Bar = ALONE) -> dict[str, str]:
    """The pages by their address, the index among them."""
    bar = bar.at("Defaults", "../")
    names = _addresses([v.title for v in shown.versions] + [_title(p) for p in shown.changes])
    versions = list(zip(shown.versions, names, strict=False))
    changes = list(zip(shown.changes, names[len(versions) :], strict=True))
    found = {
        f"{FOLDER}/{address}": template("defaults.html.j2").render(bar=bar, version=v, changes=_of(v, changes))
        for v, address in versions
    }
    found |= {
        f"{FOLDER}/{address}": template("version_change.html.j2").render(bar=bar, change=c) for c, address in changes
    }
    return {**found, INDEX: template("defaults_index.html.j2").render(bar=bar, versions=versions, changes=changes)}


def _title(change: VersionChange) -> str:
    return f"{change.old} to {change.new}"


def _of(version: Version, changes: Sequence[tuple[VersionChange, str]]) -> list[tuple[str, str]]:
    """The changes that begin or end at a version, with their addresses."""
    return [(_title(p), address) for p, address in changes if version.title in (p.old, p.new)]


def _addresses(titles: Sequence[str]) -> list[str]:
    """A file name for each title; names that would collide are numbered."""
    taken = ["index.html"]
    for title in titles:
        safe = re.sub(r"[^a-z0-9._]+", "-", title.lower()).strip("-.")[:80] or "defaults"
        unique, k = f"{safe}.html", 2
        while unique in taken:
            unique, k = f"{safe}-{k}.html", k + 1
        taken.append(unique)
    return taken[1:]
