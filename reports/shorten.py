"""Texts from outside in a length that a page can hold: what is longer loses its middle, and says how much.

The records keep every text whole. Two long names that differ stay different: the cut names their checksum.
"""

import operator
import zlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from varlaw.claims.verdict import Run, Verdict
from varlaw.reports.records import Records, held, once

MOST: Final = 600  # characters of a name or a sentence
LONGEST: Final = {"reproduction": 6_000}  # of a script
KEY: Final = 20_000  # of a replay key, which is whole or not there
_TEXTS: Final = tuple(f.name for f in msgspec.structs.fields(Verdict) if f.type in (str, str | None))
_ALL: Final = operator.attrgetter(*_TEXTS)


def abridged(run: Run) -> Run:
    """The run with every text of every verdict cut to what a page can hold, whenever it is asked for."""
    return msgspec.structs.replace(run, verdicts=_abridged(run.verdicts))


@once
def _abridged(verdicts: Sequence[Verdict]) -> Records:
    records = verdicts if isinstance(verdicts, Records) else held(verdicts)
    short = records.each(_verdict)
    short.found["_abridged"] = short  # once is enough
    return short


def cut(text: str, most: int = MOST) -> str:
    """A text of at most about `most` characters.

    >>> cut("w" * 700 + ".weight", 40)
    'wwwwwwwwwwwwwwwwwwww [... 674 characters, 4a66b4a3 ...] wwwwww.weight'
    """
    if len(text) <= most:
        return text
    head, tail = text[: most // 2], text[len(text) - most // 3 :]
    mark = zlib.crc32(text.encode("utf-8", "replace"))
    return f"{head} [... {len(text) - len(head) - len(tail)} characters, {mark:08x} ...] {tail}"


def _verdict(verdict: Verdict) -> Verdict:
    short = verdict.deviation is None and max(map(len, filter(None, _ALL(verdict))), default=0) <= MOST
    if short and len(msgspec.json.encode(verdict.case)) <= MOST:
        return verdict  # as most are, and there may be a million
    changes: dict[str, Any] = {}
    for name in _TEXTS:
        text = getattr(verdict, name) or ""
        if name == "replay" and len(text) > KEY:
            changes[name] = ""
        elif name != "replay" and len(text) > LONGEST.get(name, MOST):
            changes[name] = cut(text, LONGEST.get(name, MOST))
    if (case := _value(verdict.case)) != verdict.case:
        changes["case"] = case
    if (known := verdict.deviation) is not None:
        texts = {n: cut(t) for n in ("id", "reason", "link", "versions") if (t := getattr(known, n))}
        changed = msgspec.structs.replace(known, **texts)
        changes |= {"deviation": changed} if changed != known else {}
    return msgspec.structs.replace(verdict, **changes) if changes else verdict


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return cut(value)
    if isinstance(value, dict):
        return {cut(str(k)): _value(v) for k, v in value.items()}
    return [_value(v) for v in value] if isinstance(value, Sequence) else value
