"""The sessions that check frameworks, as a table of the guide, read off `subjects/frameworks.toml`."""

from collections.abc import Iterator
from pathlib import Path

from varlaw.subjects.registry import FRAMEWORKS


def write(folder: Path) -> None:
    """Write the table that the guide includes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "frameworks.md").write_text(table(), encoding="utf-8")


def table() -> str:
    """One row a session: what it checks, what a sweep costs, and whether CI runs it."""
    head = "| session | subjects | one sweep in float32, policy `pr` | CI |\n|---|---|---|---|"
    return "\n".join((head, *_rows())) + "\n"


def _rows() -> Iterator[str]:
    for name, row in FRAMEWORKS.items():
        if "session" in row:
            continue
        sessions = [f"{name}-{backend}" for backend in row.get("backends", ())] or [name]
        beside = [f"`{other}`" for other, of in FRAMEWORKS.items() if of.get("session") == name]
        about = row["about"] + (f": {', '.join(beside)}" if beside else "")
        ci = ", ".join(f"`{session}`" for session in row.get("ci", ()))
        yield f"| {', '.join(f'`{session}`' for session in sessions)} | {about} | {row['cost']} | {ci} |"
