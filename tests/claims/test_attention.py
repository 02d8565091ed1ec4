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
from varlaw.subjects.attending import Attend, Grouped, attention, chosen, edges, grouped, rotary
from varlaw.subjects.subject import Experiment
from varlaw.subjects.torch.framework import TORCH


def attend(power: float = 0.5, hidden: float = -np.inf, diagonal: int = 0, share: float = 1.0) -> Attend:
    """Attention whose logits are divided by d^power, with what is hidden at a logit of `hidden`."""

    def run(q: Any, k: Any, v: Any, mask: Any, causal: bool) -> Any:
        n, d = q.shape[1:]
        logits = q[0] @ k[0].T / d**power
        seen = np.tril(np.ones((n, d), bool), diagonal) if causal else np.ones((n, d), bool) if mask is None else mask
        logits = logits.masked_fill(~q.new_tensor(seen, dtype=bool), hidden)
        return share * logits.softmax(-1) @ v[0]

    return run


def outcomes(function: Attend, queries: float = 1.0) -> dict[str, str]:
    row = dataclasses.replace(attention(TORCH, "here", function, queries=queries), name="here")
    (case,) = CASES["attend"].enumerate(Key("teeth", "cases"), 0)
    key = Key("teeth", "attention")
    return {c.law: str(c.judge(Trial(case, "float64", "cpu", POLICIES["pr"], key)).outcome) for c in claims_of(row)}


def test_attention_as_it_is_written_conforms() -> None:
    assert set(outcomes(attend()).values()) == {"CONFORMS"}


def test_fewer_queries_are_the_first_and_not_the_last() -> None:
    assert set(outcomes(attend(), 0.5).values()) == {"CONFORMS"}
    assert outcomes(attend(diagonal=4), 0.5)["attention.masked_weight"] == "VIOLATES"


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


def judged(row: Experiment, dtype: str = "float32") -> dict[str, set[str]]:
    """Outcomes of each claim over all cases."""
    row = dataclasses.replace(row, name="here")
    cases = CASES[row.op].enumerate(Key("teeth", "cases"), 1)
    key = Key("teeth", "attention")
    return {
        c.law: {str(c.judge(Trial(case, dtype, "cpu", POLICIES["pr"], key)).outcome) for case in cases}
        for c in claims_of(row)
    }


def heads(share: int, v_of: int | None = None) -> Grouped:
    """Head h sees keys h // share, or h % 2 for a share of 0, and values of the same head or of head `v_of`."""

    def run(q: Any, k: Any, v: Any) -> Any:
        seen = [h // share if share else h % 2 for h in range(4)]
        values = v[seen] if v_of is None else v[[v_of] * 4]
        return (q @ k[seen].transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1) @ values

    return run


def test_heads_that_share_keys_are_neighbours() -> None:
    right = judged(grouped(TORCH, "here", heads(2)))
    assert set().union(*right.values()) == {"CONFORMS"}
    for wrong in (heads(0), heads(2, v_of=0)):
        assert "VIOLATES" in judged(grouped(TORCH, "here", wrong))["attention.weight_ratio"]


def bent(q: Any, k: Any, v: Any, bias: Any, case: Any, order: int = 0, clip: bool = False) -> Any:
    """A scale with a bias, or a cap: the bias before the scale at order 1, the scale behind the cap at 2."""
    logits = q[0] @ k[0].T
    if "cap" in case:
        cap, scale = case["cap"], case["scale"]
        bend = (lambda x: x.clip(-cap, cap)) if clip else (lambda x: cap * (x / cap).tanh())
        logits = scale * bend(logits) if order == 2 else bend(scale * logits)
    else:
        added = 0.0 if bias is None else q.new_tensor(bias)
        logits = case["scale"] * (logits + added) if order == 1 else case["scale"] * logits + added
    return logits.softmax(-1) @ v[0]


@pytest.mark.parametrize(
    ("op", "wrong"),
    [("attend_chosen", {"order": 1}), ("attend_capped", {"order": 2}), ("attend_capped", {"clip": True})],
    ids=("a bias that is scaled", "scaled behind the cap", "clipped"),
)
def test_a_scale_a_bias_and_a_cap_have_their_order(op: str, wrong: dict[str, Any]) -> None:
    assert set().union(*judged(chosen(TORCH, "here", op, bent)).values()) == {"CONFORMS"}
    mistaken = chosen(TORCH, "here", op, lambda *of: bent(*of, **wrong))
    assert "VIOLATES" in set().union(*judged(mistaken).values())


def safe(q: Any, k: Any, v: Any, mask: Any, causal: bool, hidden: float = -np.inf, early: bool = False) -> Any:
    """Zeros for a query that sees nothing; at a finite `hidden` a mean, and `early` the product before its scale."""
    d = q.shape[-1]
    logits = q[0] @ k[0].T / d**0.5 if early else (q[0] / d**0.5) @ k[0].T
    seen = q.new_ones(logits.shape, dtype=bool) if mask is None else q.new_tensor(mask, dtype=bool)
    weights = logits.masked_fill(~seen, hidden).softmax(-1)
    return (weights.nan_to_num(0.0) if mask is not None and np.isinf(hidden) else weights) @ v[0]


def test_a_query_that_sees_nothing_and_a_product_too_large_for_float16() -> None:
    for row in edges(TORCH, "here", safe):
        assert set().union(*judged(row, "float16").values()) == {"CONFORMS"}
    blind, _ = edges(TORCH, "here", lambda *of: safe(*of, hidden=-1e4))
    _, large = edges(TORCH, "here", lambda *of: safe(*of, early=True))
    for row in (blind, large):
        assert "VIOLATES" in set().union(*judged(row, "float16").values())


def routed(op: str, wrong: str = "") -> Experiment:
    """A router's losses at equal logits, written out; mistakes: over top_k, no experts, no square, no shift."""

    def run(case: Any, dtype: str, device: str, seed: int, count: int) -> Any:
        n, k = case["experts"], case.get("top_k", 1)
        share, mean = np.full(n, k / n), np.full(n, 1 / n)
        balance = (1 if wrong == "experts" else n) * float(share @ mean) / (k if wrong == "top_k" else 1)
        z = np.log(n) + (0 if wrong == "shift" else case.get("shift", 0.0))
        return {"balance": np.array([balance]), "z": np.array([z if wrong == "square" else z**2])}

    return Experiment(name="here", framework=TORCH, op=op, run=run)


@pytest.mark.parametrize(
    ("op", "wrong"),
    [("router", "top_k"), ("router", "experts"), ("router_switch", "experts"), ("router_z", "square"),
     ("router_z", "shift")],
)  # fmt: skip
def test_losses_of_routers(op: str, wrong: str) -> None:
    assert set().union(*judged(routed(op)).values()) == {"CONFORMS"}
    assert "VIOLATES" in set().union(*judged(routed(op, wrong)).values())


def turned(x: Any, first: int, base: float, grow: float = 1.0, ahead: float = 1.0, narrow: bool = False) -> Any:
    """Pairs (i, i + dim/2) turned; mistakes: too long, frequencies off, positions kept in the dtype of the vectors."""
    import torch

    half = x.shape[1] // 2
    places = torch.arange(first, first + len(x), dtype=torch.float64)
    places = places.to(x.dtype).double() if narrow else places
    angles = places[:, None] * (ahead * base) ** (-torch.arange(half, dtype=torch.float64) / half)
    a, b = x[:, :half].double(), x[:, half:].double()
    cos, sin = angles.cos(), angles.sin()
    return (grow * torch.cat([a * cos - b * sin, b * cos + a * sin], 1)).to(x.dtype)


@pytest.mark.parametrize(
    ("wrong", "law"),
    [
        ({"grow": 1.2}, "positions.sinusoidal_square_norm"),
        ({"ahead": 0.01}, "positions.sinusoidal_product"),
        ({"narrow": True}, "positions.sinusoidal_product"),
    ],
    ids=("too long", "another base", "positions in bfloat16"),
)
def test_rotary_positions(wrong: dict[str, Any], law: str) -> None:
    assert set().union(*judged(rotary(TORCH, "here", turned), "bfloat16").values()) == {"CONFORMS"}
    assert "VIOLATES" in judged(rotary(TORCH, "here", lambda *of: turned(*of, **wrong)), "bfloat16")[law]
