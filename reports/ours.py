"""Which files of a folder are a report's own: nothing else is replaced or removed.

A page bears our sign, so do the other forms of a report, and the first page has the marks of the records that it was
made of. A file without its sign, records that no report here was made of, and a link are somebody else's.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from varlaw.reports import schema
from varlaw.reports.files import ReportError

PAGE: Final = "index.html"
SIGN: Final = b'<meta name="generator" content="varlaw">'
# The other forms of a report, and how each begins or what stands near its beginning.
SIGNS: Final = {
    "verdicts.csv": b"framework,version,subject,claim,",
    "junit.xml": b'<testsuites name="varlaw"',
    "summary.md": b"## varlaw: ",
    "badge.svg": b"<title>varlaw: ",
    "search.js": b"// varlaw: ",
    "laws/math.woff2": b"wOF2",
}
FOLDERS: Final = ("laws", "frameworks", "defaults", "deviations")
MEASURED: Final = {".json", ".jsonl", ".md"}  # what `nox -s power` and `nox -s alarms` leave in folders of their own
_RECORDS: Final = re.compile(rb'<meta name="varlaw-records" content="([^"]*)">')


class FolderInUse(ReportError):
    """A folder that holds something else than a report of ours."""


def inspect(directory: Path) -> None:
    """Refuse a folder that is none, or that holds something else than reports of ours, records and hidden files.

    Raises `ReportError` or, for a folder in use, `FolderInUse`, in one line. Writes nothing.
    """
    if directory.exists() and not directory.is_dir():
        msg = f"cannot write reports to {directory}: it is a file, but should be a folder"
        raise ReportError(msg)
    try:
        found = sorted(directory.iterdir()) if directory.exists() else []
        _refuse_links(directory)
        signed = bears_sign(directory / PAGE)
        foreign = [path.name for path in found if not _harmless(path, signed=signed)]
    except OSError as error:
        msg = f"cannot read {directory}: {error.strerror or error}"
        raise ReportError(msg) from error
    if foreign and not signed:
        msg = f"{directory} is not empty and holds no report of ours (but {foreign[0]}): choose another folder"
        raise FolderInUse(msg)
    refuse_foreign(directory, SIGNS)


def _refuse_links(directory: Path) -> None:
    for name in (PAGE, *SIGNS, *FOLDERS):
        if (directory / name).is_symlink():
            msg = f"{directory / name} leads out of the report's folder: remove the link, or choose another folder"
            raise FolderInUse(msg)


def _harmless(path: Path, *, signed: bool) -> bool:
    """Whether a report may lie beside it: its own forms, records, hidden files, and folders of other reports."""
    if path.name in SIGNS:
        return signed
    if path.suffix == ".json" or path.name.startswith("."):
        return True
    return path.is_dir() and (
        bears_sign(path / PAGE) or all(p.suffix in MEASURED and p.is_file() for p in path.iterdir())
    )


def refuse_foreign(directory: Path, names: Iterable[str]) -> None:
    """Refuse to replace any of these files that is there and does not bear its sign; records apart."""
    for name in names:
        path = directory / name
        if (path.is_symlink() or path.exists()) and not bears_sign(path, SIGNS.get(name, SIGN)):
            msg = f"{path} is not of a report of ours: move it, or choose another folder"
            raise FolderInUse(msg)


def refuse_records(directory: Path, marks: Mapping[str, str]) -> None:
    """Refuse to replace records that no report here is made of; `marks` has those to be written, by file name."""
    own = set(recorded(directory).items())
    for name, mark in marks.items():
        path = directory / name
        if not path.is_symlink() and not path.exists():
            continue
        there = "" if path.is_symlink() else _mark_of(path)
        if there != mark and (name, there) not in own:
            msg = f"{path} holds other records than those reported: move it, or choose another folder"
            raise FolderInUse(msg)


def _mark_of(path: Path) -> str:
    try:
        return schema.mark(schema.read(path))
    except ReportError:
        return ""


def bears_sign(path: Path, sign: bytes = SIGN) -> bool:
    """Whether a file of ours stands there."""
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as stream:
            return sign in stream.read(2048)
    except OSError:
        return False


def recorded(directory: Path) -> dict[str, str]:
    """The marks of the records, by their names, that the report in a folder was made of."""
    page = directory / PAGE
    if not bears_sign(page):
        return {}
    with page.open("rb") as stream:
        found = _RECORDS.search(stream.read(4096))
    pairs = (word.partition(":") for word in found[1].decode().split()) if found else ()
    return {name: mark for name, _, mark in pairs}


def forget_stale(directory: Path, files: Iterable[str]) -> None:
    """Remove the pages and other forms of an earlier report that are not among these files; records stay."""
    kept = set(files)
    for name, sign in SIGNS.items():
        if name not in kept and bears_sign(directory / name, sign):
            (directory / name).unlink(missing_ok=True)
    for folder in (".", *FOLDERS):
        for page in sorted((directory / folder).glob("*.html")):
            if page.relative_to(directory).as_posix() not in kept and bears_sign(page):
                page.unlink(missing_ok=True)
