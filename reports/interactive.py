"""The charts of a report as one page that answers to the pointer: zoom, tooltips, export. It too loads nothing.

The page carries Vega, Vega-Lite and Vega-Embed as vl-convert (extra `charts`) bundles them, some 0.9 MB, and is made on
request only. Vega compiles its expressions, so this page alone allows its scripts to evaluate code.
"""

import functools
import json
from typing import Any, Final

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from varlaw.claims.verdict import Run
from varlaw.reports import charts, drawing
from varlaw.reports.files import ReportError
from varlaw.reports.groups import grouped
from varlaw.reports.pages import ALONE, Bar, asset, digest, template

PAGE: Final = "charts.html"
TITLES: Final = {False: "Off the law, or undecided", True: "Conforming"}
ROWS: Final = 200


def render(run: Run, bar: Bar = ALONE) -> str:
    """The interactive page of a run; `ReportError` in one line where the extra `charts` is not installed."""
    groups = grouped(run.verdicts)
    chosen = {title: charts.selection(groups, quiet=quiet, limit=ROWS) for quiet, title in TITLES.items()}
    specs = {title: _with_pointer(charts.forest(rows)) for title, rows in chosen.items() if rows}
    bundle = _bundle()
    scripts = [digest(bundle), digest(asset("charts.js"))]
    data = htmlsafe_json_dumps({"specs": list(specs.values()), "roles": charts.ROLES}, dumps=_compact)
    return template("charts.html.j2").render(
        bar=bar.at("Charts"), titles=list(specs), data=data, bundle=Markup(bundle), scripts=scripts
    )


def _compact(data: Any, **options: Any) -> str:
    return json.dumps(data, separators=(",", ":"), sort_keys=True, **options)


def _with_pointer(spec: dict[str, Any]) -> dict[str, Any]:
    """A chart whose points tell their numbers, and whose axis zooms."""
    fields = ("label", "state", "ratio", "low", "high")
    tooltip = [{"field": f, "type": "quantitative" if f in ("ratio", "low", "high") else "nominal"} for f in fields]
    *others, dots, text = spec["layer"]
    zoom = {"name": "zoom", "select": {"type": "interval", "encodings": ["x"]}, "bind": "scales"}
    dots = {**dots, "encoding": {**dots["encoding"], "tooltip": tooltip}, "params": [zoom]}
    return {**spec, "layer": [*others, dots, text]}


@functools.cache
def _bundle() -> str:
    if not drawing.installed():
        msg = "interactive charts need the extra charts, as in: pip install 'varlaw[charts]'"
        raise ReportError(msg)
    code = drawing.javascript()
    if code is None:
        msg = "the extra charts gave no scripts for interactive charts: too little memory, or broken"
        raise ReportError(msg)
    return code.replace("</script", "<\\/script")
