"""Projections on the simplex written out: as its paper has it sparsemax conforms, and with each mistake it violates."""

from collections.abc import Callable
from typing import Any

import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.projecting import simplex
from varlaw.subjects.torch.framework import TORCH

torch = pytest.importorskip("torch")


def _sparsemax(x: Any, scale: float, *, summed: bool = False, last: bool = True) -> Any:
    """In the dtype of x; `summed`: all sums of the support together, `last`: of the support, not of all entries."""
    u = x.sort(descending=True).values
    sums, counts = u.cumsum(0), torch.arange(1, len(x) + 1)
    support = int((1 + counts * u > sums).sum()) if last else len(x)
    total = sums[:support].sum() if summed else sums[support - 1]
    return (x - (total - scale) / support).clamp(min=0.0)


def _in_32_bits(x: Any, scale: float) -> Any:
    return _sparsemax(x.float(), scale).to(x.dtype)


def _outcomes(project: Callable[[Any, float], Any], dtype: str) -> set[str]:
    claims = [c for c in claims_of(simplex(TORCH, "here", project)) if dtype in c.dtypes]
    cases = CASES["simplex"].enumerate(Key("simplex", "cases"), 1)
    trials = [Trial(case, dtype, "cpu", POLICIES["pr"], Key("simplex", "here")) for case in cases]
    return {c.judge(trial).outcome.value for c in claims for trial in trials}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sparsemax_conforms_and_mistakes_of_its_threshold_violate(dtype: str) -> None:
    assert _outcomes(_sparsemax, dtype) == {"CONFORMS"}
    assert "VIOLATES" in _outcomes(lambda x, scale: _sparsemax(x, scale, summed=True), dtype)
    assert "VIOLATES" in _outcomes(lambda x, scale: _sparsemax(x, scale, last=False), dtype)
    assert "VIOLATES" in _outcomes(lambda x, scale: x.softmax(0), dtype)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_sum_in_16_bits_is_told_from_one_in_32(dtype: str) -> None:
    assert _outcomes(_in_32_bits, dtype) == {"CONFORMS"}
    assert "VIOLATES" in _outcomes(lambda x, scale: 0.95 * _in_32_bits(x, scale), dtype)
