"""Where the pages come from: the templates, what they may call, and the scripts and styles that go into a page."""

import base64
import functools
import hashlib
import urllib.parse
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Final

import jinja2
from markupsafe import Markup, escape

from varlaw.reports import charts, glossary, texts, wording
from varlaw.reports.matrix import cell_lines

NARROW: Final = 270  # pixels of the field of a chart that a telephone shows as it is drawn
LIMIT: Final = 3_000_000  # bytes of one page


@dataclass(frozen=True)
class Bar:
    """What every page of a report has at its top: links to the others (title, address), and the search over all."""

    links: tuple[tuple[str, str], ...] = ()
    root: str = ""  # from the page to the folder of the report
    here: str = ""  # the title of the page, or of those that it belongs to

    def at(self, here: str, root: str = "") -> "Bar":
        """The same for a page of this title; `root` leads from its folder to that of the report."""
        return replace(self, here=here, root=root)


ALONE: Final = Bar()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("varlaw.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(texts, name) for name in ("plain", "percent", "risk", "number")}
    environment.filters |= {"dotted": dotted, "anchor": anchor}
    environment.globals |= {
        "bar": None,  # a page alone, as of a model, has none
        "texts": texts,
        "wording": wording,
        "glossary": glossary,
        "LETTERS": wording.LETTERS,
        "cell_lines": cell_lines,
        "strip": charts.strip,
        "asset": asset,
        "digest": digest,
    }
    return environment


def template(name: str) -> jinja2.Template:
    """A page to be rendered: every text that goes into it is escaped."""
    return _environment().get_template(name)


def asset(name: str) -> Markup:
    """A style sheet or script of ours, as it goes into the page."""
    loader = _environment().loader
    assert loader is not None
    return Markup(loader.get_source(_environment(), name)[0])


def font(name: str) -> bytes:
    """A font of ours, as it lies beside the pages."""
    return (resources.files("varlaw.reports") / "templates" / name).read_bytes()


def digest(script: str) -> str:
    """The hash by which a page's content security policy knows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def dotted(name: str) -> Markup:
    """A name that breaks after its dots, where it must.

    >>> dotted("torch.nn.<b>")
    Markup('torch.<wbr>nn.<wbr>&lt;b&gt;')
    """
    return Markup(str(escape(texts.plain(name))).replace(".", ".<wbr>"))


def anchor(name: str) -> str:
    """The address of a name within a page, as `encodeURIComponent` writes it.

    >>> anchor("torch.nn.Linear (complex)")
    'torch.nn.Linear%20(complex)'
    """
    return urllib.parse.quote(texts.plain(name), safe="!~*'()")


def responsive(spec: dict[str, Any]) -> Markup | None:
    """A chart as wide as a screen, and beside it one as wide as a telephone, whose letters have the same size."""
    wide, narrow = picture(spec), picture({**spec, "width": NARROW})
    return wide and narrow and Markup(f'<div class="desk">{wide}</div><div class="phone">{narrow}</div>')


def picture(spec: dict[str, Any]) -> Markup | None:
    """A chart as it goes into a page; None where charts cannot be drawn. Vega escapes the texts of a chart."""
    drawn = charts.svg(spec)
    return None if drawn is None else Markup(drawn)
