"""A folder of reports from one run or several: the page, the records, a job summary, JUnit XML, CSV, a badge.

Guarantee: everything is rendered before anything is written, each file is whole or not at all, equal records give equal
bytes, and a folder that holds something else is left as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from varlaw.reports import (
    atlas,
    badge,
    benchmarks,
    defaults,
    folklore,
    html,
    interactive,
    junit,
    lawbook,
    markdown,
    schema,
    table,
)
from varlaw.reports.abridge import abridged
from varlaw.reports.benchmarks import Measured
from varlaw.reports.defaults import Defaults
from varlaw.reports.files import ReportError, write_all_whole
from varlaw.reports.folklore import FolkText
from varlaw.reports.lawbook import LawText
from varlaw.reports.merge import merged
from varlaw.verify.verdict import Run

OURS: Final = {"verdicts.csv", "junit.xml", "summary.md", "badge.svg"}  # and the records, and pages that say so
MEASURED: Final = {".json", ".jsonl", ".md"}  # what `nox -s power` and `nox -s alarms` leave in folders of their own
SIGN: Final = b'<meta name="generator" content="varlaw">'


class FolderInUse(ReportError):
    """A folder that holds something else than a report of ours."""


def write_all(run: Run, directory: Path | str) -> list[Path]:
    """Write every report of a run into a folder, which is created; returns the paths, the page first.

    Raises `ReportError`, in one line, when the folder cannot be made or written, or holds something else.
    """
    return write_site([run], directory)


@dataclass(frozen=True, kw_only=True)
class Library:
    """What the pages beside the first are made of: the catalogue, popular claims, recorded defaults, benchmarks."""

    laws: Mapping[str, LawText]
    folklore: Sequence[FolkText] = ()
    defaults: Defaults = field(default_factory=Defaults)
    benchmarks: Sequence[Measured] = ()  # files of pytest-benchmark, the newest last


def write_site(
    runs: Sequence[Run], directory: Path | str, *, library: Library | None = None, pointer: bool = False
) -> list[Path]:
    """Write one report of some runs, their versions side by side; with a library, pages of laws and frameworks too.

    `pointer` adds a page of interactive charts. Returns the paths, the first page first. Raises `ReportError`, in one
    line, when the folder cannot be made or written, or is in use.
    """
    directory = Path(directory)
    inspect(directory)
    files = _rendered(runs, library, pointer)
    write_all_whole({directory / name: data for name, data in files.items()}, durable=False)  # can be made again
    _forget_stale(directory, files)
    return [directory / name for name in reversed(files)]


def write_benchmarks(files: Sequence[Measured], directory: Path | str) -> list[Path]:
    """Write the page of some benchmark files, without any run; raises as `write_site` does."""
    directory = Path(directory)
    inspect(directory)
    pages = {"index.html": benchmarks.page(files, home="").encode()}
    write_all_whole({directory / name: data for name, data in pages.items()}, durable=False)
    _forget_stale(directory, pages)
    return [directory / name for name in pages]


def _rendered(given: Sequence[Run], library: Library | None, pointer: bool) -> dict[str, bytes]:
    """The bytes of every file by its name; the first page last, so that it is moved into place last."""
    runs = [schema.settled(each) for each in given]
    run = merged(runs)
    names = ["run.json"] if len(runs) == 1 else [f"run-{k}.json" for k in range(1, len(runs) + 1)]
    files = {name: schema.encode(each) for name, each in zip(names, runs, strict=True)}
    texts = {
        "verdicts.csv": table.render(run),
        "junit.xml": junit.render(run),
        "summary.md": markdown.render(run),
        "badge.svg": badge.render(run),
    }
    links: list[tuple[str, str]] = []
    if library is not None:
        short = abridged(run)
        texts |= lawbook.pages(short, library.laws) | atlas.pages(short)
        texts[folklore.PAGE] = folklore.page(library.folklore, library.laws)
        links += [("Laws", lawbook.INDEX), ("Frameworks", atlas.INDEX), ("Folklore", folklore.PAGE)]
    if library is not None and library.defaults.versions:
        texts |= defaults.pages(library.defaults)
        links.append(("Defaults", defaults.INDEX))
    if library is not None and library.benchmarks:
        texts[benchmarks.PAGE] = benchmarks.page(library.benchmarks)
        links.append(("Benchmarks", benchmarks.PAGE))
    if pointer:
        texts[interactive.PAGE] = interactive.render(abridged(run))
        links.append(("Interactive charts", interactive.PAGE))
    addresses = {name: lawbook.address(name) for name in library.laws} if library is not None else {}
    texts["index.html"] = html.render(*runs, pages=links, laws=addresses)
    return files | {name: text.encode() for name, text in texts.items()}


def inspect(directory: Path) -> None:
    """Refuse a folder that is none, or that holds something else than reports of ours, records and hidden files.

    Raises `ReportError` or, for a folder in use, `FolderInUse`, in one line. Writes nothing.
    """
    if directory.exists() and not directory.is_dir():
        msg = f"cannot write reports to {directory}: it is a file, but should be a folder"
        raise ReportError(msg)
    try:
        found = sorted(directory.iterdir()) if directory.exists() else []
        foreign = [path.name for path in found if not _harmless(path)]
    except PermissionError as error:
        msg = f"cannot read {directory}: {error.strerror}"
        raise ReportError(msg) from error
    if foreign and not _is_ours(directory / "index.html"):
        msg = f"{directory} is not empty and holds no report of ours (but {foreign[0]}): choose another folder"
        raise FolderInUse(msg)


def _harmless(path: Path) -> bool:
    """Whether a report may lie beside it: one of its own files, records, hidden files, and folders of other reports."""
    if path.name in OURS or path.suffix == ".json" or path.name.startswith("."):
        return True
    return path.is_dir() and (
        _is_ours(path / "index.html") or all(p.suffix in MEASURED and p.is_file() for p in path.iterdir())
    )


def _is_ours(page: Path) -> bool:
    try:
        with page.open("rb") as stream:
            return SIGN in stream.read(2048)
    except OSError:
        return False


def _forget_stale(directory: Path, files: Mapping[str, bytes]) -> None:
    """Remove the pages and the other forms of an earlier report that this one does not have; records stay."""
    for name in sorted(OURS - files.keys()):
        (directory / name).unlink(missing_ok=True)
    for folder in (".", lawbook.FOLDER, atlas.FOLDER, defaults.FOLDER):
        for page in sorted((directory / folder).glob("*.html")):
            if page.relative_to(directory).as_posix() not in files and _is_ours(page):
                page.unlink(missing_ok=True)
