"""Which law does an unknown sampler follow? Inferred from its draws alone, over several shapes.

`specimens` draws the tensors of a subject, or of a function, in cases that tell formulas apart; `law.identify` finds
the law of one of them; the functions here do both.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Model, Sampler
from varlaw.verify.identify import models, specimens
from varlaw.verify.identify.law import identify
from varlaw.verify.identify.records import CaseStatistics, Identified, Reading
from varlaw.verify.identify.sample import Sample, moments
from varlaw.verify.identify.specimens import Draw, Specimen

__all__ = ["CaseStatistics", "Identified", "Reading", "Sample", "identify", "of_function", "of_subject", "statistics"]

_FEW = 16  # distinct values that are counted
_INSTANCES = 8  # from which a spread between instances is measured


def of_subject(subject: Sampler | Model, salt: str) -> Iterator[Identified]:
    """Every tensor of a subject with its law, or of a model every role that its parameters play."""
    version = subject.framework.version()
    for specimen, reading in _found(subject, salt):
        yield _identified(specimen, reading, subject.name, subject.framework.name, version, salt)


def _found(subject: Sampler | Model, salt: str) -> Iterator[tuple[Specimen, Reading | None]]:
    if isinstance(subject, Model):
        yield from models.roles(subject, salt)
    else:
        yield from ((specimen, None) for specimen in specimens.of_sampler(subject, salt))


def of_function(draw: Draw, name: str, salt: str) -> Identified:
    """The law of `draw(shape, seed)`, with a note where it refuses kernels; `ValueError` for another shape returned."""
    specimen, refused = specimens.of_function(draw, name, salt)
    found = _identified(specimen, None, name, "yours", "", salt)
    note = "; ".join(filter(None, [found.reading.note, refused]))
    return msgspec.structs.replace(found, reading=msgspec.structs.replace(found.reading, note=note))


def _identified(
    specimen: Specimen, reading: Reading | None, subject: str, framework: str, version: str, salt: str
) -> Identified:
    key = Key(salt, f"identify.fit:{subject}.{specimen.tensor}")
    reading = reading or identify(specimen.samples, key)
    return Identified(
        subject=subject, tensor=specimen.tensor, framework=framework, version=version, reading=reading,
        cases=[statistics(sample, known=reading.known) for sample in specimen.samples],
    )  # fmt: skip


def statistics(sample: Sample, *, known: bool) -> CaseStatistics:
    """The sums of one case; of an unknown law the spread between instances besides."""
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
        spread=None if known or fixed else _spread(sample),
        instances=0 if known or fixed else len(sample.values),
    )


def _spread(sample: Sample) -> float | None:
    """Standard error of ln rms, from how it differs between instances, which may be dependent within themselves."""
    flat = sample.values.reshape(len(sample.values), -1)
    with np.errstate(divide="ignore"):
        logs = 0.5 * np.log((flat**2).mean(axis=1))
    if len(logs) < _INSTANCES or not np.isfinite(logs).all():
        return None
    return float(logs.std(ddof=1) / np.sqrt(len(logs)))
