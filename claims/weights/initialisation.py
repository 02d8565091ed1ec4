"""Claims on drawn tensors: the documented distribution, the true fan, the second moment, orthogonality, zeros.

`init.documented` holds a tensor to its framework's own documentation; `init.true_fan` and `forward.second_moment` hold
it to what the layer's arithmetic asks for, with the fan measured on the layer itself. The second moment of an output is
Var[w] times that fan exactly (linear.second_moment), so it is decided on the entries and no output is ever sampled.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from varlaw.claims import causes
from varlaw.claims.claim import Claim, Finding, Judge, NotApplicable, Trial, deterministic, statistical
from varlaw.claims.documented import Dirac, Identity, law_name
from varlaw.claims.fans import whole_fans
from varlaw.claims.mutants import wrong_laws
from varlaw.claims.verdict import Outcome
from varlaw.claims.weights.exactly import fixed, orthogonal
from varlaw.claims.weights.matrices import matrix
from varlaw.claims.weights.promise import Promise
from varlaw.claims.weights.structured import Broken, View, views
from varlaw.evidence.decide import SamplerError, Source, decide
from varlaw.evidence.exact import compare
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.haar import decide_haar, policy_for_haar
from varlaw.evidence.state import float64
from varlaw.subjects.subject import Sampler, Tensor
from varlaw.theory.variates import Constant, Normal, Orthogonal, SparseNormal

# The laws of claims on what a layer does to second moments, whatever distribution they come to.
_MOMENTS = {
    "forward.second_moment": "linear.second_moment",
    "backward.second_moment": "linear.gradient_second_moment",
}
Judging = Callable[[Promise, Trial], Finding]


def claims(subject: Sampler) -> tuple[Claim, ...]:
    """Every claim on the tensors of one sampler."""
    return tuple(claim for tensor in subject.tensors for claim in _tensor_claims(subject, tensor))


def _tensor_claims(subject: Sampler, tensor: Tensor) -> Iterator[Claim]:
    documented = Promise(subject, tensor, tensor.documented)
    yield _claim("init.documented", documented, _entries)
    if tensor.documented.startswith("Orthogonal"):
        yield _claim("init.haar", documented, _haar)
    if tensor.documented.startswith("SparseNormal"):
        yield _claim("init.zeros", documented, _zeros)
    for name, formula in tensor.claims.items():
        yield _claim(name, Promise(subject, tensor, formula), _entries, _MOMENTS.get(name, ""), _moment(name, formula))
    if tensor.layout and subject.measure and not subject.op.startswith("fill"):
        kept = Promise(subject, tensor, tensor.documented, preserve=True)
        yield _claim("forward.second_moment", kept, _entries, "linear.second_moment", "E y^2 = E x^2: Var w = 1/fan_in")


def _moment(name: str, formula: str) -> str:
    """The statement of a claim on second moments: the std that they ask for."""
    std = re.search(r", sqrt\((.*)/(fan_\w+)\)\)$", formula)
    if name not in _MOMENTS or std is None:
        return ""
    out, into = ("y", "x") if name.startswith("forward") else ("dx", "dy")
    factor = f"{float(std[1]):.6g}"
    return f"E {out}^2 = {factor} E {into}^2: std sqrt({factor}/{std[2]})"


def _claim(name: str, promise: Promise, judging: Judging, law: str = "", statement: str = "") -> Claim:
    subject, tensor = promise.subject, promise.tensor
    return Claim(
        name=name,
        law=law or law_name(promise.formula),
        statement=statement or promise.formula,
        subject=subject,
        target=f"{subject.name}.{tensor.name}" if tensor.name else subject.name,
        op=subject.op,
        judge=_bind(judging, promise),
    )


def _bind(judging: Judging, promise: Promise) -> Judge:
    def judge(trial: Trial) -> Finding:
        try:
            return judging(promise, trial)
        except (SamplerError, np.linalg.LinAlgError) as error:  # perhaps for a fact that is itself the violation
            fact = causes.broken(promise.source(trial), promise.law(trial.case), trial.key, error)
            if fact is None:
                raise
            return fact

    return judge


# -- judges ------------------------------------------------------------------------------------------------------------


def _entries(promise: Promise, trial: Trial) -> Finding:
    """Whatever the promise is, decided on the entries of fresh tensors."""
    law = promise.law(trial.case)
    match law:
        case Constant() | Identity() | Dirac():
            return _fixed(promise, trial, law)
        case Orthogonal():
            return _orthogonal(promise, trial, law)
        case SparseNormal():
            if math.ceil(law.zeros * trial.case["shape"][0]) == trial.case["shape"][0]:
                msg = "every entry of a column is set to zero: there is no normal entry to look at"
                raise NotApplicable(msg)
            kept = promise.source(trial, lambda x, _: x[x != 0])
            return _independent(promise, trial, Normal(law.parent_std), kept)
        case _ if parts := views(law, trial.dtype):
            return _viewed(promise, trial, parts)
        case _:
            return _independent(promise, trial, law, promise.source(trial))


def _viewed(promise: Promise, trial: Trial, parts: tuple[View, ...]) -> Finding:
    """A law of whole tensors, decided on the entries that they are mapped to: the first view that does not conform."""
    rule = replace(trial.policy, alpha=trial.policy.alpha / len(parts))
    for what, law, pull in parts:
        try:
            found = _independent(
                promise, replace(trial, policy=rule, dtype="float64"), law, _mapped(promise, trial, pull)
            )
        except Broken as broken:
            comparison = compare([broken.observed], [broken.expected], [0.0])
            return deterministic(comparison, quantity=broken.quantity, names=promise.names(trial.case))
        if found.outcome is not Outcome.CONFORMS:
            return msgspec.structs.replace(found, detail="; ".join(filter(None, [f"of {what}", found.detail])))
    return found


def _mapped(promise: Promise, trial: Trial, pull: Callable[[Any, np.random.Generator], Any]) -> Source:
    return promise.source(trial, lambda x, stream: pull(float64(x), np.random.default_rng(stream)))


def _independent(promise: Promise, trial: Trial, law: Any, source: Source) -> Finding:
    law = law.scaled(trial.factor)
    known = promise.names(trial.case)
    wrong = wrong_laws(law, {**known, **whole_fans(promise.tensor, trial.case)})
    decision = decide(law, source, trial.policy, trial.key, dtype=trial.dtype, mutants=wrong)
    finding = statistical(decision, trial.policy, quantity="std", expected=law.std / trial.factor, names=known)
    return msgspec.structs.replace(finding, explained=_explaining(source, law, trial, names=known, mutants=wrong))


def _explaining(source: Source, law: Any, trial: Trial, **known: Any) -> Callable[[Finding], Finding]:
    """What looks for the cause of a violation on fresh draws; `known` is what else `causes.explain` may be told."""

    def explained(found: Finding) -> Finding:
        shape = next(iter(source(trial.key.seed, 1))).shape
        why = causes.explain(source, law, trial.dtype, trial.key, found.samples, shape, **known)
        return causes.explained(found, why)

    return explained


def _tensors(promise: Promise, trial: Trial) -> Iterator[Any]:
    """Fresh tensors as float64, each from a seed of its own."""
    for block in range(trial.policy.min_tensors):
        (instance,) = promise.subject.draws(trial.case, trial.dtype, trial.device, trial.key.at(block=block).seed, 1)
        yield float64(promise.of(instance))


def _fixed(promise: Promise, trial: Trial, law: Any) -> Finding:
    """Tensors without chance in them: every entry is the promised one, rounded to the format, bit for bit."""

    def expected(shape: tuple[int, ...]) -> Any:
        x = np.full(shape, law.value) if isinstance(law, Constant) else matrix(law, shape)
        return FORMATS[trial.dtype].round_all(np.asarray(x, dtype=np.float64))

    def against(ratio: float) -> Finding:
        wanted = (lambda shape: ratio * expected(shape)) if ratio != 1 else expected
        return fixed(_tensors(promise, trial), wanted, trial.policy.beta, promise.names(trial.case))

    finding = msgspec.structs.replace(against(1.0), against=against)
    if not isinstance(law, Constant):
        return finding
    return msgspec.structs.replace(finding, explained=_explaining(promise.source(trial), law, trial))


def _orthogonal(promise: Promise, trial: Trial, law: Orthogonal) -> Finding:
    def against(ratio: float) -> Finding:
        return orthogonal(_tensors(promise, trial), law.gain, trial.dtype, trial.policy.beta, ratio)

    explained = _explaining(promise.source(trial), law, trial, exact=True)
    return msgspec.structs.replace(against(1.0), against=against, explained=explained)


def _haar(promise: Promise, trial: Trial) -> Finding:
    """Haar: the matrix times an independent Bartlett factor has independent normal entries.

    Orthogonality with the right gain comes first, exactly: nothing else can be Haar.
    """
    law = promise.law(trial.case)
    exact = orthogonal(_tensors(promise, trial), law.gain, trial.dtype, trial.policy.beta, trial.factor)
    foreseen = replace(law, gain=law.gain * trial.factor)
    explained = _explaining(promise.source(trial), foreseen, trial, exact=True)
    # The ratio is in it, as in what is drawn below.
    exact = msgspec.structs.replace(exact, against=None, explained=explained)
    if exact.outcome is not Outcome.CONFORMS:
        return exact
    source = promise.source(trial, lambda q, stream: float64(q).reshape(len(q), -1) / law.gain)
    view, decision = decide_haar(source, trial.policy, trial.key, std=trial.factor, dtype=trial.dtype)
    finding = statistical(decision, policy_for_haar(trial.policy), quantity=f"std of {view}", expected=1.0)
    return msgspec.structs.replace(finding, explained=_explaining(promise.source(trial), foreseen, trial))


def _zeros(promise: Promise, trial: Trial) -> Finding:
    """The share of zeros in each column: ceil(zeros * rows) of them, and what a normal draw rounds to 0 by itself."""
    law: SparseNormal = promise.law(trial.case)
    stack = np.stack(list(_tensors(promise, trial)))
    rows = stack.shape[1]
    wanted = math.ceil(law.zeros * rows) / rows
    seen = (stack == 0).mean(axis=1).ravel()
    slack = _chance_zeros(stack.size, trial) / rows
    comparison = compare(seen.tolist(), [wanted] * len(seen), [slack] * len(seen))
    return deterministic(comparison, quantity="share of zeros", names=promise.names(trial.case))


def _chance_zeros(n: int, trial: Trial) -> int:
    """Most zeros that chance puts among n normals but for a risk alpha: uniforms of 24 bits give 0 that often."""
    rate, count, tail = n * 2.0**-23, 0, 1.0
    while tail > trial.policy.alpha:
        count += 1
        tail *= rate / count
    return count
