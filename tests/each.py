"""One test for a whole table: it tries every row, and fails once with the names of all that are bad."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

_SHOWN = 20  # bad rows that a failure tells of; the others it counts


def each(names: str, rows: Mapping[Any, Any] | Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize(names, rows)`, but in one test; a mapping names its rows.

    names: of the arguments that a row fills, "law case" for rows of two. Fixtures beside them stay what they are.
    """
    fields = names.split()
    table = dict(rows) if isinstance(rows, Mapping) else {repr(row): row for row in rows}

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(check)
        def test(**fixtures: Any) -> None:
            bad = {}
            for name, row in table.items():
                values = row if len(fields) > 1 else (row,)
                try:
                    check(**fixtures, **dict(zip(fields, values, strict=True)))
                except (Exception, pytest.fail.Exception) as error:
                    bad[name] = f"{type(error).__name__}: {error}"
            shown = [f"{name}: {why}" for name, why in list(bad.items())[:_SHOWN]]
            assert not bad, "\n".join([f"{len(bad)} of {len(table)} rows are bad", *shown])

        signature = inspect.signature(check)
        kept = [p for name, p in signature.parameters.items() if name not in fields]
        test.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
        return test

    return decorate
