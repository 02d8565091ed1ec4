"""The pictures of the pages to learn from, a chart each, out of laws and keyed simulations, and the table of symptoms.

Every number is computed when the documentation is built; the same sources give the same bytes.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pictures import BLUE, GREY, ORANGE, _frame

from varlaw.diagnose.signals import TABLE
from varlaw.diagnose.symptoms import REMEDIES, SYMPTOMS
from varlaw.evidence.streams import Key
from varlaw.theory.catalogue import LAWS
from varlaw.theory.networks.propagation import predict

Rows = list[dict[str, Any]]
GREEN = "#3b7d3b"


def write(generated: Path) -> None:
    """Draw every picture as SVG, and write the table."""
    import vl_convert

    folder = generated / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in PICTURES.items():
        spec = json.dumps({**_frame(), **chart()}, sort_keys=True)
        drawn = vl_convert.vegalite_to_svg(spec, vl_version="6.1", allowed_base_urls=[])
        (folder / f"learn-{name}.svg").write_text(drawn, encoding="utf-8")
    (generated / "symptoms.md").write_text(table(), encoding="utf-8")
    (generated / "words.md").write_text(words(), encoding="utf-8")


def table() -> str:
    """Symptom, what to look at, causes and remedies in order, as Markdown."""
    lines = ["| symptom | look at | may be caused by, in order | try, in order |", "|---|---|---|---|"]
    for row in SYMPTOMS:
        causes = "; ".join(cause.says for cause in row.causes)
        remedies = "; ".join(REMEDIES[key] for key in row.remedies)
        lines.append(f"| {row.says} | {row.look} | {causes} | {remedies} |")
    return "\n".join([*lines, ""])


def words() -> str:
    """Every word of a finding, what it says, the kind of its statement, and its causes, as Markdown."""
    lines = ["| word | the model ... | kind | may be caused by, in order |", "|---|---|---|---|"]
    lines += [f"| `{s.name}` | {s.says} | {s.kind.value} | {'; '.join(s.hypotheses)} |" for s in TABLE]
    return "\n".join([*lines, ""])


def law(name: str, **case: Any) -> float:
    """The number of a law."""
    return float(LAWS[name].value(**case))


# -- charts ------------------------------------------------------------------------------------------------------------


def glorot_six() -> dict[str, Any]:
    """Two densities of one variance, 2 / (100 + 100): a normal, and the uniform that ends at sqrt(6 / 200)."""
    std = math.sqrt(law("glorot_normal.variance", fan_in=100, fan_out=100))
    bound = math.sqrt(6 / 200)
    rows = []
    for x in np.linspace(-0.32, 0.32, 257):
        normal = math.exp(-0.5 * (x / std) ** 2) / (std * math.sqrt(2 * math.pi))
        rows += [{"x": x, "y": normal, "line": "normal, std 0.1"}]
        rows += [{"x": x, "y": 1 / (2 * bound) if abs(x) <= bound else 0.0, "line": "uniform, std 0.1, ends at 0.173"}]
    return _lines(rows, "weight", "density")


def relu_half() -> dict[str, Any]:
    """E relu^2 as variance and squared mean, at three sizes of the input."""
    rows = []
    for q in (0.5, 1.0, 2.0):
        variance, second = law("relu.variance", q=q), law("relu.second_moment", q=q)
        rows += [{"q": f"E z^2 = {q:g}", "part": "variance", "value": variance}]
        rows += [{"q": f"E z^2 = {q:g}", "part": "squared mean", "value": second - variance}]
    return {
        "data": {"values": rows},
        "mark": "bar",
        "encoding": {
            "y": {"field": "q", "type": "nominal", "title": None},
            "x": {"field": "value", "type": "quantitative", "title": "E relu(z)^2 = variance + squared mean"},
            "color": _colour("part"),
        },
        "height": 140,
    }


def tanh_depth() -> dict[str, Any]:
    """rms behind each of 30 tanh layers, by the laws, for three gains."""
    rows = []
    for gain, name in ((1.0, "gain 1"), (1.5925, "gain 1.5925: 1 / rms tanh(z)"), (5 / 3, "gain 5/3, torch's")):
        dense = {"block": "dense", "fan_in": 100, "fan_out": 100, "variance": gain**2 / 100}
        found = predict([dense, {"block": "activation", "name": "tanh"}] * 30)
        rows += [{"x": i, "y": math.sqrt(found.forward[2 * i]), "line": name} for i in range(31)]
    return _lines(rows, "depth", "rms of the activations")


def edge_of_chaos() -> dict[str, Any]:
    """chi_1 of a tanh network at its fixed point, over the variances of weights and biases; the edge is at 1."""
    rows = []
    for w in np.linspace(0.5, 4.0, 29):
        for b in np.linspace(0.0, 0.5, 21):
            q = law("meanfield.fixed_point", activation="tanh", weight_variance=float(w), bias_variance=float(b))
            chi = law("meanfield.chi", activation="tanh", weight_variance=float(w), q=q)
            rows.append({"w": round(float(w), 3), "b": round(float(b), 3), "chi": min(chi, 2.0)})
    x = {"field": "w", "type": "ordinal", "title": "variance of a weight times fan_in",
         "axis": {"values": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0], "labelAngle": 0}}  # fmt: skip
    y = {"field": "b", "type": "ordinal", "sort": "descending", "title": "variance of a bias",
         "axis": {"values": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]}}  # fmt: skip
    colour = {
        "field": "chi",
        "type": "quantitative",
        "title": "chi_1",
        "scale": {"scheme": "blueorange", "domainMid": 1},
    }
    return {"data": {"values": rows}, "mark": "rect", "encoding": {"x": x, "y": y, "color": colour}}


def products() -> dict[str, Any]:
    """log10 of the norm through 100 products of 4 x 4 Gaussian matrices: twenty draws, their law, and the rms."""
    rows: Rows = []
    for draw in range(20):
        stream, v = Key("docs", "products", block=draw).generator(), np.full(4, 0.5)
        for k in range(101):
            rows.append({"x": k, "y": float(np.log10(np.linalg.norm(v))), "line": "twenty draws", "draw": draw})
            v = stream.standard_normal((4, 4)) @ v
    for k in range(1, 101):
        typical = law("products.log_norm_mean", n=4, factors=k, variance=1) / math.log(10)
        rms = law("products.log_rms", n=4, factors=k, variance=1) / math.log(10)
        rows += [{"x": k, "y": typical, "line": "typical, by law", "draw": 20}]
        rows += [{"x": k, "y": rms, "line": "root mean square, by law", "draw": 21}]
    chart = _lines(rows, "factors", "log10 |M x|")
    chart["encoding"]["detail"] = {"field": "draw"}
    faint = {"test": "datum.line == 'twenty draws'", "value": 0.3}
    chart["encoding"]["opacity"] = {"condition": faint, "value": 1}
    return chart


def sigmoid_quarter() -> dict[str, Any]:
    """rms of the gradient through sigmoid layers: a quarter a layer, and what the law gives at two sizes."""
    rows = []
    for depth in range(13):
        rows.append({"x": depth, "y": 0.25**depth, "line": "1/4 a layer, weights of gain 1"})
        for q in (1.0, 4.0):
            slope = law("activation.derivative_second_moment", activation="sigmoid", q=q)
            gain = law("activation.forward_gain", activation="sigmoid", q=q)
            line = f"by law, lawful gain, E z^2 = {q:g}"
            rows.append({"x": depth, "y": (gain * math.sqrt(slope)) ** depth, "line": line})
    return _lines(rows, "layers", "gradient, relative", log=True)


def symmetry() -> dict[str, Any]:
    """Spread between the eight units of a hidden layer while it learns, by three ways to start."""
    rows = []
    for name, equal, drop in (
        ("random weights", False, 0.0),
        ("equal weights", True, 0.0),
        ("equal, dropout", True, 0.5),
    ):
        for step, spread in enumerate(_learning(equal, drop)):
            rows.append({"x": step, "y": spread, "line": name})
    return _lines(rows, "steps", "rms distance of units from their mean")


def _learning(equal: bool, drop: float) -> list[float]:
    """A tanh network of eight units on sin(3 x), by gradient descent on all points."""
    stream = Key("docs", "symmetry").generator()
    x = np.linspace(-1, 1, 32)[:, None]
    target = np.sin(3 * x)
    w = np.full((1, 8), 0.5) if equal else stream.standard_normal((1, 8))
    b, v = np.zeros(8), np.full((8, 1), 0.3) if equal else stream.standard_normal((8, 1)) / math.sqrt(8)
    found = []
    for _ in range(60):
        found.append(float(np.sqrt(((w - w.mean()) ** 2).mean())))
        mask = (stream.random((1, 8)) >= drop) / (1 - drop) if drop else 1.0
        h = np.tanh(x @ w + b)
        away = (h * mask) @ v - target
        back = (away @ v.T) * mask * (1 - h**2) / len(x)
        w, b, v = w - x.T @ back, b - back.sum(0), v - 0.3 * (h * mask).T @ away / len(x)
    return found


def first_loss() -> dict[str, Any]:
    """The first cross entropy against the deviation of the logits."""
    rows = []
    for classes in (10, 27, 1000):
        for std in np.linspace(0, 3, 31):
            loss = law("loss.random_logits", classes=classes, std=float(std))
            rows.append({"x": float(std), "y": loss, "line": f"{classes} classes, from {math.log(classes):.2f}"})
    return _lines(rows, "standard deviation of the logits", "first loss, nats")


def bias_before_norm() -> dict[str, Any]:
    """What a bias of 1 in front of a batch norm adds to its output: nothing in training, in evaluation at first all."""
    rows = []
    for t in range(61):
        seen = law("batch_norm.running_mean", t=t, momentum=0.1, mean=1.0, start=0.0)
        rows += [{"x": t, "y": 0.0, "line": "training"}, {"x": t, "y": 1 - seen, "line": "evaluation"}]
    return _lines(rows, "steps trained", "shift of the output")


def running_statistics() -> dict[str, Any]:
    """Expected running variance from its start at 1, where the true variance is 4."""
    rows = []
    for momentum in (0.3, 0.1, 0.01):
        for t in range(101):
            value = law("batch_norm.running_variance", t=t, momentum=momentum, variance=4.0, start=1.0)
            rows.append({"x": t, "y": value, "line": f"momentum {momentum:g}"})
    return _lines(rows, "steps", "E running_var")


def two_fans() -> dict[str, Any]:
    """E y^2 over E x^2 of convolutions 3 x 3 by either fan, 2 / fan behind a ReLU."""
    rows = []
    for n, m in ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (512, 64)):
        for mode, fan in (("fan_in", 9 * n), ("fan_out", 9 * m)):
            rows.append({"layer": f"{n} to {m}", "line": mode, "value": 9 * n * 2 / fan / 2})
    return {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
        "encoding": {
            "x": {"field": "layer", "type": "nominal", "sort": None, "title": "channels", "axis": {"labelAngle": 0}},
            "y": {"field": "value", "type": "quantitative", "title": "E y^2 / E x^2 (log)", "scale": {"type": "log"}},
            "color": _colour("line"),
            "shape": {"field": "line", "type": "nominal", "legend": None},
        },
    }


def residual_scale() -> dict[str, Any]:
    """Second moment of a stream over 96 branches: unscaled, by 1/sqrt(2L), and behind norms."""
    rows = []
    for k in range(0, 97, 2):
        scaled = (1 + 1 / 96) ** k
        behind = law("residual.prenorm_growth", second_moment=1.0, branches=k, branch_variance=1.0)
        rows += [{"x": k, "y": scaled, "line": "no norm, scaled by 1/sqrt(2L)"}]
        rows += [{"x": k, "y": behind, "line": "norm in each branch"}]
        if k <= 24:
            rows += [{"x": k, "y": law("residual.growth", branch_gain=1.0, branches=k), "line": "no norm, no scale"}]
    return _lines(rows, "branches passed, of 96", "E h^2", log=True)


def lora_zero() -> dict[str, Any]:
    """Loss of a rank-2 adapter beside a frozen map, by three ways to start it."""
    rows = []
    for name, first, second in (("A drawn, B = 0", 1, 0), ("A = B = 0", 0, 0), ("A and B drawn", 1, 1)):
        rows += [{"x": i, "y": y, "line": name} for i, y in enumerate(_adapting(first, second))]
    return _lines(rows, "steps", "distance to the wanted map, relative")


def _adapting(first: float, second: float) -> list[float]:
    stream = Key("docs", "lora").generator()
    wanted = stream.standard_normal((16, 2)) @ stream.standard_normal((2, 16)) / 16
    a, b = first * stream.standard_normal((2, 16)) / 4, second * stream.standard_normal((16, 2)) / 2
    found = []
    for _ in range(80):
        away = b @ a - wanted
        found.append(float(np.linalg.norm(away) / np.linalg.norm(wanted)))
        a, b = a - 0.2 * b.T @ away, b - 0.2 * away @ a.T
    return found


def norm_clipping() -> dict[str, Any]:
    """How often a Gaussian gradient of n entries is clipped, by the limit over its rms norm."""
    rows = []
    for n in (10, 100, 10_000):
        for ratio in np.linspace(0.8, 1.6, 81):
            share = law("clip.probability", n=n, limit=float(ratio) * math.sqrt(n))
            rows.append({"x": float(ratio), "y": share, "line": f"{n} entries"})
    return _lines(rows, "limit over the gradient's rms norm", "share of steps clipped")


def diagnosis() -> dict[str, Any]:
    """Which remedy is tried first, second, ... for each symptom."""
    rows = [
        {"symptom": row.says, "remedy": key, "order": place}
        for row in SYMPTOMS
        for place, key in enumerate(row.remedies, start=1)
    ]
    x = {"field": "remedy", "type": "nominal", "sort": None, "title": None, "axis": {"labelAngle": -45}}
    y = {"field": "symptom", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 320}}
    at = {"x": x, "y": y}
    return {
        "data": {"values": rows},
        "width": 420,
        "layer": [
            {"mark": {"type": "circle", "size": 260, "opacity": 1},
             "encoding": {**at, "color": {"field": "order", "type": "quantitative", "legend": None,
                                          "scale": {"range": [BLUE, "#5f7f9f"]}}}},
            {"mark": {"type": "text", "color": "white"}, "encoding": {**at, "text": {"field": "order"}}},
        ],
    }  # fmt: skip


PICTURES: dict[str, Callable[[], dict[str, Any]]] = {
    "glorot-six": glorot_six,
    "relu-half": relu_half,
    "tanh-depth": tanh_depth,
    "edge-of-chaos": edge_of_chaos,
    "gaussian-products": products,
    "sigmoid-quarter": sigmoid_quarter,
    "symmetry": symmetry,
    "first-loss": first_loss,
    "bias-before-norm": bias_before_norm,
    "running-statistics": running_statistics,
    "two-fans": two_fans,
    "residual-scale": residual_scale,
    "lora-zero": lora_zero,
    "norm-clipping": norm_clipping,
    "diagnosis": diagnosis,
}


def _colour(field: str) -> dict[str, Any]:
    return {
        "field": field,
        "type": "nominal",
        "title": None,
        "sort": None,
        "scale": {"range": [BLUE, ORANGE, GREEN, GREY]},
    }


def _lines(rows: Rows, across: str, upwards: str, *, log: bool = False) -> dict[str, Any]:
    y = {"field": "y", "type": "quantitative", "title": upwards, "scale": {"type": "log" if log else "linear"}}
    return {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 1.6},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": across},
            "y": {**y, "axis": {"format": ".0e"}} if log else y,
            "color": {**_colour("line"), "legend": {"labelLimit": 300, "orient": "bottom", "columns": 1}},
            "strokeDash": {"field": "line", "type": "nominal", "sort": None, "legend": None},
        },
    }
