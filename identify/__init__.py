"""Which law does an unknown sampler follow? Inferred from its draws alone, over several shapes.

`specimens` draws the tensors of a subject, or of a function, in cases that tell formulas apart; `law.identify` finds
the law of one of them; the functions here do both.
"""

from collections.abc import Iterator, Sequence

import msgspec

from varlaw.evidence.streams import Key
from varlaw.identify import models, specimens
from varlaw.identify.law import identify
from varlaw.identify.records import CaseStatistics, Identified, Reading
from varlaw.identify.sample import Sample
from varlaw.identify.specimens import Draw, Specimen
from varlaw.identify.statistics import statistics
from varlaw.subjects.subject import Model, Sampler

__all__ = ["CaseStatistics", "Identified", "Reading", "Sample", "identify", "of_function", "of_subject", "statistics"]


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


def of_function(draw: Draw, name: str, salt: str, shapes: Sequence[tuple[int, ...]] = specimens.SHAPES) -> Identified:
    """The law of `draw(shape, seed)`, with a note where it refuses kernels; `ValueError` for another shape returned.

    shapes: in which it is asked, and in no others.
    """
    specimen, refused = specimens.of_function(draw, name, salt, shapes)
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
        cases=[statistics(sample, reading) for sample in specimen.samples], members=list(specimen.members),
    )  # fmt: skip
