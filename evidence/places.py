"""Views of a tensor's places: entries, lines, blocks, lanes, and standardised sums over each of their cells.

A dense layer's rows and columns; of stacked experts or a convolution's kernel each expert, output, input and tap, and
what all experts or all filters have in common; an 8 by 8 raster of blocks; lanes of 32 numbers.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ENTRIES = "entries"
CONTRASTS = ("halves", "every second entry", "a checkerboard")
_RASTER = 8  # blocks along each side
_LANES = 32  # numbers that a kernel draws at a time


def sums(stack: Floats) -> Iterator[tuple[str, Floats]]:
    """For each view its name and, a row for each tensor of the stack, the sums of its cells over root of their entries.

    >>> [(view, cells.shape[1]) for view, cells in sums(np.ones((1, 8, 64, 3)))][:4]
    [('entries', 1536), ('axis 0', 8), ('axes 1 to 2', 192), ('axes 0 to 1', 512)]
    """
    count, shape = len(stack), stack.shape[1:]
    flat = stack.reshape(count, -1)
    size = flat.shape[1]
    yield ENTRIES, flat
    for axis in range(1, len(shape)):
        lead = math.prod(shape[:axis])
        grid = flat.reshape(count, lead, -1)
        if 1 < lead < size:
            yield _axes(0, axis, len(shape)), grid.sum(axis=2) / math.sqrt(size // lead)
            yield _axes(axis, len(shape), len(shape)), grid.sum(axis=1) / math.sqrt(lead)
    for axis in range(1, len(shape) - 1):
        if 1 < shape[axis] < size:
            cells = flat.reshape(count, math.prod(shape[:axis]), shape[axis], -1).sum(axis=(1, 3))
            yield f"axis {axis}", cells / math.sqrt(size // shape[axis])
    if shape and min(shape[0], size // shape[0]) >= 2 * _RASTER:
        yield "blocks", _blocks(flat.reshape(count, shape[0], -1))
    if size >= 2 * _LANES:
        rows = size // _LANES
        yield "lanes", flat[:, : rows * _LANES].reshape(count, rows, _LANES).sum(axis=1) / math.sqrt(rows)


def contrasts(total: Floats) -> Floats:
    """What the sum of tensors has in each of the `CONTRASTS`: its entries, each with the sign of its place."""
    flat = total.reshape(-1)
    half = -(-flat.size // 2)
    grid = total.reshape(total.shape[0] if total.shape else 1, -1)
    board = grid[:, 0::2].sum(axis=1) - grid[:, 1::2].sum(axis=1)
    return np.array(
        [
            flat[:half].sum() - flat[half:].sum(),
            flat[0::2].sum() - flat[1::2].sum(),
            board[0::2].sum() - board[1::2].sum(),
        ]
    )


def _axes(first: int, end: int, rank: int) -> str:
    if rank == 2:
        return "columns" if first else "rows"
    return f"axis {first}" if end == first + 1 else f"axes {first} to {end - 1}"


def _blocks(grid: Floats) -> Floats:
    rows, columns = (np.linspace(0, side, _RASTER, endpoint=False).astype(int) for side in grid.shape[1:])
    found = np.add.reduceat(np.add.reduceat(grid, rows, axis=1), columns, axis=2)
    heights, widths = (np.diff([*starts, side]) for starts, side in zip((rows, columns), grid.shape[1:], strict=True))
    found /= np.sqrt(np.multiply.outer(heights, widths))
    return found.reshape(len(grid), -1)
