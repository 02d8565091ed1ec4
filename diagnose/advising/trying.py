"""Trials of remedies, one thing at a time, in the order rate, initialisation, norm, clip, layer: the first that works.

A pair is two fresh models of one seed on the same batches, trained for some steps by Adam with and without the remedy.
The symptom is what the check finds before the first step, or what the run shows: a loss that is not finite, that
doubles, or that does not move by a thousandth. A run must stay finite for its side to count as free of the symptom.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import Any

import msgspec
import torch

from varlaw.diagnose.advising import norms
from varlaw.diagnose.advising.calibrating import calibrated
from varlaw.diagnose.advising.deciding import decided
from varlaw.diagnose.advising.looking import Look, batch_of
from varlaw.diagnose.advising.records import Choice, Trial
from varlaw.diagnose.advising.scope import wrong
from varlaw.diagnose.check import examined
from varlaw.diagnose.symptoms import SYMPTOMS
from varlaw.diagnose.torch.building import built, seeded
from varlaw.evidence.streams import SALT, Key

Make = Callable[[], torch.nn.Module]
_GROWN, _MOVED = 2.0, 1e-3  # of the first loss
_RUN = ("loss.nan", "loss.grows", "loss.stuck")  # symptoms that a run shows


@dataclass(frozen=True)
class Course:
    """How short runs are made."""

    batch: Any
    loss: Callable[[Any, Any], Any]
    steps: int
    rate: float
    clip: float | None = None


@dataclass(frozen=True)
class Remedy:
    """One thing to change: how a model is made, or how it is trained."""

    stage: str
    key: str  # of the table of remedies
    name: str
    make: Make
    course: Course
    choices: tuple[Choice, ...] = ()  # initial values that come with it
    change: Callable[[torch.nn.Module], torch.nn.Module] | None = None  # what else it does to a model


def tried(
    plain: Make, course: Course, signals: Sequence[str], remedies: Sequence[Remedy], key: Key
) -> tuple[list[Trial], Remedy | None]:
    """Trials in order until one remedy removes the symptom, and that one; `signals` of the check, or what runs show."""
    symptoms = tuple(dict.fromkeys(signals)) or _shown(plain, course, key)
    if not symptoms:
        says = "nothing is wrong before the first step or in short runs: there is nothing to remove, no remedy is tried"
        return [Trial(stage="none", symptom="", outcome="REFUSED", says=says, steps=course.steps)], None
    found = list[Trial]()
    keys = _keys(symptoms)
    for remedy in remedies:
        if remedy.stage in ("rate", "clip") and (remedy.key not in keys or not set(symptoms) & set(_RUN)):
            continue  # what is wrong before the first step is not changed by how steps are made
        found.append(_trial(plain, course, symptoms, remedy, key))
        if found[-1].outcome == "REMOVES":
            return found, remedy
    return found, None


def _keys(symptoms: Sequence[str]) -> set[str]:
    """What the table of symptoms says to try; where half the rate stands there, a tenth may be tried, too."""
    keys = {key for row in SYMPTOMS if set(row.signals) & set(symptoms) for key in row.remedies}
    return keys | ({"rate/10"} if "rate/2" in keys else set())


def remedies_of(
    plain: Make, lawful: Remedy | None, layers: Sequence[Remedy], look: Look, course: Course, limit: float | None
) -> list[Remedy]:
    """The remedies that there are for a model, in their order; `lawful` has the recipe, `layers` change single ones."""
    where = norms.places(look)
    found = [
        Remedy("rate", "rate*3", "three times the rate", plain, replace(course, rate=course.rate * 3)),
        Remedy("rate", "rate/2", "half the rate", plain, replace(course, rate=course.rate / 2)),
        Remedy("rate", "rate/10", "a tenth of the rate", plain, replace(course, rate=course.rate / 10)),
        *([lawful] if lawful else []),
    ]
    if where:
        kind = {"layer": "layer norm", "group": "group norm"}.get(where[0][1], "batch norm")
        found.append(changed("norm", "norm", f"{kind} in front of {len(where)} activations", plain, course,
                             partial(norms.put_in, where=where)))  # fmt: skip
    if limit:
        found.append(Remedy("clip", "clip", f"clipping at {limit:.2g}", plain, replace(course, clip=limit)))
    measured = partial(_measured, plain, course)
    return [*found, *layers, Remedy("layer", "init", "calibration of every map by measurement", measured, course)]


def changed(
    stage: str, key: str, name: str, plain: Make, course: Course, change: Callable[[torch.nn.Module], torch.nn.Module],
    choices: Sequence[Choice] = (),
) -> Remedy:  # fmt: skip
    """A remedy that changes the model `plain` makes."""
    return Remedy(stage, key, name, lambda: change(plain()), course, tuple(choices), change)


def _measured(plain: Make, course: Course) -> torch.nn.Module:
    model = plain()
    calibrated(model, course.batch, salt=SALT)
    return model


def _trial(plain: Make, course: Course, symptoms: tuple[str, ...], remedy: Remedy, key: Key) -> Trial:
    losses: list[tuple[float, float]] = []

    def pair(number: int) -> tuple[bool, bool]:
        address = key.at(block=number, stage=1)
        plainly = run(built(plain, address.seed), course, address)
        remedied = run(built(remedy.make, address.seed), remedy.course, address)
        losses.append((plainly[-1], remedied[-1]))
        start = plainly[0]
        return (
            _ill(plain, course, symptoms, plainly, start, address),
            _ill(remedy.make, remedy.course, symptoms, remedied, start, address),
        )

    trial = decided(remedy.stage, " and ".join(symptoms), remedy.name, pair)
    without, behind = (_median(side) for side in zip(*losses, strict=True))
    return msgspec.structs.replace(trial, loss_without=without, loss_with=behind, steps=course.steps)


def _median(losses: Sequence[float]) -> float | None:
    middle = median(x if math.isfinite(x) else math.inf for x in losses)
    return middle if math.isfinite(middle) else None


def _ill(
    make: Make, course: Course, symptoms: tuple[str, ...], losses: Sequence[float], start: float, key: Key
) -> bool:
    """Whether the symptom is there on one side of a pair; a loss that was stuck at `start` has to fall below that."""
    shown = set(shown_by(losses))
    stuck = "loss.stuck" in symptoms and not losses[-1] < start - _MOVED * abs(start)
    if stuck or not math.isfinite(losses[-1]) or shown & set(symptoms):
        return True
    before = {s for s in symptoms if s not in _RUN}
    if not before:
        return False
    # a salt of its own for every pair: the same seeds and batch on both sides
    salt = f"{key.salt}.{key.block}"
    pair = examined(make, course.batch, course.loss, redraws=1, salt=salt, name="pair", foresee=False)
    return bool({f.signal for f in wrong(pair.record.findings)} & before)


def _shown(plain: Make, course: Course, key: Key) -> tuple[str, ...]:
    """What three runs without a remedy show, each of them."""
    runs = [shown_by(run(built(plain, (k := key.at(block=i)).seed), course, k)) for i in range(3)]
    return tuple(symptom for symptom in _RUN if all(symptom in one for one in runs))


def shown_by(losses: Sequence[float]) -> list[str]:
    """The symptoms of a run by its losses on one batch before the first and after the last step.

    >>> shown_by([2.3, 2.3001]), shown_by([2.3, math.nan]), shown_by([2.3, 1.9]), shown_by([2.3, 9.0])
    (['loss.stuck'], ['loss.nan'], [], ['loss.grows'])
    """
    first, last = losses[0], losses[-1]
    if not (math.isfinite(first) and math.isfinite(last)):
        return ["loss.nan"]
    if last > _GROWN * abs(first):
        return ["loss.grows"]
    return ["loss.stuck"] if abs(last - first) <= _MOVED * abs(first) else []


def run(model: torch.nn.Module, course: Course, key: Key) -> list[float]:
    """The loss on one batch before the first and after the last step; a run ends where a loss is not finite."""
    held = batch_of(course.batch, key.seed)
    with seeded(key.seed):
        losses = [_value(model, course, held)]
        parameters = [p for p in model.parameters() if p.requires_grad]
        least = max((torch.finfo(p.dtype).tiny for p in parameters), default=0.0)  # 1e-8 is 0 in float16
        optimizer = torch.optim.Adam(parameters, lr=course.rate, eps=max(1e-8, least))
        for step in range(course.steps):
            optimizer.zero_grad(set_to_none=True)
            value = course.loss(model, batch_of(course.batch, key.at(block=key.block, stage=2 + step).seed))
            if not (bool(torch.isfinite(value)) and value.requires_grad):
                return [losses[0], math.nan if value.requires_grad else losses[0]]
            value.backward()
            if course.clip is not None:
                torch.nn.utils.clip_grad_norm_(parameters, course.clip)
            optimizer.step()
        losses.append(_value(model, course, held))
    return losses


def _value(model: torch.nn.Module, course: Course, batch: Any) -> float:
    with torch.no_grad():
        return float(course.loss(model, batch))
