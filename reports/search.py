"""What the search of every page looks in: one file beside the report, loaded when somebody first searches.

Guarantee: it works from disk, it is at most `LIMIT` bytes, and what gives way first are the subjects that conform.
Names share their beginnings, so a list of subjects keeps of each only what differs from the one before it.
"""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from varlaw.claims.verdict import Run
from varlaw.reports import deviations, folklore, lawbook
from varlaw.reports.folklore import FolkText
from varlaw.reports.frameworks import Part
from varlaw.reports.groups import by_deviation, grouped
from varlaw.reports.lawbook import LawText
from varlaw.reports.pages import LIMIT, Bar, anchor, template
from varlaw.reports.portraits import PORTRAITS
from varlaw.reports.texts import plain
from varlaw.reports.wording import LETTERS, SYMBOLS, severity

FILE: Final = "search.js"
PAGE: Final = "search.html"
SIGN: Final = b"// varlaw: what the search of this report looks in"
SHORT: Final = 160  # characters of what is said of a finding

Places = Iterable[tuple[str, Iterable[str]]]  # a page, up to where a name follows, and the subjects that it has


def page(bar: Bar) -> str:
    """The page of all results, whose address holds the words."""
    return template("search.html.j2").render(bar=bar.at("Search"))


def file(run: Run, findings: Mapping[str, str], places: Places, laws: Sequence[Any], others: Sequence[Any]) -> bytes:
    """The index: `findings` gives the address of each deviation, `places` where the subjects stand."""
    worst: dict[str, str] = {}
    for group in grouped(run.verdicts):
        name = group.subject
        worst[name] = min(worst.get(name, group.state), group.state, key=severity)
    met = {known.id: known.reason for known, _ in by_deviation(run.verdicts)}
    said = [[plain(name), plain(reason)[:SHORT], findings.get(name, "")] for name, reason in met.items()]
    fixed = {"states": {LETTERS[s]: [SYMBOLS[s], s] for s in LETTERS}, "laws": laws, "others": others}
    shelves = [(address, sorted(set(names))) for address, names in places]
    for states in (LETTERS, [s for s in LETTERS if s != "conforms"], []):
        kept = [(address, [n for n in names if worst.get(n) in states]) for address, names in shelves]
        left = sum(len(names) for _, names in shelves) - sum(len(names) for _, names in kept)
        subjects = [[address, _shared(names, worst)] for address, names in kept if names]
        data = {**fixed, "findings": said[: LIMIT // 1000], "subjects": subjects, "left": left}
        text = SIGN + b"\nvarlawSearch(" + json.dumps(data, ensure_ascii=True, separators=(",", ":")).encode() + b")\n"
        if len(text) <= LIMIT:
            break
    return text


def of_laws(laws: Mapping[str, LawText]) -> list[list[Any]]:
    """Name, title, other words and address of each law, and what people call it."""
    return [
        [name, law.title, _words(law), lawbook.address(name), [alias.lower() for alias in law.aliases]]
        for name, law in laws.items()
    ]


def _words(law: LawText) -> str:
    """What a law is also found by: its quantity, what people call it, and what its picture says."""
    says = PORTRAITS[law.name].caption if law.name in PORTRAITS else ""
    return " ".join(filter(None, [law.quantity, *law.aliases, says]))


def of_claims(claims: Sequence[FolkText]) -> list[list[str]]:
    """Kind, name, other words and address of what people say."""
    return [
        ["folklore", c.claim, f"{c.finding}: {c.truth}"[:SHORT], f"{folklore.PAGE}#{anchor(c.claim)}"] for c in claims
    ]


def in_parts(parts: Iterable[Part]) -> Places:
    """Where the subjects stand in a report with pages for each framework."""
    return [(f"{part.address}#", [subject for subject, _ in part.subjects]) for part in parts]


def in_matrix(run: Run) -> Places:
    """Where the subjects stand in a report of one page: the filter of its matrix finds them."""
    return [("index.html#q=", [group.subject for group in grouped(run.verdicts)])]


def on_page(run: Run) -> dict[str, str]:
    """The addresses of deviations in a report of one page."""
    return {name: f"index.html#finding/{anchor(name)}" for name in deviations.addresses(run)}


def _shared(names: Sequence[str], worst: Mapping[str, str]) -> str:
    """Sorted names, a line each: how many characters are those of the name before, a letter of state, the others."""
    lines, before = [], ""
    for name in map(plain, names):
        same = _alike(before, name)
        lines.append(f"{same}{LETTERS.get(worst.get(name, ''), 'n')}{name[same:]}")
        before = name
    return "\n".join(lines)


def _alike(before: str, name: str) -> int:
    """How many characters two names begin with in common."""
    pairs = zip(before, name, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
