"""The evidence of a page as JSON within it, read when a cell is opened: compact, and safe whatever the texts are.

Guarantee: no text can end the script element that holds it, and every verdict given is there with all its fields.
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from varlaw.claims.verdict import Deviation, Verdict
from varlaw.reports import texts, wording
from varlaw.reports.groups import Group
from varlaw.reports.texts import plain

DEFLATE_ABOVE: Final = 400_000  # bytes of evidence that stay readable in the page's source


def embedded(groups: Sequence[Group], laws: Mapping[str, str]) -> dict[str, str]:
    """The evidence of all cells as text for the page and the name of its encoding ("" or "deflate").

    `laws` gives the address of the page of each law. Each text stands once, in a table; numbers keep six significant
    digits (all of them are in the records).
    """
    table: dict[str, int] = {}

    def text(value: str) -> int:
        return table.setdefault(plain(value), len(table))

    cells = [[text(g.subject), text(g.claim), text(g.platform), [_record(v, text) for v in g.verdicts]] for g in groups]
    tested = {v.law: laws[v.law] for g in groups for v in g.verdicts if v.law in laws}
    data = json.dumps(
        {"texts": list(table), "cells": cells, "laws": tested},
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )
    if len(data) <= DEFLATE_ABOVE:
        return {"encoding": "", "text": Markup(_script_safe(data))}
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    squeezed = squeezer.compress(data.encode()) + squeezer.flush()
    return {"encoding": "deflate", "text": base64.b64encode(squeezed).decode()}


def _record(verdict: Verdict, text: Callable[[str], int]) -> list[Any]:
    """A verdict in the order that `page.js` names its fields."""
    low, high = verdict.interval or (None, None)
    fields = (
        *(verdict.law, verdict.statement, verdict.op, verdict.dtype, verdict.device, wording.case_text(verdict.case)),
        *(verdict.state, verdict.quantity, wording.ratio(verdict), wording.interval(verdict), wording.effort(verdict)),
        *(wording.likely(verdict), wording.undecided(verdict) if verdict.state == "undecided" else "", verdict.detail),
        wording.replay_command(verdict),
    )
    numbers = (
        *(verdict.expected, verdict.observed, verdict.ratio, low, high),
        *(verdict.delta, verdict.certified, verdict.alpha, verdict.beta, verdict.log_evidence),
        verdict.error,
    )
    shown = [text(line) for line in verdict.reproduction.splitlines()]
    known = _deviation(verdict.deviation, text)
    return [*map(text, fields), *map(_six, numbers), verdict.samples, known, shown, list(verdict.cells or ())]


def _deviation(known: Deviation | None, text: Callable[[str], int]) -> list[Any] | int:
    if known is None:
        return 0
    said = (
        known.id,
        f"{known.reason} ({wording.standing(known)})",
        texts.link_text(known.link),
        texts.hyperlink(known.link),
    )
    return [*map(text, said), text(wording.foreseen(known)), text(known.versions)]


def _six(value: float | None) -> float | int | None:
    """Six significant digits, whole numbers without a point."""
    if value is None:
        return None
    short = float(f"{value:.6g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _script_safe(data: str) -> str:
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return data
