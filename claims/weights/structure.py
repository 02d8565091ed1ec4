"""Claims that need no statistics: fans as declared, every parameter promised, no two parameters alike."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Finding, Trial, deterministic
from varlaw.claims.fans import declared
from varlaw.claims.refusal import attempt
from varlaw.claims.weights import independence
from varlaw.evidence.exact import compare
from varlaw.evidence.state import float64
from varlaw.subjects.subject import Sampler, Tensor


def claims(subject: Sampler) -> tuple[Claim, ...]:
    """The structural claims on one layer."""
    found = [_declared_fan(subject, t) for t in subject.tensors if t.layout and subject.measure and t.name]
    if len(subject.tensors) > 1 or subject.op == "layer":
        found += [_complete(subject), _distinct(subject)]
    if subject.handed:
        found.append(_repeats(subject, subject.handed))
    if subject.op == "shape":
        found.append(
            replace(
                _claim("init.empty", "parameters.coverage", _NOTHING, subject, partial(_empty, subject)),
                op="init_empty",
                dtypes=("float32",),
            )
        )
    return (*found, *independence.claims(subject))


def _claim(name: str, law: str, statement: str, subject: Sampler, judge: Callable[[Trial], Finding]) -> Claim:
    return Claim(
        name=name, law=law, statement=statement, subject=subject, target=subject.name, op=subject.op, judge=judge
    )


_NOTHING = "a tensor without entries is refused, or comes back in its shape"


def _empty(subject: Sampler, trial: Trial) -> Finding:
    shape = tuple(trial.case["shape"])
    ordinary = replace(trial, case={**trial.case, "shape": [3, 4]})
    found = attempt(lambda: _instance(subject, trial), lambda: _instance(subject, ordinary))
    if isinstance(found, Finding):
        return found
    kept = sum(tuple(x.shape) == shape for x in found.values())
    comparison = compare([float(kept)], [len(found)], [0.0])
    return deterministic(comparison, quantity="tensors of the shape asked for")


def _instance(subject: Sampler, trial: Trial) -> Mapping[str, Any]:
    (instance,) = subject.draws(trial.case, trial.dtype, trial.device, trial.key.seed, 1)
    return instance


def _declared_fan(subject: Sampler, tensor: Tensor) -> Claim:
    """The layer, run on ones, counts the taps that its declared layout says: a check of our own table of layouts."""

    def judge(trial: Trial) -> Finding:
        assert subject.measure
        assert tensor.layout
        shape = tuple(_instance(subject, trial)[tensor.name].shape)
        expected = declared(tensor.layout, shape, trial.case)
        observed = subject.measure(trial.case)
        comparison = compare(observed, list(expected), [0.0, 0.0])
        return deterministic(comparison, quantity=("fan_in", "fan_out")[comparison.worst])

    law = "linear.second_moment"
    if subject.op.startswith("conv"):
        law = "conv_transpose.fan_in" if "transpose" in subject.op else "conv.fan_in"
    return _claim("fan.declared", law, f"fans of layout {tensor.layout} = taps counted by the layer", subject, judge)


def _complete(subject: Sampler) -> Claim:
    """Every parameter that the layer has is in the table; one that it has not is a mistake of the table, an error."""

    def judge(trial: Trial) -> Finding:
        instance, promised = _instance(subject, trial), {t.name for t in subject.tensors}
        without = [f"{n}{_unfilled(instance[n])}" for n in instance if n not in promised]
        lacking = sorted(promised - set(instance))
        if lacking and not without:
            msg = f"{subject.name} has no tensor {', '.join(map(repr, lacking))}, but {', '.join(instance)}"
            raise ValueError(msg)
        said = (("without a law", without), ("of which the layer has none", lacking))
        detail = "; ".join(f"{words}: {', '.join(which)}" for words, which in said if which)
        comparison = compare([len(instance) - len(without)], [len(instance)], [0.0])
        return deterministic(comparison, quantity="parameters with a promise", detail=detail)

    return _claim("structure.complete", "parameters.coverage", "every parameter has a promise", subject, judge)


def _unfilled(x: Any) -> str:
    return "" if np.isfinite(float64(x)).all() else " (never filled)"


def _distinct(subject: Sampler) -> Claim:
    """No two random parameters of one shape hold the same numbers."""
    random = [t.name for t in subject.tensors if not t.documented.startswith("Constant")]

    def judge(trial: Trial) -> Finding:
        tensors = {name: x for name, x in _instance(subject, trial).items() if name in random}
        pairs = [(a, b) for a, b in itertools.combinations(tensors, 2) if _comparable(tensors[a], tensors[b])]
        same = [(a, b) for a, b in pairs if bool((tensors[a] == tensors[b]).all())]
        distinct = len(pairs) - len(same)
        comparison = compare([distinct], [len(pairs)], [0.0])
        detail = f"equal: {same[0][0]} and {same[0][1]}, {len(same)} pairs in all" if same else ""
        names = {"pairs": len(pairs), "equal": len(same)}
        return deterministic(comparison, quantity="pairs of parameters that differ", detail=detail, names=names)

    return _claim("structure.distinct", "parameters.coincidence", "parameters are drawn separately", subject, judge)


def _repeats(subject: Sampler, handed: Callable[..., Mapping[str, Any]]) -> Claim:
    """The generator that an initialiser is handed is the only one it draws from."""

    def judge(trial: Trial) -> Finding:
        first, again = (
            np.concatenate([float64(x).ravel() for x in drawn.values()])
            for drawn in (handed(trial.case, trial.dtype, trial.device, trial.key.seed, other) for other in (1, 2))
        )
        share = float((first == again).mean())
        detail = "" if share == 1 else "draws beside the generator it is handed"
        return deterministic(compare([share], [1.0], [0.0]), quantity="entries that agree", detail=detail)

    return _claim("structure.repeats", "parameters.repeat", "the generator handed over decides alone", subject, judge)


def _comparable(a: Any, b: Any) -> bool:
    return tuple(a.shape) == tuple(b.shape) and int(np.prod(a.shape)) > 1
