"""What only a whole matrix shows: low rank, orthogonality, lines that were normalised or centred; signs of a QR."""

import math
from collections.abc import Iterator

import numpy as np

from varlaw.claims.causes.draws import Draws, Floats
from varlaw.claims.causes.words import number

_SIDE = 384  # of the part of a matrix whose singular values are computed
_SPECTRA = 4  # matrices that are decomposed
_LINES = 8  # from which lines of one norm are no chance
_CHANCE = 0.1  # of the std that chance gives means and norms: several as near to each other are no chance
_SIGNS = 48  # numbers whose signs all agree by no chance


def found(draws: Draws) -> Iterator[str]:
    """What the matrices have that independent entries have not, in words, the strongest first."""
    spectrum = _spectrum(draws)
    if spectrum and "rank" not in spectrum:
        yield spectrum
    elif told := _normalised(draws) or spectrum:  # what was centred lacks a rank
        yield told


def _singular_values(x: Floats) -> Floats:
    matrix = x.reshape(x.shape[0], -1)[:_SIDE, :_SIDE]
    return np.asarray(np.linalg.svd(matrix, compute_uv=False), dtype=np.float64)


def _rounding(draws: Draws) -> float:
    """Relative error of a norm that the format leaves: single numbers are off by more, but not all the same way."""
    return (8 if draws.fmt.digits >= 24 else 1) * 2.0 ** -min(draws.fmt.digits, 24)


def _noise(values: Floats, x: Floats, draws: Draws) -> float:
    """Singular values that rounding may give: of entries with a mean far below what it adds to the largest."""
    size = float(np.abs(x).max()) * math.sqrt(max(x.shape[0], x.size // x.shape[0]))
    return min(float(values[0]), size) * _rounding(draws)


def _flat(values: Floats, draws: Draws) -> bool:
    """Whether singular values are all equal, but for rounding and a QR."""
    bound = (16 if draws.fmt.digits >= 24 else 4) * math.sqrt(len(values)) * 2.0 ** -min(draws.fmt.digits, 24)
    return bool(np.ptp(values) < bound * values[0])


def _spectrum(draws: Draws) -> str:
    if len(draws.shape) < 2 or min(draws.grids.shape[1:]) < 2:
        return ""
    spectra = [_singular_values(x) for x in draws.tensors[:_SPECTRA]]
    small = min(len(values) for values in spectra)
    ranks = [int((values > _noise(values, x, draws)).sum()) for values, x in zip(spectra, draws.tensors, strict=False)]
    if max(ranks) < (small if draws.fmt.digits >= 24 else 0.5 * small):
        return f"each matrix has rank {max(ranks)}, where {small} is full{_outer(max(ranks))}"
    if small < 3 or max(draws.grids.shape[1:]) > _SIDE:
        return ""
    tops = np.array([values[0] for values in spectra])
    if all(_flat(values, draws) for values in spectra):
        return f"each matrix is orthogonal: all its singular values are {number(float(tops.mean()))}"
    if len(tops) >= _SPECTRA and draws.fmt.digits >= 24 and np.ptp(tops) < _rounding(draws) * tops[0]:
        return f"the largest singular value is always {number(float(tops[0]))}: spectral normalisation"
    return ""


def _outer(rank: int) -> str:
    return ": an outer product of two vectors" if rank == 1 else ""


def _normalised(draws: Draws) -> str:
    """Lines of one norm or one mean, of which chance knows none."""
    grid = draws.grids
    tables = {"tensor": grid.reshape(1, len(grid), -1)[0], "row": grid.reshape(-1, grid.shape[2])}
    tables["column"] = np.swapaxes(grid, 1, 2).reshape(-1, grid.shape[1])
    if len(draws.shape) < 2:
        del tables["row"], tables["column"]
    if draws.fmt.digits < 24:
        del tables["tensor"]  # whose norm a mean of its entries may fix as closely
    found = {name: _line(lines[:4096], name, _rounding(draws)) for name, lines in tables.items()}
    if found.get("row") or found.get("column"):
        found.pop("tensor", None)  # it follows from them
    return ", ".join(filter(None, found.values()))


def _line(lines: Floats, name: str, rounding: float) -> str:
    if len(lines) < _LINES or lines.shape[1] < 3:
        return _few_tensors(lines, name, rounding)
    norms, means = np.linalg.norm(lines, axis=1), lines.mean(axis=1)
    width, side = float(lines.std()) or 1.0, math.sqrt(lines.shape[1])
    told = []
    if np.abs(means - means.mean()).max() < min(rounding, _CHANCE / side) * width:
        mean = float(means.mean())
        told.append(f"each {name} has the mean {number(mean if abs(mean) > rounding * width else 0.0)}")
    chance = float((lines**2).std()) * side / (2 * norms.mean() or 1.0)  # the std that independent entries give
    if np.ptp(norms) < min(rounding * norms.mean(), _CHANCE * chance):
        told.append(f"each {name} has the norm {number(float(norms.mean()))}")
    return " and ".join(told) + (": centred, normalised or stratified" if told else "")


def _few_tensors(lines: Floats, name: str, rounding: float) -> str:
    """Two tensors of many entries and exactly one mean square are no chance either."""
    if name != "tensor" or len(lines) < 2 or lines.shape[1] < 256 or rounding > 1e-5:
        return ""
    rms = np.sqrt((lines**2).mean(axis=1))
    means = np.abs(lines.mean(axis=1))
    told = []
    if means.max() < 1e-3 * rounding * rms.mean() * math.sqrt(256):
        told.append("each tensor has the mean 0")
    if np.ptp(rms) < 1e-3 * rounding * rms.mean() * math.sqrt(256):
        told.append(f"each tensor has the rms {number(float(rms.mean()))}")
    return " and ".join(told) + (": normalised as a whole" if told else "")


# -- a law of orthogonal matrices --------------------------------------------------------------------------------------


def not_orthogonal(draws: Draws, gain: float) -> str:
    """What matrices are that should be orthogonal with this gain: of another gain, of unit rows, low rank; "" if so."""
    values = [_singular_values(x) for x in draws.tensors[:_SPECTRA]]
    small, mean = len(values[0]), float(np.mean([v.mean() for v in values]))
    if all(_flat(v, draws) for v in values):
        if abs(mean / gain - 1) < _rounding(draws):
            return ""
        return f"orthogonal, of gain {number(mean)}: x{number(mean / gain)}{_root(mean / gain)}"
    if told := _rank_of(values, draws):
        return told
    if told := _unit_lines(draws):
        return f"not orthogonal: {told}"
    low, high = min(float(v[-1]) for v in values), max(float(v[0]) for v in values)
    like = ", as of a matrix of independent entries" if _as_independent(draws, values) else ""
    ends = f"{small} singular values from {number(low)} to {number(high)}"
    return f"not orthogonal: {ends}, in place of {number(gain)}{like}"


def _rank_of(values: list[Floats], draws: Draws) -> str:
    rank, small = max(int((v > v[0] * _rounding(draws)).sum()) for v in values), len(values[0])
    deficient = rank < (small if draws.fmt.digits >= 24 else 0.5 * small)
    return f"each matrix has rank {rank}, where {small} is full" if deficient else ""


def _unit_lines(draws: Draws) -> str:
    grid = draws.grids
    rows, columns = np.linalg.norm(grid, axis=2), np.linalg.norm(grid, axis=1)
    table = {"rows": rows, "columns": columns}
    return next((f"{k} of norm {number(float(v.mean()))}, but not across each other"
                 for k, v in table.items() if np.ptp(v) < _rounding(draws) * 4 * v.mean()), "")  # fmt: skip


def _as_independent(draws: Draws, values: list[Floats]) -> bool:
    """Whether the largest singular value is the one of independent entries of that variance (Marchenko-Pastur)."""
    rows, columns = draws.grids.shape[1:]
    edge = math.sqrt(float((draws.stack**2).mean())) * (math.sqrt(rows) + math.sqrt(columns))
    largest = float(np.mean([v[0] for v in values]))
    near = abs(largest / edge - 1) < 2 * min(rows, columns) ** (-2 / 3)  # the edge is soft: Tracy and Widom
    return bool(max(rows, columns) <= _SIDE and near)


def _root(ratio: float) -> str:
    square = ratio**2
    for x, text in ((square, "sqrt({})"), (1 / square, "1/sqrt({})")):
        if round(x) > 1 and abs(x / round(x) - 1) < 1e-3:
            return f" = {text.format(round(x))}"
    return ""


def not_haar(draws: Draws) -> str:
    """What singles out orthogonal matrices that are not Haar: constant signs, a reflection, rotations, a pattern."""
    grid = draws.grids
    diagonal = np.einsum("tii->ti", grid[:, : min(grid.shape[1:]), : min(grid.shape[1:])])
    return next(
        filter(None, (_pattern(grid), _reflection(grid), _signs(grid, diagonal), _near(diagonal), _turns(grid))), ""
    )


def _pattern(grid: Floats) -> str:
    whole = np.abs(grid)
    if ((whole < 1e-6 * whole.max()) | (whole > (1 - 1e-6) * whole.max())).all():
        return "each matrix has one entry in a row (a permutation or the identity)"
    zeros = (whole < 1e-9 * whole.max()).all(axis=0)
    return "entries outside of blocks are 0 (block-diagonal)" if zeros.mean() > 0.2 else ""


def _reflection(grid: Floats) -> str:
    if grid.shape[1] == grid.shape[2] > 2 and np.abs(grid - np.swapaxes(grid, 1, 2)).max() < 1e-3 * np.abs(grid).max():
        return "each matrix is symmetric: a reflection, such as I - 2 v v'"
    return ""


def _signs(grid: Floats, diagonal: Floats) -> str:
    """Householder's QR as LAPACK returns it leaves signs that depend on the matrix; whose do not, was not fixed."""
    signs = {"the diagonal": diagonal, "the first row": grid[:, 0, :], "the first column": grid[:, :, 0]}
    signs["the last column"], signs["the last row"] = grid[:, :, -1], grid[:, -1, :]
    for where, x in signs.items():
        kept = x[x != 0]
        for word, count in (("negative", int((kept < 0).sum())), ("positive", int((kept > 0).sum()))):
            if kept.size >= _SIGNS and count > kept.size / 2 + 3.5 * math.sqrt(kept.size) and count > 0.7 * kept.size:
                always = "all" if count == kept.size else f"{100 * count / kept.size:.0f} %"
                return f"signs of {where}: {always} are {word}, where half should be, as of a QR without its sign fix"
    return ""


def _near(diagonal: Floats) -> str:
    n, mean = diagonal.size, float(diagonal.mean())
    spread = float(np.sqrt((diagonal**2).mean())) or 1.0
    return (
        f"the diagonal has the mean {number(mean)}, where 0 is lawful" if abs(mean) > 6 * spread / math.sqrt(n) else ""
    )


def _turns(grid: Floats) -> str:
    if grid.shape[1] != grid.shape[2]:
        return ""
    signs = np.linalg.slogdet(grid)[0]
    if len(signs) >= _LINES * 4 and abs(signs.sum()) == len(signs):
        kind = "rotations only" if signs[0] > 0 else "reflections only"
        return f"{kind}: all {len(signs)} determinants are {'+1' if signs[0] > 0 else '-1'}"
    return ""
