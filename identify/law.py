"""From samples to a law: what has no chance in it is decided exactly, the rest by likelihood, in this order.

Not finite; the same in every draw; blocks of several laws; orthogonal; of few values; then family, formula, and the
test that the winner fits. Whatever fails is unknown, with what was measured.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from varlaw.evidence.streams import Key
from varlaw.identify import blocks, chance, discrete, formulas, rows, structured, told
from varlaw.identify.formulas import Unit
from varlaw.identify.records import Reading
from varlaw.identify.sample import Sample
from varlaw.identify.scales import Exact

_FEWEST = 100  # entries over all cases, below which nothing is said


def identify(samples: Sequence[Sample], key: Key) -> Reading:
    """The law of one tensor from its draws in several cases; `key` names the stream of the goodness of fit."""
    found = _whole(samples, key)
    return found if found.known else _by_category(samples, key) or found


def _whole(samples: Sequence[Sample], key: Key) -> Reading:
    if any(not np.isfinite(s.values).all() for s in samples):
        count = sum(int((~np.isfinite(s.values)).sum()) for s in samples)
        return Reading(family="unknown", reason=f"{count} entries are not finite")
    if all(s.fixed.all() for s in samples):
        return _fixed(samples, key)
    if any(s.fixed.any() for s in samples) and (cut := blocks.of_chance(samples)):
        return _parts(samples, cut, key)
    if any(s.fixed.all() for s in samples):
        return _but_fixed(samples, key)
    if gains := structured.gains(samples):
        fit = formulas.fit(Exact(gains[0], 1e-6), [s.names for s in samples], (Unit("gain"),))
        return told.named("orthogonal", Unit("gain"), fit, note=f"orthogonal over {gains[1]}" if gains[1] else "")
    if sum(s.values.size for s in samples) < _FEWEST:
        return Reading(family="unknown", reason=f"fewer than {_FEWEST} entries to look at")
    if few := discrete.atoms(samples):
        return chance.of_few(few, samples)
    if found := rows.of_one_size(samples, key):
        return found
    cut = blocks.of_scale(samples)
    parts = _parts(samples, cut, key) if cut else None
    if parts and parts.known:
        return parts
    found = chance.random(samples, key)
    return rows.normal_together(samples, found, key) if found.family == "unknown" else found


def _but_fixed(samples: Sequence[Sample], key: Key) -> Reading:
    """The law of the cases where there is chance, with a note on those where there is none."""
    random = [s for s in samples if not s.fixed.all()]
    found = _whole(random, key)
    shapes = ", ".join(str(s.shape) for s in samples if s.fixed.all())
    note = "; ".join(filter(None, [found.note, f"the same in every draw for shape {shapes}"]))
    return msgspec.structs.replace(found, note=note)


def _parts(samples: Sequence[Sample], cut: blocks.Cut, key: Key) -> Reading:
    """Each block by itself; neighbours of one law are told together."""
    count = len(cut.slices(samples[0].shape))
    found: list[tuple[Reading, list[int]]] = []
    for block in range(count):
        reading = _whole([s.part(cut.slices(s.shape)[block]) for s in samples], key.at(block=0, stage=block + 2))
        same = next((entry for entry in found if entry[0].text == reading.text and reading.known), None)
        if same:
            same[1].append(block)
        else:
            found.append((reading, [block]))
    if len(found) == 1:
        return found[0][0]
    parts = [_placed(reading, cut, which) for reading, which in found]
    return Reading(family="piecewise", parts=parts)


def _placed(reading: Reading, cut: blocks.Cut, which: Sequence[int]) -> Reading:
    where = " and ".join(cut.where(b).removesuffix(f" of {_axis(cut)}") for b in which)
    return msgspec.structs.replace(reading, where=f"{where} of {_axis(cut)}")


def _axis(cut: blocks.Cut) -> str:
    return "the last axis" if cut.axis else "axis 0"


def _by_category(samples: Sequence[Sample], key: Key) -> Reading | None:
    """The law for each value of a name that is no number, such as a mode, where there is one for each."""
    names = {n for s in samples for n, v in s.case.items() if isinstance(v, str | bool)}
    for name in sorted(names):
        values = list(dict.fromkeys(s.case.get(name) for s in samples))
        if not 1 < len(values) < len(samples):
            continue
        groups = [[s for s in samples if s.case.get(name) == v] for v in values]
        found = [_whole(group, key.at(block=0, stage=20 + i)) for i, group in enumerate(groups)]
        if all(f.known for f in found):
            parts = [msgspec.structs.replace(f, where=f"{name}={v}") for f, v in zip(found, values, strict=True)]
            return Reading(family="by case", parts=parts)
    return None


# -- without chance ----------------------------------------------------------------------------------------------------


def _fixed(samples: Sequence[Sample], key: Key) -> Reading:
    values = [structured.constant(s) for s in samples]
    known = [v for v in values if v is not None]
    if len(known) == len(values):
        return _constant(known, samples)
    if found := structured.pattern(samples):
        return Reading(family=found[0], law=found[1])
    if gains := structured.gains(samples):
        fit = formulas.fit(Exact(gains[0], 1e-6), [s.names for s in samples], (Unit("gain"),))
        return told.named("orthogonal", Unit("gain"), fit, note="the same matrix in every draw")
    if cut := blocks.of_constants(samples):
        return _parts(samples, cut, key)
    reason = "the same numbers in every draw, neither a constant nor an identity nor blocks of constants"
    return Reading(family="fixed", reason=reason)


def _constant(values: Sequence[float], samples: Sequence[Sample]) -> Reading:
    if len(set(values)) == 1:
        text = f"{values[0]:.6g}"
        text = text if np.float32(text) == np.float32(values[0]) else repr(values[0])
        return Reading(family="constant", law=f"Constant({text})", unit="value", formula=text)
    if name := next((n for n in samples[0].case if structured.named(n, values, samples)), ""):
        return Reading(family="constant", law=f"Constant({name})", unit="value", formula=name)
    if 0.0 in values or min(values) * max(values) < 0:
        return Reading(family="constant", unit="value", reason="a constant whose sign depends on the case")
    fit = formulas.fit(Exact([abs(v) for v in values]), [s.names for s in samples], (Unit("value"),))
    return told.named("constant", Unit("value"), fit, sign="-" if values[0] < 0 else "")
