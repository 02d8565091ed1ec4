"""Pictures of the laws that people ask about most: what the law does, not only its values along a parameter.

Each is drawn from the closed form that it shows; a test holds their numbers against the catalogue.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from varlaw.reports import charts

Values = list[dict[str, Any]]


class Portrait(NamedTuple):
    """A caption, and the chart."""

    caption: str
    chart: Callable[[], dict[str, Any]]


def _normal(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def folded() -> dict[str, Any]:
    """The density of z, what ReLU keeps of it, and the half that it folds onto 0."""
    steps = [k / 25 for k in range(-75, 76)]
    rows = [{"x": z, "y": _normal(z), "part": "folded onto 0" if z <= 0 else "kept"} for z in steps]
    rows += [{"x": 0.0, "y": _normal(0.0), "part": "kept"}]
    layers = [_area(rows), _rule("x", 0.0, "half of all z"), _label(0.12, 0.47, "a spike of mass 1/2 at 0")]
    return charts.framed({"layer": layers}, rows)


def parabola() -> dict[str, Any]:
    """x^2 under a uniform on (-a, a): the area below it is that below a third of a^2."""
    rows = [{"x": k / 25, "y": (k / 25) ** 2, "part": "kept"} for k in range(-25, 26)]
    layers = [_area(rows, "x / a", "x^2 / a^2"), _rule("y", 1 / 3, ""), _label(-0.32, 0.39, "its mean: 1/3")]
    return charts.framed({"layer": layers}, rows)


def depths() -> Values:
    """The second moment behind each layer, where n Var[w] is 1/3 (torch's default), 1 and 2."""
    factors = ((1 / 3, "1/3, torch's default"), (1.0, "1, LeCun's"), (2.0, "2, He's"))
    return [{"x": d, "y": f**d, "line": name} for f, name in factors for d in range(13)]


def rectified_depths() -> Values:
    """The same through ReLU, which halves."""
    return [{**row, "y": row["y"] / 2 ** row["x"]} for row in depths()]


def growth() -> Values:
    """What 2L branches, each scaled by 1/sqrt(2L), make of the stream, against branches that are not scaled."""
    layers = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
    return [{"x": k, "y": (1 + 1 / (2 * k)) ** (2 * k), "line": "scaled by 1/sqrt(2 L)"} for k in layers] + [
        {"x": k, "y": math.e, "line": "e"} for k in layers
    ]


def two_densities() -> Values:
    """One variance, 2 / (100 + 100), as a normal, and as the uniform that ends at sqrt(6 / 200)."""
    std, end = 0.1, math.sqrt(6 / 200)
    steps = [k / 400 for k in range(-128, 129)]
    rows = [{"x": x, "y": _normal(x / std) / std, "line": "normal, std 0.1"} for x in steps]
    name = "uniform, std 0.1: ends at sqrt(6 / 200)"
    return rows + [{"x": x, "y": (abs(x) <= end) / (2 * end), "line": name} for x in steps]


def _lines(values: Callable[[], Values], x: str, y: str, *, log: bool = False) -> Callable[[], dict[str, Any]]:
    def chart() -> dict[str, Any]:
        rows = values()
        names = list(dict.fromkeys(row["line"] for row in rows))
        scale = {"domain": names, "range": [charts.COLOUR[role] for role in ("conforms", "violates", "deviation")]}
        ink = {"labelColor": charts.COLOUR["ink"], "labelLimit": 300, "orient": "top", "direction": "vertical"}
        colour = {"field": "line", "type": "nominal", "title": None, "scale": scale, "legend": ink}
        dash = {"field": "line", "type": "nominal", "scale": {"domain": names, "range": [[1, 0], [6, 3], [2, 2]]}}
        encoding = {
            "x": {"field": "x", "type": "quantitative", "title": x},
            "y": {"field": "y", "type": "quantitative", "title": y, "scale": {"type": "log"} if log else {}},
            "color": colour,
            "strokeDash": {**dash, "legend": None},
        }
        return charts.framed({"mark": {"type": "line", "strokeWidth": 2}, "encoding": encoding}, rows)

    return chart


def _area(rows: Values, x: str = "z", y: str = "density") -> dict[str, Any]:
    parts = {"domain": ["folded onto 0", "kept"], "range": [charts.COLOUR["band"], charts.COLOUR["conforms"]]}
    legend = {"labelColor": charts.COLOUR["ink"], "orient": "top"} if len({r["part"] for r in rows}) > 1 else None
    encoding = {
        "x": {"field": "x", "type": "quantitative", "title": x},
        "y": {"field": "y", "type": "quantitative", "title": y},
        "color": {"field": "part", "type": "nominal", "title": None, "scale": parts, "legend": legend},
    }
    return {"mark": {"type": "area", "opacity": 0.75}, "encoding": encoding}


def _rule(axis: str, at: float, about: str) -> dict[str, Any]:
    mark = {"type": "rule", "color": charts.COLOUR["violates"], "strokeWidth": 3 if about else 2}
    return {"data": {"values": [{axis: at}]}, "mark": mark, "encoding": {axis: {"field": axis, "type": "quantitative"}}}


def _label(x: float, y: float, text: str) -> dict[str, Any]:
    mark = {"type": "text", "align": "left", "color": charts.COLOUR["ink"], "fontSize": 12}
    at = {axis: {"field": axis, "type": "quantitative"} for axis in "xy"}
    return {"data": {"values": [{"x": x, "y": y, "text": text}]}, "mark": mark,
            "encoding": {**at, "text": {"field": "text"}}}  # fmt: skip


_DEPTHS = _lines(depths, "layers", "second moment, over that of the input", log=True)
_RECTIFIED = _lines(rectified_depths, "layers", "second moment, over that of the input", log=True)
_SIX = _lines(two_densities, "weight", "density")
# Law -> its picture.
PORTRAITS: Final[Mapping[str, Portrait]] = MappingProxyType(
    {
        "relu.second_moment": Portrait("ReLU folds the left half of a density onto 0: half of E z^2 is left.", folded),
        "uniform.variance": Portrait("x^2 under a uniform on (-a, a): its mean is a third of a^2.", parabola),
        "linear.second_moment": Portrait("The second moment by depth, for three values of fan_in Var[w].", _DEPTHS),
        "he_normal.variance": Portrait("Through ReLU layers, for three values of fan_in Var[w].", _RECTIFIED),
        "he_uniform.variance": Portrait("Through ReLU layers, for three values of fan_in Var[w].", _RECTIFIED),
        "residual.scaled_growth": Portrait(
            "However many layers: scaled branches together stay below e.",
            _lines(growth, "layers L", "E|h_out|^2 / E|h_in|^2"),
        ),
        "glorot_uniform.variance": Portrait("Why a 6: 2 from the two fans, times 3 from the uniform.", _SIX),
        "glorot_normal.variance": Portrait("The same variance as a normal and as a uniform.", _SIX),
    }
)
