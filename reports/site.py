"""A folder of reports from one run or several: the page, the records, a job summary, JUnit XML, CSV, a badge.

Guarantee: nothing is replaced before everything is rendered, each file is whole or not at all, equal records give equal
bytes, and a folder that holds something else is left as it is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from varlaw.claims.verdict import Run
from varlaw.reports import (
    badge,
    benchmarks,
    defaults,
    deviations,
    folklore,
    frameworks,
    html,
    interactive,
    junit,
    lawbook,
    markdown,
    schema,
    search,
    table,
)
from varlaw.reports.benchmarks import Measured
from varlaw.reports.defaults import Defaults
from varlaw.reports.files import Data, write_all_whole
from varlaw.reports.folklore import FolkText
from varlaw.reports.lawbook import LawText
from varlaw.reports.merge import merged
from varlaw.reports.ours import PAGE, forget_stale, inspect, recorded, refuse_foreign, refuse_records
from varlaw.reports.pages import Bar, font
from varlaw.reports.shorten import abridged


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
    given = [schema.as_recorded(each) for each in runs]
    names = ["run.json"] if len(given) == 1 else [f"run-{k}.json" for k in range(1, len(given) + 1)]
    marks = {name: schema.mark(each) for name, each in zip(names, given, strict=True)}
    refuse_records(directory, marks)
    pages = _rendered(given, library, pointer, _marks(directory, marks))
    refuse_foreign(directory, pages)
    files = {name: schema.lines(each) for name, each in zip(names, given, strict=True)} | pages
    write_all_whole({directory / name: data for name, data in files.items()}, durable=False)  # can be made again
    forget_stale(directory, files)
    return [directory / name for name in reversed(files)]


def write_benchmarks(files: Sequence[Measured], directory: Path | str) -> list[Path]:
    """Write the page of some benchmark files, without any run; raises as `write_site` does."""
    directory = Path(directory)
    inspect(directory)
    pages = {PAGE: benchmarks.page(files, records=_marks(directory, {})).encode()}
    write_all_whole({directory / name: data for name, data in pages.items()}, durable=False)
    forget_stale(directory, pages)
    return [directory / name for name in pages]


def _marks(directory: Path, marks: Mapping[str, str]) -> str:
    """The marks of the records that a report is made of, and of those of earlier ones that still lie there."""
    stay = {name: mark for name, mark in recorded(directory).items() if (directory / name).exists()}
    return " ".join(f"{name}:{mark}" for name, mark in sorted({**stay, **marks}.items()))


def _rendered(runs: Sequence[Run], library: Library | None, pointer: bool, records: str) -> dict[str, Data]:
    """Every file but the records by its name, long ones in pieces; the first page last, so that it is moved last."""
    run = merged(runs)
    short = abridged(run)
    files: dict[str, Data] = {
        "verdicts.csv": map(str.encode, table.pieces(run)),
        "junit.xml": map(str.encode, junit.pieces(run)),
        "summary.md": markdown.render(run).encode(),
        "badge.svg": badge.render(run).encode(),
    }
    bar = Bar(_links(library, pointer))
    texts: dict[str, str] = {}
    if pointer:
        texts[interactive.PAGE] = interactive.render(short, bar)
    if library is None:
        index = search.file(short, search.on_page(short), search.in_matrix(short), (), ())
        first = html.render(*runs, bar=bar, records=records)
    else:
        laws = {name: lawbook.address(name) for name in library.laws}
        parts = frameworks.parts(short, bar)
        texts |= _books(short, library, laws, bar)
        files[lawbook.FONT] = font(PurePosixPath(lawbook.FONT).name)
        files |= {part.address: _later(part.render) for part in parts}
        known = deviations.addresses(short)
        texts |= {frameworks.INDEX: frameworks.index(short, bar), search.PAGE: search.page(bar)}
        said = search.of_laws(library.laws), search.of_claims(library.folklore)
        index = search.file(short, known, search.in_parts(parts), *said)
        first = html.render(*runs, bar=bar, laws=laws, known=known, records=records)
    return files | {search.FILE: index} | {name: text.encode() for name, text in (texts | {PAGE: first}).items()}


def _links(library: Library | None, pointer: bool) -> tuple[tuple[str, str], ...]:
    """The pages that every page links to."""
    links = [("Report", PAGE)]
    if library is not None:
        links += [("Deviations", deviations.INDEX), ("Laws", lawbook.INDEX), ("Frameworks", frameworks.INDEX)]
        links += [("Folklore", folklore.PAGE)]
        links += [("Defaults", defaults.INDEX)] if library.defaults.versions else []
        links += [("Benchmarks", benchmarks.PAGE)] if library.benchmarks else []
    return tuple(links + ([("Charts", interactive.PAGE)] if pointer else []))


def _books(run: Run, library: Library, laws: Mapping[str, str], bar: Bar) -> dict[str, str]:
    """The pages of laws, deviations, folklore, defaults and benchmarks."""
    texts = lawbook.pages(run, library.laws, bar) | deviations.pages(run, laws, bar)
    texts[folklore.PAGE] = folklore.page(library.folklore, library.laws, bar)
    if library.defaults.versions:
        texts |= defaults.pages(library.defaults, bar)
    if library.benchmarks:
        texts[benchmarks.PAGE] = benchmarks.page(library.benchmarks, bar=bar.at("Benchmarks"))
    return texts


def _later(render: Callable[[], str]) -> Iterator[bytes]:
    """A page that is rendered when it is written: a large run has hundreds."""
    yield render().encode()
