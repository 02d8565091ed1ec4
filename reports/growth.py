"""How cost grows: measurements of one thing at several sizes, with their exponent, and a chart on two log axes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from varlaw.reports.charts import COLOUR, log_axis, panels


@dataclass(frozen=True)
class Growth:
    """Best seconds of one thing by its size, ascending; the name says of what."""

    name: str
    points: tuple[tuple[int, float], ...]

    @property
    def exponent(self) -> float:
        """k, where the time goes with size^k from the smallest to the largest; NaN of one size.

        >>> Growth("rows", ((10, 1e-3), (1000, 1e-1))).exponent
        1.0
        """
        (low, first), (high, last) = self.points[0], self.points[-1]
        return math.log(last / first) / math.log(high / low) if high > low else math.nan


def grown(rows: Iterable[tuple[str, int, float]]) -> tuple[Growth, ...]:
    """Names, sizes and best seconds, brought together by name in the order in which names come."""
    found: dict[str, dict[int, float]] = {}
    for name, size, best in rows:
        found.setdefault(name, {})[size] = best
    return tuple(Growth(name, tuple(sorted(points.items()))) for name, points in found.items())


def chart(growths: Iterable[Growth]) -> dict[str, Any]:
    """Seconds against size, a panel for each, as a Vega-Lite specification; dashed is what goes with the size."""
    values: list[dict[str, Any]] = [
        {"name": g.name, "size": size, "seconds": best, "linear": g.points[0][1] * size / g.points[0][0]}
        for g in growths
        for size, best in g.points
    ]
    seconds, sizes = [v["seconds"] for v in values], [v["size"] for v in values]
    x = {**log_axis("size", min(sizes) / 1.5, max(sizes) * 1.5), "field": "size"}
    y = log_axis("seconds", min(seconds) / 2, max(seconds) * 2)
    ink, calm = COLOUR["ink"], COLOUR["conforms"]
    marks: list[tuple[dict[str, Any], str]] = [
        ({"type": "line", "strokeDash": [3, 3], "color": calm, "clip": True}, "linear"),
        ({"type": "line", "point": {"color": ink, "size": 25}, "color": ink}, "seconds"),
    ]
    layers = [{"mark": mark, "encoding": {"x": x, "y": {**y, "field": field}}} for mark, field in marks]
    return panels({"layer": layers}, values, "name")
