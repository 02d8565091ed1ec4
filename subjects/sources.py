"""Rows of others: of installed libraries by their entry points, of a project's own files, of a module that is named.

A library says `[project.entry-points."varlaw.subjects"]`, `mylib = "mylib.varlaw_rows:ROWS"`: its rows are named after
the entry point, `mylib.Dense`, and loaded when something below that name is asked for. A file of a project, or
`package.module:ROWS`, is put to use by `use`; worker processes take over what is in use through the environment.

What cannot be loaded is a fault of that source alone, in one line: the rows of the others are there.
"""

import functools
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

from varlaw.subjects.subject import Subject

GROUP = "varlaw.subjects"
IN_USE, DEVIATIONS = "_VARLAW_SUBJECTS", "_VARLAW_DEVIATIONS"  # places of rows, and files of deviations, one a line
_NAMES = ("ROWS", "SUBJECTS")  # what a file calls its rows


@dataclass(frozen=True)
class Source:
    """Where rows are: `place` is "package.module:NAME" or a file; `prefix` is what an entry point names them after."""

    place: str
    prefix: str = ""
    library: str = ""  # that installed the entry point, with its version

    def __str__(self) -> str:
        return f"{self.place} of {self.library}" if self.library else self.place


@dataclass(frozen=True)
class Loaded:
    """The rows of a source, what is wrong with others of it, and the module that they stand in."""

    rows: tuple[Subject, ...] = ()
    faults: tuple[str, ...] = ()
    module: Any = None


@functools.cache
def installed() -> tuple[Source, ...]:
    """The entry points of all libraries that are installed."""
    points = metadata.entry_points(group=GROUP)
    found = [Source(p.value, p.name, f"{p.dist.name} {p.dist.version}" if p.dist else "") for p in points]
    return tuple(sorted(found, key=lambda source: (source.prefix, source.library, source.place)))


def in_use() -> tuple[Source, ...]:
    """The files and modules that were put to use, in this process or in the one that started it."""
    return tuple(map(Source, places(IN_USE)))


def use(place: str, where: str = IN_USE) -> None:
    """Count the rows at `place`, a file or package.module:NAME, among the subjects from now on."""
    if place not in places(where):
        os.environ[where] = "\n".join([*places(where), place])


def places(where: str) -> list[str]:
    """What is in use, in this process or in the one that started it."""
    return [place for place in os.environ.get(where, "").splitlines() if place.strip()]


_MODULES: list[Any] = []  # that were loaded for their rows, in this process


def listed(name: str) -> list[Any]:
    """What the modules whose rows are loaded list besides: CLAIMS, DEVIATIONS; of LAWS the mappings themselves."""
    values = [getattr(module, name) for module in _MODULES if hasattr(module, name)]
    return [one for value in values for one in (value if isinstance(value, list | tuple) else [value])]


def loaded(source: Source) -> Loaded:
    """The rows of a source; whatever loading it runs into is its fault, in words."""
    found = _loaded(source)
    if found.module is not None and found.module not in _MODULES:
        _MODULES.append(found.module)
    return found


@functools.cache
def _loaded(source: Source) -> Loaded:
    try:
        module, there = _listed(source.place)
    except (Exception, SystemExit) as error:  # whatever somebody's module does when it is imported
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return Loaded(faults=(f"rows of {source} cannot be loaded ({text})",))
    rows: dict[str, Subject] = {}
    faults = []
    for i, row in enumerate(there):
        if fault := _fault(row, rows, source.prefix):
            faults.append(f"row {i + 1} of {source} {fault}")
        else:
            rows[row.name] = row
    return Loaded(tuple(rows.values()), tuple(faults), module)


def _fault(row: Any, before: dict[str, Subject], prefix: str) -> str:
    if not isinstance(row, get_args(Subject)):
        return f"is {type(row).__name__}, but should be made by a builder of varlaw.rows"
    wanted = next((name for name in ("draws", "apply") if hasattr(row, name) and not callable(getattr(row, name))), "")
    if wanted:
        return f"({row.name}) has {wanted}={getattr(row, wanted)!r}, but should have a function"
    if row.name in before:
        return f"is the second one named {row.name}"
    if prefix and not row.name.startswith(f"{prefix}."):
        return f"is named {row.name}, but should be named {prefix}.... after its entry point"
    return ""


def _listed(place: str) -> tuple[Any, list[Any]]:
    """The module of a place, and the rows in it: those that it lists, or of the class or function that it names."""
    at, _, options = place.partition(" ") if not place.endswith(".py") else (place, "", "")
    module, found = _found(at)
    if isinstance(found, list | tuple):
        return module, list(found)
    if isinstance(found, get_args(Subject)):
        return module, [found]
    from varlaw.subjects.builders.direct import row_of

    return module, [row_of(found, at, json.loads(options or "{}"))]


def _found(place: str) -> tuple[Any, Any]:
    """The module of a place, and what it names there."""
    if place.endswith(".py"):
        module = _of_file(Path(place))
        name = next((n for n in _NAMES if hasattr(module, n)), _NAMES[0])
        return module, getattr(module, name)
    dotted, _, name = place.partition(":")
    with importing():
        module = importlib.import_module(dotted)
    found = module
    for part in (name or next((n for n in _NAMES if hasattr(module, n)), _NAMES[0])).split("."):
        found = getattr(found, part)
    return module, found


def _of_file(path: Path) -> Any:
    name = f"varlaw_rows_of_{path.resolve()}".replace(".", "_")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with importing(str(path.resolve().parent)):
        spec.loader.exec_module(module)
    return module


@contextmanager
def importing(folder: str = "") -> Iterator[None]:
    """A folder, here unless given, comes first where modules are looked for; afterwards last.

    So that what a row imports when it runs is found, and nothing that is installed is hidden by a name in the folder.
    """
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        last = folder or str(Path.cwd())
        if last not in sys.path:
            sys.path.append(last)


def every() -> Iterator[Source]:
    """All sources, those of installed libraries first."""
    yield from installed()
    yield from in_use()
