"""One layer in all frameworks on one axis, and what their versions changed: read off the recorded defaults.

Every number comes from the files in `reports/baselines`, which hold draws; nothing here believes a documentation.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from catalogue import prose
from pictures import BLUE, GREY, ORANGE, _frame

from varlaw.commands.defaults import pages_of
from varlaw.identify.baseline.records import decode
from varlaw.identify.records import CaseStatistics, Identified
from varlaw.reports.defaults import Defaults, Move, VersionChange

BASELINES = Path(__file__).parents[1] / "reports" / "baselines"
LINES = {"sqrt(2)": math.sqrt(2), "1": 1.0, "1/sqrt(3)": 1 / math.sqrt(3)}
MOST = 12  # changes of one version that are listed


class Layer(NamedTuple):
    """One kind of layer: how many terms one output sums, and which tensor is its weight in each framework."""

    title: str
    says: str
    terms: Callable[[CaseStatistics], float]
    weights: tuple[str, ...]


def _outputs(name: str) -> Callable[[CaseStatistics], float]:
    return lambda case: math.prod(case.shape) / case.case[name]


LAYERS = {
    "linear": Layer(
        "A Linear",
        "The standard deviation of a weight times sqrt(fan_in): at 1 the signal keeps its size, at sqrt(2) it does "
        "through ReLU.",
        _outputs("out_features"),
        ("torch.nn.Linear.weight", "keras.layers.Dense.kernel", "flax.linen.Dense.kernel", "flax.nnx.Linear.kernel",
         "equinox.nn.Linear.weight", "haiku.Linear.w", "jax.example_libraries.stax.Dense.w", "mlx.nn.Linear.weight",
         "paddle.nn.Linear.weight", "tinygrad.nn.Linear.weight"),
    ),
    "convolution": Layer(
        "A convolution",
        "The same for a convolution over two axes; fan_in counts the channels of one group times the taps.",
        _outputs("out_channels"),
        ("torch.nn.Conv2d.weight", "keras.layers.Conv2D.kernel", "flax.linen.Conv(2d).kernel",
         "flax.nnx.Conv(2d).kernel", "equinox.nn.Conv2d.weight", "haiku.Conv2D.w", "mlx.nn.Conv2d.weight",
         "paddle.nn.Conv2D.weight", "tinygrad.nn.Conv2d.weight"),
    ),
    "embedding": Layer(
        "An embedding",
        "The standard deviation of an entry: a table is looked up, not summed over. Where the dots spread, it "
        "depends on the sizes.",
        lambda case: 1.0,
        ("torch.nn.Embedding.weight", "keras.layers.Embedding.embeddings", "flax.linen.Embed.embedding",
         "flax.nnx.Embed.embedding", "equinox.nn.Embedding.weight", "haiku.Embed.embeddings", "mlx.nn.Embedding.weight",
         "paddle.nn.Embedding.weight", "tinygrad.nn.Embedding.weight"),
    ),
    "lstm-input": Layer(
        "An LSTM, from its input",
        "The weights that the input meets, times sqrt(input size). torch, mlx, equinox and paddle scale them by the "
        "hidden size.",
        lambda case: case.case["input_size"],
        ("torch.nn.LSTM.weight_ih_l0", "keras.layers.LSTM.lstm_cell.kernel", "flax.linen.OptimizedLSTMCell.ii.kernel",
         "flax.nnx.OptimizedLSTMCell.dense_i.kernel", "equinox.nn.LSTMCell.weight_ih", "mlx.nn.LSTM.Wx",
         "paddle.nn.LSTM.weight_ih_l0"),
    ),
    "lstm-state": Layer(
        "An LSTM, from its state",
        "The recurrent weights, times sqrt(hidden size).",
        lambda case: case.case["hidden_size"],
        ("torch.nn.LSTM.weight_hh_l0", "keras.layers.LSTM.lstm_cell.recurrent_kernel",
         "flax.linen.OptimizedLSTMCell.hi.kernel", "flax.nnx.OptimizedLSTMCell.dense_h.kernel",
         "equinox.nn.LSTMCell.weight_hh", "mlx.nn.LSTM.Wh", "paddle.nn.LSTM.weight_hh_l0"),
    ),
    "attention": Layer(
        "Attention, the query's projection",
        "Times sqrt(width). torch draws query, key and value as one matrix, whose fan_out counts three.",
        lambda case: case.case["embed_dim"],
        ("torch.nn.MultiheadAttention.in_proj_weight", "keras.layers.MultiHeadAttention.query.kernel",
         "flax.linen.MultiHeadAttention.query.kernel", "flax.nnx.MultiHeadAttention.query.kernel",
         "equinox.nn.MultiheadAttention.query_proj.weight", "mlx.nn.MultiHeadAttention.query_proj.weight",
         "paddle.nn.MultiHeadAttention.q_proj.weight"),
    ),
}  # fmt: skip


def write(generated: Path) -> None:
    """Write the page of layers and the page of versions, with a picture of each layer."""
    import vl_convert

    folder = generated / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    tensors, changes = recorded(), pages_of(files())
    charts = {f"compared-{name}": chart(layer, tensors) for name, layer in LAYERS.items()}
    charts["versions"] = lanes(changes)
    for name, of in charts.items():
        spec = json.dumps({**_frame(), **of}, sort_keys=True)
        drawn = vl_convert.vegalite_to_svg(spec, vl_version="6.1", allowed_base_urls=[])
        (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")
    (generated / "compared.md").write_text(page(tensors), encoding="utf-8")
    (generated / "versions.md").write_text(versions(changes), encoding="utf-8")


def files() -> list[Path]:
    """The recorded versions, those of one framework from the oldest to the newest."""

    def order(path: Path) -> tuple[str, list[int]]:
        name, _, version = path.stem.rpartition("-")
        return name, [int(part) for part in version.split(".")]

    return sorted((p for p in BASELINES.glob("*.json") if not p.stem.startswith("base.")), key=order)


def recorded() -> dict[str, tuple[str, Identified]]:
    """Every tensor of the newest version of each framework by name, with that version."""
    found: dict[str, tuple[str, Identified]] = {}
    for path in files():
        baseline = decode(path.read_bytes(), str(path))
        title = ", ".join(f"{name} {version}" for name, version in baseline.versions.items())
        found |= {tensor.name: (title, tensor) for tensor in baseline.tensors}
    return found


def points(layer: Layer, tensors: dict[str, tuple[str, Identified]]) -> Iterator[dict[str, Any]]:
    """A dot for each recorded case of each framework's weight."""
    for name in layer.weights:
        for case in tensors[name][1].cases:
            value = case.std * math.sqrt(layer.terms(case))
            if math.isfinite(value) and value > 0:
                yield {"name": tensors[name][1].subject, "value": value}


def chart(layer: Layer, tensors: dict[str, tuple[str, Identified]]) -> dict[str, Any]:
    """All frameworks on one log axis, with the scales that have a name."""
    rows = list(points(layer, tensors))
    ends = [row["value"] for row in rows] + list(LINES.values())
    scale = {"type": "log", "base": 2, "domain": [min(ends) / 1.2, max(ends) * 1.2], "nice": False}
    x = {"field": "value", "type": "quantitative", "scale": scale, "title": "std x sqrt(terms)",
         "axis": {"format": "~g", "values": [2.0**k for k in range(-8, 5)]}}  # fmt: skip
    if layer.title == "An embedding":
        x["title"] = "std"
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 340}}
    lines = [{"value": value, "text": text} for text, value in LINES.items()]
    text = {"type": "text", "baseline": "bottom", "dy": -4, "color": GREY, "fontSize": 10}
    rules: list[dict[str, Any]] = [
        {"data": {"values": lines}, "mark": {"type": "rule", "color": GREY, "strokeDash": [3, 3]},
         "encoding": {"x": x}},
        {"data": {"values": lines}, "mark": text, "encoding": {"x": x, "y": {"value": 0}, "text": {"field": "text"}}},
    ]  # fmt: skip
    torch = {"test": "indexof(datum.name, 'torch') === 0", "value": ORANGE}
    dots = {"mark": {"type": "point", "filled": True, "size": 60, "opacity": 0.7},
            "encoding": {"x": x, "y": y, "color": {"condition": torch, "value": BLUE}}}  # fmt: skip
    layers = [dots] if layer.title == "An embedding" else [*rules, dots]
    padding = {"left": 48, "top": 16, "right": 16, "bottom": 12}  # names are wider in the fonts of some readers
    return {"data": {"values": rows}, "width": 460, "padding": padding, "height": {"step": 24}, "layer": layers}


def page(tensors: dict[str, tuple[str, Identified]]) -> str:
    """The layers, each with its picture and the law that was identified in each framework."""
    lines = [
        "# A Linear in ten frameworks",
        "",
        "What the same layer starts with, wherever it comes from: read off the draws of [recorded",
        "versions](../guide-baselines.md), a dot for each recorded size. Nothing is taken from a documentation.",
        "flax has two Linears, which count as two.",
        "",
    ]
    for name, layer in LAYERS.items():
        picture = f"{layer.title} in {len(layer.weights)} libraries; the numbers stand in the table"
        lines += [f"## {layer.title}", "", layer.says, "", f"![{picture}](pictures/compared-{name}.svg)", ""]
        lines += ["| weight | law, from its draws | std x sqrt(terms) |", "|---|---|---|"]
        lines += [_row(layer, weight, *tensors[weight]) for weight in layer.weights]
        lines.append("")
    return "\n".join(lines)


def _row(layer: Layer, name: str, version: str, tensor: Identified) -> str:
    values = [case.std * math.sqrt(layer.terms(case)) for case in tensor.cases]
    values = [value for value in values if math.isfinite(value)]
    low, high = (f"{end:.3g}" for end in (min(values), max(values)))
    span = low if low == high else f"{low} to {high}"
    return f"| {version.partition('+')[0]}: `{name}` | `{tensor.reading.text}` | {span} |"


def lanes(changes: Defaults) -> dict[str, Any]:
    """A lane for each framework, from its oldest recorded version to its newest, with what changed between them."""
    dots, texts = [], []
    place: dict[str, int] = {}
    for version in changes.versions:
        lane, _, number = version.title.partition(" ")
        place[lane] = place.get(lane, -1) + 1
        dots.append({"lane": lane, "at": place[lane], "version": number.partition("+")[0]})
    for change in changes.changes:
        kinds = Counter(move.kind for move in change.moves)
        said = (
            ", ".join(f"{n} {kind}{'s' if kind == 'constant' else ''}" for kind, n in kinds.most_common())
            or "nothing moved"
        )
        lane = change.old.partition(" ")[0]
        old = next(dot for dot in dots if change.old.startswith(f"{lane} {dot['version']}") and dot["lane"] == lane)
        texts.append({"lane": lane, "at": old["at"] + 0.5, "text": said})
    x = {"field": "at", "type": "quantitative", "axis": None, "scale": {"domain": [-0.2, max(place.values()) + 0.3]}}
    y = {"field": "lane", "type": "nominal", "sort": None, "title": None, "axis": {"grid": True, "labelFontSize": 12}}
    below = {"type": "text", "dy": 14, "fontSize": 10, "color": GREY}
    above = {"type": "text", "dy": -8, "fontSize": 11}
    layers = [
        {"mark": {"type": "line", "color": BLUE}, "encoding": {"x": x, "y": y, "detail": {"field": "lane"}}},
        {
            "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "color": BLUE},
            "encoding": {"x": x, "y": y},
        },
        {"mark": below, "encoding": {"x": x, "y": y, "text": {"field": "version"}}},
        {"data": {"values": texts}, "mark": above, "encoding": {"x": x, "y": y, "text": {"field": "text"}}},
    ]
    return {"data": {"values": dots}, "width": 520, "height": {"step": 44}, "layer": layers}


def versions(changes: Defaults) -> str:
    """What moved from each recorded version of a framework to the next."""
    changes = changes.changes
    lines = ["# Defaults, version by version", "", "Laws are compared, not bits: other draws of one law are no change.",
             "`varlaw baseline diff OLD NEW` says the same of any two files.", "",
             "![A lane for each framework, with what changed between its recorded versions](pictures/versions.svg)", "",
             "| from | to | what moved |", "|---|---|---|"]  # fmt: skip
    lines += [f"| {p.old} | {p.new} | {prose(p.summary)} |" for p in changes]
    for change in changes:
        if change.moves:
            lines += ["", f"## {change.old} to {change.new}", "", *_moves(change)]
    return "\n".join([*lines, ""])


def _moves(change: VersionChange) -> Iterator[str]:
    yield from ("| what | where | was | is | scale |", "|---|---|---|---|---|")
    for move in change.moves[:MOST]:
        yield f"| {move.kind} | `{move.name}` | {_code(move.before)} | {_code(move.after)} | {_scale(move)} |"
    if len(change.moves) > MOST:
        yield f"\nand {len(change.moves) - MOST} more, which `varlaw baseline diff` lists."


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _scale(move: Move) -> str:
    return prose(move.scale) if move.scale else ""
