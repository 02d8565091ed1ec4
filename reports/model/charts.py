"""The pictures of a model's report: second moments against depth, gradients below, the first loss on a ruler."""

import math
from collections.abc import Sequence
from typing import Any

from varlaw.diagnose.advising.records import Depth
from varlaw.diagnose.records import ModelRecord, Row
from varlaw.reports.charts import COLOUR, framed, log_axis

_MOST = 200  # points of a picture
_UNDER = {"type": "line", "strokeWidth": 5, "opacity": 0.5}  # a line on which another is to be seen
_DEPTH = {
    "field": "place", "type": "quantitative", "title": "operations, from input to loss", "axis": {"labels": False}
}  # fmt: skip


def profile(rows: Sequence[Row], gradient: bool = False) -> dict[str, Any] | None:
    """Root mean square by depth over the law's own value and its band; None where there are too few points."""
    points = [p for i, row in enumerate(_thinned(rows)) if (p := _point(i, row, gradient))]
    return _by_depth(points, "rms of the gradient (log)" if gradient else "rms of the output (log)")


def way(rows: Sequence[Depth], stage: str) -> dict[str, Any] | None:
    """Root mean square by depth over what theory foresees and its band: `stage` "before" or "after" a remedy."""
    points = []
    for place, row in enumerate(_thinned(rows)):
        found = {"rms": getattr(row, stage), "foreseen": getattr(row, f"foreseen_{stage}")}
        found |= {"low": getattr(row, f"low_{stage}"), "high": getattr(row, f"high_{stage}")}
        shown = {name: x for name, x in found.items() if x and math.isfinite(x)}
        points += [{"place": place, "wrong": False, **shown}] if "rms" in shown else []
    return _by_depth(points, "rms of the output (log)")


def gradients(rows: Sequence[Depth], stages: Sequence[str]) -> dict[str, Any] | None:
    """The gradient by depth, a line a stage."""
    points = [
        {"place": place, "rms": value, "stage": stage}
        for place, row in enumerate(_thinned(rows)) for stage in stages
        if (value := getattr(row, f"gradient_{stage}")) and math.isfinite(value)
    ]  # fmt: skip
    if len(points) < 3:
        return None
    low, high = min(p["rms"] for p in points), max(p["rms"] for p in points)
    room = max(1.5, (high / low) ** 0.1)  # for the names
    low, high = low / room, high * room
    y = {**log_axis("rms of the gradient (log)", low, high), "field": "rms"}
    dashes = {"condition": {"test": "datum.stage === 'before'", "value": [2, 3]}, "value": [1, 0]}
    colour = {"condition": {"test": "datum.stage === 'before'", "value": COLOUR["ink"]}, "value": COLOUR["line"]}
    encoding = {"x": _DEPTH, "y": y, "detail": {"field": "stage"}, "strokeDash": dashes, "color": colour}
    lines = [  # the second thin on the first, so that both are seen where they are one
        {"transform": [{"filter": f"datum.stage {sign} 'before'"}], "mark": mark, "encoding": encoding}
        for sign, mark in (("!==", _UNDER), ("===", {"type": "line"}))
    ]
    layers = [*lines, *_named_where_they_begin(points, {"x": _DEPTH, "y": y})]
    return {**framed({"layer": layers}, list(points)), "width": 640, "height": 220}


def _named_where_they_begin(points: Sequence[dict[str, Any]], at: dict[str, Any]) -> list[dict[str, Any]]:
    """The name of each line at its first point: above the upper one, below the lower one."""
    firsts = {p["stage"]: p for p in reversed(points)}
    upper = max(firsts, key=lambda stage: firsts[stage]["rms"])
    return [
        {
            "transform": [{"filter": f"datum.stage === '{stage}' && datum.place === {first['place']}"}],
            "mark": {"type": "text", "align": "left", "dy": -10 if stage == upper else 12, "color": COLOUR["ink"]},
            "encoding": {**at, "text": {"field": "stage"}},
        }
        for stage, first in firsts.items()
    ]


def _by_depth(points: Sequence[dict[str, Any]], title: str) -> dict[str, Any] | None:
    if len(points) < 3:
        return None
    low = min(min(p["rms"], p.get("low", math.inf)) for p in points) / 1.3
    high = max(max(p["rms"], p.get("high", 0.0)) for p in points) * 1.3
    y = {**log_axis(title, low, high), "field": "rms"}
    return {**framed({"layer": _layers(_DEPTH, y)}, list(points)), "width": 640, "height": 220}


def _layers(x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    law, ahead = ({"x": x, "y": {**y, "field": field}} for field in ("law", "foreseen"))
    wrong = {"condition": {"test": "datum.wrong", "value": COLOUR["violates"]}, "value": COLOUR["conforms"]}
    return [
        {"mark": {"type": "rule", "strokeWidth": 5, "color": COLOUR["band"]}, "encoding": band},
        {"mark": {"type": "tick", "orient": "horizontal", "color": COLOUR["ink"]}, "encoding": law},
        {"mark": {**_UNDER, "color": COLOUR["line"]}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "line", "color": COLOUR["ink"], "strokeDash": [2, 3]}, "encoding": ahead},
        {"mark": {"type": "point", "filled": True, "size": 30}, "encoding": {"x": x, "y": y, "color": wrong}},
    ]


def _thinned(rows: Sequence[Any]) -> Sequence[Any]:
    step = -(-len(rows) // _MOST)
    return rows[:: max(1, step)]


def _point(place: int, row: Row, gradient: bool) -> dict[str, Any] | None:
    value = row.gradient if gradient else row.second
    if not value or not math.isfinite(value) or row.op in ("cross_entropy", "mse_loss"):
        return None
    point: dict[str, Any] = {"place": place, "rms": value**0.5, "wrong": bool(row.findings)}
    if not gradient and row.law and row.low and row.high:
        point |= {"law": row.law**0.5, "low": row.low**0.5, "high": row.high**0.5}
    if foreseen := row.foreseen_gradient if gradient else row.foreseen:
        point["foreseen"] = foreseen**0.5
    return point


def loss_ruler(record: ModelRecord) -> dict[str, Any] | None:
    """The first loss beside the value that zero logits give; None where the loss has no law."""
    if record.loss is None or record.loss_law is None or not math.isfinite(record.loss) or record.loss <= 0:
        return None
    values = [
        {"loss": loss, "what": what, "text": f"{what} {loss:.4g}"}
        for loss, what in ((record.loss_law, "zero logits"), (record.loss, "measured"))
    ]
    low, high = min(record.loss, record.loss_law) / 1.5, max(record.loss, record.loss_law) * 1.5
    x = {**log_axis("loss, nats (log)", low, high), "field": "loss"}
    texts = [  # one above the point, one below: the two may fall together
        {
            "transform": [{"filter": {"field": "what", "equal": what}}],
            "mark": {"type": "text", "dy": dy, "color": COLOUR["ink"]},
            "encoding": {"x": x, "text": {"field": "text"}},
        }
        for what, dy in (("zero logits", -14), ("measured", 16))
    ]
    point = {"mark": {"type": "point", "filled": True, "size": 70, "color": COLOUR["conforms"]}, "encoding": {"x": x}}
    return {**framed({"layer": [point, *texts]}, values), "width": 640, "height": 60}
