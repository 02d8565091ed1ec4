"""DTensor and FSDP2 on two real gloo ranks: what is independent, what agrees, and that the claims can tell."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.registry import named
from varlaw.subjects.subject import Clipper, Sharded
from varlaw.verify import decision, plan

torch = pytest.importorskip("torch")
if not torch.distributed.is_available():
    pytest.skip("torch without torch.distributed", allow_module_level=True)

from varlaw.subjects.torch import ranks  # noqa: E402 (needs the skip above)

SALT, CASE = "sharded", {"in_features": 64, "out_features": 64}


def _subject(name: str) -> Sharded:
    found = named(f"torch.distributed.{name}")
    assert isinstance(found, Sharded)
    return found


def _outcomes(subject: Sharded) -> dict[str, str]:
    trial = Trial(CASE, "float32", "cpu", POLICIES["pr"], Key(SALT, subject.name))
    return {claim.name: str(claim.judge(trial).outcome) for claim in claims_of(subject)}


def test_one_seed_gives_every_rank_the_same_part() -> None:
    """DTensor has no stream of its own on a CPU mesh: copies, though the documentation asks for one seed."""
    wanted = {"shards.rank": "VIOLATES", "shards.independent": "VIOLATES", "shards.mesh": "VIOLATES"}
    assert _outcomes(_subject("tensor.Shard(0).normal_")) == wanted
    assert _outcomes(_subject("fsdp.fully_shard.Linear")) == wanted


def test_replicas_agree() -> None:
    assert _outcomes(_subject("tensor.Replicate().normal_")) == {
        "shards.replicas": "CONFORMS",
        "shards.mesh": "CONFORMS",
    }


def test_the_law_of_a_sharded_weight_has_the_fans_of_the_whole() -> None:
    for name in ("tensor.Shard(1).kaiming_normal_.whole", "fsdp.fully_shard.Linear.whole"):
        row = named(f"torch.distributed.{name}")
        assert row
        tasks = [t for t in plan.tasks([row], ["float32"], "cpu", SALT) if t.claim == "init.documented"]
        assert {decision.decide(t, "pr", SALT).state for t in tasks} == {"conforms"}


def test_the_norm_that_clips_is_that_of_the_gathered_gradient() -> None:
    row = named("torch.nn.utils.clip_grad_norm_(DTensor)")
    assert isinstance(row, Clipper)
    grads = [np.arange(1.0, 11.0), np.array([3.0])]
    clipped, norm = row.apply(grads, 2.0, "float64", "cpu")
    assert norm == pytest.approx(np.linalg.norm(np.concatenate(grads)), rel=1e-14)
    assert np.linalg.norm(np.concatenate(clipped)) == pytest.approx(2.0, rel=1e-6)
    assert [x.shape for x in clipped] == [x.shape for x in grads]


def test_a_rank_that_fails_says_so_and_new_ones_start() -> None:
    with pytest.raises(RuntimeError, match=r"rank 0 of 2: AttributeError: .* no attribute 'nothing'"):
        ranks.call("varlaw.subjects.torch.sharded:nothing")
    assert _outcomes(_subject("tensor.Replicate().uniform_"))["shards.replicas"] == "CONFORMS"


# -- the claims themselves, without a rank -----------------------------------------------------------------------------


def _given(make: Callable[[np.random.Generator], Mapping[str, Any]], *, replicated: bool = False) -> Sharded:
    subject = _subject("tensor.Shard(0).normal_")
    return dataclasses.replace(
        subject,
        apply=lambda case, dtype, device, seed: make(np.random.default_rng(seed)),
        replicated=replicated,
    )


def _whole(parts: list[Any]) -> Mapping[str, Any]:
    whole = np.concatenate(parts)
    return {"parts": parts, "whole": whole, "plain": whole}


def test_independent_parts_conform_and_correlated_ones_do_not() -> None:
    def mixed(rng: np.random.Generator, share: float) -> Mapping[str, Any]:
        a, b = rng.normal(size=(2, 32, 64))
        return _whole([a, share * a + np.sqrt(1 - share**2) * b])

    assert set(_outcomes(_given(lambda rng: mixed(rng, 0.0))).values()) == {"CONFORMS"}
    assert _outcomes(_given(lambda rng: mixed(rng, 0.3)))["shards.independent"] == "VIOLATES"
    copies = _outcomes(_given(lambda rng: mixed(rng, 1.0)))
    assert copies["shards.rank"] == copies["shards.independent"] == "VIOLATES"


def test_replicas_that_differ_in_one_entry_violate() -> None:
    def spoiled(rng: np.random.Generator) -> Mapping[str, Any]:
        x = rng.normal(size=(8, 8))
        y = x.copy()
        y[0, 0] += 1e-9
        return {"parts": [x, y], "whole": x, "plain": y}

    outcomes = _outcomes(_given(spoiled, replicated=True))
    assert outcomes == {"shards.replicas": "VIOLATES", "shards.mesh": "VIOLATES"}
