"""A batch norm with a mask, written out: right it conforms, and each way of counting what is hidden is refuted."""

from typing import Any

import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.norm_rows import masked
from varlaw.subjects.torch.framework import TORCH

CASE = {
    "batch": 2, "channels": 4, "length": 64, "groups": 1, "mean": 1.0, "std": 1.0, "eps": 1e-5, "momentum": 0.1
}  # fmt: skip


def _norm(wrong: str = "") -> Any:
    def call(x: Any, case: Any) -> Any:
        wide = x.new_full((*x.shape[:2], x.shape[2] + 8), 1e4)
        wide[..., :-8] = x
        seen = wide.new_ones(wide.shape[2])
        seen[-8:] = 1.0 if wrong == "no mask" else 0.0
        n = wide.shape[0] * (len(seen) if wrong == "counted" else seen.sum())
        mean = (wide * seen).sum((0, 2), keepdim=True) / n
        off = (wide - mean) * (1.0 if wrong == "unmasked variance" else seen)
        variance = off.square().sum((0, 2), keepdim=True) / n
        y = (wide - mean) / (variance + case["eps"]).sqrt()
        rate = case["momentum"]
        return y[..., :-8], rate * mean.ravel(), 1 - rate + rate * variance.ravel()

    return masked(TORCH, "here", "batch_norm", call, running_variance="biased")


def _outcomes(row: Any) -> dict[str, str]:
    key = Key("teeth", "masks")
    claims = [c for c in claims_of(row) if row.cases(c.name, [CASE], "float32")]
    return {c.name: str(c.judge(Trial(CASE, "float32", "cpu", POLICIES["pr"], key)).outcome) for c in claims}


def test_what_is_hidden_has_no_part_in_the_statistics() -> None:
    found = _outcomes(_norm())
    assert set(found.values()) == {"CONFORMS"}
    assert {"norm.mean", "norm.second_moment", "norm.running_mean", "norm.running_var"} == set(found)


@pytest.mark.parametrize(
    ("wrong", "claim"),
    [("no mask", "norm.second_moment"), ("counted", "norm.running_mean"), ("unmasked variance", "norm.running_var")],
)
def test_a_mistake_violates(wrong: str, claim: str) -> None:
    assert _outcomes(_norm(wrong))[claim] == "VIOLATES"
