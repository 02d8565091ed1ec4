"""The pictures of a model's report: second moments against depth, gradients below, the first loss on a ruler."""

import math
from collections.abc import Sequence
from typing import Any

from varlaw.diagnose.records import ModelRecord, Row
from varlaw.reports.charts import COLOUR, framed, log_axis

_MOST = 200  # points of a picture


def profile(rows: Sequence[Row], gradient: bool = False) -> dict[str, Any] | None:
    """Root mean square by depth over the law's own value and its band; None where there are too few points."""
    points = [p for i, row in enumerate(_thinned(rows)) if (p := _point(i, row, gradient))]
    if len(points) < 3:
        return None
    low = min(min(p["rms"], p.get("low", math.inf)) for p in points) / 1.3
    high = max(max(p["rms"], p.get("high", 0.0)) for p in points) * 1.3
    x = {"field": "place", "type": "quantitative", "title": "operations, from input to loss", "axis": {"labels": False}}
    title = "rms of the gradient (log)" if gradient else "rms of the output (log)"
    y = {**log_axis(title, low, high), "field": "rms"}
    return {**framed({"layer": _layers(x, y)}, points), "width": 640, "height": 220}


def _layers(x: dict[str, Any], y: dict[str, Any]) -> list[dict[str, Any]]:
    band = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
    law, ahead = ({"x": x, "y": {**y, "field": field}} for field in ("law", "foreseen"))
    wrong = {"condition": {"test": "datum.wrong", "value": COLOUR["violates"]}, "value": COLOUR["conforms"]}
    return [
        {"mark": {"type": "rule", "strokeWidth": 5, "color": COLOUR["band"]}, "encoding": band},
        {"mark": {"type": "tick", "orient": "horizontal", "color": COLOUR["ink"]}, "encoding": law},
        {"mark": {"type": "line", "color": COLOUR["line"]}, "encoding": {"x": x, "y": y}},
        {"mark": {"type": "line", "color": COLOUR["ink"], "strokeDash": [2, 3]}, "encoding": ahead},
        {"mark": {"type": "point", "filled": True, "size": 30}, "encoding": {"x": x, "y": y, "color": wrong}},
    ]


def _thinned(rows: Sequence[Row]) -> Sequence[Row]:
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
    values = [{"loss": record.loss_law, "what": "zero logits"}, {"loss": record.loss, "what": "measured"}]
    low, high = min(record.loss, record.loss_law) / 1.5, max(record.loss, record.loss_law) * 1.5
    x = {**log_axis("loss, nats (log)", low, high), "field": "loss"}
    texts = [  # one above the point, one below: the two may fall together
        {
            "transform": [{"filter": {"field": "what", "equal": what}}],
            "mark": {"type": "text", "dy": dy, "color": COLOUR["ink"]},
            "encoding": {"x": x, "text": {"field": "what"}},
        }
        for what, dy in (("zero logits", -14), ("measured", 16))
    ]
    point = {"mark": {"type": "point", "filled": True, "size": 70, "color": COLOUR["conforms"]}, "encoding": {"x": x}}
    return {**framed({"layer": [point, *texts]}, values), "width": 640, "height": 60}
