"""The pictures of the documentation: simulated with the engine's own tests on keyed streams, drawn by Vega-Lite.

A normal sampler enters every decision about its scale through n and the sum of squares alone, so a path is drawn from
chi-square increments and costs no samples; the looks are those of `varlaw.evidence.decide`.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from varlaw.evidence import scale
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.streams import Key

Rows = list[dict[str, Any]]
BLUE, ORANGE, GREY = "#1f5f99", "#b8530c", "#666666"
PATHS = 40  # simulated decisions for each mean


def write(folder: Path) -> None:
    """Draw every picture as SVG below a folder."""
    import vl_convert

    folder.mkdir(parents=True, exist_ok=True)
    for name, chart in PICTURES.items():
        spec = json.dumps({**_frame(), **chart()}, sort_keys=True)
        drawn = vl_convert.vegalite_to_svg(spec, vl_version="6.1", allowed_base_urls=[])
        (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")


# -- simulation --------------------------------------------------------------------------------------------------------


def path(ratio: float, policy: Policy, name: str) -> Iterator[tuple[int, float]]:
    """n and the sum of squares at each look of a decision, for a sampler whose std is `ratio` times the lawful one."""
    stream = Key("docs", name, json.dumps([ratio, policy.delta, policy.beta])).generator()
    n, squares, cap = 0, 0.0, scale.cap(policy.delta, policy.alpha, policy.beta)
    while n < cap:
        step = max(policy.first, math.ceil(n * (1 + policy.growth))) - n
        n, squares = n + step, squares + ratio**2 * float(stream.chisquare(step))
        yield n, squares


def verdict(n: int, squares: float, policy: Policy) -> str:
    """What the sequential tests say at one look."""
    if scale.violation(n, squares, policy.delta) >= math.log(2 / policy.alpha):
        return "VIOLATES"
    if scale.conformity(n, squares, policy.delta) >= scale.passing(policy.beta):
        return "CONFORMS"
    return "UNDECIDED"


def decision(ratio: float, policy: Policy, name: str) -> tuple[str, int]:
    """The outcome for such a sampler, and the samples it took; at the cap the exact test decides."""
    n, squares = 0, 0.0
    for n, squares in path(ratio, policy, name):
        if (found := verdict(n, squares, policy)) != "UNDECIDED":
            return found, n
    low, high = scale.terminal_limits(n, policy.alpha)
    return ("CONFORMS" if low <= squares <= high else "VIOLATES"), n


def mean_samples(policy: Policy) -> float:
    """Samples to decide that a lawful sampler conforms, on average over `PATHS` decisions."""
    return sum(decision(1.0, policy, f"samples {k}")[1] for k in range(PATHS)) / PATHS


# -- charts ------------------------------------------------------------------------------------------------------------


def samples() -> dict[str, Any]:
    """Mean samples against delta, for both betas and for one look at a fixed n; the three policies as points."""
    lines: Rows = []
    for beta in (1e-3, 1e-6):
        for delta in (0.1, 0.05, 0.02, 0.01, 0.003, 0.001):
            rule = Policy("line", delta=delta, beta=beta)
            of_mean = {"line": f"beta {beta:.0e}, mean", "n": mean_samples(rule)}
            of_cap = {"line": f"beta {beta:.0e}, at most", "n": scale.cap(delta, rule.alpha, beta)}
            lines += [{"delta": delta, **of_mean}, {"delta": delta, **of_cap}]
    points = [{"delta": p.delta, "n": mean_samples(p), "name": p.name} for p in POLICIES.values()]
    x = _log("delta", "delta: the error of the standard deviation that must be found", "%")
    y = _log("n", "samples to decide, lawful sampler", "~s")
    colour = {"field": "line", "type": "nominal", "title": None, "scale": {"range": [BLUE, BLUE, ORANGE, ORANGE]}}
    dash = {"field": "line", "type": "nominal", "title": None, "scale": {"range": [[4, 4], [1, 0], [4, 4], [1, 0]]}}
    at = {"x": x, "y": y}
    return {
        "layer": [
            {"data": {"values": lines}, "mark": "line", "encoding": {**at, "color": colour, "strokeDash": dash}},
            {"data": {"values": points}, "mark": {"type": "point", "filled": True, "size": 70, "color": "black"},
             "encoding": at},
            {"data": {"values": points}, "mark": {"type": "text", "dx": 8, "dy": -8, "align": "left"},
             "encoding": {**at, "text": {"field": "name"}}},
        ],
    }  # fmt: skip


def evidence() -> dict[str, Any]:
    """Log e-values against the law along the draws: eight lawful samplers, eight whose std is 1 % too large."""
    rule = POLICIES["nightly"]
    rows: Rows = []
    for ratio, sampler in ((1.0, "lawful"), (1.01, "std 1 % too large")):
        for k in range(8):
            for n, squares in path(ratio, rule, f"evidence {k}"):
                value = scale.violation(n, squares, rule.delta)
                rows.append({"n": n, "e": max(value, -40), "sampler": sampler, "path": f"{sampler} {k}"})
                if value > 40:
                    break
    level = math.log(2 / rule.alpha)
    return _curves(
        rows, "e", "log e-value against the law, in nats", [{"y": level, "text": "VIOLATES, for good: ln(2 / alpha)"}]
    )


def interval() -> dict[str, Any]:
    """The always-valid interval of one lawful sampler, look by look, and the moment at which it conforms."""
    rule = POLICIES["nightly"]
    rows: Rows = []
    done = None
    for n, squares in path(1.0, rule, "interval"):
        low, high = scale.interval(n, squares, rule.gamma)
        rows.append({"n": n, "low": low, "high": high, "ratio": math.sqrt(squares / n)})
        if done is None and scale.conformity(n, squares, rule.delta) >= scale.passing(rule.beta):
            done = n
    x = _log("n", "samples", "~s")
    y = {"type": "quantitative", "scale": {"zero": False}, "title": "observed / expected", "axis": {"format": ".3f"}}
    band = [{"y": 1 - rule.delta}, {"y": 1 + rule.delta}]
    return {
        "layer": [
            {"data": {"values": rows}, "mark": {"type": "area", "color": BLUE, "opacity": 0.25},
             "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}},
            {"data": {"values": rows}, "mark": {"type": "line", "color": BLUE},
             "encoding": {"x": x, "y": {**y, "field": "ratio"}}},
            {"data": {"values": band}, "mark": {"type": "rule", "strokeDash": [4, 4], "color": GREY},
             "encoding": {"y": {**y, "field": "y"}}},
            {"data": {"values": [{"n": done, "text": ""}]},
             "mark": {"type": "rule", "color": "black"}, "encoding": {"x": x}},
            {"data": {"values": [{"n": done, "text": "CONFORMS from here"}]},
             "mark": {"type": "text", "align": "right", "dx": -6}, "encoding":
             {"x": x, "y": {"value": 14}, "text": {"field": "text"}}},
        ],
    }  # fmt: skip


def verdicts() -> dict[str, Any]:
    """The share of each verdict against the true error of the standard deviation, at the policy of a pull request."""
    rule = POLICIES["pr"]
    rows: Rows = []
    for error in (-0.08, -0.065, -0.05, -0.04, -0.03, -0.02, 0.0, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08):
        outcomes = [decision(1 + error, rule, f"verdicts {k}")[0] for k in range(PATHS)]
        rows += [
            {"error": error, "share": outcomes.count(word) / PATHS, "verdict": word}
            for word in ("CONFORMS", "VIOLATES")
        ]
    return {
        "data": {"values": rows},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "error", "type": "quantitative", "title": "true error of the standard deviation",
                  "axis": {"format": "+.0%", "values": [-0.08, -0.05, -0.02, 0, 0.02, 0.05, 0.08]}},
            "y": {"field": "share", "type": "quantitative", "title": "share of decisions", "axis": {"format": ".0%"}},
            "color": {"field": "verdict", "type": "nominal", "title": None, "scale": {"range": [BLUE, ORANGE]}},
            "shape": {"field": "verdict", "type": "nominal", "legend": None},
        },
    }  # fmt: skip


def three() -> dict[str, Any]:
    """What draws say of three samplers, as intervals against the band of +-delta."""
    rule = POLICIES["pr"]
    rows: Rows = []
    for ratio, most, name in (
        (1.0, math.inf, "lawful"), (1.1, math.inf, "std 10 % too large"), (1.0, 1500, "lawful, only 1,500 draws"),
    ):  # fmt: skip
        outcome, n, squares = "UNDECIDED", 0, 0.0
        for n, squares in itertools.takewhile(lambda at, most=most: at[0] <= most, path(ratio, rule, name)):  # type: ignore[misc]
            outcome = verdict(n, squares, rule)
            if outcome != "UNDECIDED":
                break
        low, high = scale.interval(n, squares, rule.gamma)
        found = {"low": low, "high": high, "ratio": math.sqrt(squares / n), "outcome": outcome}
        rows.append({**found, "row": f"{name}: {outcome}"})
    axis = {"values": [0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2], "format": ".2f"}
    x: dict[str, Any] = {"type": "quantitative", "scale": {"zero": False}, "title": "observed / expected", "axis": axis}
    y = {"field": "row", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 300}}
    words = ["CONFORMS", "VIOLATES", "UNDECIDED"]
    colour = {"field": "outcome", "type": "nominal", "legend": None,
              "scale": {"domain": words, "range": [BLUE, ORANGE, GREY]}}  # fmt: skip
    band = [{"low": 0.95, "high": 1.05}]
    return {
        "height": 120,
        "padding": {"left": 60, "top": 12, "right": 12, "bottom": 12},
        "layer": [
            {"data": {"values": band}, "mark": {"type": "rect", "color": "#dddddd"},
             "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}}},
            {"data": {"values": rows}, "mark": {"type": "rule", "strokeWidth": 3},
             "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour}},
            {"data": {"values": rows}, "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
             "encoding": {"x": {**x, "field": "ratio"}, "y": y, "color": colour, "shape": {
                 "field": "outcome", "type": "nominal", "legend": None}}},
        ],
    }  # fmt: skip


PICTURES: dict[str, Callable[[], dict[str, Any]]] = {
    "samples": samples,
    "evidence": evidence,
    "interval": interval,
    "verdicts": verdicts,
    "three": three,
}


def _curves(rows: Rows, field: str, title: str, levels: Rows) -> dict[str, Any]:
    y = {"type": "quantitative", "title": title}
    colour = {"field": "sampler", "type": "nominal", "title": None, "scale": {"range": [BLUE, ORANGE]}}
    dash = {"field": "sampler", "type": "nominal", "title": None, "scale": {"range": [[1, 0], [5, 2]]}}
    across = {"field": "n", "type": "quantitative", "title": "samples", "axis": {"format": "~s"}}
    return {
        "layer": [
            {"data": {"values": rows}, "mark": {"type": "line", "strokeWidth": 1.3},
             "encoding": {"x": across, "y": {**y, "field": field}, "color": colour, "strokeDash": dash,
                          "detail": {"field": "path"}}},
            {"data": {"values": levels}, "mark": {"type": "rule", "strokeDash": [4, 4]},
             "encoding": {"y": {**y, "field": "y"}}},
            {"data": {"values": levels}, "mark": {"type": "text", "align": "right", "dy": -7},
             "encoding": {"x": {"value": {"expr": "width"}}, "y": {**y, "field": "y"}, "text": {"field": "text"}}},
        ],
    }  # fmt: skip


def _log(field: str, title: str, form: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "scale": {"type": "log", "nice": False},
            "axis": {"format": form, "tickCount": 6}}  # fmt: skip


def _frame() -> dict[str, Any]:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": 520,
        "height": 280,
        "background": "white",
        "padding": {"left": 12, "top": 12, "right": 48, "bottom": 12},  # legends are wider in the fonts of some readers
        "config": {"font": "system-ui, sans-serif", "axis": {"titleFontWeight": "normal"}},
    }
