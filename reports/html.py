"""The page of a run: one file that works from disk, shows what breaks within ten seconds, and opens every number.

Guarantee: nothing is loaded (a content security policy forbids it, and allows no script but the page's own), every
text from outside is escaped, equal records give equal bytes, and no page exceeds `LIMIT` bytes: the evidence of
conforming verdicts is what gives way first, to a pointer to the records.

Vocabulary: *island* (the evidence as JSON within the page, read when a cell is opened), *board* (one table of the
matrix: the claims of one family as columns, subjects as rows).
"""

import base64
import functools
import hashlib
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jinja2
from markupsafe import Markup

from varlaw.reports import charts, words
from varlaw.reports.diff import compare
from varlaw.reports.groups import Group, distance, grouped, headline, tally, worst_first
from varlaw.reports.merge import merged, version_order
from varlaw.reports.terminal import likely, undecided
from varlaw.reports.words import STATES, SYMBOLS, plain, severity
from varlaw.verify.verdict import Deviation, Run, Verdict

LIMIT: Final = 3_000_000  # bytes a page
DEFLATE_ABOVE: Final = 400_000  # bytes of evidence that stay readable in the page's source
CARDS: Final = 200  # findings shown in full; the others are in the matrix
FOLD_ABOVE: Final = 12  # rows of a board that conform in everything
OPENED: Final = 6  # findings unfolded from the start
LETTERS: Final = {state: state[0].lower() for state in STATES}  # v e u d c n: one class of the style sheet each
DTYPES: Final = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Row:
    """One subject in one board: a group and its place in the island, or None, per column."""

    subject: str
    cells: tuple[tuple[int, Group] | None, ...]

    @property
    def groups(self) -> list[Group]:
        return [cell[1] for cell in self.cells if cell]

    @property
    def letters(self) -> str:
        """The states in the row, a letter each."""
        return "".join(LETTERS[s] for s in STATES if any(s in g.counts for g in self.groups))

    @property
    def severity(self) -> int:
        return min(severity(g.state) for g in self.groups)

    @property
    def quiet(self) -> bool:
        """Whether nothing in the row is worse than conforming."""
        return self.severity >= severity("conforms")

    @property
    def distance(self) -> float:
        return min(max(distance(g.worst) for g in self.groups), 99.0)


@dataclass(frozen=True)
class Board:
    """The claims of one family about one framework: a column per claim and version, a row per subject."""

    family: str
    framework: str
    versions: tuple[str, ...]
    claims: tuple[str, ...]
    rows: tuple[Row, ...]
    dtypes: tuple[str, ...]  # of most cells: named once, and in a cell only where it differs

    @property
    def anchor(self) -> str:
        """A name for links, of letters that every address can hold, the same in every run."""
        return f"board-{zlib.crc32(repr((self.family, self.framework)).encode('utf-8', 'replace')):08x}"

    @property
    def quiet(self) -> int:
        """How many rows conform in everything, when there are so many that they are folded; else 0."""
        found = sum(row.quiet for row in self.rows)
        return found if found > FOLD_ABOVE else 0

    @property
    def counts(self) -> dict[str, int]:
        return tally(v for row in self.rows for g in row.groups for v in g.verdicts)

    @property
    def title(self) -> str:
        return " ".join([self.family, "\u00b7", self.framework, *(self.versions if len(self.versions) == 1 else ())])


def render(*runs: Run, pages: Sequence[tuple[str, str]] = ()) -> str:
    """The page of one run, or of several with their versions side by side, at most `LIMIT` bytes of UTF-8.

    `pages` names other pages to link to, with their addresses.
    """
    run = merged(runs)
    groups = grouped(run.verdicts)
    kept = len(run.verdicts)
    while True:
        page = _page(runs, run, groups, kept, pages)
        if len(page.encode()) <= LIMIT or kept == 0:
            return page
        kept = kept // 2 if kept > 500 else 0


def _page(runs: Sequence[Run], run: Run, groups: list[Group], kept: int, pages: Sequence[tuple[str, str]]) -> str:
    """The page with at most `kept` conforming or inapplicable verdicts, all of the others."""
    shown = _within(groups, kept)
    ordered = worst_first(groups)
    of_state = {s: [g for g in ordered if g.state == s] for s in STATES}
    broken = of_state["VIOLATES"] + of_state["error"]
    chosen = {quiet: charts.selection(groups, quiet=quiet) for quiet in (False, True)}
    return template("page.html.j2").render(
        run=run,
        runs=runs,
        pages=pages,
        info=run.run,
        headline=headline,
        verdict_line=conclusion(run),
        counts=tally(run.verdicts),
        total=len(run.verdicts),
        of_state=of_state,
        cards=broken[:CARDS],
        uncarded=max(len(broken) - CARDS, 0),
        opened=OPENED,
        cell={group.key: k for k, group in enumerate(shown)},
        comparisons=[(a, b, compare(a, b)) for a, b in itertools.pairwise(runs) if _comparable(a, b)],
        boards=(found := boards(shown)),
        glance=glance(found),
        deviations=_by_deviation(of_state["deviation"]),
        folded=len(groups) - len(shown),
        chosen=chosen,
        pictures={quiet: _chart(rows) for quiet, rows in chosen.items()},
        island=island(shown),
    )


def glance(found: Sequence[Board]) -> dict[str, dict[str, Board]]:
    """The boards by framework and family: the table from which a reader starts."""
    table: dict[str, dict[str, Board]] = {}
    for board in found:
        table.setdefault(board.framework, {})[board.family] = board
    return dict(sorted(table.items()))


def _by_deviation(groups: Iterable[Group]) -> list[tuple[Deviation, list[Group]]]:
    """The rows that each documented deviation explains, whatever ratio it foresaw for each of them."""
    members: dict[tuple[str, str, str], tuple[Deviation, list[Group]]] = {}
    for group in groups:
        if (known := group.worst.deviation) is not None:
            members.setdefault((known.id, known.reason, known.link), (known, []))[1].append(group)
    return list(members.values())


def _comparable(a: Run, b: Run) -> bool:
    return bool({v.framework for v in a} & {v.framework for v in b})


def conclusion(run: Run) -> str:
    """The one sentence at the top of the page."""
    counts = tally(run.verdicts)
    wrong = len({(v.framework, v.version, v.subject) for v in run.verdicts if v.state == "VIOLATES"})
    errors, open_ = counts.get("error", 0), counts.get("undecided", 0)
    if wrong:
        return f"{words.quantities(wrong, 'subject')} {'violates its law' if wrong == 1 else 'violate their laws'}"
    if errors:
        return f"No violation found, but {words.quantities(errors, 'subject run', 'subject runs')} ended in an error"
    if not counts:
        return "Nothing was checked"
    if open_:
        return f"No violation found; {words.quantities(open_, 'verdict')} undecided"
    if not counts.keys() & {"conforms", "deviation"}:
        return "No law applies to what was checked"
    return "Every verdict conforms" + (" or deviates as documented" if counts.get("deviation") else "")


def _within(groups: list[Group], kept: int) -> list[Group]:
    """The groups whose evidence the page carries: all that are worse than conforming, then as many as `kept` allows."""
    found, room = [], kept
    for group in groups:
        quiet = severity(group.state) >= severity("conforms")
        room -= len(group.verdicts) if quiet else 0
        if not quiet or room >= 0:
            found.append(group)
    return found


def boards(groups: Sequence[Group]) -> list[Board]:
    """The matrix: a board per family of claims (the name before the first dot) and framework, as they first appear."""
    members: dict[tuple[str, str], list[tuple[int, Group]]] = {}
    for k, group in enumerate(groups):
        members.setdefault((group.claim.partition(".")[0], group.verdicts[0].framework), []).append((k, group))
    found = [_board(family, framework, inside) for (family, framework), inside in members.items()]
    return sorted(found, key=lambda board: min(row.severity for row in board.rows))


def _board(family: str, framework: str, members: list[tuple[int, Group]]) -> Board:
    claims = _claims([g for _, g in members])
    versions = tuple(sorted({g.verdicts[0].version for _, g in members}, key=version_order))
    subjects: dict[str, dict[tuple[str, str], tuple[int, Group]]] = {}
    for k, group in members:
        subjects.setdefault(group.subject, {})[group.claim, group.verdicts[0].version] = (k, group)
    columns = [(claim, version) for claim in claims for version in versions]
    rows = (Row(subject, tuple(cells.get(c) for c in columns)) for subject, cells in subjects.items())
    usual = Counter(dtypes_of(g.verdicts) for _, g in members).most_common(1)[0][0]
    return Board(family, framework, versions, claims, tuple(sorted(rows, key=_rank)), usual)


def _claims(groups: list[Group]) -> tuple[str, ...]:
    """The claims of a board: those with the worst states first, then those about most subjects."""
    worst, size = dict[str, int](), Counter(g.claim for g in groups)
    for group in groups:
        worst[group.claim] = min(worst.get(group.claim, len(STATES)), severity(group.state))
    return tuple(sorted(size, key=lambda claim: (worst[claim], -size[claim])))


def _rank(row: Row) -> tuple[int, float, str]:
    """Worst first, then furthest from the law; what conforms by name."""
    return row.severity, -row.distance if row.severity < severity("conforms") else 0.0, row.subject


def dtypes_of(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """The dtypes of some verdicts in short, in order of appearance."""
    return tuple(dict.fromkeys(DTYPES.get(v.dtype, plain(v.dtype)) for v in verdicts))


def cell_lines(group: Group, usual: tuple[str, ...]) -> list[dict[str, str]]:
    """What a cell of the matrix says: a line per state, with the worst ratio, how many cases, and unusual dtypes."""
    lines = []
    for state, n in group.counts.items():
        members = [v for v in group.verdicts if v.state == state]
        telling = state in ("VIOLATES", "deviation") and group.worst.ratio is not None
        number = f" \u00d7{words.ratio(max(members, key=distance))}" if telling else ""
        dtypes = dtypes_of(members)
        notes = [f"{n}" if len(group.counts) > 1 else "", "" if dtypes == usual else " ".join(dtypes)]
        lines.append({"letter": LETTERS[state], "state": state, "symbol": SYMBOLS[state], "number": number,
                      "note": " ".join(filter(None, notes))})  # fmt: skip
    return lines


def island(groups: Iterable[Group]) -> dict[str, str]:
    """The evidence of all cells as text for the page and the name of its encoding ("" or "deflate").

    Each text stands once, in a table; numbers keep six significant digits (all of them are in the records).
    """
    table: dict[str, int] = {}

    def text(value: str) -> int:
        return table.setdefault(plain(value), len(table))

    cells = [[text(g.subject), text(g.claim), text(g.platform), [_record(v, text) for v in g.verdicts]] for g in groups]
    data = json.dumps(
        {"texts": list(table), "cells": cells}, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    if len(data) <= DEFLATE_ABOVE:
        return {"encoding": "", "text": Markup(_script_safe(data))}
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    squeezed = squeezer.compress(data.encode()) + squeezer.flush()
    return {"encoding": "deflate", "text": base64.b64encode(squeezed).decode()}


def _record(verdict: Verdict, text: Callable[[str], int]) -> list[Any]:
    """A verdict in the order that `page.js` names its fields."""
    low, high = verdict.interval or (None, None)
    fields = (
        *(verdict.law, verdict.statement, verdict.op, verdict.dtype, verdict.device, words.case_text(verdict.case)),
        *(verdict.state, verdict.quantity, words.ratio(verdict), words.interval(verdict), words.effort(verdict)),
        *(likely(verdict), undecided(verdict) if verdict.state == "undecided" else "", verdict.detail),
        words.replay_command(verdict),
    )
    numbers = (
        *(verdict.expected, verdict.observed, verdict.ratio, low, high),
        *(verdict.delta, verdict.certified, verdict.alpha, verdict.beta, verdict.log_evidence),
    )
    return [*map(text, fields), *map(_six, numbers), verdict.samples, _deviation(verdict.deviation, text)]


def _deviation(known: Deviation | None, text: Callable[[str], int]) -> list[Any] | int:
    if known is None:
        return 0
    texts = (known.id, known.reason, words.link_text(known.link), words.hyperlink(known.link))
    return [*map(text, texts), text(words.foreseen(known)), text(known.versions)]


def _six(value: float | None) -> float | int | None:
    """Six significant digits, whole numbers without a point."""
    if value is None:
        return None
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _script_safe(data: str) -> str:
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return data


def _chart(groups: list[Group]) -> Markup | None:
    drawn = charts.svg(charts.forest(groups)) if groups else None
    return None if drawn is None else Markup(drawn)


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("varlaw.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(words, name) for name in ("plain", "percent", "risk", "number")}
    environment.globals |= {
        "words": words,
        "LETTERS": LETTERS,
        "cell_lines": cell_lines,
        "likely": likely,
        "undecided": undecided,
        "strip": charts.strip,
        "asset": asset,
        "digest": digest,
    }
    return environment


def template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


def asset(name: str) -> Markup:
    """A style sheet or script of ours, as it goes into the page."""
    loader = _environment().loader
    assert loader is not None
    return Markup(loader.get_source(_environment(), name)[0])


def digest(script: str) -> str:
    """The hash by which a page's content security policy knows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
