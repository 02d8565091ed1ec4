"""How the entries of a tensor hang together: what no histogram shows, such as equal rows, patterns, or copies.

The laws that are known by name have independent entries that are symmetric about their middle, so given the magnitudes
the signs are fair and independent. A sum s of products with such signs then has, for a**2 the sum of their squares,

    E exp(theta s**2 / (2 a**2)) <= (1 - theta)**-0.5                                        0 < theta < 1
    E exp(-theta s**2 / (2 a**2)) <= (1 + theta)**-0.5 + erfc(pi a / (2 sqrt(2 theta) peak))

(both by a normal variable that is integrated out: the first by cosh y <= exp(y**2 / 2), the second by
cos y <= exp(-y**2 / 2) up to pi / 2), so that sums of rows, columns, positions and neighbours have exact e-values.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from varlaw.evidence.streams import Key
from varlaw.identify.records import Reading
from varlaw.identify.sample import Floats, Sample

NOTED = 5.0  # ln e-value above which evidence is kept

_INDEPENDENT = ("uniform", "normal", "truncated normal", "clipped normal", "rademacher", "constant")
_UPWARD, _DOWNWARD = (0.02, 0.1, 0.3, 0.6, 0.9), (1.0, 4.0)
_ROUNDED = 2.0**-18  # relative difference that float32 arithmetic may leave between equal numbers
_UNITS = 5  # rows, columns or instances of which it is no chance that a sum or a norm is the same for all
_MARKED = 16  # instances whose marks are kept
_PROJECTIONS = 4


def independent(reading: Reading) -> bool:
    """Whether a family was recognised whose entries are independent, with a formula for its scale or without."""
    return all(f.removeprefix("sparse ") in _INDEPENDENT for f in reading.families)


def shifted(reading: Reading) -> bool:
    """Whether the middle of the law, or of a part of it, is not zero."""
    parts = reading.parts or [reading]
    return any(" + " in r.law or "Range" in r.law or "mean" in r.reason for r in parts)


# -- laws of independent entries ---------------------------------------------------------------------------------------


def evidence(sample: Sample, reading: Reading) -> dict[str, float]:
    """The ln e-values above `NOTED` against independent fair signs, by what was looked at."""
    if not np.isfinite(sample.values).all():
        return {}
    values = np.where(sample.fixed, 0.0, sample.values / (np.abs(sample.values).max() or 1.0))
    x = _stack(values - values.mean() if shifted(reading) else values)
    found = {name: _log_e(products, axes) for name, products, axes in _products(x)}
    return {name: log_e for name, log_e in found.items() if log_e > NOTED}


def _stack(values: Floats) -> Floats:
    """Instances, rows and columns: a vector is one row."""
    rows = values.shape[1] if values.ndim > 2 else 1
    return values.reshape(len(values), rows, -1)


def _products(x: Floats) -> Iterator[tuple[str, Floats, tuple[int, ...]]]:
    """Products of signs that are independent of each other, and the axes that are summed over."""
    _, rows, columns = x.shape
    yield "sums of rows", x, (2,)
    yield "sums of columns", x, (1,)
    yield "means of positions", x, (0,)
    yield "neighbours in a row", x[:, :, 1:] * x[:, :, :-1], (2,)
    yield "neighbours in a column", x[:, 1:] * x[:, :-1], (1,)
    yield "neighbouring rows", x[:, : rows // 2 * 2 : 2] * x[:, 1 : rows // 2 * 2 : 2], (2,)
    yield "rows half the tensor apart", x[:, : rows // 2] * x[:, rows // 2 : rows // 2 * 2], (2,)
    yield "neighbouring columns", x[:, :, : columns // 2 * 2 : 2] * x[:, :, 1 : columns // 2 * 2 : 2], (1,)
    yield "instances one after the other", x[1:] * x[:-1], (1, 2)
    row, column = np.arange(rows)[:, None], np.arange(columns)[None]
    for name, plus in (
        ("even and odd rows", row % 2),
        ("even and odd columns", column % 2),
        ("a checkerboard", (row + column) % 2),
        ("halves of the rows", row < rows / 2),
        ("halves of the columns", column < columns / 2),
    ):
        yield name, np.where(plus, x, -x), (0, 1, 2)


KINDS = 14  # of products


def _log_e(products: Floats, axes: tuple[int, ...]) -> float:
    """The average over the ladder of thetas, up and down, of the product over the sums."""
    if not products.size or math.prod(products.shape[a] for a in axes) < 2:
        return 0.0
    squares = (products**2).sum(axis=axes).ravel()
    there = squares > 0
    a2, s2 = squares[there], (products.sum(axis=axes).ravel()[there]) ** 2
    if not a2.size:
        return 0.0
    from scipy.special import erfc

    peak = np.abs(products).max(axis=axes).ravel()[there]
    q, reach = s2 / a2 / 2, math.pi * np.sqrt(a2) / (2 * peak)
    logs = [float((t * q + 0.5 * math.log1p(-t)).sum()) for t in _UPWARD]
    logs += [float((-t * q - np.log((1 + t) ** -0.5 + erfc(reach / math.sqrt(2 * t)))).sum()) for t in _DOWNWARD]
    return float(np.logaddexp.reduce(logs) - math.log(len(logs)))


# -- any law -----------------------------------------------------------------------------------------------------------


def even(sample: Sample) -> list[str]:
    """Which sums and norms are the same for all rows, columns or instances, where so many are no chance."""
    x = _stack(sample.values)
    if not np.isfinite(x).all():
        return []
    x = x / (np.abs(x).max() or 1.0)
    found = []
    for name, axes in (("row", (2,)), ("column", (1,)), ("instance", (1, 2))):
        if math.prod(x.shape[a] for a in axes) < 2 or x.size // math.prod(x.shape[a] for a in axes) < _UNITS:
            continue
        norms = np.sqrt((x**2).sum(axis=axes)).ravel()
        sums = x.sum(axis=axes).ravel()
        found += [f"norm of each {name}"] if np.ptp(norms) <= _ROUNDED * norms.max() else []
        found += [f"sum of each {name}"] if np.ptp(sums) <= _ROUNDED * norms.max() else []
    return found


def marks(sample: Sample) -> dict[str, list[float]]:
    """Numbers of each of the first instances, which are independent of each other whatever the law."""
    x = _stack(sample.values[:_MARKED])
    if not np.isfinite(x).all():
        return {}
    logs = np.log(np.sqrt((x**2).mean(axis=(1, 2)))) if x.any(axis=(1, 2)).all() else None
    found = {} if logs is None else {"ln rms": logs, **_of_shape(x / np.exp(logs)[:, None, None])}
    return {name: [float(f"{v:.5g}") for v in values.tolist()] for name, values in found.items()}


def _of_shape(z: Floats) -> Mapping[str, Floats]:
    """Of instances of root mean square 1."""
    _, rows, columns = z.shape
    side = min(rows, columns)
    size = rows * columns
    diagonal = z[:, range(side), range(side)].sum(axis=1) / math.sqrt(side)
    return {
        "mean": z.mean(axis=(1, 2)) * math.sqrt(size),
        "mean magnitude": np.abs(z).mean(axis=(1, 2)),
        "ln fourth moment": np.log((z**4).mean(axis=(1, 2))),
        "ln largest": np.log(np.abs(z).max(axis=(1, 2))),
        "median magnitude": np.median(np.abs(z), axis=(1, 2)),
        "sums of rows": (z.sum(axis=2) ** 2).sum(axis=1) / size,
        "sums of columns": (z.sum(axis=1) ** 2).sum(axis=1) / size,
        "neighbours": (z[:, :, 1:] * z[:, :, :-1]).sum(axis=(1, 2)) / math.sqrt(size),
        "first entry": z[:, 0, 0],
        "diagonal": diagonal,
        "zeros": (z == 0).mean(axis=(1, 2)),
        "ties": np.array([1 - np.unique(np.abs(one)).size / size for one in z]),
        "halves": (z[:, : rows // 2].sum(axis=(1, 2)) - z[:, rows // 2 :].sum(axis=(1, 2))) / math.sqrt(size),
    }


MARKS = 14


def projections(sample: Sample) -> dict[str, list[float]]:
    """Of numbers that are the same in every draw: their means under fixed signs, so that their order shows."""
    x = sample.values[0].ravel()
    if not np.isfinite(x).all() or not np.ptp(x):
        return {}
    rng = Key("projections", "identify").generator()
    return {"projections": [float((x * rng.choice((-1.0, 1.0), x.size)).mean()) for _ in range(_PROJECTIONS)]}
