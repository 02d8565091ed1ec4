"""Arguments of initialisers are parameters of cases: each domain leads back, rows fix what they lack, laws follow."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.domains import CASES, cases_of
from varlaw.claims.domains_draws import DRAWS
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import named
from varlaw.subjects.subject import Framework, Sampler, Tensor


def _judged(subject: Sampler, claim: str, case: Mapping[str, Any], dtype: str = "float32") -> str:
    (one,) = (c for c in claims_of(subject) if c.name == claim)
    return str(one.judge(Trial(case, dtype, "cpu", POLICIES["pr"], Key("t", claim, repr(case)))).outcome)


def _row(op: str, documented: str, **tensors: Any) -> Sampler:
    """A row whose tensors are functions of (case, generator); all of them follow one law."""

    def draws(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        for i in range(count):
            rng = np.random.default_rng([seed, i])
            yield {name: np.asarray(draw(case, rng), dtype=np.float32) for name, draw in tensors.items()}

    framework = Framework(name="t", version=lambda: "1", devices=lambda: ("cpu",))
    laws = tuple(Tensor(name=name, documented=documented) for name in tensors)
    return Sampler(name="t.row", framework=framework, op=op, tensors=laws, draws=draws)


@pytest.mark.parametrize("op", DRAWS)
def test_every_case_is_one_of_its_domain(op: str) -> None:
    for case in CASES[op].enumerate(Key("t", "cases"), 40):
        CASES[op].check(case, where=op)


def test_a_row_fixes_the_arguments_that_its_function_lacks() -> None:
    subject = named("varlaw.numpy.truncated_normal(low, high)")
    assert subject is not None
    cases = cases_of(claims_of(subject)[0], "float32", "s", 4)
    assert {case["mean"] for case in cases} == {0.0}
    assert (2.0, 3.0) in {(case["low"], case["high"]) for case in cases}


_CASE = {"shape": [64, 48], "std": 2.0, "mean": 6.0}


@pytest.mark.parametrize(
    ("mean", "std", "outcome"),
    [(6.0, 2.0, "CONFORMS"), (0.0, 2.0, "VIOLATES"), (2.0, 6.0, "VIOLATES"), (6.3, 2.0, "VIOLATES")],
)
def test_a_mean_that_is_forgotten_swapped_or_off_violates(mean: float, std: float, outcome: str) -> None:
    row = _row("draw_normal", "Normal(std, mean)", a=lambda c, rng: rng.normal(mean, std, c["shape"]))
    assert _judged(row, "init.documented", _CASE) == outcome


def test_numbers_around_a_mean_are_unrelated_unless_they_are_copies() -> None:
    """About their mean: products of numbers around 6 are all positive, and say nothing."""
    apart = {name: lambda c, rng: rng.normal(6.0, 2.0, c["shape"]) for name in ("a", "b")}
    right = _row("draw_normal", "Normal(std, mean)", **apart)
    copied = dataclasses.replace(right, draws=lambda *given: ({"a": x["a"], "b": x["a"]} for x in right.draws(*given)))
    assert _judged(right, "structure.uncorrelated", _CASE) == "CONFORMS"
    assert _judged(copied, "structure.uncorrelated", _CASE) == "VIOLATES"


def test_tensors_of_four_entries_are_drawn_until_a_correlation_of_a_half_shows() -> None:
    """Eight instances of a small layer tell nothing, and "conforms to within 100 %" said as much."""

    def related(share: float) -> Sampler:
        right = _row("draw_normal", "Normal(std, mean)", **dict.fromkeys("ab", lambda c, rng: rng.normal(0, 1, (1, 4))))
        mixed = lambda x: share * x["a"] + math.sqrt(1 - share**2) * x["b"]  # noqa: E731
        return dataclasses.replace(
            right, draws=lambda *given: ({"a": x["a"], "b": mixed(x)} for x in right.draws(*given))
        )

    (claim,) = (c for c in claims_of(related(0.0)) if c.name == "structure.uncorrelated")
    trial = Trial({"shape": [1, 4], "std": 1.0, "mean": 0.0}, "float32", "cpu", POLICIES["pr"], Key("t", "four", ""))
    found = claim.judge(trial)
    assert (found.outcome, found.delta, found.certified) == ("CONFORMS", 0.5, 0.5)
    assert _judged(related(0.5), claim.name, trial.case) == "VIOLATES"
    few = dataclasses.replace(trial, policy=dataclasses.replace(trial.policy, max_tensors=8))
    assert claim.judge(few).outcome == "UNDECIDED"


@pytest.mark.parametrize(("draw", "outcome"), [("exact", "CONFORMS"), ("inversion", "VIOLATES")])
def test_a_far_tail_by_inversion_in_float32_violates(draw: str, outcome: str) -> None:
    """As JAX and MLX draw: few float32 numbers are left between the values of erf at 5 and at 6 sigmas."""
    from scipy.special import erf, erfinv, log_ndtr, ndtri_exp

    def inverted(c: Any, rng: np.random.Generator) -> Any:
        low, high = (np.float32(erf(end / 2**0.5)) for end in (c["low"], c["high"]))
        u = (low + (high - low) * rng.random(c["shape"], dtype=np.float32)).astype(np.float32)
        return np.clip(2**0.5 * erfinv(u), c["low"], c["high"])

    def exact(c: Any, rng: np.random.Generator) -> Any:
        u = rng.random(c["shape"])
        return -ndtri_exp(np.logaddexp(log_ndtr(-c["low"]) + np.log1p(-u), log_ndtr(-c["high"]) + np.log(u)))

    row = _row("draw_truncated", "TruncatedNormal(std, low, high, mean)", a=exact if draw == "exact" else inverted)
    case = {"shape": [64, 48], "std": 1.0, "mean": 0.0, "low": 5.0, "high": 6.0}
    assert _judged(row, "init.documented", case) == outcome


def test_two_tensors_of_one_seed_are_found_and_of_two_are_not() -> None:
    for name, expected in (("torch.Generator(one seed)", "VIOLATES"), ("torch.nn.Linear", "CONFORMS")):
        subject = named(name)
        if not isinstance(subject, Sampler):
            continue
        pytest.importorskip("torch")
        case = CASES[subject.op].enumerate(Key("t", "cases"), 0)[0]
        assert _judged(subject, "structure.uncorrelated", case) == expected
