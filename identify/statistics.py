"""The sums of one case: its scale and shape, what is not finite, what repeats, and how its entries hang together."""

import numpy as np

from varlaw.evidence.formats import FORMATS
from varlaw.identify import dependence
from varlaw.identify.records import CaseStatistics, Reading
from varlaw.identify.sample import Floats, Sample, moments

_FEW = 16  # distinct values that are counted
_INSTANCES = 8  # from which a spread between instances is measured
_NARROWEST_FIRST = ("bfloat16", "float16", "float32", "float64")


def statistics(sample: Sample, reading: Reading) -> CaseStatistics:
    """What a baseline keeps of one case; of a law whose entries may depend on each other, marks of its instances."""
    fixed = bool(sample.fixed.all())
    raw = sample.values[0].ravel() if fixed else sample.values.ravel()
    x = raw[np.isfinite(raw)]
    if not x.size:
        return CaseStatistics(
            case=dict(sample.case), shape=sample.shape, n=0, unit=1, z1=0, z2=0, z4=0, low=0, high=0, lost=raw.size
        )
    peak = float(np.abs(x).max()) or 1.0
    found = moments(x / peak)  # squares of tiny or huge entries leave float64
    rms = found.rms or 1.0
    distinct = len(np.unique(x[:4096]))
    free = dependence.independent(reading)
    return CaseStatistics(
        case=dict(sample.case),
        shape=sample.shape,
        n=found.n,
        unit=rms * peak,
        z1=found.total / rms,
        z2=found.squares / rms**2,
        z4=found.fourth / rms**4,
        low=float(x.min()),
        high=float(x.max()),
        zeros=float((x == 0).mean()),
        limits=float(((x == x.min()) | (x == x.max())).mean()) if not fixed else 0.0,
        distinct=distinct if distinct <= _FEW else None,
        fixed=fixed,
        spread=None if reading.known or fixed else _spread(sample),
        instances=0 if fixed else len(sample.values),
        lost=raw.size - x.size,
        ties=0 if fixed else _ties(x),
        copied=sample.copied,
        looked=sample.looked,
        format="" if fixed else _format(x),
        again=sample.again,
        depends=dependence.evidence(sample, reading) if free and not fixed else {},
        even=[] if fixed else dependence.even(sample),
        marks=dependence.projections(sample) if fixed else {} if free else dependence.marks(sample),
    )


def _spread(sample: Sample) -> float | None:
    """Standard error of ln rms, from how it differs between instances, which may be dependent within themselves."""
    flat = sample.values.reshape(len(sample.values), -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = 0.5 * np.log((flat**2).mean(axis=1))
    if len(logs) < _INSTANCES or not np.isfinite(logs).all():
        return None
    return float(logs.std(ddof=1) / np.sqrt(len(logs)))


def _ties(x: Floats) -> int:
    """Entries, zeros apart, whose magnitude another entry has too, less one of each magnitude."""
    magnitudes = np.abs(x[x != 0])
    return int(magnitudes.size - np.unique(magnitudes).size)


def _format(x: Floats) -> str:
    return next(name for name in _NARROWEST_FIRST if name == "float64" or (FORMATS[name].round_all(x) == x).all())
