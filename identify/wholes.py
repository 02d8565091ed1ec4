"""A whole module of somebody's: every parameter with its law, from one pass over the draws.

Parameters of one kind, alike but for the number of their layer, of one shape and one scale are looked at together; what
is read off them all is the reading of each. So a model of hundreds of parameters costs as much as its dozen kinds.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from varlaw.evidence.streams import Key
from varlaw.identify import specimens
from varlaw.identify.law import identify
from varlaw.identify.records import CaseStatistics, Identified, Reading
from varlaw.identify.sample import Sample, moments
from varlaw.identify.specimens import Drawn
from varlaw.subjects.subject import Sampler

_APART = 6.0  # standard errors between the scales of two parameters that are no longer of one kind
_MOST = 40_000  # entries of a kind that are looked at


def of_module(subject: Sampler, salt: str) -> Iterator[Identified]:
    """Every tensor of the instances, in the module's order."""
    version = subject.framework.version()
    drawn = _drawn(subject, salt)
    readings: dict[str, Reading] = {}
    for kind in _kinds(drawn):
        samples = _together(subject, kind, drawn)
        reading = identify(samples, Key(salt, f"identify.fit:{subject.name}.{kind[0]}"))
        readings |= dict.fromkeys(kind, reading)
    copies = _copies(drawn[0][1])
    for name, reading in sorted(readings.items(), key=lambda item: list(drawn[0][1]).index(item[0])):
        cases = [_sums(case, found[name]) for case, found in drawn if name in found]
        said = f"the same numbers as {copies[name]}" if name in copies else reading.note
        yield Identified(
            subject=subject.name, tensor=name, framework=subject.framework.name, version=version, cases=cases,
            reading=msgspec.structs.replace(reading, note=said),
        )  # fmt: skip


Pass = list[tuple[dict[str, object], Mapping[str, Drawn]]]


def _drawn(subject: Sampler, salt: str) -> Pass:
    """The instances in each case: of what is drawn once, all tensors are there."""
    chosen = specimens.cases_of(subject, 1, 4)
    found = [
        (case, specimens.instances(subject, case, specimens.stream(subject.name, salt, case), len(chosen)))
        for case in chosen
    ]
    return [(case, tensors) for case, tensors in found if tensors]


def _kinds(drawn: Pass) -> Iterator[list[str]]:
    """Names of parameters that differ in the number of their layer alone, with the same shape, scale and fixedness."""
    first = drawn[0][1]
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, one in first.items():
        fixed = bool((one.values == one.values[0]).all())
        level = float(one.values.flat[0]) if fixed and np.ptp(one.values) == 0 else None
        pattern = re.sub(r"(?<![^.])\d+(?![^.])", "*", name)
        groups.setdefault((pattern, one.shape, fixed, level), []).append(name)
    for key, names in groups.items():
        # In the module's order: the first ones in that of their scales would be a choice of small ones.
        yield from [names] if key[2] else (sorted(kind, key=names.index) for kind in _scales(names, first))


def _scales(names: Sequence[str], first: Mapping[str, Drawn]) -> Iterator[list[str]]:
    """The names in order of their scale, cut where it jumps by more than chance explains."""
    logs = {n: _log_rms(first[n]) for n in names}
    ordered = sorted(names, key=lambda n: logs[n][0])
    group = [ordered[0]]
    for name in ordered[1:]:
        (here, error), (before, other) = logs[name], logs[group[-1]]
        if here - before > _APART * math.hypot(error, other):
            yield group
            group = []
        group.append(name)
    yield group


def _log_rms(one: Drawn) -> tuple[float, float]:
    """ln of the root mean square with its standard error, from how the squares spread."""
    squares = np.square(one.values[np.isfinite(one.values)].ravel())
    if not squares.size or not squares.any():
        return -math.inf if squares.size else math.inf, 0.0
    mean = float(squares.mean())
    return 0.5 * math.log(mean), 0.5 * float(squares.std()) / mean / math.sqrt(squares.size)


def _together(subject: Sampler, kind: Sequence[str], drawn: Pass) -> list[Sample]:
    """The instances of all parameters of a kind as more instances of one, in each case."""
    samples = []
    for case, found in drawn:
        here = [found[n] for n in kind if n in found]
        if not here:
            continue
        one = here[0]
        most = max(2, -(-_MOST // max(1, math.prod(one.shape))))
        values = np.concatenate([d.values for d in here])[:most] if len(here[0].values) > 1 else here[0].values
        names = specimens.names_of(subject, kind[0], case, one.shape)
        samples.append(Sample(case, names, one.shape, values, all(d.again for d in here)))
    return samples


def _copies(found: Mapping[str, Drawn]) -> dict[str, str]:
    """Random parameters that hold the very numbers of an earlier one."""
    seen: dict[bytes, str] = {}
    copies = {}
    for name, one in found.items():
        if one.values[0].size < 2 or (one.values == one.values[0]).all():
            continue
        earlier = seen.setdefault(one.values[0].tobytes(), name)
        if earlier != name:
            copies[name] = earlier
    return copies


def _sums(case: Mapping[str, object], one: Drawn) -> CaseStatistics:
    x = one.values[np.isfinite(one.values)].ravel()
    peak = float(np.abs(x).max()) if x.size and x.any() else 1.0
    found = moments(x / peak) if x.size else None
    rms = found.rms if found and found.rms else 1.0
    return CaseStatistics(
        case=dict(case), shape=one.shape, n=x.size, unit=rms * peak, z1=found.total / rms if found else 0.0,
        z2=found.squares / rms**2 if found else 0.0, z4=found.fourth / rms**4 if found else 0.0,
        low=float(x.min()) if x.size else 0.0, high=float(x.max()) if x.size else 0.0,
    )  # fmt: skip
