"""Attention written out conforms, and each mistake of scale, softmax or mask is refuted by one of its laws."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Trial
from varlaw.claims.domains import CASES
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.attending import Attend, attention
from varlaw.subjects.torch.framework import TORCH


def attend(power: float = 0.5, hidden: float = -np.inf, diagonal: int = 0, share: float = 1.0) -> Attend:
    """Attention whose logits are divided by d^power, with what is hidden at a logit of `hidden`."""

    def run(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
        d = q.shape[-1]
        logits = q[0] @ k[0].T / d**power
        seen = np.tril(np.ones((d, d), bool), diagonal) if causal else np.ones((d, d), bool) if mask is None else mask
        logits = logits.masked_fill(~q.new_tensor(seen, dtype=bool), hidden)
        return share * logits.softmax(-1) @ v[0]

    return run


def outcomes(function: Attend) -> dict[str, str]:
    row = dataclasses.replace(attention(TORCH, "here", function), name="here")
    (case,) = CASES["attend"].enumerate(Key("teeth", "cases"), 0)
    key = Key("teeth", "attention")
    return {c.law: str(c.judge(Trial(case, "float64", "cpu", POLICIES["pr"], key)).outcome) for c in claims_of(row)}


def test_attention_as_it_is_written_conforms() -> None:
    assert set(outcomes(attend()).values()) == {"CONFORMS"}


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        (attend(power=1.0), "attention.weight_ratio"),
        (attend(power=0.0), "attention.weight_ratio"),
        (attend(hidden=-30.0), "attention.masked_weight"),
        (attend(diagonal=1), "attention.masked_weight"),
        (attend(diagonal=-1), "attention.weight_ratio"),
        (attend(share=0.99), "attention.weight_sum"),
    ],
    ids=("1/d", "no scale", "a finite mask", "one key ahead", "one key behind", "not normalised"),
)
def test_a_mistake_is_refuted(wrong: Attend, law: str) -> None:
    assert outcomes(wrong)[law] == "VIOLATES"
