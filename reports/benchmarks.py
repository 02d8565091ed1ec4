"""What it costs: pairs of ours and theirs out of a pytest-benchmark file, as ratios with their spread, and a chart.

Where memory bounds a pair, a third row copies the same bytes in the same run.

The figure of a pair is the ratio of the best times of one run, the least disturbed there are; its spread is from the
first quartile over the other's third to the third over the other's first. Rows without a pair are given beside the
fastest of their group, or beside each other where they are one thing at several sizes. An earlier file tells what has
moved: by more than the spreads of both allow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from varlaw.reports import growth
from varlaw.reports.charts import COLOUR, log_axis, panels
from varlaw.reports.files import ReportError, read_record
from varlaw.reports.growth import Growth
from varlaw.reports.pages import Bar, picture, template

PAGE: Final = "benchmarks.html"


@dataclass(frozen=True)
class Times:
    """Seconds of one call: the best, and the quartiles."""

    best: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Pair:
    """The same work done by us and by them; `goal` is the ratio to stay below, `why` what makes ours dear.

    `copy` is what copying the same bytes takes, where memory bounds the work.
    """

    name: str
    size: int
    goal: float
    ours: Times
    theirs: Times
    why: str = ""
    copy: Times | None = None

    @property
    def copies(self) -> float | None:
        """How many such copies our best time is worth."""
        return None if self.copy is None else self.ours.best / self.copy.best

    @property
    def ratio(self) -> float:
        """Our best time over theirs."""
        return self.ours.best / self.theirs.best

    @property
    def spread(self) -> tuple[float, float]:
        """What the quartiles of both make of the ratio."""
        return self.ours.lower / self.theirs.upper, self.ours.upper / self.theirs.lower

    @property
    def over(self) -> float:
        """Seconds by which our best time exceeds the goal; negative where it is reached."""
        return self.ours.best - self.goal * self.theirs.best

    @property
    def met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= self.goal


@dataclass(frozen=True)
class Single:
    """A row without a partner: its best time, and how many times the fastest of its group that is."""

    group: str
    name: str
    times: Times
    relative: float


@dataclass(frozen=True)
class Measured:
    """One benchmark file."""

    pairs: tuple[Pair, ...]
    singles: tuple[Single, ...]
    growths: tuple[Growth, ...]
    cpu: str
    commit: str
    when: str


def read(path: Path | str) -> Measured:
    """The measurements in a file that `pytest --benchmark-json` or `--benchmark-autosave` wrote.

    Raises `ReportError`, in one line, when it cannot be read or is something else.
    """
    try:
        return _measured(msgspec.json.decode(read_record(Path(path)), type=_File))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, ReportError):
            raise
        msg = f"{path} should be a file of pytest-benchmark, but is not: {error}"
        raise ReportError(msg) from error


Seconds = Annotated[float, msgspec.Meta(gt=0, lt=1e9)]


class _Stats(msgspec.Struct):
    min: Seconds
    q1: Seconds
    q3: Seconds


class _Row(msgspec.Struct):
    """A row of pytest-benchmark; `extra_info` is ours, where the row is one of a pair."""

    name: str
    stats: _Stats
    extra_info: dict[str, Any]
    group: str | None = None


class _Role(msgspec.Struct):
    pair: str
    size: int
    role: str
    goal: Annotated[float, msgspec.Meta(gt=0)]
    why: str = ""


class _Size(msgspec.Struct):
    growth: str
    size: Annotated[int, msgspec.Meta(ge=1)]


class _File(msgspec.Struct):
    benchmarks: list[_Row]
    machine_info: dict[str, Any] = {}
    commit_info: dict[str, Any] = {}
    datetime: str = ""


def _measured(found: _File) -> Measured:
    roles: dict[tuple[str, int], dict[str, tuple[_Role, _Row]]] = {}
    single: dict[str, list[_Row]] = {}
    sizes: list[tuple[str, int, float]] = []
    for row in found.benchmarks:
        if {"pair", "size", "role", "goal"} <= row.extra_info.keys():
            role = msgspec.convert(row.extra_info, _Role)
            roles.setdefault((role.pair, role.size), {})[role.role] = role, row
        elif {"growth", "size"} <= row.extra_info.keys():
            of = msgspec.convert(row.extra_info, _Size)
            sizes.append((of.growth, of.size, row.stats.min))
        else:
            single.setdefault(row.group or row.name, []).append(row)
    pairs = tuple(_pair(rows) for _, rows in sorted(roles.items()) if {"ours", "theirs"} <= rows.keys())
    cpu, commit = found.machine_info.get("cpu"), found.commit_info
    return Measured(
        pairs=pairs,
        singles=tuple(s for group, members in single.items() for s in _singles(group, members)),
        growths=growth.grown(sizes),
        cpu=str(cpu.get("brand_raw", "")) if isinstance(cpu, dict) else "",
        commit=f"{commit.get('id', '')}{'+changes' if commit.get('dirty') else ''}",
        when=found.datetime[:10],
    )


def _pair(rows: dict[str, tuple[_Role, _Row]]) -> Pair:
    role, times = rows["ours"][0], {name: _times(row) for name, (_, row) in rows.items()}
    return Pair(role.pair, role.size, role.goal, times["ours"], times["theirs"], role.why, times.get("copy"))


def _times(row: _Row) -> Times:
    return Times(row.stats.min, row.stats.q1, row.stats.q3)


def _singles(group: str, members: list[_Row]) -> list[Single]:
    fastest = min(row.stats.min for row in members)
    return [Single(group, row.name, _times(row), row.stats.min / fastest) for row in members]


def moved(now: Pair, before: Pair) -> bool:
    """Whether the ratio left what the spreads of both runs allow."""
    return now.spread[0] > before.spread[1] or now.spread[1] < before.spread[0]


def page(files: Sequence[Measured], records: str = "", bar: Bar | None = None) -> str:
    """The page of the last file, held against the one before it where there is one.

    `records` marks the records that lie beside it, where it is the first page.
    """
    now = files[-1]
    before = {(p.name, p.size): p for p in files[-2].pairs} if len(files) > 1 else {}
    rows = [(pair, before.get((pair.name, pair.size))) for pair in now.pairs]
    return template("benchmarks.html.j2").render(
        now=now,
        before=files[-2] if before else None,
        rows=[(p, old, old is not None and moved(p, old)) for p, old in rows],
        missed=[(p, reason(p, now.pairs)) for p in now.pairs if not p.met],
        picture=picture(chart(now.pairs)) if now.pairs else None,
        growing=picture(growth.chart(now.growths)) if now.growths else None,
        seconds=seconds,
        bar=bar,
        records=records,
    )


def reason(pair: Pair, pairs: Sequence[Pair]) -> str:
    """By how much a pair misses its goal, and why.

    What a call costs before it touches an entry shows at the smallest size; where it explains the excess, it is named.
    """
    least = min((p for p in pairs if p.name == pair.name), key=lambda p: p.size)
    fixed = least.ours.best - least.theirs.best
    parts = [f"{seconds(pair.over)} over the goal"]
    if least.over > 0 and pair.over <= 1.5 * fixed:
        parts.append(f"checks and set-up of a call cost {seconds(fixed)} more than theirs")
    if pair.why:
        parts.append(pair.why)
    return "; ".join(parts)


def seconds(value: float) -> str:
    """A time with three digits and a unit.

    >>> seconds(2.5e-5), seconds(0.0131)
    ('25 µs', '13.1 ms')
    """
    unit, scale = next(
        (u, s) for u, s in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)) if value >= s or u == "ns"
    )
    return f"{value / scale:.3g} {unit}"


def chart(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Our time over theirs against the size, a panel for each pair, as a Vega-Lite specification."""
    values = [
        {"pair": p.name, "size": math.log2(p.size), "ratio": p.ratio, "low": p.spread[0], "high": p.spread[1],
         "goal": p.goal} for p in pairs
    ]  # fmt: skip
    low, high = min(p.spread[0] for p in pairs) / 1.1, max(p.spread[1] for p in pairs) * 1.1
    x = {"field": "size", "type": "quantitative", "title": "log2 of entries", "scale": {"zero": False}}
    y = log_axis("ours / theirs", min(low, 0.5), max(high, 2.0))
    ink = COLOUR["ink"]
    marks: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"type": "line", "strokeDash": [3, 3], "color": COLOUR["conforms"]}, {"y": {**y, "field": "goal"}}),
        ({"type": "rule", "color": COLOUR["faint"]}, {"y": {**y, "field": "low"}, "y2": {"field": "high"}}),
        ({"type": "line", "point": {"color": ink, "size": 25}, "color": ink}, {"y": {**y, "field": "ratio"}}),
    ]
    return panels({"layer": [{"mark": m, "encoding": {"x": x, **e}} for m, e in marks]}, values, "pair")
