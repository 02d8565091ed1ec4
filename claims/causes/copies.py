"""Values that are there twice: equal rows, columns, parts and tensors, negatives, mirrors, periods, sorted values.

All are exact: two lawful rows of a few dozen bits are equal by no chance.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from varlaw.claims.causes.draws import Draws, Floats
from varlaw.claims.causes.words import axis_words, lines_of, of_values, places

_BITS = 60  # that lines hold at least, so that equal ones are no chance
_LONG = 64  # values that two tensors share in the same order, at least
_SHARE = 0.01  # of the entries that never change: two numbers of 16 bits are alike in a tenth of that, three never
STILL = "the same in every tensor, whatever the seed"
_FEW = 16  # different values, from which two tensors hold the same by chance


def found(draws: Draws) -> Iterator[str]:
    """What is there twice, in words, the coarsest first."""
    few = len(np.unique(draws.first)) <= _FEW
    for search in (_tensors, _lines, _mirrored, _period) if few else _SEARCHES:
        for told in search(draws):
            yield told
            return


def _telling(draws: Draws, entries: int) -> bool:
    return entries * min(max(1, min(draws.fmt.digits, 24) - 4), _bits(draws)) >= _BITS


def _bits(draws: Draws) -> float:
    """What one value tells, in bits, of few different ones: next to nothing where nearly all are 0."""
    counts = np.unique(draws.first, return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log2(shares)).sum()) if len(counts) <= _FEW else math.inf


# -- tensors -----------------------------------------------------------------------------------------------------------


def _tensors(draws: Draws) -> Iterator[str]:
    if not _telling(draws, draws.first.size):
        return
    flat = draws.stack.reshape(len(draws.tensors), -1)
    if (count := _twice(flat)) > 0:
        yield f"{count} of {len(flat)} tensors come again, whatever the seed"
    elif (wide := len(np.unique(flat[0])) > _FEW) and _twice(np.sort(flat, axis=1)):
        yield "tensors hold the same values in another order"
    elif (flat[1:] == -flat[:-1]).all(axis=1).any():
        yield "a tensor is the negative of the one before"
    elif wide and _twice(np.abs(flat)):
        yield "tensors have the same sizes and other signs"
    elif wide and _twice(np.sort(np.abs(flat), axis=1)):
        yield "tensors have the same sizes, in another order and with other signs"
    else:
        yield from _still(draws)
        yield from _multiples(flat)
        yield from _pieces(flat)


def _twice(rows: Floats) -> int:
    return len(rows) - len({row.tobytes() for row in rows})


def _still(draws: Draws) -> Iterator[str]:
    """Entries that no seed changes, beside others that change; few values are told as such."""
    first, still = draws.first, (draws.stack == draws.stack[0]).all(axis=0)
    enough = len(draws.tensors) > 2 and still.mean() > _SHARE and len(np.unique(first[still])) > _FEW
    if enough and not still.all():
        which = lines_of(still) or of_values(int(still.sum()), still.size)
        yield f"{which} are {STILL}"


def _multiples(tensors: Floats) -> Iterator[str]:
    flat = tensors - tensors.mean(axis=1, keepdims=True)  # all tensors with one mean point the same way
    norms = np.linalg.norm(flat, axis=1)
    if flat.shape[1] < 16 or not norms.all():
        return
    cosines = np.abs((flat[1:] * flat[:-1]).sum(axis=1)) / (norms[1:] * norms[:-1])
    if (cosines > 1 - 1e-6).any():
        yield "tensors are multiples of the one before: only their scale is drawn"


def _pieces(tensors: Floats) -> Iterator[str]:
    """Values that another tensor has in the same order, as of generators that start a little further on."""
    x, length = tensors.ravel(), tensors.shape[1]
    order = np.argsort(x, kind="stable")
    first, again = order[:-1], order[1:]
    apart = (x[first] == x[again]) & (first // length != again // length) & (again + 1 < x.size)
    first, again = first[apart], again[apart]
    if first.size > _LONG and (x[first + 1] == x[again + 1]).mean() > 0.5:
        part = f"{100 * first.size / x.size:.2g} % of the values"
        yield f"tensors are overlapping pieces of one stream: {part} come again in another tensor, in the same order"


# -- lines -------------------------------------------------------------------------------------------------------------


def _lines(draws: Draws) -> Iterator[str]:
    """The axis with the largest share of lines that are copies: rows of equal columns hold one number each."""
    rank = len(draws.shape)
    found: list[tuple[float, str]] = []
    for axis in range(rank) if rank > 1 else ():
        lines = [np.moveaxis(x, axis, 0).reshape(draws.shape[axis], -1) for x in draws.tensors[:2]]
        if len(lines[0]) > 1 and _telling(draws, lines[0].shape[1]):
            found += [_equal_lines(x, sign, axis, rank) for sign in (1.0, -1.0) for x in lines]
    share, told = max(found, key=lambda pair: pair[0], default=(0.0, ""))
    if share:
        yield told


def _equal_lines(lines: Floats, sign: float, axis: int, rank: int) -> tuple[float, str]:
    """The share of lines that are (minus) an earlier one, and which, as ranges; zero lines are no copies."""
    first: dict[bytes, int] = {}
    pairs: list[tuple[int, int]] = []  # earlier, later
    for i, line in enumerate(lines + 0.0):
        twin = first.get((sign * line + 0.0).tobytes()) if line.any() else None
        if twin is not None:
            pairs.append((twin, i))
        if twin is None or sign < 0:
            first.setdefault(line.tobytes(), i)
    one, many = axis_words(axis, rank)
    if sign > 0 and pairs and len(pairs) == len(lines) - 1:
        return 1.0, f"all {len(lines)} {many} are equal"
    told = _as_ranges(pairs, "=" if sign > 0 else "= -", one, many, len(lines)) if pairs else ""
    return len(pairs) / len(lines), told


def _as_ranges(pairs: Sequence[tuple[int, int]], shown: str, one: str, many: str, count: int) -> str:
    """Pairs that run in parallel told together: "rows 0-63 = rows 64-127"."""
    runs: list[tuple[int, int, int]] = []  # earlier, later, length
    for a, b in pairs:
        if runs and (a, b) == (runs[-1][0] + runs[-1][2], runs[-1][1] + runs[-1][2]):
            runs[-1] = (*runs[-1][:2], runs[-1][2] + 1)
        else:
            runs.append((a, b, 1))
    texts = [_pair(a, b, n, shown, one, many) for a, b, n in runs[:3]]
    rest = f" and so on: {len(pairs)} of {count} {many} are copies" if len(runs) > 3 else ""
    kind = "antithetic" if "minus" in texts[0] else "equal"
    return f"{kind} {many}: {', '.join(texts)}{rest}"


def _pair(a: int, b: int, n: int, shown: str, one: str, many: str) -> str:
    word = one if n == 1 else many.partition(" (")[0]
    ends = [places(range(start, start + n)) for start in (a, b)]
    return f"{word} {ends[0]} {shown} {word} {ends[1]}".replace("= - ", "= minus ")


# -- within a tensor ---------------------------------------------------------------------------------------------------


def _halves(draws: Draws) -> Iterator[str]:
    x = draws.first.ravel()
    half = x.size // 2
    if not _telling(draws, half) or x.size % 2:
        return
    table = {
        "the second half is minus the first (antithetic)": (x[half:], -x[:half]),
        "every second value is minus the one before (antithetic)": (x[1::2], -x[::2]),
        "the second half is the first": (x[half:], x[:half]),
        "every value comes twice in a row": (x[1::2], x[::2]),
        "the second half is minus the first, backwards (antithetic)": (x[half:], -x[:half][::-1]),
        "the second half is the first, backwards": (x[half:], x[:half][::-1]),
    }
    table["the second half has the sizes of the first"] = (np.abs(x[half:]), np.abs(x[:half]))
    near = 1e-6 * float(np.abs(x).mean())  # as of numbers that went through different roundings
    yield from (words for words, (a, b) in table.items() if float(np.abs(a - b).max()) <= near)


def _mirrored(draws: Draws) -> Iterator[str]:
    x = draws.first
    if x.ndim != 2 or min(x.shape) < 2 or not _telling(draws, (x.size - len(x)) // 2):
        return
    if x.shape[0] == x.shape[1] and (x == x.T).all():
        yield "each matrix is symmetric: entry (i, j) is entry (j, i)"
    elif x.shape[0] == x.shape[1] and (x == -x.T).all():
        yield "each matrix is antisymmetric: entry (i, j) is minus entry (j, i)"
    elif (x[1:, 1:] == x[:-1, :-1]).all():
        yield "each matrix is constant along its diagonals (Toeplitz)"
    elif (x[1:] == np.roll(x, 1, axis=1)[:-1]).all():
        yield "each row is the row above, shifted"


def _period(draws: Draws) -> Iterator[str]:
    x = draws.first.ravel()
    for lag in np.flatnonzero(x[1 : x.size // 2 + 1] == x[0])[:50] + 1:
        if _telling(draws, x.size - lag) and lag > 1 and (x[lag:] == x[:-lag]).all():
            yield f"the values repeat after {lag:,}"
            return


# -- order -------------------------------------------------------------------------------------------------------------


def _order(draws: Draws) -> Iterator[str]:
    grid = draws.grids[0]
    tables = {
        "all values of a tensor": grid.reshape(1, -1),
        "the values of each row": grid,
        "those of each column": grid.T,
    }
    for words, lines in tables.items():
        if lines.shape[1] < 4 or lines.size < 32:
            continue
        for what, values in (("sorted", lines), ("sorted by size", np.abs(lines))):
            steps = np.diff(values, axis=1)
            if (steps >= 0).all() or (steps <= 0).all():
                yield f"{words} are {what}"
                return


_SEARCHES = (_tensors, _lines, _halves, _mirrored, _period, _order)
