"""Claims pooled over cases: 1 % is found at policy `pr`, where one case sees 5 %, and the truth conforms."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from varlaw.claims.claim import NotApplicable, Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import named
from varlaw.subjects.subject import Sampler
from varlaw.verify import decision, plan

PR = POLICIES["pr"]
NORMAL, TRUNCATED, UNIFORM = "varlaw.numpy.he_normal", "varlaw.numpy.truncated_normal", "varlaw.numpy.uniform"


def _scaled(name: str, factor: float) -> Sampler:
    """The subject with every draw multiplied in float64 before it is rounded."""
    subject = named(name)
    assert isinstance(subject, Sampler)

    def draws(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
        for instance in subject.draws(case, "float64", device, seed, count):
            yield {name: (x * factor).astype(kind) for name, x in instance.items()}

    return dataclasses.replace(subject, draws=draws)


def _pooled(subject: Sampler, dtype: str, factor: float = 1.0, policy: Any = PR) -> Any:
    (claim,) = (c for c in claims_of(subject) if c.pooled)
    cases = CASES[subject.op].enumerate(Key("pooled", "cases"), 1)
    return claim.judge(Trial({"cases": cases}, dtype, "cpu", policy, Key("pooled", subject.name, dtype), factor))


@pytest.mark.parametrize("dtype", plan.DTYPES)
@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "CONFORMS"), (1.012, "VIOLATES"), (1 / 1.012, "VIOLATES")])
def test_an_error_of_one_percent_that_all_cases_share_is_found(factor: float, outcome: str, dtype: str) -> None:
    finding = _pooled(_scaled(NORMAL, factor), dtype)
    assert finding.outcome == outcome, finding
    assert finding.delta == 0.01


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "CONFORMS"), (1.01, "VIOLATES"), (1 / 1.01, "VIOLATES")])
@pytest.mark.parametrize("name", [TRUNCATED, UNIFORM])
def test_bounded_laws_pool_where_their_limits_round_alike(name: str, factor: float, outcome: str, dtype: str) -> None:
    assert _pooled(_scaled(name, factor), dtype).outcome == outcome


@pytest.mark.parametrize("r", [1.012, 1 / 1.012])
def test_a_uniform_of_another_std_on_its_limits_does_not_pass(r: float) -> None:
    """The limit of every case is right: it is the density that is not."""
    subject = named(UNIFORM)
    assert isinstance(subject, Sampler)

    def draws(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        for instance in subject.draws(case, dtype, device, seed, count):
            shares = {name: x / case["scale"] for name, x in instance.items()}
            exponent = (3 / r**2 - 1) / 2
            yield {n: case["scale"] * np.sign(x) * np.abs(x) ** exponent for n, x in shares.items()}

    assert _pooled(dataclasses.replace(subject, draws=draws), "float64").outcome == "VIOLATES"


def test_sixteen_bits_round_each_limit_in_its_own_way() -> None:
    with pytest.raises(NotApplicable, match="rounds the limit of each case"):
        _pooled(_scaled(TRUNCATED, 1.0), "float16")


def test_a_foreseen_ratio_moves_the_pooled_law() -> None:
    assert _pooled(_scaled(NORMAL, 1.1), "float32", factor=1.1).outcome == "CONFORMS"


def test_tensors_too_small_to_pool_are_not_applicable() -> None:
    tight = dataclasses.replace(PR, delta=0.002, pooled=0.001)
    with pytest.raises(NotApplicable, match="certify no more than one case does"):
        _pooled(_scaled(NORMAL, 1.0), "float32", policy=tight)


def test_cases_draw_from_streams_of_their_own() -> None:
    """One seed for all cases would give them the same bits, and a pool of copies."""
    real, seeds = _scaled(NORMAL, 1.0), []

    def draws(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        seeds.append(seed)
        return real.draws(case, dtype, device, seed, count)

    _pooled(dataclasses.replace(real, draws=draws), "float32")
    cases = len(CASES[real.op].enumerate(Key("pooled", "cases"), 1))
    assert len(set(seeds[:cases])) == cases


def test_a_pooled_verdict_replays() -> None:
    task = next(t for t in plan.tasks([named(NORMAL)], ["float32"], "cpu", "s") if t.claim == "init.pooled")  # type: ignore[list-item]
    verdict = decision.decide(task, "pr", "s")
    assert decision.decide(*plan.parse_replay(verdict.replay)) == verdict


def test_a_mean_that_a_format_holds_coarsely_is_not_asked_once_divided() -> None:
    """N(3, 0.02) in bfloat16: neighbours lie 0.8 stds apart, those of the same number over 0.02 a whole one."""
    pytest.importorskip("torch")
    subject = named("torch.nn.init.normal_(mean, std)")
    (claim,) = (c for c in claims_of(subject) if c.pooled)
    cases = [{"mean": 3.0, "shape": (64, 48), "std": 0.02}]
    with pytest.raises(NotApplicable, match="150 stds in bfloat16"):
        claim.judge(Trial({"cases": cases}, "bfloat16", "cpu", PR, Key("pooled", "mean"), 1.0))
