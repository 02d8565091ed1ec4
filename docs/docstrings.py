"""Docstrings are prose with `code` in single backquotes; reStructuredText would read more into them than they say.

>>> lines = ["The norm |g| of `clip_by_value_`, see x_ and f(*args).", "", ">>> 1 + 1", "2"]
>>> as_restructured_text(None, "", "", None, None, lines)
>>> lines[0]
'The norm \\\\|g\\\\| of ``clip_by_value_``, see x\\\\_ and f(\\\\*args).'
>>> lines[2]
'>>> 1 + 1'
"""

import re
from typing import Any

_BULLET = re.compile(r"^(\s*[*-] )(.*)$")
_CODE = re.compile(r"`([^`]+)`")


def as_restructured_text(app: Any, kind: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite the lines of one docstring in place: code stays code, examples stay, all else is plain text."""
    example, written = False, []
    for line in lines:
        example = line.lstrip().startswith(">>>") or (example and line.strip() != "")
        bullet = None if example else _BULLET.match(line)
        if example:
            written.append(line)
        elif bullet:
            written.append(("" if not written or _BULLET.match(written[-1]) else "\n") + bullet[1] + _plain(bullet[2]))
        else:
            written.append(_plain(line))
    lines[:] = "\n".join(written).split("\n")


def _plain(text: str) -> str:
    """Text outside backquotes with every character escaped that would be markup."""
    pieces = _CODE.split(text)
    return "".join(f"``{piece}``" if k % 2 else re.sub(r"([\\*|_])", r"\\\1", piece) for k, piece in enumerate(pieces))
