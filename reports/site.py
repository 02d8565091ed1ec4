"""A folder of reports from one run: the page, the records, the job summary, JUnit XML, CSV and a badge.

Guarantee: everything is rendered before anything is written, each file is whole or not at all, and equal records give
equal bytes.
"""

from pathlib import Path

from varlaw.reports import badge, html, junit, markdown, schema, table
from varlaw.reports.files import ReportError, write_all_whole
from varlaw.verify.verdict import Run


def write_all(run: Run, directory: Path | str) -> list[Path]:
    """Write every report of a run into a folder, which is created; returns the paths, the page first.

    Raises `ReportError`, in one line, when the folder cannot be made or written.
    """
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        msg = f"cannot write reports to {directory}: it is a file, but should be a folder"
        raise ReportError(msg)
    pages = {
        "run.json": schema.encode(run),
        "verdicts.csv": table.render(run).encode(),
        "junit.xml": junit.render(run).encode(),
        "summary.md": markdown.render(run).encode(),
        "badge.svg": badge.render(run).encode(),
        "index.html": html.render(run).encode(),
    }
    write_all_whole({directory / name: data for name, data in pages.items()})
    return [directory / name for name in reversed(pages)]
