"""`check_norm`: a user's layer, RMS, group, batch or instance norm against its law, and what is wrong with it."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.claims.claim import Claim, Trial
from varlaw.claims.verdict import Verdict
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import SALT, Key, canonical
from varlaw.subjects.norm_rows import RUNNING
from varlaw.subjects.subject import Norm
from varlaw.subjects.yours import Layout, Yours, norm
from varlaw.verify.decision import judged
from varlaw.verify.own.asking import DEFAULT, Case, Extreme, as_row, asked, left_out, of_claims, one_of, told, yours
from varlaw.verify.own.norm_arguments import (
    cases_of,
    eps_of,
    groups_of,
    kept,
    layout_of,
    measured,
    momentum_of,
    probe_shape,
    refuse,
    running_of_one,
    single,
)
from varlaw.verify.own.norm_causes import cause, fitting
from varlaw.verify.own.norm_gradients import gradient as of_gradient
from varlaw.verify.own.norm_gradients import probe as probe_of
from varlaw.verify.own.verdicts import Verdicts, asserting

KINDS = ("layer", "rms", "group", "batch", "instance", "weight")

EXTREMES = {
    "huge": Extreme(False, lambda claim, case, dtype: case["std"] ** 2 > FORMATS[dtype].largest),
    "long": Extreme(True, lambda claim, case, dtype: case["length"] > 1024),
    "constant": of_claims("norm.constant"),
    "single": of_claims("norm.single"),
    "empty": of_claims("norm.empty", usual=False),
    "evaluation": of_claims("norm.evaluated"),
    "careful": Extreme(False, lambda claim, case, dtype: False),  # of sets, not of cases: the claims leave them out
}


def check_norm(
    f: Any,
    kind: str,
    *,
    shape: Sequence[int] | None = None,
    axes: int | Sequence[int] | None = None,
    groups: int | None = None,
    eps: float | None = None,
    momentum: float | None = None,
    bessel: bool = True,
    gradient: Any = False,
    evaluate: Any = None,
    dtype: str = "float32",
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
    salt: str = SALT,
    name: str | None = None,
) -> Verdicts:
    """Decide whether `f(x)` normalises as a norm of its kind does: mean 0, second moment v/(v + eps), constants to 0.

    f: takes a floating array and returns one of its shape, before any scale and shift (or with both as they start).
        Of a batch norm it may return (output, running mean, running variance), after one step from (0, 1).
    kind: "layer", "rms", "group", "batch", "instance", or "weight" (standardisation of each output's weights).
    shape: of the arrays that `f` takes; without it arrays of three axes, (batch, channels, length), of many sizes.
    axes: those of the numbers that are normalised together: the last one for layer and rms, all but the first two for
        instance, all but the second for batch. A group norm takes (batch, channels, ...).
    groups: of a group norm.
    eps: under the root; when not given, the default of f's argument `eps`, else f's attribute, else what is measured.
    momentum: the weight of a new batch in running statistics; f's attribute, or what is measured, when not given.
    bessel: whether the running variance has n - 1.
    gradient: True asks for the gradient too, through torch's or JAX's; `backward(x, dy)` gives it for NumPy.
    evaluate: `evaluate(x, running_mean, running_var)` gives the output in evaluation mode, of a function; a module of
        torch, Keras, flax, haiku or equinox (there with its state, as a pair) is asked in evaluation mode by itself.
    dtype: the format of the arrays.
    promises, unpromised: what is asked beyond the usual, and what is not: "huge" (squares overflow; not usual), "long"
        (sets of more than 1,024), "constant", "single" (sets of one number; not usual where a running variance with
        n - 1 is kept), "empty" (no numbers at all; not usual), "evaluation" (by running statistics), "careful" (sets
        where rounding alone may do as much as is asked, such as large constants, unless an algorithm is careful; not
        usual); "all" for every one.
    as_: "torch", or a norm by its name in `varlaw verify`: what it documents as its deviations is no violation.
        They are known for arrays of three axes, without `shape`.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    salt, name: the address of the inputs; name is the function's own unless given.

    Raises `SamplerError` in one line when `f` raises or returns something else, `ValueError` for other arguments.

    >>> import numpy as np
    >>> def layer_norm(x, eps=1e-6):
    ...     return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
    >>> check_norm(layer_norm, "layer").ok
    True
    >>> print(check_norm(lambda x: layer_norm(x) * (7 / 8) ** 0.5, "layer").ok)
    False
    """
    one_of(kind, KINDS, "kind", "check_norm")
    refuse(momentum, bessel, gradient, evaluate)
    if as_ is not None and shape is not None:
        msg = f"as_={as_!r} with a shape, but the deviations of a norm are known for its own shapes [check_norm]"
        raise ValueError(msg)
    layout = layout_of(kind, (16, 8, 3, 3) if kind == "weight" and shape is None else shape, axes)
    groups = groups_of(kind, groups, layout)
    out = left_out(EXTREMES, promises, unpromised, all_usual=as_ is not None, where="check_norm")
    probe = np.random.default_rng(0).standard_normal(probe_shape(layout, groups))
    mine = yours(f, name, library, dtype, salt, "check_norm", lambda m: norm(m, layout).apply(probe, {}, dtype, "cpu"))
    subject = norm(mine, layout, evaluate)
    given = eps_of(f, eps)
    known: Case = {
        "groups": groups,
        "eps": measured(subject, probe, groups, dtype) if given is None else given,
        "momentum": momentum_of(f, momentum, subject, probe, dtype),
    }
    running = RUNNING[0] in subject.apply(probe, {}, dtype, "cpu")
    subject = replace(subject, running_variance="unbiased" if bessel else "biased")
    row = _documented(as_row(subject, as_name(kind, as_), "check_norm"), careful="careful" not in out)

    def cases(claim: Claim, there: list[Case]) -> list[Case]:
        return cases_of(claim.name, there, layout, known, kept(running, bessel), single=single(promises, as_))

    verdicts = tuple(asked(row, mine.name, EXTREMES, out, dtype, salt, DEFAULT, cases))
    if gradient is not False:
        verdicts += (_gradient(mine, layout, known, gradient, dtype, salt, subject),)
    left = ("single",) if running_of_one(kept(running, bessel)) and not single(promises, as_) else ()
    result = Verdicts(mine.name, f"{kind} norm", verdicts, unpromised=tuple(dict.fromkeys((*out, *left))))
    if result.ok:
        return result
    said = _lost(result, known, subject, probe, dtype) or _other_eps(subject, layout, probe, known, dtype)
    return result.because(said or cause(subject, layout, probe, known, dtype, kind))


def _documented(row: Norm, *, careful: bool) -> Norm:
    """Of a row only what it documents: what else it can do is the framework's own, and says nothing of f."""
    own: dict[str, Any] = dict.fromkeys(("default", "affine", "gradient"))
    return replace(row, **own, documented_eps="", arguments=False, careful=careful)


def _gradient(mine: Yours, layout: Layout, known: Case, backward: Any, dtype: str, salt: str, subject: Norm) -> Verdict:
    """The verdict on the gradient, in a shape that the norm takes."""
    case = {**known, **(layout.sizes if layout.shape else {"batch": 3, "channels": 4 * known["groups"], "length": 8})}
    key = Key(salt, f"norm.gradient:{mine.name}", canonical({"case": case, "dtype": dtype}))
    claim = Claim(
        name="norm.gradient", law="norm.jacobian_frobenius", statement="dx = (dy - mean dy - y mean(y dy))/sigma",
        subject=subject, target=mine.name, op=layout.op,
        judge=lambda trial: of_gradient(
            mine, layout, case, backward, dtype, probe_of(tuple(case[n] for n in ("batch", "channels", "length")))
        ),
    )  # fmt: skip
    trial = Trial(case, dtype, "cpu", DEFAULT, key)
    return told(claim, mine.name, trial, judged(claim, trial))


def as_name(kind: str, as_: str | None) -> str | None:
    """The row of a framework whose deviations are meant."""
    return f"torch.nn.functional.{kind}_norm" if as_ == "torch" else as_


def _lost(found: Verdicts, known: Case, subject: Norm, probe: Any, dtype: str) -> str:
    """In words what it means that claims of one kind alone are violated, or inputs of one kind."""
    claims, cases = {v.claim for v in found.faults}, [v.case for v in found.faults]
    if claims <= {"norm.running_var", "norm.running_unbiased"}:
        return "the running variance is not the unbiased one of the batch (bessel=False asks for the biased one)"
    if claims <= {"norm.running_mean", "norm.running_var", "norm.running_unbiased"}:
        other = momentum_of(None, None, subject, probe, dtype)
        if math.isclose(other, 1 - known["momentum"], rel_tol=1e-3):
            return f"momentum is the weight of the old statistics: that of a new batch is {other:.3g}"
        return "the running mean is not (1 - momentum) times the old one plus momentum times that of the batch"
    if claims == {"norm.evaluated"}:
        if RUNNING[0] in subject.apply(probe, {}, dtype, "cpu"):
            return "evaluation does not use the running statistics, or changes them"
        return "evaluation differs from training, though no statistics are kept"
    if claims == {"norm.gradient"}:
        return "the output is right and its gradient is not: is a statistic detached, or a term left out?"
    if all(EXTREMES["huge"].speaks("", case, dtype) for case in cases):
        return "large inputs alone go wrong: their squares overflow"
    if all(v.claim == "norm.constant" or _far(v.case) for v in found.faults):
        if all(v.claim == "norm.constant" and v.observed is not None and v.observed <= 1 for v in found.faults):
            # a mean that misses by d leaves d/sqrt(d^2)
            return "a large constant does not come out as 0: its mean is rounded, and what that leaves is not taken off"
        return "far from 0 alone it goes wrong, as when the variance is taken as E x^2 - (E x)^2"
    return ""


def _other_eps(subject: Norm, layout: Layout, probe: Any, known: Case, dtype: str) -> str:
    """Whether all is well with the eps that is measured in place of the one that is given."""
    seen = measured(subject, probe, known["groups"], dtype)
    if seen <= 0 or not fitting(subject, layout, probe, {**known, "eps": seen}, dtype):
        return ""
    if math.isclose(seen, known["eps"], rel_tol=0.02):
        return f"ordinary inputs come out right, but not what rounding spoils: are statistics kept in {dtype}?"
    return f"eps is {seen:.3g}, but should be {known['eps']:g}"


def _far(case: Case) -> bool:
    """Whether the squares of its inputs hold little but the mean."""
    return bool(abs(case["mean"]) >= 10 * case["std"])


assert_norm = asserting(check_norm)
