"""From a model to an `AdviceRecord`: what is wrong, the recipe by law, what it makes of the depth, and trials of it.

The recipe is derived, put on fresh models and looked at again; what is then still wrong widens it, twice at most.
"""

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import torch

from varlaw.diagnose.advising import activations, precision, rules
from varlaw.diagnose.advising.depths import depths_of
from varlaw.diagnose.advising.deriving import Chooser
from varlaw.diagnose.advising.following import composed
from varlaw.diagnose.advising.looking import Look, looked, seconds_of, sight_of, stuck_zeros
from varlaw.diagnose.advising.records import AdviceRecord, Choice, Depth, Trial
from varlaw.diagnose.advising.roles import kept
from varlaw.diagnose.advising.scope import REACH, Scope, curable, wrong
from varlaw.diagnose.advising.steps import lasting, steps_of
from varlaw.diagnose.advising.trying import Course, Make, Remedy, changed, remedies_of, tried
from varlaw.diagnose.check import Examined, examined
from varlaw.diagnose.foresight import foresight
from varlaw.diagnose.records import Finding, ModelRecord
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.torch.building import built
from varlaw.evidence.streams import SALT, Key, check_salt
from varlaw.impl.torch import Rule, initialise
from varlaw.theory.domain import printable

_REDRAWS, _MOST = 4, 16  # draws of a model, and where they leave open whether something is wrong
_ROUNDS = 3
_LARGE = 20_000_000  # parameters, from which on one draw says enough


@dataclass(frozen=True)
class Advised:
    """The record, the recipe itself, and the reports before and after."""

    record: AdviceRecord
    recipe: list[Rule]
    before: ModelRecord
    after: ModelRecord
    key: int
    change: Callable[[torch.nn.Module], torch.nn.Module] | None  # a layer that removed what no initial values remove


@dataclass(frozen=True)
class Case:
    """What advice is asked for: a model with its batch and loss."""

    build: Callable[[], torch.nn.Module] | torch.nn.Module
    batch: Any
    loss: Callable[[Any, Any], Any] | None
    salt: str
    name: str | None

    def examined(self, build: Callable[[], torch.nn.Module] | torch.nn.Module, redraws: int) -> Examined:
        """The report on this model, or on one made of it."""
        return examined(build, self.batch, self.loss, redraws=redraws, salt=self.salt, name=self.name)

    def decided(self) -> Examined:
        """The report on the model, of more draws where few leave open what initial values would cure."""
        found = self.examined(self.build, _REDRAWS)
        record = found.record
        unsure = any(f.outcome == "UNDECIDED" and f.signal in REACH for f in record.findings)
        unsure |= any(f.outcome == "NOTE" and f.signal == "loss.start" for f in record.findings)  # luck of few labels
        more = unsure and not isinstance(self.build, torch.nn.Module) and record.numbers <= _LARGE
        return self.examined(self.build, _MOST) if more else found


def advised(
    build: Callable[[], torch.nn.Module] | torch.nn.Module,
    batch: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    attempt: bool = False,
    steps: int = 20,
    rate: float = 1e-3,
    keep: Sequence[str] = (),
    salt: str = SALT,
    name: str | None = None,
) -> Advised:
    """What is advised for a model; the arguments are those of `varlaw.advise`."""
    check_salt(salt)
    _check_course(loss, attempt, steps, rate)
    case = Case(build, batch, loss, salt, name)
    seen = case.decided()
    before = seen.record
    if not attempt and not any(f.outcome == "VIOLATES" for f in before.findings):
        return _sound(case, seen, keep)
    key = Key(salt, f"advise:{before.name}")
    symptoms = curable(before.findings)
    if any(t.meta for t in before.tensors) and symptoms:
        msg = "the model is on the meta device, but should have memory: build it on a device [advise]"
        raise ValueError(msg)
    look = looked(build, batch, loss, keep, key) if before.rows else None
    choices, recipe, after = _derived(case, look, before, key) if look else ([], [], before)
    record = _recorded(case, look, before, after, choices, recipe, key)
    if not attempt or look is None or loss is None:
        return Advised(record, recipe, before, after, key.seed, None)
    trials, works = _trials(case, Course(batch, loss, steps, rate), look, record, key)
    if works and works.choices and not recipe:  # nothing asked for them before a run did
        choices, recipe = list(works.choices), rules.recipe_of(works.choices, look.model)
        after = case.examined(works.make, _REDRAWS).record
        told = _recorded(case, look, before, after, choices, recipe, key, works.make)
        structural = [s for s in record.steps if s.stage != "clip"]  # they stand though nothing is wrong behind them
        steps_now = [*structural, *(s for s in told.steps if s.stage == "clip")]
        record = msgspec.structs.replace(told, steps=steps_now)
    record = msgspec.structs.replace(record, trials=trials)
    return Advised(record, recipe, before, after, key.seed, works.change if works else None)


def _sound(case: Case, seen: Examined, keep: Sequence[str]) -> Advised:
    """Nothing to change: the pass that shows it is the check's own."""
    record = seen.record
    kept(seen.sight, keep)
    told = AdviceRecord(
        name=record.name, salt=case.salt, symptoms=[], untreated=[], choices=[],
        steps=lasting(seen.sight, record) if record.rows else [], code="",
        depths=depths_of(seen.ahead, seen.ahead) if record.rows and seen.ahead else [], trials=[], remaining=[],
    )  # fmt: skip
    return Advised(told, [], record, record, Key(case.salt, f"advise:{record.name}").seed, None)


def _derived(case: Case, look: Look, before: ModelRecord, key: Key) -> tuple[list[Choice], list[Rule], ModelRecord]:
    """Choices, recipe and the report with it; a recipe that removes no symptom is none."""
    symptoms = curable(before.findings)
    scope, after, recipe, choices = Scope().add(symptoms), before, list[Rule](), list[Choice]()
    scope.named |= stuck_zeros(look, [n for f in symptoms if f.signal == "gradient.zero" for n in f.where])
    for _ in range(_ROUNDS):
        if scope.empty:
            break
        choices = chosen(look, scope, case.batch, case.loss, key)
        recipe = rules.recipe_of(choices, look.model)
        after = case.examined(remade(case.build, recipe), 1 if before.numbers > _LARGE else _REDRAWS).record
        further = [f for f in curable(after.findings) if not _ours(f, choices)]
        if not further or _same(scope, further):
            break
        scope.add(further)
    if recipe and not removed(symptoms, after.findings):
        return [], [], before
    return choices, recipe, after


def _recorded(
    case: Case, look: Look | None, before: ModelRecord, after: ModelRecord, choices: list[Choice],
    recipe: list[Rule], key: Key, make: Make | None = None,
) -> AdviceRecord:  # fmt: skip
    """The record; `make` makes the model behind the advice, where a recipe alone does not."""
    symptoms = curable(before.findings)
    return AdviceRecord(
        name=before.name, salt=case.salt, symptoms=symptoms,
        untreated=[f for f in before.findings if f.outcome == "VIOLATES" and f not in symptoms], choices=choices,
        steps=steps_of(look, before, after) if look else [], trials=[],
        code=rules.code_of(recipe, rules.comments_of(choices, recipe), key.seed),
        depths=_depths(case, look, make or (remade(case.build, recipe) if recipe else None), key) if look else [],
        remaining=[f for f in after.findings if f.outcome == "VIOLATES"] if recipe else [],
    )  # fmt: skip


_FASTEST = 1e30  # float32 holds the first step of Adam


def _check_course(loss: Any, attempt: Any, steps: Any, rate: Any) -> None:
    if not isinstance(attempt, bool):
        msg = f"attempt={printable(attempt)}, but should be True or False [advise]"
        raise ValueError(msg)
    if attempt and loss is None:
        msg = "loss is missing, but should be a function of (model, batch): runs are to be tried [advise]"
        raise ValueError(msg)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        msg = f"steps={printable(steps)}, but should be a whole number >= 1 [advise]"
        raise ValueError(msg)
    if isinstance(rate, bool) or not (isinstance(rate, (int, float)) and 0 < rate <= _FASTEST):
        msg = f"rate={printable(rate)}, but should be a number > 0 and <= {_FASTEST:g} [advise]"
        raise ValueError(msg)


def _trials(
    case: Case, course: Course, look: Look, record: AdviceRecord, key: Key
) -> tuple[list[Trial], Remedy | None]:
    """Trials of what there is against the symptoms; where none shows before the first step, of what the runs show."""
    plain, wanted = remade(case.build, []), [f.signal for f in record.symptoms]
    if record.untreated and not wanted:
        return [], None
    choices = record.changes or chosen(look, Scope(everything=True), course.batch, course.loss, key)
    recipe = rules.recipe_of(choices, look.model)
    lawful = Remedy(
        "initialisation", "init", "initialisation by law", remade(case.build, recipe), course, tuple(choices)
    )  # fmt: skip
    limit = next((float(s.code.rpartition(" ")[2].rstrip(")")) for s in record.steps if s.stage == "clip"), None)
    layers = [*_other_activations(plain, course, look, key), *_in_float32(plain, course, look, record)]
    return tried(
        plain, course, wanted, remedies_of(plain, lawful if recipe else None, layers, look, course, limit), key
    )


def _other_activations(plain: Make, course: Course, look: Look, key: Key) -> list[Remedy]:
    """Other activations where theirs are the cause, with the initial values that they ask for."""
    where = activations.places(look)
    if not where:
        return []
    change = functools.partial(activations.put_in, where=where)
    other = looked(lambda: change(plain()), course.batch, course.loss, (), key)
    choices = chosen(other, Scope(everything=True), course.batch, course.loss, key)
    recipe = rules.recipe_of(choices, other.model)
    name = f"{' and '.join(sorted(set(where.values())))} at {len(where)} places, initialised by law,"
    return [changed("layer", "activation", name, remade_by(plain, recipe), course, change, choices)]


def _in_float32(plain: Make, course: Course, look: Look, record: AdviceRecord) -> list[Remedy]:
    """The layer that leaves float16 in float32, or the whole model."""
    places = precision.places(look, record.symptoms)
    tries = [places, [""]] if places and places != [""] else [places] if places else []
    return [
        changed("layer", "float32", f"float32 in {', '.join(p or 'the whole model' for p in where)}", plain, course,
                functools.partial(precision.put_in, where=where))
        for where in tries
    ]  # fmt: skip


def removed(symptoms: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """The symptoms that are gone: nothing wrong has their word any more."""
    left = {f.signal for f in wrong(after)}
    return [f for f in symptoms if f.signal not in left]


def chosen(look: Look, scope: Scope, batch: Any, loss: Any, key: Key) -> list[Choice]:
    """The choices for one model, twice: fans, borders and norms are measured again where signals are lawful.

    What an activation that is written out by hand keeps is measured at the size that it then gets: four times.
    """
    given = look.seconds, scope, look.roles, look.constants
    by_hand = any(composed(c, look.graph) for c in look.sight.calls if c.kind == "linear")
    choices = Chooser(look.sight, look.graph, *given).run()
    for _ in range(3 if by_hand else 1):
        recipe = rules.recipe_of(choices, look.model)
        if not recipe:
            return choices
        sight = sight_of(built(remade(look.model, recipe), key.seed), batch, loss, key)
        choices = Chooser(sight, Graph(sight.calls), *given).run()
    return choices


def remade(
    build: Callable[[], torch.nn.Module] | torch.nn.Module, recipe: Sequence[Rule]
) -> Callable[[], torch.nn.Module]:
    """A function that builds the model and gives it the recipe, each time with another key from torch's generator."""

    def make() -> torch.nn.Module:
        return copy.deepcopy(build) if isinstance(build, torch.nn.Module) else build()

    return remade_by(make, recipe)


def remade_by(make: Make, recipe: Sequence[Rule]) -> Make:
    """The same of a function that makes a fresh model."""

    def made() -> torch.nn.Module:
        model = make()
        if recipe:
            initialise(model, recipe, key=int(torch.randint(2**62, ())))
        return model

    return made


def applied(build: Callable[[], torch.nn.Module] | torch.nn.Module, found: Advised) -> torch.nn.Module:
    """A fresh model with the recipe."""
    model = built(remade(build, found.recipe), found.key)
    return found.change(model) if found.change else model


def _ours(finding: Finding, choices: Sequence[Choice]) -> bool:
    """Whether parameters are unlike their peers because the recipe changed some of them."""
    changed = {c.name for c in choices if c.law != "keep"}
    return finding.signal == "init.unset" or (finding.signal == "init.peers" and set(finding.where) <= changed)


def _same(scope: Scope, further: Sequence[Any]) -> bool:
    """Whether further findings ask for nothing new."""
    return copy.deepcopy(scope).add(further) == scope


def _depths(case: Case, look: Look, make: Make | None, key: Key) -> list[Depth]:
    before = foresight(look.sight, look.graph, look.seconds)
    if make is None:
        return depths_of(before, before)
    model = built(make, key.seed)
    after = sight_of(model, case.batch, case.loss, key)
    return depths_of(before, foresight(after, Graph(after.calls), seconds_of(model)))
