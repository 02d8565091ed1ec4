"""Charts as Vega-Lite specifications, drawn as SVG by vl-convert where the extra `charts` is installed.

The specifications name their colours by role; `svg` turns the roles into style-sheet variables, so that one picture
serves light, dark and print. Without the extra there is no picture, and the page shows the same numbers as a table.
"""

import functools
import json
import math
import re
from typing import Any, Final

from varlaw.claims.verdict import Verdict
from varlaw.reports import drawing
from varlaw.reports.groups import Group, furthest_first
from varlaw.reports.shorten import cut
from varlaw.reports.texts import plain
from varlaw.reports.wording import STATES, SYMBOLS, evidence

# Stand-ins for the variables of the style sheet: no other part of a chart has these colours.
ROLES: Final = {
    "#010201": "ink", "#010202": "faint", "#010203": "line", "#010204": "band",
    "#010211": "violates", "#010212": "error", "#010213": "undecided", "#010214": "deviation", "#010215": "conforms",
}  # fmt: skip
COLOUR: Final = {role: colour for colour, role in ROLES.items()}
SHAPES: Final = {"VIOLATES": "cross", "error": "square", "undecided": "triangle-up", "deviation": "diamond",
                 "conforms": "circle"}  # fmt: skip
ROWS: Final = 40
LABEL: Final = 90  # characters of a name
REACH: Final = 1e3  # ratios beyond, and intervals without an end, are drawn at the edge


def selection(groups: list[Group], *, quiet: bool, limit: int = ROWS) -> list[Group]:
    """The rows worth a chart, those furthest from their law first: the conforming ones where `quiet`, or the others."""
    measured = [g for g in groups if g.measured and (g.state == "conforms") is quiet]
    return furthest_first(measured)[:limit]


def forest(groups: list[Group]) -> dict[str, Any]:
    """Measured over expected with 99.9 % intervals, a row per group, as a Vega-Lite specification."""
    rows = [_point(k, group) for k, group in enumerate(groups)]
    low = min([0.95, *(r["low"] for r in rows)]) / 1.01
    high = max([1.05, *(r["high"] for r in rows)]) * 1.01
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows},
        "width": 400,
        "height": {"step": 20},
        "layer": _layers(log_axis("measured / expected (log scale)", low, high), _row_axis(rows)),
        "config": _config(),
    }


def _layers(x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    """The law, the intervals, the points, and the numbers at the right."""
    colour, shape = state_channels()
    at, right = {**x, "field": "ratio"}, {"value": {"expr": "width"}}
    ink = COLOUR["ink"]
    marks: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"type": "rule", "color": ink, "strokeDash": [2, 2]}, {"x": {**x, "datum": 1}}),
        ({"type": "rule", "strokeWidth": 2}, {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "color": colour}),
        ({"type": "point", "filled": True, "size": 55, "opacity": 1}, {"x": at, "color": colour, "shape": shape}),
        ({"type": "text", "align": "left", "dx": 10, "color": ink}, {"x": right, "text": {"field": "text"}}),
    ]
    return [{"mark": m, "encoding": e if "datum" in e["x"] else {**e, "y": y}} for m, e in marks]


def state_channels() -> tuple[dict[str, Any], dict[str, Any]]:
    """Colour and shape by state: every state has both, so none is told by colour alone."""
    palette = {"domain": list(SHAPES), "range": [COLOUR[s.lower()] for s in SHAPES]}
    shapes = {"domain": list(SHAPES), "range": list(SHAPES.values())}
    both = {"field": "state", "type": "nominal", "legend": None}
    return {**both, "scale": palette}, {**both, "scale": shapes}


def framed(chart: dict[str, Any], values: list[dict[str, Any]]) -> dict[str, Any]:
    """A square chart of some values in the colours of the page."""
    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    return {"$schema": schema, "data": {"values": values}, "width": 380, "height": 300, **chart, "config": _config()}


def panels(chart: dict[str, Any], values: list[dict[str, Any]], field: str) -> dict[str, Any]:
    """Small charts side by side, one for each value of `field`, on common axes."""
    ink = {"labelColor": COLOUR["ink"], "labelFontSize": 11, "labelFontWeight": "normal"}
    facet = {"field": field, "type": "nominal", "title": None, "sort": None, "header": ink}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": values},
        "facet": facet,
        "columns": 4,
        "spec": {"width": 170, "height": 110, **chart},
        "config": _config(),
    }


def _point(k: int, group: Group) -> dict[str, Any]:
    verdict = group.worst
    low, high = ends(verdict)
    return {
        "row": f"{k:03d}",
        "label": f"{SYMBOLS[group.state]} {cut(plain(group.subject), LABEL)}  {cut(plain(group.claim), LABEL)}",
        "state": group.state,
        "ratio": clipped(verdict.ratio or 0.0),
        "low": low,
        "high": high,
        "text": evidence(verdict),
    }


def ends(verdict: Verdict) -> tuple[float, float]:
    """The ends of an interval as they can be drawn on a log axis; both the ratio where it is exact."""
    low, high = verdict.interval or (verdict.ratio, verdict.ratio)
    return clipped(1 / REACH if low is None else low), clipped(REACH if high is None else high)


def clipped(ratio: float) -> float:
    """A ratio as it can be drawn on a log axis."""
    return min(max(ratio, 1 / REACH), REACH)


def _row_axis(rows: list[dict[str, Any]]) -> dict[str, Any]:
    labels = json.dumps([r["label"] for r in rows])
    axis = {"labelExpr": f"{labels}[toNumber(datum.value)]", "labelLimit": 460, "ticks": False, "domain": False}
    return {"field": "row", "type": "ordinal", "sort": None, "title": None, "axis": axis}


def log_axis(title: str, low: float, high: float) -> dict[str, Any]:
    """A log axis between two positive ends with few, readable ticks."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    step = -(-len(decades) // 7)
    values = [10.0**e for e in decades if e % step == 0] if high / low > 100 else _ticks(low, high)
    label = "datum.value < 1e-3 || datum.value > 1e4 ? format(datum.value, '~e') : format(datum.value, '~g')"
    scale = {"type": "log", "domain": [low, high], "nice": False}
    return {"type": "quantitative", "title": title, "scale": scale, "axis": {"values": values, "labelExpr": label}}


def _ticks(low: float, high: float) -> list[float]:
    """Two to nine readable numbers within a range; of ratios near 1, 1 is among them.

    >>> _ticks(1.23, 1.56), _ticks(0.9, 1.1), _ticks(3.0, 7.0)
    ([1.3, 1.4, 1.5], [0.9, 0.95, 1.0, 1.05, 1.1], [3.0, 4.0, 5.0, 6.0, 7.0])
    """
    fine = [0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2]
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    coarse = [m * 10.0**e for e in exponents for m in (1, 2, 5)]
    decades = [10.0**e for e in exponents]
    for candidates in (fine, [*coarse, 0.7, 1.4], coarse, decades):
        inside = sorted({float(f"{t:.3g}") for t in candidates if low <= t <= high})
        if 2 <= len(inside) <= 9 and (high / low < 1.35 or candidates is not fine):
            return inside
    return _even(low, high)


def _even(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 of a decade, three at least where the range has room."""
    decade = 10.0 ** math.floor(math.log10((high - low) / 3))
    step = max(m * decade for m in (1, 2, 5) if (high - low) / (m * decade) >= 3)
    return [float(f"{k * step:.6g}") for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _config() -> dict[str, Any]:
    axis = {
        "labelColor": COLOUR["ink"], "titleColor": COLOUR["faint"], "gridColor": COLOUR["line"],
        "domainColor": COLOUR["line"], "tickColor": COLOUR["line"], "labelFontSize": 11, "titleFontSize": 11,
        "titleFontWeight": "normal",
    }  # fmt: skip
    return {
        "background": "transparent",
        "font": "system-ui, sans-serif",
        "view": {"stroke": None},
        "axis": axis,
    }


def svg(spec: dict[str, Any]) -> str | None:
    """A specification drawn as SVG with the colours of the page; None without the extra `charts`, or if it fails."""
    return _drawn(json.dumps(spec, sort_keys=True))


@functools.lru_cache(maxsize=32)
def _drawn(spec: str) -> str | None:
    drawn = drawing.svg(spec)
    if drawn is None:
        return None  # no report is lost for a picture: its numbers are in the table beside it
    drawn = re.sub(r"<[^<>]*>", _silent, drawn)  # the page names the picture as a whole
    for stand_in, role in ROLES.items():
        drawn = drawn.replace(stand_in, f"var(--{role})")
    return drawn


def _silent(tag: re.Match[str]) -> str:
    return re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", tag[0])


def strip(verdict: Verdict) -> dict[str, Any] | None:
    """Where to draw a ratio, its interval and the band of errors too small to be looked for; None without a ratio."""
    if verdict.ratio is None:
        return None
    low, high = ends(verdict)
    ratio = clipped(verdict.ratio)
    error = verdict.error
    furthest = max(abs(math.log(v)) for v in (low, high, ratio, 1 + error))
    reach = next((r for r in (1.01, 1.03, 1.1, 1.3, 2.0, 4.0, 10.0, 100.0) if math.log(r) >= furthest), REACH)

    def place(value: float) -> float:
        return round(50 + 50 * math.log(value) / math.log(reach), 2)

    band = (place(max(1 - error, 1 / reach)), place(min(1 + error, reach)))
    return {"low": place(low), "high": place(high), "at": place(ratio), "band": band, "reach": reach}


def legend(groups: list[Group]) -> list[str]:
    """The states that a chart shows, worst first."""
    shown = {g.state for g in groups}
    return [s for s in STATES if s in shown]
