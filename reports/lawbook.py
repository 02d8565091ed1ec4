"""A page for each law that a run put to the test: what it says, why, and what the run measured of it.

The texts of the laws are handed in as `LawText`; this room knows no theory. Vocabulary: *curve* (the law's own values
along one of its parameters), *points* (what the run measured, against what the law says).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports import bibtex, charts, typeset
from varlaw.reports.groups import Group, grouped, together, worst_first
from varlaw.reports.pages import ALONE, Bar, picture, template
from varlaw.reports.portraits import PORTRAITS
from varlaw.reports.wording import STATES

FOLDER: Final = "laws"
INDEX: Final = f"{FOLDER}/index.html"
POINTS: Final = 400  # points of one plot
ROWS: Final = 300  # rows of one table
EDGE: Final = 1e300  # what a log axis holds: a law of formats may expect the largest number there is
LISTED: Final = 2000  # rows of the index
FONT: Final = f"{FOLDER}/math.woff2"  # what mathematics is set in: browsers need tables that few fonts have


@dataclass(frozen=True, kw_only=True)
class LawText:
    """A law of the catalogue as texts, with its values along one parameter."""

    name: str
    title: str
    quantity: str
    formula: str
    kind: str
    domain: tuple[tuple[str, str], ...]  # parameter, allowed values
    hypotheses: tuple[str, ...]
    derivation: str
    source: str
    statistic: str
    notes: tuple[tuple[str, str], ...] = ()  # heading, text
    aliases: tuple[str, ...] = ()  # what people call it
    parameter: str = ""  # what the curve is drawn over
    fixed: str = ""  # the values of the other parameters, in words
    curve: tuple[tuple[float, float], ...] = ()


def pages(run: Run, laws: Mapping[str, LawText], bar: Bar = ALONE) -> dict[str, str]:
    """The pages of all laws, by their address: those of the catalogue, and an index that also names the others."""
    tested: dict[str, list[Group]] = {name: [] for name in laws}
    for group in grouped(run.verdicts):
        tested.setdefault(group.verdicts[0].law, []).append(group)
    bar = bar.at("Laws", "../")
    found = {address(name): page(law, tested[name], bar) for name, law in laws.items()}
    rows = [
        {
            "name": name,
            "law": laws.get(name),
            "address": address(name).removeprefix(f"{FOLDER}/") if name in laws else "",
            "counts": together(groups),
        }
        for name, groups in tested.items()
    ]
    rows.sort(key=lambda row: (not row["counts"], str(row["name"])))
    most = max(LISTED, len(laws))
    topics: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows[:most], key=lambda row: str(row["name"])):
        topics.setdefault(str(row["name"]).partition(".")[0], []).append(row)
    listed = [(topic, members, _sum(row["counts"] for row in members)) for topic, members in topics.items()]
    return {**found, INDEX: template("laws.html.j2").render(bar=bar, topics=listed, more=max(len(rows) - most, 0))}


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Counts by state together, worst first."""
    found = Counter[str]()
    for each in counts:
        found.update(each)
    return {state: found[state] for state in STATES if found[state]}


def address(name: str) -> str:
    """The address of a law's page.

    >>> address("he_normal.variance")
    'laws/he_normal.variance.html'
    """
    return f"{FOLDER}/{re.sub(r'[^A-Za-z0-9_.-]', '-', name)}.html"


def page(law: LawText, groups: Sequence[Group], bar: Bar) -> str:
    """The page of one law."""
    ordered = worst_first(groups)
    return template("law.html.j2").render(
        bar=bar,
        law=law,
        latex=(written := typeset.statement(law.quantity, law.formula)),
        typeset=typeset.mathml(written),
        cited=bibtex.entries(law.name, law.title, written, law.source),
        portrait=_portrait(law.name),
        groups=ordered[:ROWS],
        more=max(len(ordered) - ROWS, 0),
        counts=together(ordered),
        total=sum(len(g.verdicts) for g in ordered),
        curve=picture(curve_chart(law)) if law.curve else None,
        points=picture(points_chart(found)) if (found := list(_points(ordered))) else None,
        states=[state for state in STATES if any(point["state"] == state for point in found)],
        shapes=charts.SHAPES,
    )


def _portrait(name: str) -> tuple[str, Markup] | None:
    """The picture of a law that has one of its own, with its caption."""
    if name not in PORTRAITS:
        return None
    caption, chart = PORTRAITS[name]
    return None if (drawn := picture(chart())) is None else (caption, drawn)


def curve_chart(law: LawText) -> dict[str, Any]:
    """The law's own values along one parameter, on log axes where they are positive and spread widely."""
    xs, ys = zip(*law.curve, strict=True)
    encoding = {
        "x": {"field": "x", **_axis(law.parameter, min(xs), max(xs))},
        "y": {"field": "y", **_axis(law.quantity, min(ys), max(ys))},
    }
    mark = {"type": "line", "color": charts.COLOUR["conforms"], "strokeWidth": 2}
    return charts.framed({"mark": mark, "encoding": encoding}, [{"x": x, "y": y} for x, y in law.curve])


def _axis(title: str, low: float, high: float) -> dict[str, Any]:
    if low > 0 and high > 20 * low:
        return charts.log_axis(title, low, high)
    axis = {"tickCount": 6, "format": "~g"}
    return {"type": "quantitative", "title": title, "scale": {"zero": False}, "axis": axis}


def points_chart(points: list[dict[str, Any]]) -> dict[str, Any]:
    """Measured against expected, on log axes where all is positive, with intervals; the law is the diagonal."""
    ends = [p[k] for p in points for k in ("x", "y", "low", "high")]
    low, high = _room(min(ends), max(ends))
    x, y = ({"field": of, **_side(title, low, high)} for of, title in (("x", "expected"), ("y", "measured")))
    colour, shape = charts.state_channels()
    dashes = {"type": "line", "color": charts.COLOUR["ink"], "strokeDash": [2, 2], "strokeWidth": 1}
    law = [{"x": end, "y": end} for end in (low, high)]
    span = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}
    dots = {"type": "point", "filled": True, "size": 45, "opacity": 0.9}
    layers = [
        {"data": {"values": law}, "mark": dashes, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": span},
        {"mark": dots, "encoding": {"x": x, "y": y, "color": colour, "shape": shape}},
    ]
    return charts.framed({"layer": layers}, points)


def _room(low: float, high: float) -> tuple[float, float]:
    """The ends of an axis, with room beside what is drawn."""
    if low > 0:
        return low / 1.2, high * 1.2
    room = 0.1 * (high - low) or 0.1 * abs(high) or 1.0
    return low - room, high + room


def _side(title: str, low: float, high: float) -> dict[str, Any]:
    if low > 0:
        return charts.log_axis(title, low, high)
    scale = {"domain": [low, high], "nice": False}
    return {"type": "quantitative", "title": title, "scale": scale, "axis": {"tickCount": 6, "format": "~g"}}


def _points(groups: Iterable[Group]) -> Iterable[dict[str, Any]]:
    """Verdicts with positive numbers, at most `POINTS`, the worst first; where a law has none, those with others."""
    verdicts = [v for g in groups for v in g.verdicts]
    chosen = list(filter(_drawable, verdicts)) or list(filter(_linear, verdicts))
    for verdict in chosen[:POINTS]:
        expected, observed = verdict.expected or 0.0, verdict.observed or 0.0
        ends = [end * expected for end in charts.ends(verdict)] if verdict.ratio is not None else [observed]
        yield {"x": expected, "y": observed, "low": min(ends), "high": max(ends), "state": verdict.state}


def _linear(verdict: Verdict) -> bool:
    numbers = verdict.expected, verdict.observed
    return all(x is not None and abs(x) < EDGE for x in numbers)


def _drawable(verdict: Verdict) -> bool:
    numbers = verdict.expected or 0.0, verdict.observed or 0.0
    return verdict.ratio is not None and verdict.ratio > 0 and min(numbers) > 1 / EDGE and max(numbers) < EDGE
