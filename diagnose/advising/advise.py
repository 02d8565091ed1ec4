"""From a model to an `AdviceRecord`: what is wrong, the recipe by law, what it makes of the depth, and trials of it.

The recipe is derived, put on fresh models and looked at again; what is then still wrong widens it, twice at most.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import torch

from varlaw.diagnose.advising import norms, rules
from varlaw.diagnose.advising.depths import depths_of
from varlaw.diagnose.advising.deriving import Chooser
from varlaw.diagnose.advising.following import composed
from varlaw.diagnose.advising.looking import Look, looked, seconds_of, sight_of, stuck_zeros
from varlaw.diagnose.advising.records import AdviceRecord, Choice, Depth, Trial
from varlaw.diagnose.advising.scope import Scope, curable, wrong
from varlaw.diagnose.advising.steps import steps_of
from varlaw.diagnose.advising.trying import Course, remedies_of, tried
from varlaw.diagnose.check import examined
from varlaw.diagnose.foresight import foresight
from varlaw.diagnose.records import Finding, ModelRecord
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.torch.building import built
from varlaw.evidence.streams import SALT, Key, check_salt
from varlaw.impl.torch import Rule, initialise

_REDRAWS = 4
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
    norms: list[tuple[str, str, int]]  # where norms removed what no initial values remove: path, kind, size


@dataclass(frozen=True)
class Case:
    """What advice is asked for: a model with its batch and loss."""

    build: Callable[[], torch.nn.Module] | torch.nn.Module
    batch: Any
    loss: Callable[[Any, Any], Any] | None
    salt: str
    name: str | None

    def examined(self, build: Callable[[], torch.nn.Module] | torch.nn.Module, redraws: int) -> ModelRecord:
        """The report on this model, or on one made of it."""
        return examined(build, self.batch, self.loss, redraws=redraws, salt=self.salt, name=self.name)


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
    if attempt:
        _check_course(loss, steps, rate)
    case = Case(build, batch, loss, salt, name)
    before = case.examined(build, _REDRAWS)
    key = Key(salt, f"advise:{before.name}")
    symptoms = curable(before.findings)
    if any(t.meta for t in before.tensors) and symptoms:
        msg = "the model is on the meta device, but should have memory: build it on a device [advise]"
        raise ValueError(msg)
    look = looked(build, batch, loss, keep, key) if before.rows else None
    choices, recipe, after = _derived(case, look, before, key) if look else ([], [], before)
    record = _recorded(case, look, before, after, choices, recipe, key)
    if attempt and look is not None and loss is not None:
        course = Course(batch, loss, steps, rate)
        record = msgspec.structs.replace(record, trials=_trials(build, course, look, recipe, record, key))
    works = next((t.stage for t in record.trials if t.outcome == "REMOVES"), "")
    return Advised(record, recipe, before, after, key.seed, norms.places(look) if look and works == "norm" else [])


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
        after = case.examined(remade(case.build, recipe), 1 if before.numbers > _LARGE else _REDRAWS)
        further = [f for f in curable(after.findings) if not _ours(f, choices)]
        if not further or _same(scope, further):
            break
        scope.add(further)
    if recipe and not removed(symptoms, after.findings):
        return [], [], before
    return choices, recipe, after


def _recorded(
    case: Case, look: Look | None, before: ModelRecord, after: ModelRecord, choices: list[Choice],
    recipe: list[Rule], key: Key,
) -> AdviceRecord:  # fmt: skip
    symptoms = curable(before.findings)
    return AdviceRecord(
        name=before.name, salt=case.salt, symptoms=symptoms,
        untreated=[f for f in before.findings if f.outcome == "VIOLATES" and f not in symptoms], choices=choices,
        steps=steps_of(look, before, after) if look else [], trials=[],
        code=rules.code_of(recipe, rules.comments_of(choices, recipe), key.seed),
        depths=_depths(look, recipe, case.build, case.batch, case.loss, key) if look else [],
        remaining=[f for f in after.findings if f.outcome == "VIOLATES"] if recipe else [],
    )  # fmt: skip


def _check_course(loss: Any, steps: Any, rate: Any) -> None:
    if loss is None:
        msg = "loss is missing, but should be a function of (model, batch): runs are to be tried [advise]"
        raise ValueError(msg)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        msg = f"steps={steps!r}, but should be a whole number >= 1 [advise]"
        raise ValueError(msg)
    if not (isinstance(rate, (int, float)) and 0 < rate < math.inf):
        msg = f"rate={rate!r}, but should be a number > 0 [advise]"
        raise ValueError(msg)


def _trials(
    build: Callable[[], torch.nn.Module] | torch.nn.Module, course: Course, look: Look, recipe: Sequence[Rule],
    record: AdviceRecord, key: Key,
) -> list[Trial]:  # fmt: skip
    """Trials of what there is against the symptoms; where none shows before the first step, of what the runs show."""
    plain = remade(build, [])
    rules_tried = recipe or _everything(look, course, key)
    limit = next((float(s.code.rpartition(" ")[2].rstrip(")")) for s in record.steps if s.stage == "clip"), None)
    remedies = remedies_of(plain, remade(build, rules_tried), look, course, limit)
    wanted = [f.signal for f in record.symptoms]
    if record.untreated and not wanted:
        return []
    return tried(plain, course, wanted, [r for r in remedies if rules_tried or r.stage != "initialisation"], key)


def _everything(look: Look, course: Course, key: Key) -> list[Rule]:
    choices = chosen(look, Scope(everything=True), course.batch, course.loss, key)
    return rules.recipe_of(choices, look.model)


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
        model = copy.deepcopy(build) if isinstance(build, torch.nn.Module) else build()
        if recipe:
            initialise(model, recipe, key=int(torch.randint(2**62, ())))
        return model

    return make


def applied(build: Callable[[], torch.nn.Module] | torch.nn.Module, found: Advised) -> torch.nn.Module:
    """A fresh model with the recipe."""
    return norms.put_in(built(remade(build, found.recipe), found.key), found.norms)


def _ours(finding: Finding, choices: Sequence[Choice]) -> bool:
    """Whether parameters are unlike their peers because the recipe changed some of them."""
    changed = {c.name for c in choices if c.law != "keep"}
    return finding.signal == "init.unset" or (finding.signal == "init.peers" and set(finding.where) <= changed)


def _same(scope: Scope, further: Sequence[Any]) -> bool:
    """Whether further findings ask for nothing new."""
    return copy.deepcopy(scope).add(further) == scope


def _depths(look: Look, recipe: Sequence[Rule], build: Any, batch: Any, loss: Any, key: Key) -> list[Depth]:
    before = foresight(look.sight, look.graph, look.seconds)
    if not recipe:
        return depths_of(before, before)
    model = built(remade(build, recipe), key.seed)
    after = sight_of(model, batch, loss, key)
    return depths_of(before, foresight(after, Graph(after.calls), seconds_of(model)))
