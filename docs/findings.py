"""The page of findings: every documented deviation, with a reproduction of a few lines whose output a test compares.

A file in `verify/deviations/reproductions/` is named after its framework; its first line names the rows that it shows;
what it prints stands in comments below each `print`.
"""

from pathlib import Path

from catalogue import prose

from varlaw.verify.deviations import Row, body, heading, reproduction_files, rows
from varlaw.verify.deviations import shown as names


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
    for text in reproduction_files().values():
        found = [known[name] for name in names(text) if name in known]
        shown |= {row.id for row in found}
        lines += [f"## {heading(text)}", "", *(line for row in found for line in _row(row)), *_code(text)]
    for row in rows():
        if row.id not in shown:
            lines += [f"## {row.id}", "", *_row(row)]
    return "\n".join(lines) + "\n"


def _row(row: Row) -> list[str]:
    size = f"`{row.ratio}`" if row.ratio else "within a range that was measured"
    seen = "" if row.measured is None else f", {row.measured:g} when the row was written"
    where = "" if row.when == "True" else f" where `{row.when}`"
    upstream = f" Upstream: <{row.link}>." if row.link else ""
    return [
        f"`{row.id}`",
        f": {prose(row.reason)}",
        "",
        f"  `{row.claim}` of {_subjects(row)}{where}; observed / expected: {size}{seen};",
        f"  {row.framework} {prose(row.versions)}.{upstream}",
        "",
    ]


def _subjects(row: Row) -> str:
    """One, two or three subjects; of more the first two and how many."""
    names = [f"`{one}`" for one in row.subjects]
    return ", ".join(names if len(names) <= 3 else [*names[:2], f"{len(names) - 2} more"])


def _code(text: str) -> list[str]:
    return ["```python", *body(text).rstrip().splitlines(), "```", ""]
