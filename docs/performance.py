"""The page of costs: ratios with their spread against peers, from what `nox -s bench` saved last."""

import json
from pathlib import Path
from typing import Any

from catalogue import prose
from pictures import BLUE, GREY, ORANGE, _frame

from varlaw.reports.benchmarks import Measured, Pair, read, seconds

SAVED = Path(__file__).parents[1] / ".benchmarks"


def write(generated: Path) -> None:
    """Write the page, and its picture where there is something to draw."""
    folder = generated / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    measured = newest()
    if measured is not None and measured.pairs:
        import vl_convert

        spec = json.dumps({**_frame(), **chart(measured.pairs)}, sort_keys=True)
        drawn = vl_convert.vegalite_to_svg(spec, vl_version="6.1", allowed_base_urls=[])
        (folder / "performance.svg").write_text(drawn, encoding="utf-8")
    (generated / "performance.md").write_text(page(measured), encoding="utf-8")


def newest(folder: Path = SAVED) -> Measured | None:
    """The last file that was saved; None where nothing was measured on this machine."""
    files = sorted(folder.glob("*/*.json"), key=lambda path: path.stat().st_mtime)
    return read(files[-1]) if files else None


def page(measured: Measured | None) -> str:
    """What each operation costs beside the same of a peer."""
    lines = [
        "# What it costs",
        "",
        "Ours over theirs, in one run on one machine, for the same work on the same bytes: the best times, and what",
        "the quartiles of both allow the ratio to be. `nox -s bench` measures; `varlaw report --benchmarks FILE` draws",
        "cost against size.",
        "",
    ]
    if measured is None or not measured.pairs:
        return "\n".join(
            [*lines, "Nothing was measured where this page was built: `nox -s bench`, then `nox -s docs`.", ""]
        )
    lines += [f"{prose(measured.cpu)}, {prose(measured.when)}.", ""]
    lines += ["![Ratios of the largest size of each pair; the numbers stand in the table](pictures/performance.svg)"]
    lines += ["", "| pair | entries | ours | theirs | ratio | spread | goal |", "|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_row, measured.pairs), ""])


def _row(pair: Pair) -> str:
    low, high = pair.spread
    times = f"{seconds(pair.ours.best)} | {seconds(pair.theirs.best)}"
    goal = f"{pair.goal:.2f} {'reached' if pair.met else 'missed'}"
    return f"| {prose(pair.name)} | {pair.size:,} | {times} | {pair.ratio:.2f} | {low:.2f} to {high:.2f} | {goal} |"


def chart(pairs: tuple[Pair, ...]) -> dict[str, Any]:
    """The largest size of each pair on one log axis, the spread as a line; at 1 both cost the same."""
    largest = {pair.name: pair for pair in sorted(pairs, key=lambda pair: pair.size)}
    rows = [{"pair": p.name, "ratio": p.ratio, "low": p.spread[0], "high": p.spread[1], "met": p.met}
            for p in largest.values()]  # fmt: skip
    ends = [end for row in rows for end in (row["low"], row["high"], 1.0)]
    scale = {"type": "log", "domain": [min(ends) / 1.2, max(ends) * 1.2], "nice": False}
    x = {"field": "ratio", "type": "quantitative", "title": "ours / theirs", "scale": scale, "axis": {"format": "~g"}}
    y = {"field": "pair", "type": "nominal", "sort": "x", "title": None, "axis": {"labelLimit": 400}}
    colour = {"condition": {"test": "datum.met", "value": BLUE}, "value": ORANGE}
    layers = [
        {"data": {"values": [{"ratio": 1}]}, "mark": {"type": "rule", "color": GREY, "strokeDash": [3, 3]},
         "encoding": {"x": x}},
        {"mark": {"type": "rule", "strokeWidth": 2},
         "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour}},
        {"mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
         "encoding": {"x": x, "y": y, "color": colour}},
    ]  # fmt: skip
    return {"data": {"values": rows}, "width": 420, "height": {"step": 22}, "layer": layers}
