"""How a file of deviations is read: causes, each with its rows.

A `[[deviation]]` is a cause: what it says (reason, link, ...) holds for all of its rows, and each `[deviation.ID]`
below it is one of them, in their order. A cause with one row is that row, and then has an `id`. What stands at the head
of the file, before any cause, holds for all rows that say nothing else.
"""

import tomllib
from collections.abc import Iterator
from typing import Any


def read(text: str) -> Iterator[dict[str, Any]]:
    """The rows of a file, as plain fields.

    >>> list(read('versions = ">=1"\\n[[deviation]]\\nreason = "r"\\n[deviation.a]\\n[deviation.b]\\nversions = ">=2"'))
    [{'versions': '>=1', 'reason': 'r', 'id': 'a'}, {'versions': '>=2', 'reason': 'r', 'id': 'b'}]
    """
    of_all = tomllib.loads(text)
    for cause in of_all.pop("deviation", []):
        shared = {name: value for name, value in cause.items() if not isinstance(value, dict)}
        rows = [{"id": name, **row} for name, row in cause.items() if isinstance(row, dict)]
        if rows and "id" in shared:
            msg = f"the deviation {shared['id']!r} has rows of its own, but should have them or an id"
            raise ValueError(msg)
        yield from ({**of_all, **shared, **row} for row in rows or [{}])
