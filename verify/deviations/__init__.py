"""Documented deviations: framework behaviour that a law refutes and that is known or intended.

Data with reason, upstream link, version range and measured value, and strict: a row that matches nothing in a full run
fails, and so does a claim that conforms where a row foresaw a violation. Where two rows speak of one case the first is
taken. Its ratio is met, too, where a second measurement finds that size and violates in another respect, which a row
without a ratio foresees: a wrong fan, drawn by a sampler of 7 random bits.

One file for each framework, named after it: `torch.toml`, `jax.toml`, ... (`causes.py` says how one is read); beside it
`torch.sizes.toml`, recorded and not written: the sizes that rows without a ratio were measured to have.
"""

import ast
import fnmatch
import functools
import math
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from varlaw.claims.documented import number
from varlaw.claims.verdict import Deviation
from varlaw.subjects import sources
from varlaw.verify.deviations.causes import read


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of a framework's file: here is what each of its columns means."""

    id: str
    claim: str  # a glob over the claim's name
    subject: str | tuple[str, ...]  # a glob, or several: strictness asks each of them to be met
    reason: str
    measured: float | None = None  # a ratio seen when the row was written, of the first of several subjects
    # What is foreseen of observed/expected, ASCII Python over the case; a second, independent measurement must confirm
    # it. Empty where the effect depends on the input: `measured.py` then knows its range, case by case.
    ratio: str = ""
    # In place of a ratio: "dtype" where statistics are kept in the dtype, to whose rounding a second measurement must
    # then hold; "drawn" where the size is drawn at random.
    statistics: Literal["", "dtype", "drawn"] = ""
    versions: str  # of the framework, as a version specifier
    backend: str = ""  # the version's local label, where the row speaks of one backend alone: "torch" of 3.15.1+torch
    # Which of three a violation is: "broken", of a promise; "choice", of a law that the framework says it does not
    # follow; or "law", of one of ours, of which it promises nothing. Only the first is called a defect. Of the first
    # two the framework's own words and their place are given. A link to another library's page promises nothing.
    standing: Literal["law", "choice", "broken"] = "law"
    promise: str = ""  # quoted word for word: what is broken, or what says that another law is followed
    promised_at: str = ""  # an address, or the name whose docstring, or else source, has these words
    framework: str = ""  # the name of the file
    link: str = ""
    when: str = "True"  # ASCII Python over the case (and norm, limit, fan_in, ...): the row applies where it is true
    dtypes: tuple[str, ...] = ()  # empty: every dtype

    def __post_init__(self) -> None:
        if {bool(self.promise), bool(self.promised_at)} != {self.standing != "law"}:
            both = "broken promises and choices have promise and promised_at, laws of ours have neither"
            msg = f"the deviation {self.id!r} is {self.standing!r}: {both}"
            raise ValueError(msg)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The globs over subjects."""
        return (self.subject,) if isinstance(self.subject, str) else self.subject

    def each(self) -> Iterator["Row"]:
        """The row for each of its subjects alone."""
        return (msgspec.structs.replace(self, subject=one) for one in self.subjects)

    def foresees(self, claim: str, target: str, version: str, dtype: str) -> bool:
        """Whether the row speaks of this claim on this subject, framework version and dtype, whatever the case."""
        return (
            fnmatch.fnmatchcase(claim, self.claim)
            and any(fnmatch.fnmatchcase(target, one) for one in self.subjects)
            and (not self.dtypes or dtype in self.dtypes)
            and _within(version, self.versions)
            and (not self.backend or Version(version).local == self.backend)
        )

    def applies(self, names: Mapping[str, Any]) -> bool:
        """Whether the row's condition holds in a case; of parameters that the case does not have, it holds nothing."""
        try:
            return bool(number(self.when, names))
        except NameError:
            return False

    def deviation(
        self,
        names: Mapping[str, Any],
        between: tuple[float | None, float | None] | None = None,
        *,
        sized: bool = True,
    ) -> Deviation:
        """The record for a verdict, with the ratio or the range foreseen in this case."""
        ratio = self.foreseen_ratio(names)
        finite = ratio if self.ratio and math.isfinite(ratio) else None
        return Deviation(
            id=self.id,
            reason=self.reason,
            link=self.link,
            ratio=finite,
            range=between,
            sized=sized,
            standing=self.standing,
            promise=self.promise,
            promised_at=self.promised_at,
            versions=self.versions,
        )

    def foreseen_ratio(self, names: Mapping[str, Any]) -> float:
        """observed / expected as foreseen in a case; inf where a norm overflows, 1 where no number is foreseen."""
        return number(self.ratio, names) if self.ratio else 1.0


@functools.cache
def _within(version: str, versions: str) -> bool:
    return SpecifierSet(versions, prereleases=True).contains(Version(version))


def rows() -> tuple[Row, ...]:
    """All rows: ours, file by file, then those of others."""
    return _read()[0]


def faults() -> tuple[tuple[str, str], ...]:
    """Where a row of somebody's is none, and why: the others hold."""
    return _read()[1]


def _read() -> tuple[tuple[Row, ...], tuple[tuple[str, str], ...]]:
    return _with(tuple(sources.places(sources.DEVIATIONS)), tuple(map(repr, sources.listed("DEVIATIONS"))))


@functools.cache
def _with(files: tuple[str, ...], listed: tuple[str, ...]) -> tuple[tuple[Row, ...], tuple[tuple[str, str], ...]]:
    found, wrong = [*_ours()], []
    for where, given in (*((path, _of_file(path)) for path in files), ("DEVIATIONS", listed)):
        for i, text in enumerate(given):
            try:
                one = _row(text)
                if one.id in {r.id for r in found}:
                    msg = f"its id {one.id!r} is another's"
                    raise ValueError(msg)
                found.append(one)
            except (ValueError, SyntaxError) as error:
                wrong.append((where, f"row {i + 1} of {where} is no deviation: {' '.join(str(error).split())}"))
    return tuple(found), tuple(wrong)


def _row(given: Any) -> Row:
    """A row of somebody's; `ValueError` where it is none."""
    if isinstance(given, Exception):
        raise given
    one = msgspec.convert(ast.literal_eval(given) if isinstance(given, str) else given, Row)
    SpecifierSet(one.versions)
    for name in ("ratio", "when"):
        _expression(name, getattr(one, name) or "1")
    return msgspec.structs.replace(one, framework=one.subjects[0].partition(".")[0])


def _expression(name: str, text: str) -> None:
    try:
        ast.parse(text, mode="eval")
    except SyntaxError as error:
        msg = f"{name}={text!r} cannot be read: {error.msg}"
        raise ValueError(msg) from error


def _of_file(path: str) -> list[Any]:
    """The rows of a file, or what is wrong with all of it."""
    try:
        return list(read(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return [ValueError(f"the file cannot be read: {error}")]


@functools.cache
def _ours() -> tuple[Row, ...]:
    found = tuple(
        msgspec.convert(row | {"framework": framework}, Row)
        for framework, text in _texts(resources.files("varlaw.verify.deviations"), ".toml").items()
        for row in read(text)
    )
    assert len({row.id for row in found}) == len(found), "two deviations share an id"
    return found


def foreseen(claim: str, target: str, version: str, dtype: str, names: Mapping[str, Any]) -> Row | None:
    """The first row that foresees a violation of `claim` by `target` in this case."""
    return next((row for row in _INDEX.at((claim, target, version, dtype)) if row.applies(names)), None)


class _Index:
    """The rows that speak of each place: a run asks for the same few of hundreds again with every case.

    Those about a claim are found once, so that a place is held against some tens of globs and not against all.
    """

    def __init__(self) -> None:
        self._rows: tuple[Row, ...] = ()
        self._about: dict[str, tuple[Row, ...]] = {}
        self._at: dict[tuple[str, str, str, str], tuple[Row, ...]] = {}

    def at(self, place: tuple[str, str, str, str]) -> tuple[Row, ...]:
        """Of a claim, target, version and dtype."""
        found = rows()
        if found is not self._rows:
            self._rows, self._about, self._at = found, {}, {}
        claim = place[0]
        if claim not in self._about:
            self._about[claim] = tuple(row for row in found if fnmatch.fnmatchcase(claim, row.claim))
        if place not in self._at:
            self._at[place] = tuple(row for row in self._about[claim] if row.foresees(*place))
        return self._at[place]


_INDEX = _Index()


@functools.cache
def reproductions() -> Mapping[str, str]:
    """The script that shows a row, by the row's id: the files in `reproductions`, whose first line names their rows."""
    return {name: body(text) for text in reproduction_files().values() for name in ids_in(text)}


def reproduction_files() -> Mapping[str, str]:
    """The text of each file in `reproductions` by its name; what else lies there (caches, an editor's copy) is none."""
    found = _texts(resources.files("varlaw.verify.deviations") / "reproductions", ".py")
    return {name: text for name, text in found.items() if text.startswith("# ")}


def ids_in(text: str) -> list[str]:
    """The rows that a reproduction shows, from its first line."""
    return re.findall(r"[\w-]+", text.partition("\n")[0])


def heading(text: str) -> str:
    """What a reproduction shows, in words, from its second line."""
    return text.split("\n", 2)[1].lstrip("# ")


def body(text: str) -> str:
    """The script, without the two lines that name it."""
    return text.split("\n", 2)[-1]


def _texts(folder: Traversable, suffix: str) -> dict[str, str]:
    """The texts of a folder by the names of their files without the suffix, in the order of these names."""
    files = {f.name.removesuffix(suffix): f for f in folder.iterdir() if f.name.endswith(suffix) and f.is_file()}
    ours = sorted(name for name in files if re.fullmatch(r"[a-z][a-z0-9_]*", name))
    return {name: files[name].read_bytes().decode(errors="replace").replace("\r\n", "\n") for name in ours}
