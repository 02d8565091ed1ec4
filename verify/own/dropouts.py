"""`check_dropout`: a user's dropout against its law, and what is wrong with it."""

import math
from typing import Any

import numpy as np

from varlaw.claims.verdict import Outcome
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import SALT
from varlaw.subjects.builders.modes import is_module
from varlaw.subjects.subject import Dropout
from varlaw.subjects.yours import dropout
from varlaw.theory.domain import printable
from varlaw.verify.check import policy_for
from varlaw.verify.own.asking import Case, a_function, as_row, asked, left_out, of_claims, one_of, yours
from varlaw.verify.own.verdicts import Verdicts, asserting

KINDS = ("dropout", "channel_dropout", "drop_path", "alpha_dropout", "channel_alpha_dropout", "gaussian_dropout")

EXTREMES = {
    "p_zero": of_claims("dropout.none"),
    "evaluation": of_claims("dropout.evaluated"),
    "p_one": of_claims("dropout.all", usual=False),
    "nonfinite": of_claims("dropout.zeroed", usual=False),
}
_AS_TORCH = {
    "dropout": "dropout",
    "channel_dropout": "dropout2d",
    "alpha_dropout": "alpha_dropout",
    "channel_alpha_dropout": "feature_alpha_dropout",
}
SHAPE = (64, 16, 16)
_AXES = ("samples", "channels", "places")


def check_dropout(
    f: Any,
    p: float = 0.1,
    *,
    kind: str = "dropout",
    evaluate: Any = None,
    dtype: str = "float32",
    promises: Any = (),
    unpromised: Any = (),
    as_: str | None = None,
    library: str | None = None,
    delta: float = 0.01,
    alpha: float = 1e-12,
    beta: float = 1e-6,
    salt: str = SALT,
    name: str | None = None,
) -> Verdicts:
    """Decide whether `f(x, p, seed)` drops each unit with probability p, independently, and keeps the mean.

    f: takes an array of three axes, (batch, channels, length), a rate and a seed on which alone its mask depends, and
        returns an array of that shape: as in training. Or it is a module of the rate p (of torch, Keras, flax, haiku or
        equinox), or the class of one, which is made of p. These, and a function with a flag ("training", "train",
        "is_training", "deterministic", "inference"), are asked in evaluation mode, too.
    p: the rate at which units are dropped, in [0, 1).
    kind: "dropout", "channel_dropout" (whole channels), "drop_path" (whole samples), "alpha_dropout",
        "channel_alpha_dropout" or "gaussian_dropout".
    evaluate: `evaluate(x, p)` returns x as in evaluation, of a function; it should be x.
    promises, unpromised: what is asked beyond the usual, and what is not: "p_zero" (p = 0 changes nothing; usual, but
        not of one module), "evaluation" (changes nothing; usual), "p_one" (p = 1 leaves zeros),
        "nonfinite" (what is dropped is 0 where it was infinite); "all" for every one.
    as_: "torch", or a dropout by its name in `varlaw verify`: what it documents as its deviations is no violation.
    delta, alpha, beta: error to find, risk of a false alarm and of a miss, as of `check`; for the rate, to which delta
        is relative: twice delta, and at least 2 %.
    dtype: the format of the arrays.
    library: "numpy", "torch" or "jax"; when not given, the first of them whose arrays `f` takes.
    salt, name: the address of the inputs; name is the function's own unless given.

    Raises `SamplerError` in one line when `f` raises or returns something else, `ValueError` for other arguments.

    >>> import numpy as np
    >>> def dropout(x, p, seed):
    ...     return np.where(np.random.default_rng(seed).random(x.shape) >= p, x / np.float32(1 - p), 0)
    >>> check_dropout(dropout, 0.3).ok
    True
    """
    one_of(kind, KINDS, "kind", "check_dropout")
    given: Any = p
    if not isinstance(given, float) or not 0 < given < 1:
        msg = f"p={printable(p)}, but should be a number > 0 and < 1 [check_dropout]"
        raise ValueError(msg)
    a_function(evaluate, "evaluate", "(x, p)", "check_dropout")
    policy = policy_for(delta, alpha, beta, None)
    out = left_out(EXTREMES, promises, fixed(f, unpromised), all_usual=as_ is not None, where="check_dropout")
    ones = np.ones(SHAPE)
    mine = yours(
        f, name, library, dtype, salt, "check_dropout", lambda m: dropout(m, kind).apply(ones, p, dtype, "cpu", 0)
    )
    subject = dropout(mine, kind, evaluate)
    row = as_row(subject, as_name(kind, as_), "check_dropout")
    verdicts = asked(row, mine.name, EXTREMES, out, dtype, salt, policy, lambda claim, cases: cases_of(cases, p))
    result = Verdicts(mine.name, kind.replace("_", " "), tuple(verdicts), unpromised=out)
    return result if result.ok else result.because(_cause(subject, p, dtype, result))


def fixed(f: Any, unpromised: Any) -> Any:
    """What is not promised: of one module, whose rate is its own, nothing is asked at the rate 0."""
    one = is_module(f) and not isinstance(f, type) and unpromised != "all"
    return {*((unpromised,) if isinstance(unpromised, str) else unpromised), "p_zero"} if one else unpromised


def as_name(kind: str, as_: str | None) -> str | None:
    """The row of a framework whose deviations are meant."""
    return f"torch.nn.functional.{_AS_TORCH.get(kind, '')}" if as_ == "torch" else as_


def cases_of(cases: list[Case], p: float) -> list[Case]:
    """The cases of one claim at the rate p."""
    return [{"p": p}] if cases and "p" in cases[0] else cases


def _cause(subject: Dropout, p: float, dtype: str, found: Verdicts) -> str:
    """What is dropped and how what is kept is scaled, in words, where they are not the law's."""
    if {v.claim for v in found.faults} == {"dropout.evaluated"}:
        return "evaluation drops or scales, but should change nothing"
    if "alpha" in subject.op:
        return _of_alpha(subject, p, dtype)
    if subject.op == "gaussian_dropout":
        return ""
    alike = _alike(subject, p, dtype)
    return "; ".join(filter(None, [_scaled(subject, p, dtype), alike or _dropped(p, found)]))


def _of_alpha(subject: Dropout, p: float, dtype: str) -> str:
    """What becomes of what is kept and of what is dropped, where it is not a x + b of x = 1 and of x = alpha'."""
    y = subject.apply(np.ones(SHAPE), p, dtype, "cpu", 1)
    found, q, alpha = np.unique(y), 1 - p, -1.7580993408473766
    a = (q + alpha**2 * q * p) ** -0.5
    dropped, kept = a * alpha * (1 - p), a * (1 - alpha * p)
    said = []
    if not np.isclose(found, kept, rtol=1e-2).any():
        same = " stays as it is, but" if (y == 1).any() else ""
        said.append(f"what is kept{same} should become a x + b = {kept:.4g} of x = 1")
    if not np.isclose(found, dropped, rtol=1e-2).any():
        zero = " becomes 0, but" if (y == 0).any() else ""
        said.append(f"what is dropped{zero} should become a alpha' + b = {dropped:.4g}, alpha' = {alpha:.4g}")
    return "; ".join(said)


def _alike(subject: Dropout, p: float, dtype: str) -> str:
    """Which units fall together, in words, where these are not the kind's, of eight seeds."""
    masks = np.stack([subject.apply(np.ones(SHAPE), p, dtype, "cpu", seed) == 0 for seed in range(1, 9)])
    if masks.all() or not masks.any():
        return ""
    if (masks == masks[:1]).all():
        return "the mask does not depend on the seed"
    along = {axis for axis in range(3) if (masks == masks.take([0], axis + 1)).all()}
    lawful = {"channel_dropout": {2}, "drop_path": {1, 2}}.get(subject.op, set())
    if along - lawful:
        return f"one mask serves all {' and '.join(_AXES[axis] for axis in sorted(along - lawful))}"
    return f"units are dropped one by one, not whole {_AXES[min(lawful) - 1]}" if lawful - along else ""


def _scaled(subject: Dropout, p: float, dtype: str) -> str:
    y = subject.apply(np.ones(SHAPE), p, dtype, "cpu", 1)
    kept = np.unique(y[y != 0])
    if len(kept) != 1:
        return "" if len(kept) else "everything is dropped"
    factor, error = float(kept[0]), 4 * FORMATS[dtype].unit
    wrong = {
        "1/p": 1 / p, "1 - p": 1 - p, "p": p, "1/sqrt(1 - p)": (1 - p) ** -0.5, "1/(1 - p)^2": (1 - p) ** -2
    }  # fmt: skip
    said = next((f"{n} = " for n, v in wrong.items() if math.isclose(factor, v, rel_tol=error)), "")
    right = math.isclose(factor, 1 / (1 - p), rel_tol=error)
    return (
        ""
        if right
        else f"what is kept is multiplied by {said}{factor:.4g}, but should be by 1/(1 - p) = {1 / (1 - p):.4g}"
    )


def _dropped(p: float, found: Verdicts) -> str:
    """The share dropped, where the rate violates: that of p taken for the chance to keep, if that fits."""
    of_rate = [v for v in found.faults if v.claim == "dropout.rate" and v.outcome is Outcome.VIOLATES and v.observed]
    if not of_rate:
        return ""
    verdict = of_rate[0]
    assert verdict.observed is not None
    assert verdict.interval is not None
    low, high = ((end or math.inf) * p for end in verdict.interval)
    swapped = "; p is taken for the chance to keep" if p != 0.5 and low <= 1 - p <= high else ""
    return f"a share of {verdict.observed:.4g} is dropped, but should be {p:g}{swapped}"


assert_dropout = asserting(check_dropout)
