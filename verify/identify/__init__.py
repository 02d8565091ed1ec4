"""Which law does an unknown sampler follow? Inferred from its draws alone, over several shapes.

`specimens` draws the tensors of a subject, or of a function, in cases that tell formulas apart; `law.identify` finds
the law of one of them; the functions here do both.
"""

from collections.abc import Iterator

import numpy as np

from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Model, Sampler
from varlaw.verify.identify import specimens
from varlaw.verify.identify.law import identify
from varlaw.verify.identify.records import CaseStatistics, Identified, Reading
from varlaw.verify.identify.sample import Floats, Sample, moments
from varlaw.verify.identify.specimens import Draw, Specimen

__all__ = ["CaseStatistics", "Identified", "Reading", "Sample", "identify", "of_function", "of_subject", "statistics"]

_FEW = 16  # distinct values that are counted


def of_subject(subject: Sampler | Model, salt: str) -> Iterator[Identified]:
    """Every tensor of a subject with its law, or of a model every group of parameters that differ in numbers only."""
    version = subject.framework.version()
    for specimen in specimens.tensors(subject, salt):
        yield _identified(specimen, subject.name, subject.framework.name, version, salt)


def of_function(draw: Draw, name: str, salt: str) -> Identified:
    """The law of `draw(shape, seed)`; `ValueError` when it returns another shape."""
    return _identified(specimens.of_function(draw, name, salt), name, "yours", "", salt)


def _identified(specimen: Specimen, subject: str, framework: str, version: str, salt: str) -> Identified:
    key = Key(salt, f"identify.fit:{subject}.{specimen.tensor}")
    reading = identify(specimen.samples, key)
    return Identified(
        subject=subject, tensor=specimen.tensor, framework=framework, version=version, reading=reading,
        cases=[statistics(sample, known=reading.known) for sample in specimen.samples],
    )  # fmt: skip


def statistics(sample: Sample, *, known: bool) -> CaseStatistics:
    """The sums of one case; of an unknown law the counts of |x| by quarter octave besides."""
    fixed = bool(sample.fixed.all())
    x = sample.values[0].ravel() if fixed else sample.values.ravel()
    x = x[np.isfinite(x)]
    if not x.size:
        return CaseStatistics(case=dict(sample.case), shape=sample.shape, n=0, unit=1, z1=0, z2=0, z4=0, low=0, high=0)
    found = moments(x)
    unit = found.rms or 1.0
    distinct = len(np.unique(x[:4096]))
    return CaseStatistics(
        case=dict(sample.case),
        shape=sample.shape,
        n=found.n,
        unit=unit,
        z1=found.total / unit,
        z2=found.squares / unit**2,
        z4=found.fourth / unit**4,
        low=found.low,
        high=found.high,
        zeros=float((x == 0).mean()),
        limits=float(((x == found.low) | (x == found.high)).mean()) if not fixed else 0.0,
        distinct=distinct if distinct <= _FEW else None,
        fixed=fixed,
        bins={} if known else _bins(x),
    )


def _bins(x: Floats) -> dict[str, int]:
    """Counts of entries by sign and quarter octave of |x|; zeros under "0"."""
    quarter = np.floor(4 * np.log2(np.abs(x[x != 0]))).astype(int)
    labels, counts = np.unique(np.where(x[x != 0] > 0, quarter, quarter + _NEGATIVE), return_counts=True)
    named = {_label(int(label)): int(count) for label, count in zip(labels, counts, strict=True)}
    zeros = int((x == 0).sum())
    return {**({"0": zeros} if zeros else {}), **named}


_NEGATIVE = 100_000  # beyond any exponent


def _label(label: int) -> str:
    return f"-{label - _NEGATIVE}" if label > _NEGATIVE // 2 else f"+{label}"
