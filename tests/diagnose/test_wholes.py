"""Wholes that single maps do not show: an exponential behind a head, the skips of a U-Net, a choice among experts."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.mistakes import Of
from tests.diagnose.models import batch, changed, classify
from varlaw import check_model


def with_variances(std: float) -> nn.Module:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        return m.head(F.relu(m.mean(x)) * (m.log_variance(x) / 2).exp())

    scaled = changed(nn.Linear(32, 64), lambda m: m.weight.normal_(std=std))
    return Of(forward, mean=nn.Linear(32, 64), log_variance=scaled, head=nn.Linear(64, 10))


def with_skips(std: float) -> nn.Module:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        first = F.relu(m.first(x))
        second = F.relu(m.second(first))
        return m.head(F.relu(m.join(torch.cat([F.relu(m.deep(second)), first], -1))))

    sizes = {"first": (32, 64), "second": (64, 64), "deep": (64, 64), "join": (128, 64), "head": (64, 10)}
    layers = {n: nn.Linear(*s, bias=False) for n, s in sizes.items()}
    return Of(forward, **{n: changed(layer, lambda m: m.weight.normal_(std=std)) for n, layer in layers.items()})


def with_experts(std: float) -> nn.Module:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        shares = m.router(x).softmax(-1)
        return m.head((shares[..., None] * m.experts(x).view(len(x), 4, 64)).sum(1))

    router = changed(nn.Linear(32, 4, bias=False), lambda m: m.weight.normal_(std=std))
    return Of(forward, router=router, experts=nn.Linear(32, 256), head=nn.Linear(64, 10))


WHOLES: dict[str, tuple[Callable[[float], nn.Module], float, float, str]] = {
    "log variances": (with_variances, 2.0, 0.05, "signal.grows"),
    "skips": (with_skips, 1e-3, 0.15, "signal.shrinks"),
    "experts": (with_experts, 5.0, 0.05, "unit.saturated"),
}


@pytest.mark.parametrize("name", WHOLES)
def test_a_whole_is_judged_and_its_twin_left_alone(name: str) -> None:
    build, faulty, sound, signal = WHOLES[name]
    report = check_model(lambda: build(faulty), batch("vector"), classify, redraws=6, name=name)
    assert signal in {f.signal for f in report.findings if f.outcome == "VIOLATES"}, report
    report = check_model(lambda: build(sound), batch("vector"), classify, redraws=6, name=name)
    assert report.ok, report


@pytest.mark.parametrize(("rows", "outcome"), [(4, "UNDECIDED"), (512, "VIOLATES")])
def test_a_huge_first_loss_is_undecided_where_few_labels_might_explain_it(rows: int, outcome: str) -> None:
    """So that a pair of one draw sees it: there it counts as wrong."""
    x = torch.randn(rows, 32, generator=torch.Generator().manual_seed(2))
    x[:, 0] = torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(rows // 4)  # half of the rows are sure of a wrong label
    logits = torch.tensor([10.0, -10.0]).repeat(5)
    head = changed(nn.Linear(32, 10), lambda m: (m.weight.mul_(0.01), m.weight[:, 0].copy_(logits)))
    report = check_model(head, x, classify, name="head")
    assert [f.outcome for f in report.findings if f.signal == "loss.start"] == [outcome], report
