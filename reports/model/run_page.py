"""A watched run as one page that loads nothing: its curves with the events on them, the timeline, what to do."""

from pathlib import Path
from typing import Any

from varlaw.reports.charts import COLOUR, framed, log_axis
from varlaw.reports.files import write_whole
from varlaw.reports.model.journal import Run
from varlaw.reports.model.page import state_of
from varlaw.reports.pages import responsive, template

_POINTS = 600  # of a curve; each the mean of as many steps as it takes
_CURVES = {
    "loss": "The loss",
    "gradient": "The norm of the gradient, as the optimiser saw it",
    "update": "The norm of what the weights moved",
    "weight": "The norm of the weights",
    "rate": "The learning rate",
}


def write(run: Run, path: Path) -> None:
    """The page, whole or not at all."""
    write_whole(path, render(run).encode())


def render(run: Run) -> str:
    """The page of a run."""
    drawn = [(text, drawn) for n, text in _CURVES.items() if (spec := curve(run, n)) and (drawn := responsive(spec))]
    return template("run.html.j2").render(run=run, pictures=drawn, state=state_of, number=_number)


def curve(run: Run, name: str) -> dict[str, Any] | None:
    """One number of every step on a log axis, with a rule at each event; None where there are too few points."""
    known = [(s.step, v) for s in run.steps if (v := getattr(s, name)) is not None and v > 0]
    size = -(-len(known) // _POINTS) or 1
    chunks = [known[i : i + size] for i in range(0, len(known), size)]
    points = [{"step": chunk[0][0], "value": sum(v for _, v in chunk) / len(chunk)} for chunk in chunks]
    if len(points) < 2:
        return None
    values = [p["value"] for p in points]
    ends = {"domain": [run.steps[0].step, run.steps[-1].step]}  # of the run, so that all curves lie below each other
    x = {"field": "step", "type": "quantitative", "title": "step", "scale": ends}
    y = {**log_axis(f"{name} (log)", min(values) / 1.1, max(values) * 1.1), "field": "value"}
    events = [{"step": e.step, "word": e.finding.signal} for e in run.events if e.finding.outcome == "VIOLATES"]
    rule = {"type": "rule", "color": COLOUR["violates"], "strokeDash": [3, 3]}
    text = {"type": "text", "align": "left", "dx": 3, "color": COLOUR["violates"], "y": 8}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "line", "color": COLOUR["conforms"]}, "encoding": {"x": x, "y": y}}
    ]
    if events:
        at = {"data": {"values": events}, "encoding": {"x": x}}
        layers += [{**at, "mark": rule}, {**at, "mark": text, "encoding": {"x": x, "text": {"field": "word"}}}]
    return {**framed({"layer": layers}, points), "width": 640, "height": 160}


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}g}"
