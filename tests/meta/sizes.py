"""Record how large the documented deviations are that state no ratio: `python tests/meta/sizes.py FOLDER FRAMEWORK`.

Each claim that such a row speaks of is judged at `--inputs` salts, the default one among them, so that a run without
`--salt` meets what was recorded. The folder keeps one line for each decision; all recordings of a framework (other
versions, backends, processors' instruction sets) go together into `verify/deviations/<framework>.sizes.toml`. Rows that
none of them speaks of keep the sizes that stand there. `--missing` records what has no sizes yet, and nothing else.

Where a row speaks of hundreds of places that an eager framework compiles one by one, `--sample N` judges of each of its
claims N places, cases and inputs drawn by chance, of those where draws decide, and the range of these N sizes is that
of all (`"claim * dtype"`).
"""

import argparse
import fnmatch
import functools
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from packaging.version import Version

from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.tables import claims_of
from varlaw.claims.verdict import Outcome
from varlaw.evidence.budget import policy
from varlaw.evidence.streams import SALT, Key, canonical
from varlaw.subjects.availability import available
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Subject
from varlaw.verify import decision, deviations, foresight, plan
from varlaw.verify.deviations import measured

TABLES = Path(__file__).parents[2] / "verify" / "deviations"
DIGITS = 3  # of an effect, rounded away from none
POINTS = 4  # keyed points at most: each is another case, which some frameworks compile


class Seen(msgspec.Struct, frozen=True):
    """One decision where a row without a ratio speaks."""

    row: str
    place: str  # claim, target, dtype
    case: str  # its name, or "*" for a keyed point
    corners: list[str]  # of the claim's domain
    violates: bool
    size: str  # JSON has no NaN
    version: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("framework")
    parser.add_argument("--targets", nargs="*")
    parser.add_argument("--rows", nargs="*", default=["*"], help="only rows whose id one of these globs matches")
    parser.add_argument("--claims", nargs="*", default=["*"], help="only these claims: the others keep their sizes")
    parser.add_argument("--dtype", nargs="*", default=list(plan.DTYPES))
    parser.add_argument("--inputs", type=int, default=measured.INPUTS)
    parser.add_argument("--sample", type=int, default=0, help="judge so many drawn places, cases and inputs of a claim")
    parser.add_argument("--name", default="", help="of this recording, where there are several: a backend, a processor")
    parser.add_argument("--missing", action="store_true", help="only rows without sizes in a dtype and this backend")
    parser.add_argument("--write", action="store_true", help="only write the table from what the folder holds")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if not given.write:
        there, absent = available(select(given.targets or [f"{given.framework}.*"]), "cpu")
        assert there, absent
        record(given, there)
    write(given.folder, given.framework)


def record(given: argparse.Namespace, subjects: list[Subject]) -> None:
    """Append every decision to a file of the folder, named after the framework and the recording."""
    for dtype in given.dtype:
        stem = ".".join(filter(None, [given.framework, given.name, str(given.sample or given.inputs), dtype]))
        with (given.folder / f"{stem}.jsonl").open("ab") as file:
            if given.sample:
                for one in _sample(subjects, given, dtype):
                    file.write(msgspec.json.encode(one) + b"\n")
                continue
            for subject in subjects:
                for one in _decisions(subject, _rows(subject, given, dtype), dtype, given.inputs, given.claims):
                    file.write(msgspec.json.encode(one) + b"\n")
                subject.framework.release()


def _rows(subject: Subject, given: argparse.Namespace, dtype: str) -> list[deviations.Row]:
    """The rows to record in a dtype."""
    rows = [r for r in deviations.rows() if r.framework == given.framework and unsized(r)]
    rows = [r for r in rows if any(fnmatch.fnmatchcase(r.id, glob) for glob in given.rows)]
    rows = [r for r in rows if not given.targets or _whole(r, tuple(given.targets))]
    version = subject.framework.version()
    return [r for r in rows if not (given.missing and measured.recorded(r.id, given.framework, version, dtype))]


@functools.cache
def _whole(row: deviations.Row, targets: tuple[str, ...]) -> bool:
    """Whether all that a row speaks of is among the targets: a place that is not recorded would foresee nothing."""
    among = {subject.name for subject in select(targets)}
    rest = (s for s in select([f"{row.framework}.*"]) if s.name not in among)
    return not any(
        fnmatch.fnmatchcase(claim.name, row.claim) and any(fnmatch.fnmatchcase(claim.target, t) for t in row.subjects)
        for subject in rest
        for claim in claims_of(subject)
    )


def unsized(row: deviations.Row) -> bool:
    """Whether a row states its size in no other way than by what was recorded."""
    return not row.ratio and row.statistics != "dtype"


def _decisions(
    subject: Subject, rows: list[deviations.Row], dtype: str, inputs: int, names: list[str]
) -> Iterator[Seen]:
    version = subject.framework.version()
    asked = (c for c in claims_of(subject) if any(fnmatch.fnmatchcase(c.name, glob) for glob in names))
    claims = {(c.name, c.target): c for c in asked}
    spoken = {at for at in claims if any(r.foresees(*at, version, dtype) for r in rows)}
    if not spoken:
        return
    corners = {at: foresight.corners(claims[at]) for at in spoken}
    for turn, salt in enumerate((SALT, *(f"sizes-{k}" for k in range(1, inputs)))):
        for task in plan.tasks([subject], [dtype], "cpu", salt):
            at, name = (task.claim, task.target), measured.case_name(task.case)
            if at not in spoken or task.dtype != dtype:  # of a claim that is tried in other dtypes alone
                continue
            if turn >= POINTS and name not in corners[at] and not claims[at].pooled:
                continue
            finding, row = _judged(claims[at], task, salt, version)
            if row is None or row not in rows:
                continue
            yield Seen(
                row=row.id,
                place=f"{task.claim} {task.target} {dtype}",
                case=name if name in corners[at] else measured.KEYED,
                corners=sorted(corners[at]),
                violates=finding.outcome is Outcome.VIOLATES,
                size=repr(measured.size(finding)),
                version=version,
            )


def _judged(claim: Claim, task: plan.Task, salt: str, version: str) -> tuple[Finding, deviations.Row | None]:
    """What a claim's judge finds in a task, and the row that speaks of it; none where nothing was decided."""
    params = canonical({"case": task.case, "dtype": task.dtype, "device": "cpu"})
    key = Key(salt, f"{task.claim}:{task.target}", params)
    finding = decision.judged(claim, Trial(task.case, task.dtype, "cpu", policy(measured.POLICY), key))
    if finding.outcome not in (Outcome.CONFORMS, Outcome.VIOLATES):
        return finding, None
    names = {**task.case, **finding.names}
    return finding, deviations.foreseen(task.claim, task.target, version, task.dtype, names)


# -- a sample ----------------------------------------------------------------------------------------------------------


def _sample(subjects: list[Subject], given: argparse.Namespace, dtype: str) -> Iterator[Seen]:
    """Of each claim that a row speaks of, decisions drawn from all of its places, cases and inputs."""
    for (row, name), places in _places_of(subjects, given, dtype).items():
        chance = random.Random(f"{row.id} {name} {dtype}")
        seen: list[Seen] = []
        for turn in range(50 * given.sample):
            if not places or len(seen) == given.sample:
                break
            subject, claim = chance.choice(places)
            finding, speaks = _drawn(subject, claim, dtype, f"sizes-{turn}", chance)
            if speaks == row and finding and finding.alpha:
                size, violates = repr(measured.size(finding)), finding.outcome is Outcome.VIOLATES
                place = f"{name} {measured.ANYWHERE} {dtype}"
                seen.append(Seen(row.id, place, measured.KEYED, [], violates, size, subject.framework.version()))
            elif finding is None or not finding.alpha or (speaks and speaks != row and speaks.when == "True"):
                # a sample speaks of draws alone, and of what no other row is asked first about
                places.remove((subject, claim))
        print(row.id, name, dtype, f"{len(seen)} sizes,", sum(s.violates for s in seen), "violate")
        assert len(seen) in (0, given.sample), "too few were decided"
        yield from seen


def _drawn(
    subject: Subject, claim: Claim, dtype: str, salt: str, chance: random.Random
) -> tuple[Finding | None, deviations.Row | None]:
    """What one case of a claim gives, drawn among its own, and the row that speaks of it; nothing where it has none."""
    tasks = plan.tasks([subject], [dtype], "cpu", salt, names=[claim.name])
    of_claim = [t for t in tasks if t.target == claim.target and t.dtype == dtype]
    version = subject.framework.version()
    return _judged(claim, chance.choice(of_claim), salt, version) if of_claim else (None, None)


def _places_of(
    subjects: list[Subject], given: argparse.Namespace, dtype: str
) -> dict[tuple[deviations.Row, str], list[tuple[Subject, Claim]]]:
    """The subjects and claims of each row and name of a claim."""
    found: dict[tuple[deviations.Row, str], list[tuple[Subject, Claim]]] = defaultdict(list)
    for subject in subjects:
        rows, version = _rows(subject, given, dtype), subject.framework.version()
        if dtype in subject.unsupported:
            continue
        for claim in claims_of(subject):
            if claim.name in measured.POOLED or not any(fnmatch.fnmatchcase(claim.name, glob) for glob in given.claims):
                continue
            for row in rows:
                if row.foresees(claim.name, claim.target, version, dtype):
                    found[row, claim.name].append((subject, claim))
    return found


# -- the table ---------------------------------------------------------------------------------------------------------


class Table(NamedTuple):
    """How each row was recorded, and its bands by place."""

    how: dict[str, measured.Recording]
    bands: dict[str, dict[str, list[measured.Band]]]


def write(folder: Path, framework: str) -> None:
    """The table of a framework, from all that was recorded of it and what stands there of the rest."""
    files = sorted(folder.glob(f"{framework}.*.jsonl"))
    new = _tabled({file: [msgspec.json.decode(n, type=Seen) for n in file.read_bytes().splitlines()] for file in files})
    old = measured.sizes(framework)
    table = _with_old(new, old)
    versions = {one.version for seen in new[1].values() for one in seen} | set(old.versions if old else ())
    (TABLES / f"{framework}.sizes.toml").write_text(_toml(table, sorted(versions)), encoding="utf-8")


def _tabled(recorded: dict[Path, list[Seen]]) -> tuple[Table, dict[str, list[Seen]]]:
    """The table of these recordings, and what was seen of each row."""
    inputs: dict[str, int] = {}
    seen: dict[str, list[Seen]] = defaultdict(list)
    for file, lines in recorded.items():
        for one in lines:
            seen[one.row].append(one)
            inputs[one.row] = min(inputs.get(one.row, 10**9), int(file.stem.split(".")[-2]))
    how = {row: _how(row, of_row, inputs[row]) for row, of_row in seen.items()}
    return Table(how, {row: _places(of_row, inputs[row]) for row, of_row in seen.items()}), seen


def _how(row: str, seen: list[Seen], inputs: int) -> measured.Recording:
    dtypes = {one.place.rsplit(" ", 1)[1] for one in seen}
    local = {label for one in seen if (label := Version(one.version).local)} if _several_backends(row) else set()
    ordered = tuple(d for d in plan.DTYPES if d in dtypes)
    return measured.Recording(inputs=inputs, dtypes=ordered, backends=tuple(sorted(local)))


def _several_backends(row: str) -> bool:
    """Whether the framework of a row has several, to all of which the row speaks."""
    (this,) = (r for r in deviations.rows() if r.id == row)
    return not this.backend and any(r.backend for r in deviations.rows() if r.framework == this.framework)


def _places(seen: list[Seen], inputs: int) -> dict[str, list[measured.Band]]:
    """The bands of a row; none of a place where every measurement conformed, unless it stands for others."""
    by_place: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        by_place[one.place].append(one)
    return {p: _bands(lines, inputs) for p, lines in by_place.items() if _met(p, lines)}


def _met(place: str, seen: list[Seen]) -> bool:
    return f" {measured.ANYWHERE} " in place or any(one.violates for one in seen)


def _with_old(new: tuple[Table, Any], old: measured.Sizes | None) -> Table:
    """The old sizes of a row stay of the claims, in the dtypes, and beside the backends, that are not recorded anew."""
    how, bands = dict(new[0].how), dict(new[0].bands)
    known = {r.id for r in deviations.rows()}
    for row in (row for row in (old.rows if old else ()) if row in known):
        before, now = old.recording(row), how.get(row)
        there = {
            p: [measured.Band(float(b[0]), float(b[1]), tuple(map(str, b[2:]))) for b in lines]
            for p, lines in old.rows[row].items()
        }
        if now is None:
            how[row], bands[row] = before, there
            continue
        beside = _several_backends(row) and bool(set(before.backends) - set(now.backends))
        anew = {_asked(one.place) for one in new[1][row]}
        kept = {p: lines for p, lines in there.items() if beside or _asked(p) not in anew}
        bands[row] = {p: [*kept.get(p, []), *bands[row].get(p, [])] for p in {**kept, **bands[row]}}
        how[row] = _both(before, now) if kept or set(before.dtypes) - set(now.dtypes) or beside else now
    return Table(how, bands)


def _asked(place: str) -> tuple[str, str]:
    """Claim and dtype of a place."""
    return place.split(" ")[0], place.rsplit(" ", 1)[1]


def _both(before: measured.Recording, now: measured.Recording) -> measured.Recording:
    dtypes = tuple(d for d in plan.DTYPES if d in {*before.dtypes, *now.dtypes})
    backends = tuple(sorted({*before.backends, *now.backends}))
    return measured.Recording(inputs=min(before.inputs, now.inputs), dtypes=dtypes, backends=backends)


def _toml(table: Table, versions: list[str]) -> str:
    """What most rows have in common stands first, then how the others were recorded, then the bands."""
    usual = Counter(table.how.values()).most_common(1)[0][0]
    lines = [
        "# Recorded by `nox -s deviations`, not written by hand: sizes of rows that state no ratio (see measured.py).",
        '# "claim target dtype" = [[least, greatest, cases ...], ...]; without cases: every corner; "*": keyed points.',
        f"inputs = {usual.inputs}",
        f"versions = {_list(versions)}",
        *([f"backends = {_list(list(usual.backends))}"] if usual.backends else []),
        f"dtypes = {_list(list(usual.dtypes))}",
    ]
    apart = {row: how for row, how in sorted(table.how.items()) if how != usual}
    lines += ["", "[apart]"] if apart else []
    lines += [f"{row} = {_recording(how)}" for row, how in apart.items()]
    for row, places in sorted(table.bands.items()):
        lines += ["", f"[rows.{row}]"]
        lines += [f'"{place}" = [{", ".join(map(_text, bands))}]' for place, bands in sorted(places.items())]
    return "\n".join(lines) + "\n"


def _recording(how: measured.Recording) -> str:
    backends = f", backends = {_list(list(how.backends))}" if how.backends else ""
    return f"{{inputs = {how.inputs}, dtypes = {_list(list(how.dtypes))}{backends}}}"


def _bands(of_place: list[Seen], inputs: int) -> list[measured.Band]:
    """The sizes in each case that violated once at least, cases together where each one's range holds the other's."""
    cases: dict[str, list[Seen]] = defaultdict(list)
    for one in of_place:
        cases[one.case].append(one)
    bands: list[measured.Band] = []
    for case, of_case in sorted(cases.items()):
        if not any(_met(one.place, [one]) for one in of_case):
            continue
        sizes = [float(one.size) for one in of_case]
        ordinary = [x for x in sizes if math.isfinite(x)]
        if ordinary:
            bands.append(measured.Band(_outward(min(ordinary), -1), _outward(max(ordinary), 1), (case,)))
        odd = {repr(x): x for x in sizes if not math.isfinite(x)}
        bands += [measured.Band(x, x, (case,)) for x in odd.values()]
    together = _together([b for b in bands if b.cases != (measured.KEYED,)], inputs)
    every = set(of_place[0].corners)
    whole = [measured.Band(b.low, b.high) if every and set(b.cases) == every else b for b in together]
    keyed = [b for b in bands if b.cases == (measured.KEYED,)]
    return [*whole, *(b for b in keyed if not any(_holds(w, b, 10**9) for w in whole))]


def _together(bands: list[measured.Band], inputs: int) -> list[measured.Band]:
    found: list[measured.Band] = []
    for band in sorted(bands, key=lambda b: (str(b.low), -b.high)):
        for k, other in enumerate(found):
            if _holds(other, band, inputs) and _holds(band, other, inputs):
                both = (min(band.low, other.low), max(band.high, other.high))
                found[k] = measured.Band(*both, tuple(sorted({*other.cases, *band.cases})))
                break
        else:
            found.append(band)
    return found


def _holds(outer: measured.Band, inner: measured.Band, inputs: int) -> bool:
    """Whether the range that one band foresees holds the other; NaN holds NaN."""
    if math.isnan(outer.low) or math.isnan(inner.low):
        return math.isnan(outer.low) and math.isnan(inner.low)
    low, high = outer.widened(inputs) if inputs < 10**9 else outer[:2]
    return low <= inner.low and inner.high <= high


def _outward(value: float, sign: int) -> float:
    """A size with few digits of its effect, rounded down for sign -1 and up for 1.

    >>> _outward(0.997431, -1), _outward(8.68551, 1)
    (0.99743, 8.69)
    """
    centre = 1.0 if 0.5 < value < 2 else 0.0
    effect = value - centre
    if effect == 0:
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(effect))) - DIGITS + 1)
    steps = effect / unit
    whole = math.floor(steps + 1e-6) if sign < 0 else math.ceil(steps - 1e-6)
    places = max(0, -round(math.log10(unit)))
    return float(f"{centre + whole * unit:.{places}f}")


def _text(band: measured.Band) -> str:
    return f"[{', '.join([*map(_number, band[:2]), *(msgspec.json.encode(c).decode() for c in band.cases)])}]"


def _number(value: float) -> str:
    return repr(value) if not value.is_integer() or abs(value) > 1e15 else f"{value:.1f}"


def _list(words: list[Any]) -> str:
    return msgspec.json.encode(words).decode().replace(",", ", ")


if __name__ == "__main__":
    main()
