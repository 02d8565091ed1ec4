"""The page of findings: every documented deviation, with a reproduction of a few lines whose output a test compares.

A file in `reproductions/` is named after its framework; its first line names the rows of `verify/deviations/` that it
shows; what it prints stands in comments below each `print`.
"""

import re
from pathlib import Path

from catalogue import prose

from varlaw.verify.deviations import Row, rows

REPRODUCTIONS = Path(__file__).parent / "reproductions"


def write(folder: Path) -> None:
    """Write `findings.md` below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "findings.md").write_text(page(), encoding="utf-8")


def page() -> str:
    """All findings, those that one reproduction shows together."""
    lines = [
        "# Findings",
        "",
        "Where released code and a law disagree, and the disagreement is known or intended. Each row is data in",
        "[verify/deviations](../guide-deviation.md): a run of `varlaw verify` must meet it, at the ratio",
        "foreseen, confirmed by a second, independent measurement; if upstream mends it, the run fails and the row",
        "goes.",
        "",
    ]
    known = {row.id: row for row in rows()}
    shown: set[str] = set()
    for path in sorted(REPRODUCTIONS.glob("*.py")):
        found = [known[name] for name in names(path) if name in known]
        shown |= {row.id for row in found}
        lines += [f"## {heading(path)}", "", *(text for row in found for text in _row(row)), *_code(path)]
    for row in rows():
        if row.id not in shown:
            lines += [f"## {row.id}", "", *_row(row)]
    return "\n".join(lines) + "\n"


def names(path: Path) -> list[str]:
    """The rows that a reproduction shows, from its first line."""
    return re.findall(r"[\w-]+", _lines(path)[0].lstrip("# "))


def heading(path: Path) -> str:
    """What a reproduction shows, in words, from its second line."""
    return _lines(path)[1].lstrip("# ")


def _row(row: Row) -> list[str]:
    size = f"`{row.ratio}`" if row.ratio else "depends on the input"
    where = "" if row.when == "True" else f" where `{row.when}`"
    upstream = f" Upstream: <{row.link}>." if row.link else ""
    return [
        f"`{row.id}`",
        f": {prose(row.reason)}",
        "",
        f"  `{row.claim}` of {_subjects(row)}{where}; observed / expected: {size}, {row.measured:g} when the row was",
        f"  written; {row.framework} {prose(row.versions)}.{upstream}",
        "",
    ]


def _subjects(row: Row) -> str:
    """One, two or three subjects; of more the first two and how many."""
    names = [f"`{one}`" for one in row.subjects]
    return ", ".join(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def _code(path: Path) -> list[str]:
    return ["```python", *_lines(path)[2:], "```", ""]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").rstrip().splitlines()
