"""Whole models: all parameters of one role are looked at together, and apart where they follow no one law."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from varlaw.evidence.streams import Key
from varlaw.identify import specimens
from varlaw.identify.law import identify
from varlaw.identify.records import Reading
from varlaw.identify.sample import Sample
from varlaw.identify.specimens import Specimen
from varlaw.subjects.subject import Model, Parameter

_CASES = (2, 2)
_INSTANCES = 4  # of a model in each case: its parameters of one role are many
_SILENT = ("buffer",)  # roles whose values are no law: positions, masks, frequencies
_KEPT = 3  # samples of each case, the largest ones, whose sums are kept

Named = tuple[str, Sample]


def roles(subject: Model, salt: str) -> Iterator[tuple[Specimen, Reading]]:
    """Every role, or where its parameters follow several laws every law in it, with its largest samples."""
    by_role: dict[str, list[Named]] = {}
    for name, role, sample in _parameters(subject, salt):
        by_role.setdefault(role, []).append((name, sample))
    for role, found in by_role.items():
        key = Key(salt, f"identify.fit:{subject.name}.{role}")
        merged = _merged([s for _, s in found])
        together = identify(merged, key) if len({bool(s.fixed.all()) for s in merged}) == 1 else None
        if together and together.known:
            yield Specimen(role, _largest(merged), tuple(dict.fromkeys(name for name, _ in found))), together
        else:
            yield from _apart(role, found, key)


def _parameters(subject: Model, salt: str) -> Iterator[tuple[str, str, Sample]]:
    """Name (numbers of layers replaced by *), role and sample of every parameter in every case."""
    chosen = specimens.cases_of(subject, *_CASES)
    for case in chosen:
        known = subject.parameters(case)
        key = specimens.stream(subject.name, salt, case)
        for name, drawn in specimens.instances(subject, case, key, len(chosen), _INSTANCES).items():
            parameter = known.get(name, Parameter(role="unlisted", shape=drawn.shape))
            if parameter.role in _SILENT:
                continue
            names = {**case, **specimens.of_shape(drawn.shape), **parameter.names}
            if parameter.fan_in and parameter.fan_out:
                names |= {"fan_in": parameter.fan_in, "fan_out": parameter.fan_out}
            sample = Sample(case, specimens.numbers(names), drawn.shape, drawn.values, drawn.again)
            yield re.sub(r"(?<![^.])\d+(?![^.])", "*", name), parameter.role, _without(sample, parameter.zero_rows)


def _without(sample: Sample, rows: Sequence[int]) -> Sample:
    """Without the rows that are zero on purpose."""
    if not rows:
        return sample
    values = np.delete(sample.values, list(rows), axis=1)
    return replace(sample, shape=values.shape[1:], values=values)


def _apart(role: str, found: Sequence[Named], key: Key) -> Iterator[tuple[Specimen, Reading]]:
    """The laws of a role's parameters one by one, by their names."""
    for i, name in enumerate(dict.fromkeys(n for n, _ in found)):
        samples = _merged([s for n, s in found if n == name])
        yield Specimen(f"{role}: {name}", _largest(samples)), identify(samples, key.at(block=0, stage=100 + i))


def _merged(samples: Sequence[Sample]) -> list[Sample]:
    """Parameters of one shape in one case, with the same numbers to scale by, as more instances of one tensor."""
    groups: dict[tuple[object, ...], list[Sample]] = {}
    for sample in samples:
        place = (str(sample.case), sample.shape, tuple(sorted(sample.names.items())))
        groups.setdefault(place, []).append(sample)
    return [_stacked(group) for group in groups.values()]


def _stacked(group: Sequence[Sample]) -> Sample:
    return replace(group[0], values=np.concatenate([s.values for s in group]), again=all(s.again for s in group))


def _largest(samples: Sequence[Sample]) -> list[Sample]:
    """A few samples of each case: enough to compare the scale with another recording."""
    kept: list[Sample] = []
    for case in dict.fromkeys(str(s.case) for s in samples):
        mine = [s for s in samples if str(s.case) == case]
        kept += sorted(mine, key=lambda s: -s.values.size)[:_KEPT]
    return kept
