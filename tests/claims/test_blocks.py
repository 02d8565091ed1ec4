"""Claims on real blocks by depth: a stack of the same arithmetic conforms, and each planted mistake violates.

The stack is GPT-2's of one token, all runs at once, so that depth costs little; the libraries' own are in
tests/frameworks/test_blocks.py.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import pytest

from varlaw.claims.claim import Finding, NotApplicable, Trial
from varlaw.claims.experiments import blocks, judging
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key
from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

torch = pytest.importorskip("torch")

CASE = {"layers": 2, "width": 32, "gain": 1.0, "c": 0.5, "start": 1.0}
_PAIRS = 4

Run = Callable[[Any, Case, int, dict[str, Any]], dict[str, Any]]


def _seen(t: Any, c: Case, n: int, on: dict[str, Any], last: float, normed: bool) -> dict[str, Any]:
    """One way of `n` stacks, whose last maps have `last` as width Var[w]."""
    width, std = c["width"], (c["gain"] / c["width"]) ** 0.5

    def maps(rows: int, columns: int, scale: float = std) -> Any:
        return scale * t.randn(n, rows, columns, **on)

    def norm(h: Any) -> Any:
        return t.nn.functional.layer_norm(h, (width,), eps=1e-12) if normed else h

    first, other = c["start"] ** 0.5 * t.randn(2, n, _PAIRS, width, **on)
    x = t.cat([first, c["c"] * first + (1 - c["c"] ** 2) ** 0.5 * other], 1).requires_grad_()
    h, end = x + maps(1, width), t.randn(n, 2 * _PAIRS, width, **on)
    for _ in range(c["layers"]):
        h = h + norm(h) @ maps(width, width) @ maps(width, width, (last / width) ** 0.5)
        hidden = t.nn.functional.gelu(norm(h) @ maps(width, 4 * width), approximate="tanh")
        h = h + hidden @ maps(4 * width, width, (last / width) ** 0.5)
    (back,) = t.autograd.grad((h * end).sum(), x)
    h = h.detach()
    return {
        "stream": h.square().mean((1, 2)),
        "log": h[:, 0].square().mean(1).log(),
        "product": (h[:, :_PAIRS] * h[:, _PAIRS:]).mean((1, 2)),
        "gradient": back.square().sum((1, 2)) / end.square().sum((1, 2)),
    }


def _stacks(t: Any, c: Case, n: int, on: dict[str, Any], *, share: float = 1.0, normed: bool = True) -> dict[str, Any]:
    """Both ways; `share` multiplies the variance of last maps: 2 is 1/sqrt(L) where 1/sqrt(2L) is meant."""
    plain = _seen(t, c, n, on, c["gain"], normed)
    scaled = _seen(t, c, n, on, share * c["gain"] / (2 * c["layers"]), normed)
    return {f"plain {of}": x for of, x in plain.items()} | {f"scaled {of}": x for of, x in scaled.items()}


@functools.cache  # rows share the runs of one subject
def _subject(run: Run) -> Experiment:
    return experiment("stacks", "gpt2_stream", run)


def _found(run: Run, name: str, **case: Any) -> Finding:
    row = next(row for row in blocks.ROWS["gpt2_stream"] if row.name == f"law.blocks.{name}")
    if name.endswith("spread"):  # left to nightly of a library's own, and here of many stacks at once
        row = dataclasses.replace(row, unless=None)
    claim = judging.claim(_subject(run), _subject(run).run, row)
    return claim.judge(Trial({**CASE, **case}, "float32", "cpu", POLICIES["pr"], Key("teeth", f"{name}:stacks")))


NAMES = tuple(row.name.removeprefix("law.blocks.") for row in blocks.ROWS["gpt2_stream"])


LOUDER = ("scaled_stream", "scaled_pair", "scaled_gradient")  # the spread is that of all streams: 2 / width, nearly


def test_the_truth_conforms() -> None:
    assert {name: _found(_stacks, name).outcome for name in NAMES} == dict.fromkeys(NAMES, "CONFORMS")


def test_a_scale_of_the_wrong_root_violates_and_the_other_way_conforms() -> None:
    wrong = functools.partial(_stacks, share=2.0)  # 1/sqrt(L): as if a block had one branch
    found = {name: _found(wrong, name).outcome for name in NAMES}
    assert found == {name: "VIOLATES" if name in LOUDER else "CONFORMS" for name in NAMES}


def test_a_forgotten_norm_violates() -> None:
    bare = functools.partial(_stacks, normed=False)
    assert {name: _found(bare, name).outcome for name in ("plain_stream", "plain_gradient", "plain_spread")} == {
        "plain_stream": "VIOLATES",
        "plain_gradient": "VIOLATES",
        "plain_spread": "VIOLATES",
    }


def test_measured_bands_shrink_as_the_width_doubles() -> None:
    names = ("scaled_pair", "scaled_gradient", "plain_pair", "plain_spread")
    assert {name: _found(_stacks, name, width=64).outcome for name in names} == dict.fromkeys(names, "CONFORMS")


def test_depth_is_left_to_fine_policies() -> None:
    with pytest.raises(NotApplicable, match="12 blocks take minutes, which nightly takes"):
        _found(_stacks, "plain_stream", layers=12)
