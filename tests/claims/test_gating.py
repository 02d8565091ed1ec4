"""Gated units and maxout of any framework: the truth conforms; exchanged halves, other gates and pieces violate."""

from collections.abc import Callable
from typing import Any

import pytest

from varlaw.claims.claim import Claim, Trial
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.gating import gated, maxout
from varlaw.subjects.subject import Experiment
from varlaw.subjects.torch.activations import differentiate
from varlaw.subjects.torch.framework import TORCH

torch = pytest.importorskip("torch")
F = torch.nn.functional


def _found(subject: Experiment, **case: Any) -> dict[str, str]:
    """The outcome of each claim, by the last part of its law's name."""

    def outcome(claim: Claim) -> str:
        return claim.judge(Trial(case, "float32", "cpu", POLICIES["pr"], Key("gates", claim.name))).outcome.value

    return {c.law.partition(".")[2].split("_")[0]: outcome(c) for c in claims_of(subject)}


def _unit(call: Callable[[Any], Any], activation: str, *, gate_first: bool = False) -> dict[str, str]:
    return _found(gated(TORCH, "unit", activation, call, differentiate, gate_first=gate_first), q=1.0)


def _swiglu(x: Any) -> Any:
    a, b = x.chunk(2, -1)
    return F.silu(a) * b


def _outcomes(second: str, value: str, gate: str) -> dict[str, str]:
    return {"second": second, "value": value, "gate": gate}


def test_the_truth_conforms_and_another_gate_violates() -> None:
    right = _outcomes("CONFORMS", "CONFORMS", "CONFORMS")
    assert _unit(lambda x: F.glu(x), "sigmoid") == right
    assert _unit(_swiglu, "silu", gate_first=True) == right
    assert _unit(_swiglu, "gelu", gate_first=True) == _outcomes("VIOLATES", "VIOLATES", "VIOLATES")
    assert _unit(lambda x: F.glu(1.06 * x), "sigmoid")["second"] == "VIOLATES"


def test_exchanged_halves_show_in_the_derivatives_alone() -> None:
    wrong = _unit(lambda x: F.glu(x), "sigmoid", gate_first=True)
    assert wrong == _outcomes("CONFORMS", "VIOLATES", "VIOLATES")


def test_maxout_of_other_pieces_violates() -> None:
    def largest(x: Any, pieces: int) -> Any:
        return x.unflatten(1, (-1, pieces)).amax(2)

    assert _found(maxout(TORCH, "maxout", largest), pieces=4) == {"mean": "CONFORMS", "second": "CONFORMS"}
    wrong = maxout(TORCH, "maxout(3)", lambda x, pieces: x.unflatten(1, (-1, pieces))[..., :-1].amax(2))
    assert _found(wrong, pieces=4) == {"mean": "VIOLATES", "second": "VIOLATES"}
