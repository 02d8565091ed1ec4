"""Norms over chosen axes, written out: right they conform, and one that takes another axis is refuted."""

from typing import Any

import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects import axes
from varlaw.subjects.torch.framework import TORCH

CASE = {
    "batch": 2, "channels": 4, "length": 16, "groups": 2, "mean": 1.0, "std": 1.0, "eps": 1e-5, "momentum": 0.1
}  # fmt: skip


def _norm(sets: tuple[int, ...], scaled: int) -> Any:
    """A layer norm over `sets` where it is told axis 1; the weight is laid along `scaled`."""

    def call(x: Any, case: Any) -> Any:
        centred = x - x.mean(sets, keepdim=True)
        return centred / (centred.square().mean(sets, keepdim=True) + case["eps"]).sqrt()

    def affine(x: Any, weight: Any, bias: Any, case: Any) -> Any:
        shape = [1, 1, 1]
        shape[scaled] = -1
        return call(x, case) * weight.reshape(shape) + bias.reshape(shape)

    return axes.norm(TORCH, "here", "layer_norm", call, "blc", affine=affine)


def _outcomes(row: Any) -> dict[str, str]:
    """The outcome of each claim that is asked, in one case."""
    found = {}
    for claim in claims_of(row):
        for case in row.cases(claim.name, [CASE], "float32"):
            trial = Trial(case, "float32", "cpu", POLICIES["pr"], Key("teeth", "axes"))
            found[claim.name] = str(claim.judge(trial).outcome)
    return found


def test_the_sets_that_it_is_told() -> None:
    assert _outcomes(_norm((1,), 1)) == dict.fromkeys(("norm.mean", "norm.second_moment", "norm.affine"), "CONFORMS")


@pytest.mark.parametrize(
    ("sets", "scaled", "claim"),
    [((2,), 1, "norm.mean"), ((0, 1), 1, "norm.second_moment"), ((1,), 2, "norm.affine")],
)
def test_another_axis_violates(sets: tuple[int, ...], scaled: int, claim: str) -> None:
    assert _outcomes(_norm(sets, scaled))[claim] == "VIOLATES"
