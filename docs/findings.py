"""The page of findings: every documented deviation, with a reproduction of a few lines whose output a test compares.

A file in `verify/deviations/reproductions/` is named after its framework; its first line names the rows that it shows;
what it prints stands in comments below each `print`.
"""

from collections import Counter
from pathlib import Path

from catalogue import prose

from varlaw.verify.deviations import Row, body, heading, reproduction_files, rows
from varlaw.verify.deviations import shown as names

HEAD = (
    "# Findings",
    "",
    "Where released code and a law disagree, and the disagreement is known or intended. Each row is data in",
    "[verify/deviations](../guide-deviation.md): a run of `varlaw verify` must meet it, at the ratio",
    "foreseen, confirmed by a second, independent measurement; if upstream mends it, the run fails and the row",
    "goes.",
)


def write(folder: Path) -> None:
    """Write `findings.md` and a page for each framework below a folder."""
    inside = folder / "findings"
    inside.mkdir(parents=True, exist_ok=True)
    found = pages()
    for stale in set(inside.glob("*.md")) - {inside / f"{name}.md" for name in found}:
        stale.unlink()
    for name, text in found.items():
        (inside / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / "findings.md").write_text(index(), encoding="utf-8")


def index() -> str:
    """How many findings each framework has, and where they stand."""
    counts = Counter(row.framework for row in rows())
    table = [f"| [{name}](findings/{name}.md) | {n} |" for name, n in sorted(counts.items())]
    return "\n".join([*HEAD, "", "| framework | findings |", "|---|---|", *table, "", "```{toctree}", ":hidden:", "",
                      *(f"findings/{name}" for name in sorted(counts)), "```", ""])  # fmt: skip


def pages() -> dict[str, str]:
    """The findings of each framework, those that one reproduction shows together."""
    known = {row.id: row for row in rows()}
    lines: dict[str, list[str]] = {row.framework: [] for row in rows()}
    told: set[str] = set()
    for text in reproduction_files().values():
        found = [known[name] for name in names(text) if name in known]
        told |= {row.id for row in found}
        if found:
            listed = [line for row in found for line in _row(row)]
            lines[found[0].framework] += [f"## {heading(text)}", "", *listed, *_code(text)]
    for row in rows():
        if row.id not in told:
            lines[row.framework] += [f"## {row.id}", "", *_row(row)]
    return {name: "\n".join([f"# Findings: {name}", "", *found, ""]) for name, found in lines.items()}


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
