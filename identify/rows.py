"""Laws of whole rows or tensors: of one norm, standardised, or normal together with a covariance of their columns.

What such a law fixes is read off exactly. What it leaves free is mapped to independent normal numbers, with fresh
chance for what it fixes, and these must stand the battery like the entries of any other family.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np

from varlaw.claims.weights.structured import Broken, views
from varlaw.evidence.streams import Key
from varlaw.identify import families, formulas, told
from varlaw.identify.formulas import Fit, Unit
from varlaw.identify.records import Reading
from varlaw.identify.sample import Floats, Sample
from varlaw.identify.scales import Exact
from varlaw.theory.variates import RowsOfNorm, RowsStandardised, SampleStd

_ROUNDED = 2.0**-18  # relative difference that float32 arithmetic may leave between equal numbers
_ROWS, _COLUMNS = 4, 3  # rows of which it is no chance that a size is the same for all, and numbers in each
_TALL = 16  # rows for each column, from which a covariance is told from what it is estimated on
_STAGE = 30  # of the key


@dataclass(frozen=True)
class _Kind:
    """One law: `size` gives what it fixes of each row, NaN where it is not such a row."""

    family: str
    unit: str
    law: Callable[[float], Any]
    size: Callable[[Floats], Floats]
    rest: str = ""  # further arguments, as they are written
    whole: bool = False  # of the tensor as one row


def _norm(rows: Floats) -> Floats:
    found: Floats = np.linalg.norm(rows, axis=1)
    return found


def _rms(rows: Floats) -> Floats:
    return _norm(rows) / math.sqrt(rows.shape[1])


def _std(ddof: int, centred: bool = False) -> Callable[[Floats], Floats]:
    def size(rows: Floats) -> Floats:
        means, stds = rows.mean(axis=1), rows.std(axis=1, ddof=ddof)
        return np.where(np.abs(means) <= _ROUNDED * stds, stds, np.nan) if centred else stds

    return size


def _standardised(ddof: int, centred: bool) -> _Kind:
    rest = (", centred=False" if not centred else "") + (f", ddof={ddof}" if ddof else "")
    size = _std(ddof, centred)
    return _Kind("rows standardised", "std", lambda std: RowsStandardised(std, centred, ddof), size, rest)


def _about_mean(ddof: int) -> _Kind:
    rest = ", about_mean=True" + (f", ddof={ddof}" if ddof else "")
    return _Kind("sample std", "std", lambda std: SampleStd(std, True, ddof), _std(ddof), rest, whole=True)


# What holds of centred rows and of rows of a norm holds of looser laws as well: the first tier that holds is asked.
_TIERS = (
    (_standardised(0, True), _standardised(1, True)),
    (_Kind("rows of norm", "norm", RowsOfNorm, _norm),),
    (_standardised(0, False), _standardised(1, False)),
    (_Kind("sample std", "std", SampleStd, _rms, whole=True),),
    (_about_mean(0), _about_mean(1)),
)


def of_one_size(samples: Sequence[Sample], key: Key) -> Reading | None:
    """The law of rows, or of whole tensors, that have the same norm or std, each exactly; None where there is none."""
    for tier in _TIERS:
        found = [(kind, sizes) for kind in tier if (sizes := _sizes(kind, samples))]
        if found:
            fits = [(kind, sizes, _fit(kind, sizes, samples)) for kind, sizes in found]
            kind, sizes, fit = max(fits, key=lambda one: (one[2].accepted, one[2].formula.score))
            return _told(kind, fit) if _stands(kind, sizes, samples, key) else None
    return None


def _sizes(kind: _Kind, samples: Sequence[Sample]) -> list[float]:
    """What the law fixes in each case; nothing where it differs between rows."""
    found = []
    for sample in samples:
        rows = sample.values.reshape(len(sample.values) if kind.whole else len(sample.values) * sample.shape[0], -1)
        if (len(sample.shape) < 2 and not kind.whole) or len(rows) < _ROWS or rows.shape[1] < _COLUMNS:
            return []
        sizes = kind.size(rows)
        if not np.ptp(sizes) <= _ROUNDED * sizes.max():  # also of NaN
            return []
        found.append(float(sizes.mean()))
    return found


def _fit(kind: _Kind, sizes: Sequence[float], samples: Sequence[Sample]) -> Fit:
    return formulas.fit(Exact(sizes, 1e-6), [s.names for s in samples], (Unit(kind.unit),))


def _stands(kind: _Kind, sizes: Sequence[float], samples: Sequence[Sample], key: Key) -> bool:
    try:
        mapped = [
            _mapped(kind.law(size), sample, key.at(block=i, stage=_STAGE).generator())
            for i, (size, sample) in enumerate(zip(sizes, samples, strict=True))
        ]
    except Broken:
        return False
    return _normal(mapped, key)


def _mapped(law: Any, sample: Sample, rng: np.random.Generator) -> Sample:
    ((_, _, pull),) = views(law, "float32")
    values = np.stack([pull(x, rng) for x in sample.values])
    return replace(sample, values=values.reshape(sample.values.shape))


def _normal(mapped: Sequence[Sample], key: Key) -> bool:
    """Whether the battery bears that all entries are independent standard normals."""
    zeros = np.zeros(len(mapped))
    evidence, _ = families.refusal(families.Family(math.inf), mapped, zeros, zeros, key)
    return evidence <= -math.log(families.ALPHA)


def _told(kind: _Kind, fit: Fit) -> Reading:
    if not fit.accepted:
        return Reading(family=kind.family, unit=kind.unit, reason=told.no_formula(fit), fit_p=fit.p_value)
    formula = told.root(fit.formula)
    name = type(kind.law(1.0)).__name__
    return Reading(family=kind.family, law=f"{name}({formula}{kind.rest})", **told.evidence(fit, formula))


# -- a covariance ------------------------------------------------------------------------------------------------------


def normal_together(samples: Sequence[Sample], refused: Reading, key: Key) -> Reading:
    """Independent rows of a normal law with some mean and covariance of their columns; `refused` where they are not."""
    tall = [s for s in samples if len(s.shape) > 1 and _columns(s) > 1 and _rows(s) >= _TALL * _columns(s)]
    if not tall:
        return refused
    mapped = [_studentised(s, key.at(block=i, stage=_STAGE).generator()) for i, s in enumerate(tall)]
    if not _normal(mapped, key):
        return refused
    rows = tall[0].values.reshape(_rows(tall[0]), -1)
    largest = float(np.abs(np.triu(np.corrcoef(rows.T), 1)).max())
    reason = (
        "rows of a normal law, their columns with a mean and covariance of their own, which RowsNormal(mean, "
        f"covariance) takes: correlations up to {largest:.2g} for shape {tall[0].shape}"
    )
    return msgspec.structs.replace(
        refused, family="rows normal", reason=f"{reason}; of single entries {refused.reason}"
    )


def _columns(sample: Sample) -> int:
    return math.prod(sample.shape[1:])


def _rows(sample: Sample) -> int:
    return len(sample.values) * sample.shape[0]


def _studentised(sample: Sample, rng: np.random.Generator) -> Sample:
    """The rows with their own mean and covariance taken off, and those of independent normals put in their place.

    Centred rows of a normal law are Q R, with Q uniform whatever the covariance: times an independent Bartlett factor,
    and with an independent mean, they are independent normals exactly.
    """
    x = sample.values.reshape(_rows(sample), -1)
    count, columns = x.shape
    q, r = np.linalg.qr(x - x.mean(axis=0))
    q *= np.sign(np.diagonal(r))
    factor = np.triu(rng.standard_normal((columns, columns)), 1)
    factor[np.diag_indices(columns)] = np.sqrt(rng.chisquare(count - 1 - np.arange(columns)))
    values = q @ factor + rng.standard_normal(columns) / math.sqrt(count)
    return replace(sample, values=values.reshape(sample.values.shape))
