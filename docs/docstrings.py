"""Docstrings are prose with `code` in single backquotes; reStructuredText would read more into them than they say.

>>> lines = ["The norm |g| of `clip_by_value_`, see x_ and f(*args).", "", ">>> 1 + 1", "2"]
>>> as_restructured_text(None, "", "", None, None, lines)
>>> lines[0]
'The norm \\\\|g\\\\| of ``clip_by_value_``, see x\\\\_ and f(\\\\*args).'
>>> lines[2]
'>>> 1 + 1'
"""

import inspect
import re
from typing import Any

_ITEM = re.compile(r"^(?:[*-] +(?P<bullet>.*)|(?P<names>\w+(?:, \w+)*): +(?P<text>.*))$")
_CODE = re.compile(r"`([^`]+)`")


def as_restructured_text(app: Any, kind: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines of one docstring in place: code stays code, examples stay, all else is plain text.

    Bullets, and paragraphs that explain arguments one a line (`name: text`), become lists.
    """
    if kind == "class":
        lines += _fields(thing)
    written: list[str] = []
    example = listed = False
    for k, line in enumerate(lines):
        blank = not line.strip()
        example = line.lstrip().startswith(">>>") or (example and not blank)
        item = _ITEM.match(line) if listed or k == 0 or line.startswith("*") or not lines[k - 1].strip() else None
        listed = not blank and not example and (item is not None or listed)
        if example or blank:
            written.append(line)
        elif item:
            written += ["", f"* {_plain(item['bullet'] or _named(item))}"]
        else:
            written.append(f"  {_plain(line.strip())}" if listed else _plain(line))
    lines[:] = written


def is_silent(app: Any, kind: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of named tuples, of which Python only says that they are fields."""
    return True if str(getattr(thing, "__doc__", "")).startswith("Alias for field number") else None


def _fields(thing: Any) -> list[str]:
    """What the comments beside the fields of a record say, as lines of a docstring."""
    try:
        source = inspect.getsource(thing)
    except (OSError, TypeError):
        return []
    found = re.findall(r"^    (\w+): [^#\n]+  # (.+)$", source, re.MULTILINE)
    return ["", *(f"* `{name}`: {text}" for name, text in found)] if found else []


def _named(item: re.Match[str]) -> str:
    return f"`{item['names']}`: {item['text']}"


def _plain(text: str) -> str:
    """Text outside backquotes with every character escaped that would be markup."""
    pieces = _CODE.split(text)
    plain = [f"``{p}``" if k % 2 else re.sub(r"([\\*|_])", r"\\\1", p) for k, p in enumerate(pieces)]
    return re.sub(r"(?<=\w``)(?=\w)", r"\\ ", "".join(plain))
