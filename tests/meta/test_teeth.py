"""Every claim says VIOLATES of its mutants and CONFORMS of the truth: a check that cannot fail is a defect."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Claim, NotApplicable, Trial
from varlaw.claims.clipping.projection import norm_of
from varlaw.claims.domains import CASES
from varlaw.claims.mutants import wrong_laws
from varlaw.claims.norms.normalisation import rows_of
from varlaw.claims.tables import claims_of
from varlaw.claims.weights.promise import Promise
from varlaw.evidence.budget import POLICIES, Policy
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.registry import select
from varlaw.subjects.subject import Clipper, Gain, Norm, Sampler, Tensor
from varlaw.theory.catalogue import LAWS
from varlaw.theory.variates import Normal, TruncatedNormal, Uniform
from varlaw.verify import deviations

PR = POLICIES["pr"]


def _trial(claim: Claim, case: Mapping[str, Any], dtype: str = "float32", policy: Policy = PR) -> Trial:
    params = canonical({"case": case, "dtype": dtype})
    return Trial(case, dtype, "cpu", policy, Key("teeth", f"{claim.name}:{claim.target}", params))


def _cases(op: str) -> list[dict[str, Any]]:
    return CASES[op].enumerate(Key("teeth", "cases"), 0)


# -- weights -----------------------------------------------------------------------------------------------------------


def _drawn(subject: Sampler, tensor: str, law: Any) -> Sampler:
    """The subject with one tensor drawn from `law` by inversion, in NumPy."""

    def draws(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        (real,) = subject.draws(case, dtype, device, seed, 1)
        rng, shape = np.random.default_rng(seed), tuple(real[tensor].shape)
        for _ in range(count):
            yield {**real, tensor: np.asarray(law.quantile(rng.random(shape)), dtype=np.float32)}

    return dataclasses.replace(subject, draws=draws)


def statistical_claims() -> list[Any]:
    """Subject, tensor and name of every claim that a tensor is drawn from a law."""
    return [
        pytest.param(subject, tensor, claim.name, id=f"{claim.target}-{claim.name}")
        for subject in select(["torch.*", "varlaw.numpy.*"])
        if isinstance(subject, Sampler)
        for tensor in subject.tensors
        if not tensor.documented.startswith(("Constant", "Identity", "Dirac", "Orthogonal", "SparseNormal"))
        for claim in claims_of(subject)
        if claim.target == f"{subject.name}.{tensor.name}".rstrip(".")
        if claim.name in ("init.documented", "forward.second_moment", *tensor.claims)
    ]


def drawn_claim(subject: Sampler, tensor: Tensor, name: str, drawn_law: Any) -> Claim:
    """The claim of that name on a tensor, on a subject that draws it from another law."""
    target = f"{subject.name}.{tensor.name}".rstrip(".")
    claims = claims_of(_drawn(subject, tensor.name, drawn_law))
    (claim,) = (c for c in claims if (c.name, c.target) == (name, target))
    return claim


def law_and_mutants(subject: Sampler, tensor: Tensor, name: str) -> tuple[dict[str, Any], Any, dict[str, Any]]:
    """A case, the law that a claim asks of a tensor in it, and the wrong laws that it must be told apart from."""
    case = _cases(subject.op)[0]
    formula = tensor.claims.get(name, tensor.documented)
    promise = Promise(subject, tensor, formula, preserve=name == "forward.second_moment")
    law = promise.law(case)
    return case, law, wrong_laws(law, promise.names(case))


def told_apart(law: Any, mutant: Any, policy: Policy = PR) -> bool:
    """Whether a policy promises to see the difference."""
    return type(mutant) is not type(law) or abs(mutant.std / law.std - 1) > policy.delta


@pytest.mark.parametrize(("subject", "tensor", "name"), statistical_claims())
def test_wrong_laws_violate_and_the_right_one_conforms(subject: Sampler, tensor: Tensor, name: str) -> None:
    case, law, wrong = law_and_mutants(subject, tensor, name)

    def outcome(drawn_law: Any) -> str:
        claim = drawn_claim(subject, tensor, name, drawn_law)
        return str(claim.judge(_trial(claim, case)).outcome)

    assert outcome(law) == "CONFORMS"
    assert len(wrong) >= 5
    for mistake, mutant in wrong.items():
        assert outcome(mutant) == "VIOLATES" or not told_apart(law, mutant), mistake


def test_every_family_has_mutants_of_other_families() -> None:
    for law in (Normal(1.0), Uniform(1.0), TruncatedNormal(1.0)):
        assert any(type(m) is not type(law) for m in wrong_laws(law, {}).values())


def test_exact_tensors_violate_when_one_entry_is_off() -> None:
    for name in ("torch.nn.init.eye_", "torch.nn.init.dirac_", "torch.nn.init.ones_", "torch.nn.init.orthogonal_"):
        (subject,) = select([name])
        assert isinstance(subject, Sampler)

        def spoiled(*arguments: Any, real: Any = subject.draws) -> Iterator[Mapping[str, Any]]:
            for instance in real(*arguments):
                x = instance[""].clone()
                x.reshape(-1)[0] += 0.01
                yield {"": x}

        for draws, expected in ((subject.draws, "CONFORMS"), (spoiled, "VIOLATES")):
            claim = claims_of(dataclasses.replace(subject, draws=draws))[0]
            assert claim.judge(_trial(claim, _cases(subject.op)[0])).outcome == expected, name


def test_zeros_of_a_sparse_matrix_are_counted() -> None:
    (subject,) = select(["torch.nn.init.sparse_"])
    assert isinstance(subject, Sampler)

    def denser(*arguments: Any) -> Iterator[Mapping[str, Any]]:
        for instance in subject.draws(*arguments):  # type: ignore[union-attr]
            x = instance[""].clone()
            x[x == 0] = 0.5
            yield {"": x}

    for draws, expected in ((subject.draws, "CONFORMS"), (denser, "VIOLATES")):
        (claim,) = (c for c in claims_of(dataclasses.replace(subject, draws=draws)) if c.name == "init.zeros")
        assert claim.judge(_trial(claim, _cases(subject.op)[0])).outcome == expected


# -- structure, gains and Haar matrices --------------------------------------------------------------------------------


def _changed(subject: Sampler, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Sampler:
    """The subject with every instance changed before it is looked at."""

    def draws(*arguments: Any) -> Iterator[Mapping[str, Any]]:
        return (change(dict(instance)) for instance in subject.draws(*arguments))

    return dataclasses.replace(subject, draws=draws)


def _alike(instance: dict[str, Any]) -> Mapping[str, Any]:
    """Every tensor a copy of the first of its shape, as where one template is deep-copied."""
    first: dict[tuple[int, ...], Any] = {}
    return {name: first.setdefault(tuple(x.shape), x) for name, x in instance.items()}


def _plain_qr(instance: dict[str, Any]) -> Mapping[str, Any]:
    """The same columns with the signs that Householder's QR gives them: Q[0, 0] is never positive."""
    ((name, x),) = instance.items()
    tall = x if x.shape[0] >= x.shape[1] else x.T
    q = np.linalg.qr(tall)[0] * np.linalg.norm(x, 2)
    return {name: q if tall is x else q.T}


def _gate_copied(instance: dict[str, Any]) -> Mapping[str, Any]:
    """The second gate of a packed matrix is the first one, scaled."""
    x = instance["weight_hh"].clone()
    hidden = x.shape[1]
    x[hidden : 2 * hidden] = 0.5 * x[:hidden]
    return {**instance, "weight_hh": x}


def _half_shared(instance: dict[str, Any]) -> Mapping[str, Any]:
    """A bias with a correlation of 0.6 with the other one, and the same variance."""
    one, other = instance["bias_ih"], instance["bias_hh"]
    return {**instance, "bias_hh": 0.6 * one + 0.8 * other}


# On torch.nn.GRUCell: weight_ih, weight_hh, bias_ih and bias_hh, packed three gates high.
_RELATIONS: dict[str, Callable[[dict[str, Any]], Mapping[str, Any]]] = {
    "one bias minus the other": lambda x: {**x, "bias_hh": -x["bias_ih"]},
    "one bias three times the other": lambda x: {**x, "bias_hh": 3 * x["bias_ih"]},
    "one bias the other, shuffled": lambda x: {**x, "bias_hh": x["bias_ih"].flip(0)},
    "one bias minus the other, sorted": lambda x: {**x, "bias_hh": -x["bias_ih"].sort().values},
    "a bias that begins a matrix": lambda x: {**x, "bias_hh": x["weight_hh"].reshape(-1)[: len(x["bias_hh"])]},
    "one gate a copy of another": _gate_copied,
    "biases with a correlation of 0.6": _half_shared,
}


def _alternating(subject: Sampler) -> Sampler:
    def draws(*arguments: Any) -> Iterator[Mapping[str, Any]]:
        for i, instance in enumerate(subject.draws(*arguments)):
            if i % 2 == 0:
                last = instance
                yield instance
            else:
                yield {name: -x for name, x in last.items()}

    return dataclasses.replace(subject, draws=draws)


def wrong_structures() -> dict[str, tuple[str, Any, Any]]:
    """By name: the claim that must see it, the subject as it should be, and the subject with the mistake."""
    linear, cell, qr = (_sampler(name) for name in ("torch.nn.Linear", "torch.nn.GRUCell", "varlaw.numpy.orthogonal"))
    measure = linear.measure
    assert measure
    (gains,) = select(["torch.nn.init.calculate_gain"])
    assert isinstance(gains, Gain)
    lawful = lambda a: float(LAWS["activation.forward_gain"].value(activation=a, q=1.0))  # noqa: E731
    exact = dataclasses.replace(gains, apply=lawful)
    high, higher = (dataclasses.replace(g, apply=lambda a, g=g: 1.01 * g.apply(a)) for g in (gains, exact))
    swapped = dataclasses.replace(linear, measure=lambda case: measure(case)[::-1])
    more = _changed(cell, lambda x: {**x, "scale": x["bias_hh"]})
    return {
        "fan_in and fan_out swapped": ("fan.declared", linear, swapped),
        "a parameter without a promise": ("structure.complete", cell, more),
        "one template copied": ("structure.distinct", cell, _changed(cell, _alike)),
        **{
            f"related: {name}": ("structure.uncorrelated", cell, _changed(cell, change))
            for name, change in _RELATIONS.items()
        },
        "related: every instance minus the one before": ("structure.uncorrelated", linear, _alternating(linear)),
        "gain 1 % above its documentation": ("gain.documented", gains, high),
        "gain 1 % above the law": ("gain.second_moment", exact, higher),
        "signs of QR left as they come": ("init.haar", qr, _changed(qr, _plain_qr)),
    }


def _sampler(name: str) -> Sampler:
    (subject,) = select([name])
    assert isinstance(subject, Sampler)
    return subject


@pytest.mark.parametrize("name", wrong_structures())
def test_wrong_structures_violate(name: str) -> None:
    claim_name, right, wrong = wrong_structures()[name]
    assert outcomes(right, claim_name, "float64") == {"CONFORMS"}
    assert "VIOLATES" in outcomes(wrong, claim_name, "float64")


def test_a_promised_parameter_that_is_not_there_is_an_error() -> None:
    cell = _sampler("torch.nn.GRUCell")
    with pytest.raises(ValueError, match="has no tensor 'weight_ih'"):
        outcomes(_changed(cell, lambda x: {name: x[name] for name in [*x][1:]}), "structure.complete")


def outcomes(subject: Any, claim_name: str, dtype: str = "float32", policy: Policy = PR) -> set[str]:
    """What the claims of that name come to on a subject, in every case that they say something of."""
    claims = [c for c in claims_of(subject) if c.name == claim_name]
    trials = ((claim, _trial(claim, case, dtype, policy)) for claim in claims for case in _cases(claim.op))
    found: set[str] = set()
    reason: NotApplicable | None = None
    for claim, trial in trials:
        try:
            found.add(str(claim.judge(trial).outcome))
        except NotApplicable as said:
            reason = said
    if not found and reason:
        raise reason
    return found


# -- norms -------------------------------------------------------------------------------------------------------------


def _wrong_norm(subject: Norm, formula: Callable[..., Any]) -> Norm:
    def apply(x: Any, case: Any, dtype: str, device: str) -> Mapping[str, Any]:
        right = dict(subject.apply(x, case, dtype, device))
        rows = rows_of(x, subject.op, case)
        y = formula(rows, case["eps"])
        if subject.op == "batch_norm":
            batch, channels, length = x.shape
            y = y.reshape(channels, batch, length).transpose(1, 0, 2)
            n = rows.shape[1]
            right["running_var"] = 1 - case["momentum"] + case["momentum"] * rows.var(axis=1)  # biased
            right["running_mean"] = (1 - case["momentum"]) * rows.mean(axis=1) * n / n
        return right | {"output": y.reshape(x.shape)}

    return dataclasses.replace(subject, apply=apply)


def _centred(rows: Any) -> Any:
    return rows - rows.mean(axis=1, keepdims=True)


def _moment(rows: Any, centred: bool) -> Any:
    return rows.var(axis=1, keepdims=True) if centred else (rows**2).mean(axis=1, keepdims=True)


def _one_pass(rows: Any, eps: float) -> Any:
    x = rows.astype(np.float32)
    mean = x.mean(axis=1, keepdims=True)
    with np.errstate(over="ignore", invalid="ignore"):
        variance = np.maximum((x * x).mean(axis=1, keepdims=True) - mean * mean, 0)
        return ((x - mean) / np.sqrt(variance + np.float32(eps))).astype(np.float64)


def _squares_in_float32(rows: Any, eps: float) -> Any:
    """Right wherever the squares of float32 numbers are float32 numbers, as they are up to 1.8e19."""
    with np.errstate(over="ignore"):
        squares = np.square(rows.astype(np.float32)).astype(np.float64)
    return rows / np.sqrt(squares.mean(axis=1, keepdims=True) + eps)


_NORMS = [s for s in select(["torch.nn.functional.*_norm", "varlaw.*"]) if isinstance(s, Norm)]


def wrong_norms(subject: Norm) -> dict[str, tuple[str, Norm]]:
    """By name: the claim that must see it, and the subject with the mistake."""
    centred = subject.op != "rms_norm"
    n_over = lambda rows: rows.shape[1] / (rows.shape[1] - 1)  # noqa: E731 - one expression, used twice below
    mean_of = _centred if centred else (lambda rows: rows)
    wrong: dict[str, tuple[str, Callable[..., Any]]] = {
        "ddof": ("norm.second_moment", lambda r, e: mean_of(r) / np.sqrt(_moment(r, centred) * n_over(r) + e)),
        "eps outside": ("norm.second_moment", lambda r, e: mean_of(r) / (np.sqrt(_moment(r, centred)) + e)),
        "no eps": ("norm.second_moment", lambda r, e: mean_of(r) / np.sqrt(_moment(r, centred) + 1e-30)),
        "squares in float32": ("norm.second_moment", lambda r, e: _squares_in_float32(mean_of(r), e)),
        "one percent": ("norm.second_moment", lambda r, e: 1.01 * mean_of(r) / np.sqrt(_moment(r, centred) + e)),
    }
    if centred:
        wrong["variance as E x^2 - (E x)^2"] = ("norm.second_moment", _one_pass)
        wrong["mean left"] = ("norm.mean", lambda r, e: r / np.sqrt(_moment(r, True) + e))
        wrong["constant becomes 1"] = ("norm.constant", lambda r, e: _centred(r) + 1)
    if subject.op == "batch_norm":
        wrong["biased running variance"] = ("norm.running_var", lambda r, e: r)
        wrong["biased running variance, for the unbiased law"] = ("norm.running_unbiased", lambda r, e: r)
        wrong["momentum the other way round"] = ("norm.running_mean", lambda r, e: r)
    return {name: (claim, _wrong_norm(subject, formula)) for name, (claim, formula) in wrong.items()}


@pytest.mark.parametrize("subject", _NORMS, ids=lambda s: s.name)
def test_wrong_norms_violate(subject: Norm) -> None:
    for name, (claim_name, wrong) in wrong_norms(subject).items():
        assert "VIOLATES" in outcomes(wrong, claim_name), name
        documented = any(row.foresees(claim_name, subject.name, "2.13", "float32") for row in deviations.rows())
        assert documented or outcomes(subject, claim_name) == {"CONFORMS"}


def _stepping(kept_in: str, times: float = 1.0) -> Norm:
    """A batch norm whose running mean is rounded to that format at every step, and takes `times` the momentum."""

    def apply(x: Any, case: Any, dtype: str, device: str) -> Mapping[str, Any]:
        rows, m = rows_of(x, "batch_norm", case), times * case["momentum"]
        running = np.zeros(len(rows))
        for _ in range(case.get("steps", 1)):
            running = FORMATS[kept_in].round_all((1 - m) * running + m * rows.mean(axis=1))
        return {"output": x, "running_mean": FORMATS[dtype].round_all(running)}

    return Norm(name="numpy.batch_norm", framework=_NORMS[0].framework, op="batch_norm", apply=apply, steps=True)


def test_running_statistics_that_stop_violate() -> None:
    for dtype in ("float32", "float16", "bfloat16"):
        assert outcomes(_stepping("float32"), "norm.running_steps", dtype) == {"CONFORMS"}
        assert "VIOLATES" in outcomes(_stepping("float32", times=0.9), "norm.running_steps", dtype)
    assert outcomes(_stepping("bfloat16"), "norm.running_steps", "bfloat16") == {"VIOLATES"}
    assert "VIOLATES" in outcomes(_stepping("float16"), "norm.running_steps", "float16")


def test_statistics_kept_in_16_bits_violate() -> None:
    """Squares that overflow or vanish, and a mean that is rounded before it is subtracted."""
    (rms,) = (s for s in _NORMS if s.name == "varlaw.numpy.rms_norm")
    (layer,) = (s for s in _NORMS if s.name == "varlaw.numpy.layer_norm")

    def squares(rows: Any, eps: float) -> Any:
        with np.errstate(over="ignore"):
            square = np.mean((rows * rows).astype(np.float16).astype(np.float64), axis=1, keepdims=True)
        return (rows / np.sqrt(square + eps)).astype(np.float16).astype(np.float64)

    def mean(rows: Any, eps: float) -> Any:
        deviation = rows - rows.mean(axis=1, keepdims=True).astype(np.float16)
        return (deviation / np.sqrt(_moment(rows, True) + eps)).astype(np.float16).astype(np.float64)

    assert "VIOLATES" in outcomes(_wrong_norm(rms, squares), "norm.second_moment", "float16")
    assert "VIOLATES" in outcomes(_wrong_norm(layer, mean), "norm.mean", "float16")
    right = _wrong_norm(layer, lambda r, e: (_centred(r) / np.sqrt(_moment(r, True) + e)).astype(np.float16))
    assert outcomes(right, "norm.mean", "float16") == {"CONFORMS"}


def test_a_constant_that_is_left_in_the_shift_violates() -> None:
    """x * scale + shift in float32, with the mean inside the shift: a large constant does not cancel."""
    (layer,) = (s for s in _NORMS if s.name == "varlaw.torch.layer_norm")
    generous = dataclasses.replace(layer, exact_constant=False)

    def folded(rows: Any, eps: float) -> Any:
        scale = (1 / np.sqrt(_moment(rows, True) + eps)).astype(np.float32)
        shift = -(rows.mean(axis=1, keepdims=True).astype(np.float32) * scale)
        return (rows * scale.astype(np.float64) + shift).astype(np.float64)

    assert "VIOLATES" in outcomes(_wrong_norm(generous, folded), "norm.constant")
    assert outcomes(generous, "norm.constant") == {"CONFORMS"}


# -- clipping ----------------------------------------------------------------------------------------------------------


def _wrong_clip(subject: Clipper, factor: Callable[[float, float, Any], Any], norm: Callable[[Any], float]) -> Clipper:
    def apply(grads: Any, limit: float, dtype: str, device: str) -> tuple[list[Any], float]:
        total = norm(grads)
        return [g * factor(total, limit, g) for g in grads], total

    return dataclasses.replace(subject, apply=apply)


def _projected(norm: float, limit: float, grad: Any) -> float:
    return min(1.0, limit / norm) if norm else 1.0


def wrong_clips() -> dict[str, tuple[str, Clipper]]:
    """By name: the claim that must see it, and the clipping with the mistake."""
    (subject,) = select(["varlaw.numpy.clip_by_global_norm"])
    assert isinstance(subject, Clipper)
    wrong = {
        "eps": ("clip.norm", lambda n, c, g: min(1.0, c / (n + 1e-6)), norm_of),
        "always rescaled": ("clip.norm", lambda n, c, g: c / n if n else 1.0, norm_of),
        "never": ("clip.norm", lambda n, c, g: 1.0, norm_of),
        "per parameter": ("clip.norm", lambda n, c, g: min(1.0, c / (np.linalg.norm(g) or 1.0)), norm_of),
        "direction": ("clip.direction", lambda n, c, g: np.where(g > 0, 1.0, 0.5), norm_of),
        "twice": ("clip.idempotent", lambda n, c, g: min(1.0, c / (n + 1e-2)), norm_of),
        "root of the number of leaves": ("clip.reported_norm", _projected, lambda g: norm_of(g) / np.sqrt(len(g))),
    }
    return {name: (claim, _wrong_clip(subject, factor, norm)) for name, (claim, factor, norm) in wrong.items()}


def test_wrong_clipping_violates() -> None:
    for name, (claim_name, wrong) in wrong_clips().items():
        assert "VIOLATES" in outcomes(wrong, claim_name, "float64"), name
        assert outcomes(_wrong_clip(wrong, _projected, norm_of), claim_name, "float64") == {"CONFORMS"}


def test_a_box_one_ulp_too_wide_violates() -> None:
    (subject,) = select(["varlaw.numpy.clip_by_value"])
    assert isinstance(subject, Clipper)
    wide = dataclasses.replace(
        subject, apply=lambda g, c, dtype, device: ([np.clip(x, -c, np.nextafter(c, 9)) for x in g], None)
    )
    assert "VIOLATES" in outcomes(wide, "clip.value", "float64")
    assert outcomes(subject, "clip.value", "float64") <= {"CONFORMS"}
