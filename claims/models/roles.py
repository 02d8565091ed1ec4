"""Claims on whole models: every parameter starts as its role promises, norms normalise, the first loss is ln C.

A claim speaks of all parameters of one role. Each is decided on its own over a few fresh models; where some are too
small to be certified that way and none is refuted, all are decided together, each over its own predicted standard
deviation. The finding is the worst parameter's, with all that break the law named; a documented deviation's ratio, too,
is that of the worst.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Finding, NotApplicable, Trial, deterministic, statistical
from varlaw.claims.documented import law_name, resolve
from varlaw.claims.models import runs, structure
from varlaw.claims.models.draws import Drawn, drawn
from varlaw.claims.mutants import wrong_laws
from varlaw.claims.verdict import Outcome
from varlaw.evidence import scale
from varlaw.evidence.decide import Decision, Source, decide
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS
from varlaw.subjects.subject import Model, Parameter, Role
from varlaw.theory.layouts import shape_fans
from varlaw.theory.variates import Constant, Normal

_NAMED = 6  # parameters that a detail names
_TOGETHER = 320  # instances, where all parameters of a role together are so small that they need them


def claims(subject: Model) -> tuple[Claim, ...]:
    """The claims on one model."""
    found = [_role_claim(subject, role) for role in subject.roles]
    if subject.gains:
        found.append(_claim(subject, "model.norm", "rms_norm.second_moment", "norms start with gain 1", runs.norms))
    if subject.first_loss:
        text = "first loss on random labels <= ln C + what logits of variance 1 add"
        found.append(_claim(subject, "loss.initial", "loss.random_logits", text, runs.first_loss))
    return (*found, *structure.claims(subject))


def _claim(
    subject: Model,
    name: str,
    law: str,
    statement: str,
    judge: Callable[[Model, Trial], Finding],
    op: str = "model_once",
) -> Claim:
    return Claim(
        name=name, law=law, statement=statement, subject=subject, target=subject.name, op=op,
        judge=lambda trial: judge(subject, trial),
    )  # fmt: skip


def _role_claim(subject: Model, role: Role) -> Claim:
    def judge(model: Model, trial: Trial) -> Finding:
        return _role(model, role, trial)

    return _claim(subject, f"model.{role.role}", law_name(role.documented), role.documented, judge, op=subject.op)


# -- the parameters of one role ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _One:
    """What was found of one parameter."""

    name: str
    outcome: Outcome
    ratio: float
    law: Any
    foreseen: bool = False  # it follows the law times the ratio that a deviation foresees
    decision: Decision | None = None
    why: str = ""


def _role(subject: Model, role: Role, trial: Trial) -> Finding:
    instances = drawn(subject, trial)
    parameters = {n: p for n, p in instances.parameters.items() if p.role == role.role and not _fixed(instances, n, p)}
    if not parameters:
        msg = "no parameter plays this role"
        raise NotApplicable(msg)
    found = [_one(instances, name, _law(role, p, trial), trial) for name, p in parameters.items()]
    bad = [one for one in found if one.outcome is Outcome.VIOLATES]
    if not bad:
        return _lawful(instances, found, trial)
    worst = max(bad, key=lambda one: abs(math.log(one.ratio)) if 0 < one.ratio < math.inf else math.inf)
    return _broken(instances, worst, bad, len(found), trial)


def _fixed(instances: Drawn, name: str, p: Parameter) -> bool:
    """A table that is computed, not drawn, as of sinusoids: no documentation of weights speaks of it."""
    return p.role == "table" and _still(instances, name)


def _law(role: Role, p: Parameter, trial: Trial) -> Any:
    fans = (p.fan_in, p.fan_out) if p.fan_in is not None and p.fan_out is not None else None
    of_shape = shape_fans(p.shape) if len(p.shape) > 1 else None
    shape = (of_shape.fan_in, of_shape.fan_out) if of_shape else None
    return resolve(role.documented, {**trial.case, **p.names}, fans, shape)


def _one(instances: Drawn, name: str, law: Any, trial: Trial) -> _One:
    """One parameter against its law, and against the foreseen multiple of it where it breaks that."""
    x = floats_of(instances, name)
    if np.isnan(x).any():
        return _One(name, Outcome.VIOLATES, math.inf, law, trial.factor == math.inf, why="never initialised")
    if isinstance(law, Constant):
        return _constant(name, x, law, trial)
    if rows := instances.parameters[name].zero_rows:
        zero = instances.instance(0)[name][list(rows)]
        if bool((zero != 0).any()):
            return _One(
                name, Outcome.VIOLATES, math.inf, law, trial.factor == math.inf, why="the padding row is not zero"
            )
    if x.size > 1 and np.ptp(x) == 0:
        level = float(abs(x.flat[0]))
        return _One(name, Outcome.VIOLATES, level / law.std, law, level == law.std * trial.factor, why="constant")
    if _still(instances, name):
        ratio = float(np.sqrt(np.mean(x**2))) / law.std
        foreseen = 0 < trial.factor < math.inf and abs(math.log(ratio / trial.factor)) < trial.policy.delta
        return _One(name, Outcome.VIOLATES, ratio, law, foreseen, why="the same in every model")
    decision = _decided(instances, name, law, trial)
    if decision.outcome == "VIOLATES" and isinstance(law, Normal) and (kept := _tamed(instances, name, law, decision)):
        decision_of_rest = _decided(instances, name, law, trial, source=kept)
        if decision_of_rest.outcome != "VIOLATES":  # lawful but for entries no normal law reaches
            why = f"entries beyond {_FAR:g} sigma"
            outcome = Outcome.CONFORMS if trial.dtype_statistics else Outcome.VIOLATES
            shown = decision_of_rest if trial.dtype_statistics else decision
            return _One(name, outcome, _spread(decision, law), law, False, shown, why)
    if decision.outcome != "VIOLATES":
        return _One(name, Outcome(decision.outcome), decision.ratio, law, decision=decision)
    foreseen = trial.factor not in (0, 1, math.inf) and _follows(instances, name, law.std * trial.factor, trial)
    return _One(name, Outcome.VIOLATES, _spread(decision, law), law, foreseen, decision, decision.detail)


def floats_of(instances: Drawn, name: str) -> Any:
    """The random entries of a parameter in the first instance."""
    return instances.entries(name, 0)


def _still(instances: Drawn, name: str) -> bool:
    return bool(np.array_equal(instances.entries(name, 0), instances.entries(name, 1)))


def _constant(name: str, x: Any, law: Constant, trial: Trial) -> _One:
    """Every entry is the promised one, bit for bit; the ratio is that of root mean squares."""
    expected = FORMATS[trial.dtype].round(law.value)
    if bool((x == expected).all()):
        return _One(name, Outcome.CONFORMS, 1.0, law)
    rms = float(np.sqrt(np.mean(x**2)))
    ratio = rms / abs(expected) if expected else math.inf
    foreseen = bool((x == expected * trial.factor).all()) if math.isfinite(trial.factor) else ratio == math.inf
    return _One(name, Outcome.VIOLATES, ratio, law, foreseen, why="" if np.ptp(x) else "another constant")


_FAR = 20.0  # sigma: a normal law exceeds it with probability 6e-89
_RARE = 1e-3  # the largest share of a tensor that counts as outliers


def _tamed(instances: Drawn, name: str, law: Any, decision: Decision) -> Source | None:
    """The source without entries beyond `_FAR` sigma, where what was decided on holds such an entry."""
    limit = _FAR * law.std
    looked = max(1, decision.state.n // instances.entries(name, 0).size)
    far = [float((np.abs(instances.entries(name, i)) > limit).mean()) for i in range(looked)]
    if not 0 < max(far) < _RARE:
        return None
    return instances.source(name, keep=lambda x: x[np.abs(x) <= limit])


def _follows(instances: Drawn, name: str, std: float, trial: Trial) -> bool:
    """Whether a parameter has the foreseen standard deviation to within delta, of whatever family its law may be."""
    n, squares = 0, 0.0
    for i in range(instances.most):
        z = instances.entries(name, i) / std
        n, squares = n + z.size, squares + float((z**2).sum())
    low, high = scale.interval(n, squares, trial.policy.gamma)
    return low <= 1 + trial.policy.delta and high >= 1 / (1 + trial.policy.delta)


def _decided(instances: Drawn, name: str, law: Any, trial: Trial, source: Source | None = None) -> Decision:
    policy = replace(trial.policy, max_tensors=instances.most, alpha=trial.policy.alpha / len(instances.parameters))
    key = instances.key
    source = source or instances.source(name)
    wrong = wrong_laws(law, instances.parameters[name].names)
    return decide(law, source, policy, key, dtype=trial.dtype, mutants=wrong)


def _spread(decision: Decision, law: Any) -> float:
    """Observed over lawful std, for bounded laws too, whose own ratio is that of the limits."""
    return math.sqrt(decision.state.squares / decision.state.n) if decision.state.n else decision.ratio


def _lawful(instances: Drawn, found: list[_One], trial: Trial) -> Finding:
    """None is refuted: those that were too small to be certified are decided together."""
    small = [one for one in found if one.outcome is Outcome.UNDECIDED]
    exact = [one for one in found if isinstance(one.law, Constant)]
    if len(exact) == len(found):
        n = sum(floats_of(instances, one.name).size for one in exact)
        value = float(exact[0].law.value)
        return deterministic(compare([value] * n, [value] * n, [0.0] * n), quantity="entry")
    weakest = max((one for one in found if one.decision), key=lambda one: abs(math.log(one.ratio or 1e-300)))
    assert weakest.decision
    names = {**instances.parameters[weakest.name].names}
    if not small:
        told = statistical(weakest.decision, trial.policy, quantity="std", expected=weakest.law.std, names=names)
        return _renamed(told, f"{len(found)} parameters, the farthest {weakest.name}", trial)
    policy = replace(trial.policy, max_tensors=max(instances.most, _TOGETHER))
    drawn_from = {one.name: one.law for one in found if one.decision}
    units = {name: float(law.std) for name, law in drawn_from.items()}
    law = _unit(list(drawn_from.values()))
    together = decide(law, instances.pooled(units), policy, instances.key, dtype=trial.dtype, shape=False)
    told = statistical(together, trial.policy, quantity="std over the promised", expected=1.0)
    return _renamed(told, f"{len(found)} parameters together, {len(small)} of them too small to tell alone", trial)


def _unit(laws: list[Any]) -> Any:
    """The law of numbers over their stds: a bounded one ends where it is cut; the normal one where ends differ."""
    first, *rest = (law.scaled(1 / law.std) for law in laws)
    alike = all(type(law) is type(first) and math.isclose(law.support[1], first.support[1]) for law in rest)
    return first if alike else Normal(1.0)


def _renamed(finding: Finding, detail: str, trial: Trial) -> Finding:
    """A lawful finding; where a deviation was foreseen, lawful is not what it foresaw."""
    import msgspec

    outcome = finding.outcome if trial.factor == 1 else Outcome.VIOLATES
    return msgspec.structs.replace(finding, outcome=outcome, detail=f"{detail}. {finding.detail}".rstrip(". "))


def _broken(instances: Drawn, worst: _One, bad: list[_One], total: int, trial: Trial) -> Finding:
    expected = float(worst.law.value if isinstance(worst.law, Constant) else worst.law.std)
    known = {**instances.parameters[worst.name].names, "parameters": total, "broken": len(bad)}
    confirmed = trial.factor != 1 and any(one.foreseen and _alike(one.ratio, worst.ratio) for one in bad)
    outcome = Outcome.CONFORMS if confirmed else Outcome.VIOLATES
    detail = f"{len(bad)} of {total}: {_list(bad)}"
    if worst.decision:
        finding = statistical(worst.decision, trial.policy, quantity="std", expected=expected, names=known)
        return replace_finding(
            finding, outcome=outcome, ratio=worst.ratio, observed=expected * worst.ratio, detail=detail
        )
    observed = expected * worst.ratio if expected else math.inf
    return Finding(
        outcome=outcome, quantity="std", expected=expected, observed=observed, ratio=worst.ratio, names=known,
        detail=detail, samples=floats_of(instances, worst.name).size,
    )  # fmt: skip


_ALIKE = 1.25  # two measurements of the worst ratio, on a thousand numbers or more each, agree to that


def _alike(ratio: float, worst: float) -> bool:
    return ratio == worst or (0 < ratio < math.inf and 1 / _ALIKE < ratio / worst < _ALIKE if worst else False)


def replace_finding(finding: Finding, **changes: Any) -> Finding:
    """The finding with some fields changed."""
    import msgspec

    return msgspec.structs.replace(finding, **changes)


def _list(bad: Iterable[_One]) -> str:
    """The broken parameters, alike ones together, the farthest first: `layers.*.wq x1.41 (2)`."""
    groups: dict[tuple[str, str, str], int] = {}
    for one in sorted(bad, key=lambda o: -abs(math.log(o.ratio)) if 0 < o.ratio < math.inf else -math.inf):
        label = (structure.pattern(one.name), f"x{one.ratio:.3g}", one.why)
        groups[label] = groups.get(label, 0) + 1
    words = [f"{n} {r}{f' {w}' if w else ''}{f' ({k})' if k > 1 else ''}" for (n, r, w), k in groups.items()]
    return ", ".join(words[:_NAMED]) + (f" and {len(words) - _NAMED} kinds more" if len(words) > _NAMED else "")
