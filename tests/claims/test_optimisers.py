"""Optimisers written out: each as its paper has it conforms, and each with a mistake is refuted by its law."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.formats import FORMATS
from varlaw.evidence.streams import Key
from varlaw.subjects import optimising
from varlaw.subjects.subject import Experiment
from varlaw.subjects.torch.framework import TORCH


def _adam(eps_inside: bool = False, corrected: bool = True, hat: bool = False) -> optimising.Walk:
    def walk(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
        m, v = 0 * g, 0 * g
        for t in range(1, case.get("steps", 1) + 1):
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            a, b = (1 - 0.9**t, 1 - 0.999**t) if corrected else (1.0, 1.0)
            root = np.sqrt(v / b + case["eps"]) if eps_inside else np.sqrt(v / b) + case["eps"] / (b**0.5 if hat else 1)
            w = w - case["rate"] * m / a / root
        return w

    return walk


def _nadam(first: int = 1) -> optimising.Walk:
    """With momenta that are counted from `first` on."""

    def walk(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
        mu = [0.9 * (1 - 0.5 * 0.96**t) for t in range(first, first + case["steps"] + 1)]
        for t in range(1, case["steps"] + 1):
            now = (1 - mu[t - 1]) / (1 - np.prod(mu[:t]))
            ahead = mu[t] * (1 - 0.9**t) / (1 - np.prod(mu[: t + 1]))
            w = w - case["rate"] * (now + ahead) * g / (np.abs(g) + case["eps"])
        return w

    return walk


def _sgd(nesterov: bool = False, dampened: bool = False) -> optimising.Walk:
    def walk(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
        mu, buffer = case["momentum"], 0 * g
        for _ in range(case["steps"]):
            buffer = mu * buffer + (1 - mu if dampened else 1) * g
            w = w - case["rate"] * (g + mu * buffer if nesterov else buffer)
        return w

    return walk


def _rmsprop(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
    return w - case["rate"] * g / (np.sqrt((1 - case["decay"]) * g * g) + case["eps"])


def _rmsprop_inside(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
    return w - case["rate"] * g / np.sqrt((1 - case["decay"]) * g * g + case["eps"])


def _rmsprop_started(start: float) -> optimising.Walk:
    def walk(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
        return w - case["rate"] * g / np.sqrt(case["decay"] * start + (1 - case["decay"]) * g * g + case["eps"])

    return walk


def _nadam_plain(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
    """With one momentum for all steps."""
    m, v = 0 * g, 0 * g
    for t in range(1, case["steps"] + 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        ahead = 0.9 * m / (1 - 0.9 ** (t + 1)) + 0.1 * g / (1 - 0.9**t)
        w = w - case["rate"] * ahead / (np.sqrt(v / (1 - 0.999**t)) + case["eps"])
    return w


def _belief(before: float) -> optimising.Walk:
    """A first step by (g - m)^2, with m as it is after the step or, by mistake, before it."""

    def walk(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
        spread = 0.001 * (g - (1 - before) * 0.1 * g) ** 2
        return w - case["rate"] * g / (np.sqrt(spread / 0.001) + case["eps"])

    return walk


def _adamax(correction: float) -> optimising.Walk:
    return lambda w, g, case, *rest: w - case["rate"] * 0.1 / correction * g / (np.abs(g) + case["eps"])


def _sign(scale: float) -> optimising.Walk:
    return lambda w, g, case, dtype, device: w - scale * case["steps"] * case["rate"] * np.sign(g)


def _decay(share: float) -> optimising.Walk:
    return lambda w, g, case, dtype, device: w * (1 - share * case["rate"] * case["decay"]) ** case["steps"]


def _trust(power: float) -> optimising.Walk:
    def walk(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
        return w - case["rate"] * np.linalg.norm(w) ** power * g / np.linalg.norm(g)

    return walk


# What is tried -> its op, the optimiser as it should be, and with the mistake.
MISTAKES: dict[str, tuple[str, optimising.Walk, optimising.Walk]] = {
    "eps inside the root": ("adam", _adam(), _adam(eps_inside=True)),
    "no bias correction": ("adam", _adam(), _adam(corrected=False)),
    "eps before the correction": ("adam", _adam(), _adam(hat=True)),
    "eps after the correction": ("adam_hat", _adam(hat=True), _adam()),
    "accumulated gradients not divided": ("adam", _adam(), lambda w, g, *rest: _adam()(w, 4 * g, *rest)),
    "momenta counted from 0": ("nadam", _nadam(), _nadam(first=0)),
    "adam for nadam": ("nadam", _nadam(), _adam()),
    "corrected after all": ("adam_plain", _adam(corrected=False), _adam()),
    "root of a sum": ("rmsprop", _rmsprop, _rmsprop_inside),
    "sum of roots": ("rmsprop_inside", _rmsprop_inside, _rmsprop),
    "second moment from 0": ("rmsprop_started", _rmsprop_started(1.0), _rmsprop_started(0.0)),
    "momentum not ahead": ("nadam_plain", _nadam_plain, _adam()),
    "belief in the momentum of before": ("adabelief", _belief(0.0), _belief(1.0)),
    "corrected Adamax": ("adamax_plain", _adamax(1.0), _adamax(0.1)),
    "dampened momentum": ("momentum", _sgd(), _sgd(dampened=True)),
    "nesterov left out": ("nesterov", _sgd(nesterov=True), _sgd()),
    "half a step": ("sign", _sign(1.0), _sign(0.5)),
    "decay taken twice": ("decay", _decay(1.0), _decay(2.0)),
    "norm squared": ("trust", _trust(1.0), _trust(2.0)),
}


def _kept(walk: optimising.Walk, dtype: str, whole: int = 0) -> optimising.Walk:
    """Computed in float64 and rounded once; the first `whole` weights are not written."""

    def run(w: Any, g: Any, *rest: Any) -> Any:
        moved = FORMATS[dtype].round_all(walk(w, g, *rest))
        return np.concatenate([w[:whole], moved[whole:]])

    return run


def _averaged(dtype: str, each_step: bool) -> Experiment:
    """An exponential average that is kept in 16 bits, or in float64 and rounded at the end."""

    def run(case: Any, *rest: Any) -> Any:
        kept = FORMATS[dtype].round if each_step else float
        average = case["start"]
        for _ in range(case["updates"]):
            average = kept(average + kept((1 - case["decay"]) * (case["w"] - average)))
        return {"average": np.array([FORMATS[dtype].round(average)])}

    return Experiment(name="here", framework=TORCH, op="average_exponential", run=run)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_long_average_that_stands_still_is_refuted(dtype: str) -> None:
    assert of_row(_averaged(dtype, each_step=False), dtype) == {"CONFORMS"}
    assert "VIOLATES" in of_row(_averaged(dtype, each_step=True), dtype)


def _corrected_in_16_bits(w: Any, g: Any, case: Any, dtype: str, device: str) -> Any:
    """Adam whose beta_2 has the dtype of the weights: 1 in bfloat16."""
    beta = float(FORMATS[dtype].round_all(np.array([0.999]))[0])
    return w - case["rate"] * np.sqrt(1 - beta) * g / (np.sqrt(0.001 * g * g) + case["eps"])


# op -> rounded once, and with a mistake of 16 bits: blocks that are not written, a constant that is rounded.
NARROW: dict[str, tuple[optimising.Walk, optimising.Walk]] = {
    "momentum": (_sgd(), _kept(_sgd(), "bfloat16", whole=16)),
    "decay": (_decay(1.0), _kept(_decay(1.0), "float16", whole=3)),
    "adam": (_adam(), _corrected_in_16_bits),
    "trust": (_trust(1.0), lambda w, *rest: w),
}


def outcomes(op: str, walk: optimising.Walk, dtype: str = "float64") -> set[str]:
    rows = optimising.Optimisers(TORCH, "", lambda make: make)
    if op == "trust":
        row: Experiment = rows.trusted("here", walk)
    elif op == "decay":
        row = rows.decayed("here", walk)
    else:
        row = rows.moved("here", op, walk)
    return of_row(row, dtype)


def of_row(row: Experiment, dtype: str) -> set[str]:
    claims = claims_of(dataclasses.replace(row, name="here"))
    (claim,) = (c for c in claims if not c.dtypes or dtype in c.dtypes)
    cases = CASES[row.op].enumerate(Key("teeth", "cases"), 1)
    key = Key("teeth", f"{claim.name}:{claim.target}")
    return {str(claim.judge(Trial(case, dtype, "cpu", POLICIES["pr"], key)).outcome) for case in cases}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refuted(name: str) -> None:
    op, right, wrong = MISTAKES[name]
    assert outcomes(op, right) == {"CONFORMS"}
    assert "VIOLATES" in outcomes(op, wrong)


@pytest.mark.parametrize("op", NARROW)
def test_a_mistake_of_16_bits_is_refuted(op: str) -> None:
    right, wrong = NARROW[op]
    dtype = "float16" if op == "decay" else "bfloat16"  # which has too few digits for a decay of 1 %
    assert outcomes(op, _kept(right, dtype), dtype) == {"CONFORMS"}
    assert "VIOLATES" in outcomes(op, wrong, dtype)
