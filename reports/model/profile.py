"""`ModelProfile`: what theory foresees of a network at every depth, as text, SVG, JSON and in a notebook.

The picture has no need of the extra `charts`: it is written as plain SVG, the same bytes wherever it is made.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from markupsafe import escape

from varlaw.diagnose.records import Depth, Profile
from varlaw.reports.files import write_whole
from varlaw.reports.texts import plain

_COLUMNS, _LINES = 60, 9  # of a curve in the terminal
_AXIS = 14  # columns left of a curve
_LABEL, _FULL = 22, 80  # columns of names, and of the whole table
_ROWS = 24  # of the table, beyond which its middle is left out
_WIDE, _HIGH, _LEFT, _TOP = 640, 220, 64, 26  # of a picture, in pixels
_Pick = Callable[[Depth], float | None]


class _Last(NamedTuple):
    """The last column of the table."""

    title: str
    width: int


class ModelProfile:
    """What `varlaw.predict` foresees: `depths`, one each block; it prints itself as two curves and a table."""

    def __init__(self, record: Profile) -> None:
        self.record = record

    @property
    def depths(self) -> list[Depth]:
        """The input, then what stands behind each block."""
        return self.record.depths

    def json(self, path: str | Path | None = None) -> str:
        """The record as one JSON object, written to `path` whole or not at all where it is given."""
        data = msgspec.json.format(msgspec.json.encode(self.record), indent=1).decode()
        if path is not None:
            write_whole(Path(path), data.encode())
        return data

    def svg(self, path: str | Path | None = None) -> str:
        """Signal and gradient against depth as one SVG picture, written to `path` where it is given."""
        drawn = _svg(self.record)
        if path is not None:
            write_whole(Path(path), drawn.encode())
        return drawn

    def text(self, width: int = 80) -> str:
        """Two curves and a table, in lines of at most `width` columns, from 60 on."""
        return "\n".join(_text(self.record, width))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"{_svg(self.record)}<pre>{escape(chr(10).join(_table(self.record, 80)))}</pre>"


def _rms(pick: _Pick) -> _Pick:
    return lambda depth: math.sqrt(x) if (x := pick(depth)) is not None and 0 < x < math.inf else None


_FORWARD = _rms(lambda d: d.second), _rms(lambda d: d.low), _rms(lambda d: d.high), _rms(lambda d: d.measured)
_BACKWARD = (
    _rms(lambda d: d.gradient), _rms(lambda d: d.gradient_low), _rms(lambda d: d.gradient_high),
    _rms(lambda d: d.measured_gradient),
)  # fmt: skip
_PANELS = (("rms of the signal", _FORWARD), ("rms of the gradient", _BACKWARD))


# -- text --------------------------------------------------------------------------------------------------------------


def _text(record: Profile, width: int) -> list[str]:
    lines = [f"{plain(record.name)}: {len(record.depths) - 1} blocks", ""]
    for title, (value, low, high, _) in _PANELS:
        curve = _curve(record.depths, value, low, high, min(_COLUMNS, width - _AXIS))
        lines += [f"  {title} by depth; dots: 99.9 % of draws", *curve, ""]
    return [*lines, *_table(record, width)]


def _curve(depths: Sequence[Depth], value: _Pick, low: _Pick, high: _Pick, columns: int) -> list[str]:
    """A column for each depth (or the last of those that share one), with the scale at the left; log scale."""
    count = min(columns, len(depths))
    places = [round(i * (len(depths) - 1) / max(1, count - 1)) for i in range(count)]
    picked = [tuple(pick(depths[i]) for pick in (value, low, high)) for i in places]
    known = [math.log(x) for column in picked for x in column if x is not None]
    if not known:
        return ["    nothing is foreseen"]
    bottom, top = min(known), max(known)
    top = max(top, bottom + 0.1)
    drawn = [[_cell(column, row, bottom, top) for column in picked] for row in range(_LINES)]
    ends = {0: top, _LINES - 1: bottom}
    return [
        f"  {f'{math.exp(ends[row]):.3g}' if row in ends else '':>9} |{''.join(cells)}".rstrip()
        for row, cells in enumerate(drawn)
    ]


def _cell(column: Sequence[float | None], row: int, bottom: float, top: float) -> str:
    def line(x: float) -> int:
        return round((top - math.log(x)) / (top - bottom) * (_LINES - 1))

    value, low, high = column
    if value is not None and line(value) == row:
        return "o"
    return "." if low is not None and high is not None and line(high) <= row <= line(low) else " "


def _table(record: Profile, width: int) -> list[str]:
    """A line for each depth; on a narrow screen without the correlations, and with short names."""
    depths, half = record.depths, _ROWS // 2
    last = _Last("seen", 9) if any(d.measured is not None for d in depths) else _Last("corr.", 6)
    last = last if width >= _FULL else _Last("", 0)
    label = min(_LABEL, max(width - _FULL + _LABEL + 8, 8))
    head = f"  {'depth':>5} {'behind':{label}} {'rms':>9} {'band':>19} {'gradient':>9} {last.title:>{last.width}}"
    lines = [head.rstrip()]
    left_out = max(0, len(depths) - _ROWS)
    for i, depth in enumerate(depths):
        if left_out and i == half:
            lines.append(f"  ... {left_out} more")
        if not left_out or i < half or i >= len(depths) - half:
            lines.append(_row(i, depth, label, last))
    return lines


def _row(i: int, depth: Depth, width: int, last: "_Last") -> str:
    rms, low, high, seen = (pick(depth) for pick in _FORWARD)
    band = f"{low:.3g} - {high:.3g}" if low is not None and high is not None else ""
    label = plain(depth.label)
    if len(label) > width:  # of a module's path the end says more, of words the beginning
        label = label[: width - 1] + "~" if " " in label else "~" + label[1 - width :]
    correlation = "" if depth.correlation is None else f"{depth.correlation:.3f}"
    end = {"seen": _number(seen), "corr.": correlation}.get(last.title, "")
    gradient = _number(_BACKWARD[0](depth))
    return f"  {i:>5} {label:{width}} {_number(rms):>9} {band:>19} {gradient:>9} {end:>{last.width}}".rstrip()


def _number(x: float | None) -> str:
    return "-" if x is None else f"{x:.3g}"


# -- picture -----------------------------------------------------------------------------------------------------------


def _svg(record: Profile) -> str:
    """Both panels: the band as an area, the law as a line, what was measured as dots."""
    height = len(_PANELS) * (_HIGH + _TOP + 24)
    panels = [_panel(record.depths, title, picks, i * (_HIGH + _TOP + 24)) for i, (title, picks) in enumerate(_PANELS)]
    title = f"<title>{escape(plain(record.name))}</title>"
    style = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    box = f'viewBox="0 0 {_LEFT + _WIDE + 16} {height}" width="{_LEFT + _WIDE + 16}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {box} {style}>{title}{"".join(panels)}</svg>\n'


def _panel(depths: Sequence[Depth], title: str, picks: Sequence[_Pick], down: int) -> str:
    values = [math.log(x) for d in depths for pick in picks if (x := pick(d)) is not None]
    bottom, top = (min(values), max(values)) if values else (0.0, 0.0)
    bottom, top = bottom - 0.05, top + 0.05

    def at(i: int, x: float) -> str:
        across = _LEFT + _WIDE * i / max(1, len(depths) - 1)
        return f"{across:.1f},{_TOP + (top - math.log(x)) / (top - bottom) * _HIGH:.1f}"

    def points(pick: _Pick) -> list[str]:
        return [at(i, x) for i, d in enumerate(depths) if (x := pick(d)) is not None]

    value, low, high, seen = picks
    area = " ".join([*points(high), *reversed(points(low))])
    dots = "".join(
        f'<circle cx="{p.partition(",")[0]}" cy="{p.partition(",")[2]}" r="2.5" fill="#c2410c"/>' for p in points(seen)
    )
    return (
        f'<g transform="translate(0,{down})"><text x="{_LEFT}" y="14">{title} (log scale)</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">{math.exp(top):.3g}</text>'
        f'<text x="{_LEFT - 6}" y="{_TOP + _HIGH}" text-anchor="end">{math.exp(bottom):.3g}</text>'
        f'<path d="M{_LEFT},{_TOP}V{_TOP + _HIGH}H{_LEFT + _WIDE}" fill="none" stroke="currentColor" opacity="0.4"/>'
        f'<polygon points="{area}" fill="#2563eb" opacity="0.18"/>'
        f'<polyline points="{" ".join(points(value))}" fill="none" stroke="#2563eb" stroke-width="2"/>{dots}'
        f'<text x="{_LEFT}" y="{_TOP + _HIGH + 16}">input</text>'
        f'<text x="{_LEFT + _WIDE}" y="{_TOP + _HIGH + 16}" text-anchor="end">{len(depths) - 1} blocks</text></g>'
    )
