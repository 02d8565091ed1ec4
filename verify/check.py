"""Anybody's sampler against a law: `check` returns a verdict, `assert_law` fails with it.

The draws are keyed by salt and name, so a test that uses them never flakes: the same code gives the same verdict, and a
lawful sampler fails once in 1/alpha runs of *different* salts or names.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from numpy.linalg import LinAlgError

from varlaw.claims import causes
from varlaw.claims.causes.words import law_text
from varlaw.claims.claim import INTERNAL, Finding, statistical
from varlaw.claims.documented import resolve
from varlaw.claims.verdict import Outcome, Verdict, explained
from varlaw.claims.weights.exactly import fixed, orthogonal
from varlaw.claims.weights.mean_and_grid import judged_values
from varlaw.evidence import every_seed
from varlaw.evidence.budget import Policy
from varlaw.evidence.decide import SamplerError, decide
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.grid import likeliest
from varlaw.evidence.haar import decide_haar, policy_for_haar
from varlaw.evidence.state import float64
from varlaw.evidence.streams import SALT, Key, canonical, check_salt
from varlaw.theory.domain import printable
from varlaw.theory.laws import schemes
from varlaw.theory.layouts import shape_fans
from varlaw.theory.variates import (
    STRUCTURED,
    Constant,
    Normal,
    Orthogonal,
    Rademacher,
    TruncatedNormal,
    Uniform,
    UniformRange,
)
from varlaw.theory.variates.variate import real
from varlaw.verify import structured
from varlaw.verify.checked_sampler import CheckedSampler, Draw, seed_of

Law = Any  # a variate or Orthogonal
T = TypeVar("T")
_LAWS = (Normal, Uniform, UniformRange, TruncatedNormal, Constant, Orthogonal, Rademacher, *STRUCTURED)

_BATTERY = 1_000_000  # scalars whose shape is looked at, as long as draws go on: one sampler can afford it
_SMALLEST = {"delta": 1e-9, "alpha": 1e-300, "beta": 1e-300}  # below, float64 holds neither the draws nor the chance
_EXACT, _FEW = 1 << 30, 16  # operations that go into exact comparisons, and tensors that are looked at in any case
_VALUES = 100_000  # of 16 bits: some 2,000 different ones in bfloat16, 15,000 in float16


def check(
    draw: Draw,
    law: Law,
    *,
    shape: Sequence[int],
    dtype: Any = None,
    delta: float = 0.01,
    alpha: float = 1e-12,
    beta: float = 1e-6,
    mutants: Mapping[str, Law] | None = None,
    max_samples: int | None = None,
    salt: str = SALT,
    name: str | None = None,
) -> Verdict:
    """Decide whether `draw(shape, seed)` follows `law`, entry by entry and independently.

    A violation says why, from fresh draws: which test fell, which law or mistake explains the draws, what is certain.

    draw: returns a floating array of `shape` (NumPy, torch, JAX or any array-API library) that depends on `seed` alone.
    law: `Normal(std, mean)`, `Uniform(bound)`, `UniformRange(low, high)`, `TruncatedNormal(std, low, high)` (bounds in
        sigmas), `Constant(value)` or `Orthogonal(gain)`, in the units of the array; of whole tensors `LogUniform`,
        `Rademacher`, `Sparse`, `Complex`, `FactorisedNoise`, `RowsOfNorm`, `RowsStandardised`, `SampleStd`,
        `RowsNormal`; or a text such as "lecun_normal(fan_in)" or "U(-1/sqrt(fan_in), 1/sqrt(fan_in))", with the fans
        of (out, in, *kernel).
    shape: handed to `draw`, and that of the array.
    dtype: the format of the array ("float32", torch.bfloat16, ...); read off it when not given, checked when given.
    delta: relative error of the std, about the law's mean, that must be found.
    alpha: risk of a false alarm on a sampler that follows the law.
    beta: risk that one whose std is off by delta or more conforms, among independent entries that are normal, or, for a
        law with limits, of any distribution within them. The mean of a normal law has beta^0.2.
    mutants: wrong laws by name; the best of those that the draws bear is named before any cause of varlaw's own.
    max_samples: give up, UNDECIDED, after so many scalars.
    salt, name: the address of the evidence; name is the function's own unless given.

    Raises `SamplerError`, a ValueError that names the sampler, when it returns something else than such an array, when
    it ignores a part of its seed or does not repeat; `TypeError` for a law that has no test.

    >>> import numpy as np
    >>> from varlaw.theory.variates import Normal
    >>> def he(shape, seed): return np.random.default_rng(seed).normal(0, (2 / shape[1]) ** 0.5, shape)
    >>> check(he, Normal((2 / 64) ** 0.5), shape=(32, 64)).outcome
    <Outcome.CONFORMS: 'CONFORMS'>
    """
    policy = policy_for(delta, alpha, beta, max_samples)
    if isinstance(law, str):
        law = law_of_text(law, shape)
    _refuse_law(law)
    wrong_laws = _laws(mutants)
    if isinstance(law, (*STRUCTURED, Rademacher)):
        if wrong_laws:
            msg = f"mutants={printable(mutants)}, but should be none: {type(law).__name__} is decided in parts [check]"
            raise ValueError(msg)
        risks: dict[str, Any] = {"delta": delta, "alpha": alpha, "beta": beta, "max_samples": max_samples, "salt": salt}
        return structured.checked(check, verdict_of, draw, law, shape, dtype, address(draw, salt, name), **risks)
    sampler = CheckedSampler(draw, shape, dtype, address(draw, salt, name))
    key = Key(salt, f"check:{sampler.name}", canonical({"shape": list(sampler.shape), "law": repr(law)}))
    finding = _explained(sampler, law, key, wrong_laws, lambda wrong: _found(sampler, law, policy, key, wrong))
    return verdict_of(
        finding,
        subject=sampler.name,
        law=f"{getattr(law, 'family', 'law').replace(' ', '_')}.variance",
        statement=law_text(law),
        dtype=sampler.dtype,
        case={"shape": list(sampler.shape)},
        key=key,
    )


def policy_for(delta: float, alpha: float, beta: float, max_samples: int | None) -> Policy:
    """The policy of one call; who does not ask for much of the scale is not kept waiting for the shape either."""
    _refuse({"delta": delta, "alpha": alpha, "beta": beta}, max_samples)
    least, few, redraws = (100_000, 1000, 640) if delta <= 0.02 else (32_768, 16, 0)
    policy = Policy("check", delta=delta, alpha=alpha, beta=beta, max_samples=max_samples, max_tensors=1_000_000)
    return replace(policy, battery=_BATTERY, min_scalars=least, min_tensors=few, redraws=redraws)


def address(function: Any, salt: Any, name: Any) -> str:
    """The name under which a function's evidence is kept: its own unless given; `ValueError` for what is no address."""
    check_salt(salt)
    if name is None:
        return str(getattr(function, "__qualname__", repr(function)))
    if not isinstance(name, str) or not name:
        msg = f"name={printable(name)}, but should be text [check]"
        raise ValueError(msg)
    return name


def law_of_text(text: str, shape: Any) -> Law:
    """The law that a text states, over `fan_in` and `fan_out` of a shape (out, in, *kernel); the text where it is none.

    Raises `ValueError` in one line for fans of a shape that has none.

    >>> law_of_text("U(-1/sqrt(fan_in), 1/sqrt(fan_in))", (32, 64)), law_of_text("N(0.02)", (64,))
    (Uniform(bound=0.125), Normal(std=0.02, mean=0.0))
    """
    sides = tuple(shape) if isinstance(shape, Sequence) else ()
    if len(sides) < 2 and re.search(r"\bfan", text):
        msg = f"law={text!r} speaks of fans, but shape={shape!r} has none: it should be (out, in, *kernel) [check]"
        raise ValueError(msg)
    try:
        found = shape_fans(sides) if len(sides) >= 2 else None
        law = resolve(text, {}, None if found is None else (found.fan_in, found.fan_out))
    except Exception:  # whatever the text says that no law is
        law = None
    return law if isinstance(law, _LAWS) else text  # a text is then refused as no law


def _refuse(risks: Mapping[str, Any], max_samples: Any) -> None:
    for name, risk in risks.items():
        if isinstance(risk, bool) or not isinstance(risk, Real):
            msg = f"{name}={printable(risk)}, but should be a number > 0 and < 1 [check]"
            raise TypeError(msg)
        if 0 < real(risk) < _SMALLEST[name]:
            msg = f"{name}={printable(risk)}, but should be a number >= {_SMALLEST[name]:g} and < 1 [check]"
            raise ValueError(msg)
    if max_samples is not None and (not isinstance(max_samples, Integral) or max_samples < 1):
        msg = f"max_samples={printable(max_samples)}, but should be a whole number >= 1 [check]"
        raise ValueError(msg)


def _refuse_law(law: Any) -> None:
    """One line for what is no law that has a test: what to write in its place."""
    if isinstance(law, _LAWS) and not (isinstance(law, TruncatedNormal) and math.isinf(law.bound)):
        return
    made = law.partition("(")[0].strip() if isinstance(law, str) else getattr(law, "name", "").partition(".")[0]
    hint = f"; varlaw.theory.laws.schemes.{made} makes one of fans" if hasattr(schemes, made or "-") else ""
    got = f"the class {law.__name__}" if isinstance(law, type) else printable(law)
    msg = (
        f"law={got}, but should be Normal(std), Uniform(bound), UniformRange(low, high), "
        f"TruncatedNormal(std, low, high) with two ends, Constant(value) or Orthogonal(gain){hint} [check]"
    )
    raise TypeError(msg)


def assert_law(draw: Draw, law: Law, **options: Any) -> Verdict:
    """`check`, and an `AssertionError` with the verdict's four lines unless the outcome is CONFORMS.

    draw: returns an array of `shape` that depends on `seed` alone.
    law: what its entries follow, such as `varlaw.Normal(0.02)`.
    options: the other arguments of `check`: shape, dtype, delta, alpha, beta, mutants, max_samples, salt, name.

    Raises what `check` raises, returns its verdict.
    """
    verdict = check(draw, law, **options)
    if verdict.outcome is not Outcome.CONFORMS:
        raise AssertionError(explained(verdict))
    return verdict


def _laws(mutants: Any) -> Mapping[str, Law]:
    wrong = {} if mutants is None else mutants
    if not isinstance(wrong, Mapping) or not all(hasattr(law, "logpdf") for law in wrong.values()):
        msg = f"mutants={printable(mutants)}, but should be laws by name, as {{'twice the std': Normal(2.0)}} [check]"
        raise TypeError(msg)
    return wrong


def _explained(
    sampler: CheckedSampler,
    law: Law,
    key: Key,
    mutants: Mapping[str, Law],
    found: Callable[[Mapping[str, Law]], Finding],
) -> Finding:
    """The finding, with its cause if it is a violation; a contract broken by a fact is one, too."""
    source = sampler.source()
    try:
        finding = found(mutants)
    except (SamplerError, LinAlgError) as error:
        fact = causes.broken(source, law, key, error, seed_of) or causes.never_written(sampler.array, sampler.shape)
        if fact is None:
            raise
        return fact
    if finding.outcome is not Outcome.VIOLATES:
        return finding
    exact = finding.quantity == "singular value"
    why = causes.explain(source, law, sampler.dtype, key, finding.samples, sampler.shape, mutants=mutants, exact=exact)
    return causes.explained(finding, why)


def _found(sampler: CheckedSampler, law: Law, policy: Policy, key: Key, mutants: Mapping[str, Law]) -> Finding:
    match law:
        case Constant():
            return _constant(sampler, law, policy, key)
        case Orthogonal():
            return _orthogonal(sampler, law, policy, key)
        case _:
            return _independent(sampler, law, policy, key, mutants)


def _independent(sampler: CheckedSampler, law: Law, policy: Policy, key: Key, mutants: Mapping[str, Law]) -> Finding:
    narrow = FORMATS[sampler.dtype].digits < 24
    rule = replace(policy, alpha=policy.alpha / 2) if narrow else policy
    source = sampler.source()
    decision = _named(sampler, lambda: decide(law, source, rule, key, dtype=sampler.dtype, mutants=mutants))
    if decision.state.n and decision.outcome != "VIOLATES":
        sampler.refuse_equal_seeds(likeliest(law, FORMATS[sampler.dtype]))
    if narrow and decision.outcome == "CONFORMS":
        values = judged_values(_many(sampler, key), law, sampler.dtype, rule.alpha)
        if values.outcome is Outcome.VIOLATES:
            return values
    return statistical(decision, policy, quantity="std", expected=law.std)


def _many(sampler: CheckedSampler, key: Key) -> Any:
    """About 10^5 scalars of a stage of their own, in at most 1,000 tensors."""
    count = min(-(-_VALUES // max(1, math.prod(sampler.shape))), 1000)
    return np.concatenate([float64(x).ravel() for x in sampler.source()(key.at(block=0, stage=2).seed, count)])


def _constant(sampler: CheckedSampler, law: Constant, policy: Policy, key: Key) -> Finding:
    expected = FORMATS[sampler.dtype].round(law.value)
    tensors = _many_seeds(sampler, policy, key, math.prod(sampler.shape))
    return fixed(tensors, lambda shape: np.full(shape, expected), policy.beta)


def _many_seeds(sampler: CheckedSampler, policy: Policy, key: Key, cost: int) -> Iterator[Any]:
    """Tensors enough to find a fault in a share delta of the seeds; of huge ones, that `cost` so much each, fewer."""
    count = min(every_seed.tensors_for(policy.delta, policy.beta), max(_FEW, _EXACT // cost))
    return (float64(x) for x in sampler.source()(key.seed, count))


def _orthogonal(sampler: CheckedSampler, law: Orthogonal, policy: Policy, key: Key) -> Finding:
    """Orthogonality exactly, then Haar: a matrix gives few numbers, so delta is 5 % or the policy's, if larger."""
    size = math.prod(sampler.shape)
    side = min(sampler.shape[0], size // sampler.shape[0])
    tensors = _many_seeds(sampler, policy, key, size * max(1, side // 16))  # a product of matrices runs 16 times faster
    exact = orthogonal(tensors, law.gain, sampler.dtype, policy.beta)
    if exact.outcome is not Outcome.CONFORMS:
        return exact
    source = sampler.source(lambda q, seed: float64(q) / law.gain)
    view, decision = _named(sampler, lambda: decide_haar(source, policy, key, dtype=sampler.dtype))
    return statistical(decision, policy_for_haar(policy), quantity=f"std of {view}", expected=1.0)


def _named(sampler: CheckedSampler, decision: Callable[[], T]) -> T:
    try:
        return decision()
    except SamplerError as error:
        msg = str(error).replace("the sampler", sampler.name)
        for seed in error.seeds:  # of a block: the function itself got that of its first tensor
            msg = msg.replace(str(seed), str(seed_of(seed, 0)))
        raise SamplerError(msg, *error.seeds) from error


def verdict_of(
    finding: Finding, *, subject: str, law: str, statement: str, dtype: str, case: Mapping[str, Any], key: Key
) -> Verdict:
    """The verdict on a user's own function, with the address of its evidence."""
    import msgspec

    found = {k: v for k, v in msgspec.structs.asdict(finding).items() if k not in INTERNAL}
    if found["interval"] is not None:
        found["interval"] = tuple(x if math.isfinite(x) else None for x in found["interval"])
    if found["log_evidence"] is not None and not math.isfinite(found["log_evidence"]):
        found["log_evidence"] = None
    return Verdict(
        claim="check",
        law=law,
        statement=statement,
        subject=subject,
        framework="yours",
        version="",
        op="check",
        dtype=dtype,
        device="",
        case=dict(case),
        replay=f"salt {key.salt!r}, name {subject!r}",
        **found,
    )
