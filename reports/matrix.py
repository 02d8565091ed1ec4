"""The matrix of a page: subjects by claims, one board per family of claims and framework, versions side by side.

Vocabulary: *board* (one table: the claims of one family about one framework as columns, subjects as rows), *family*
(the name of a claim before its first dot), *quiet* (of a row: nothing in it is worse than conforming), *place* (dtype,
with the device where a board has several).
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from varlaw.claims.verdict import Verdict
from varlaw.reports import wording
from varlaw.reports.groups import Group, distance, together
from varlaw.reports.merge import version_order
from varlaw.reports.texts import plain
from varlaw.reports.wording import LETTERS, STATES, SYMBOLS, severity

FOLD_ABOVE: Final = 12  # rows of a board that conform in everything
DTYPES: Final = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Row:
    """One subject in one board: a group and its place in the embedded data, or None, per column."""

    subject: str
    cells: tuple[tuple[int, Group] | None, ...]

    @cached_property
    def groups(self) -> list[Group]:
        return [cell[1] for cell in self.cells if cell]

    @property
    def letters(self) -> str:
        """The states in the row, a letter each."""
        return "".join(LETTERS[s] for s in STATES if any(s in g.counts for g in self.groups))

    @cached_property
    def severity(self) -> int:
        return min(severity(g.state) for g in self.groups)

    @cached_property
    def quiet(self) -> bool:
        """Whether nothing in the row is worse than conforming."""
        return self.severity >= severity("conforms")

    @cached_property
    def distance(self) -> float:
        return min(max(g.distance for g in self.groups), 99.0)


@dataclass(frozen=True)
class Board:
    """The claims of one family about one framework: a column per claim and version, a row per subject."""

    family: str
    framework: str
    versions: tuple[str, ...]
    claims: tuple[str, ...]
    rows: tuple[Row, ...]
    places: tuple[str, ...]  # of most cells: named once, and in a cell only where they differ
    devices: bool  # whether a place names its device

    @property
    def anchor(self) -> str:
        """A name for links, of letters that every address can hold, the same in every run."""
        return f"board-{zlib.crc32(repr((self.family, self.framework)).encode('utf-8', 'replace')):08x}"

    @cached_property
    def quiet(self) -> int:
        """How many rows conform in everything, when there are so many that they are folded; else 0."""
        found = sum(row.quiet for row in self.rows)
        return found if found > FOLD_ABOVE else 0

    @cached_property
    def counts(self) -> dict[str, int]:
        return together(g for row in self.rows for g in row.groups)

    @property
    def title(self) -> str:
        return " ".join([self.family, "\u00b7", self.framework, *(self.versions if len(self.versions) == 1 else ())])


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
    devices = len({v.device for _, g in members for v in g.verdicts}) > 1
    usual = Counter(places(g.verdicts, devices=devices) for _, g in members).most_common(1)[0][0]
    return Board(family, framework, versions, claims, tuple(sorted(rows, key=_rank)), usual, devices)


def _claims(groups: list[Group]) -> tuple[str, ...]:
    """The claims of a board: those with the worst states first, then those about most subjects."""
    worst, size = dict[str, int](), Counter(g.claim for g in groups)
    for group in groups:
        worst[group.claim] = min(worst.get(group.claim, len(STATES)), severity(group.state))
    return tuple(sorted(size, key=lambda claim: (worst[claim], -size[claim])))


def _rank(row: Row) -> tuple[int, float, str]:
    """Worst first, then furthest from the law; what conforms by name."""
    return row.severity, -row.distance if row.severity < severity("conforms") else 0.0, row.subject


def places(verdicts: Iterable[Verdict], *, devices: bool) -> tuple[str, ...]:
    """The dtypes of some verdicts in short, with their devices where asked for, in order of appearance."""
    return tuple(dict.fromkeys(_place(v.dtype, v.device if devices else "") for v in verdicts))


def _place(dtype: str, device: str) -> str:
    short = DTYPES.get(dtype, plain(dtype))
    return f"{short}@{plain(device)}" if device else short


def cell_lines(group: Group, board: Board) -> list[dict[str, str]]:
    """What a cell of the matrix says: a line per state, with the worst ratio, how many cases, and unusual places."""
    lines = []
    for state, n in group.counts.items():
        members = [v for v in group.verdicts if v.state == state]
        telling = state in ("VIOLATES", "deviation") and group.measured
        number = _times(max(members, key=distance)) if telling else ""
        where = places(members, devices=board.devices)
        notes = [f"{n}" if len(group.counts) > 1 else "", "" if where == board.places else " ".join(where)]
        line = {"letter": LETTERS[state], "state": state, "symbol": SYMBOLS[state], "number": number}
        lines.append(line | {"note": " ".join(filter(None, notes))})
    return lines


def _times(verdict: Verdict) -> str:
    said = wording.vanished(verdict) or (
        f"\u00d7{wording.ratio(verdict)}" if verdict.ratio is not None else "no number"
    )
    return f" {said}"


def glance(found: Sequence[Board]) -> dict[str, dict[str, Board]]:
    """The boards by framework and family: the table from which a reader starts."""
    table: dict[str, dict[str, Board]] = {}
    for board in found:
        table.setdefault(board.framework, {})[board.family] = board
    return dict(sorted(table.items()))
