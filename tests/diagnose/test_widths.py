"""The coordinate check: muP keeps its slopes and standard parametrisation does not, each named layer by layer."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn
from torch.nn import functional as F

import varlaw
from varlaw.commands.check import check as command
from varlaw.diagnose.widths import _away

WIDTHS, CLASSES = (64, 128, 256, 512), 32


class Net(nn.Module):
    """Two hidden layers and a head; `head` is its std times the width."""

    def __init__(self, width: int, head: float, hidden: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.first, self.second, self.out = nn.Linear(16, width), nn.Linear(width, width), nn.Linear(width, CLASSES)
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, std=math.sqrt(2 / layer.in_features))
        self.second.weight.data *= (width / 64) ** hidden
        nn.init.normal_(self.out.weight, std=head / width)
        for layer in (self.first, self.second, self.out):
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(F.relu(self.second(F.relu(self.first(x)))))


def mup(width: int) -> Net:
    return Net(width, 1.0)


def standard(width: int) -> Net:
    return Net(width, math.sqrt(width))


def scaled_adam(model: Net) -> torch.optim.Optimizer:
    """muP's rates: divided by the width for matrices whose fan_in grows."""
    grows = [model.second.weight, model.out.weight]
    rest = [p for p in model.parameters() if all(p is not g for g in grows)]
    return torch.optim.Adam([{"params": rest, "lr": 0.01}, {"params": grows, "lr": 0.64 / model.width}])


def adam(model: Net) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=0.01)


def batch() -> torch.Tensor:
    return torch.randn(64, 16, generator=torch.Generator().manual_seed(0))


def loss(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(model(x), torch.arange(len(x)) % CLASSES)


def outcomes(report: Any) -> dict[tuple[str, str], str]:
    return {(s.name, s.when): s.outcome for s in report.slopes}


def test_mup_keeps_its_law_at_the_start_and_by_steps() -> None:
    report = varlaw.check_widths(mup, batch(), loss, widths=WIDTHS, optimizer=scaled_adam)
    assert report.ok, report
    assert {s.role for s in report.slopes} == {"input", "hidden", "output"}
    assert outcomes(report)["second", "step"] == "CONFORMS", report


def test_standard_rates_blow_up_what_a_step_changes() -> None:
    report = varlaw.check_widths(standard, batch(), loss, widths=WIDTHS, optimizer=adam)
    found = outcomes(report)
    assert found["second", "step"] == found["out", "step"] == "VIOLATES", report
    assert found["first", "start"] == "CONFORMS", report
    assert found["out", "start"] == "VIOLATES", report  # a slope of 0, where muP has -1/2


def test_standard_has_its_own_law_at_the_start() -> None:
    report = varlaw.check_widths(standard, batch(), widths=WIDTHS, law="standard")
    assert report.ok, report
    wrong = varlaw.check_widths(lambda w: Net(w, math.sqrt(w), hidden=0.5), batch(), widths=WIDTHS, law="standard")
    assert outcomes(wrong)["second", "start"] == "VIOLATES", wrong


def test_the_loss_takes_the_batch_as_it_is() -> None:
    pair = batch(), torch.arange(64) % CLASSES
    of_pair = varlaw.check_widths(mup, pair, lambda m, b: F.cross_entropy(m(b[0]), b[1]), widths=WIDTHS, redraws=4)
    assert of_pair.slopes == varlaw.check_widths(mup, batch(), widths=WIDTHS, redraws=4).slopes


def test_a_head_of_zeros_has_no_slope() -> None:
    report = varlaw.check_widths(lambda w: Net(w, 0.0), batch(), widths=WIDTHS)
    assert outcomes(report)["out", "start"] == "NOT_APPLICABLE"
    assert report.ok


def test_the_interval_covers_as_often_as_it_says() -> None:
    """Student's interval at alpha 0.05 of 16 normal slopes misses in 5 % of 4,000: within 6.2 standard errors."""
    draws = np.random.default_rng(7).normal(size=(4000, 16))
    missed = sum(abs(d.mean()) > _away(d, 0.05) for d in draws)
    assert abs(missed - 200) < 6.2 * math.sqrt(200 * 0.95)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"widths": (64, 128)}, "three or more"),
        ({"widths": (64, 128, "x")}, "whole numbers"),
        ({"law": "ntk"}, "law='ntk'"),
        ({"redraws": 1}, "redraws=1"),
        ({"optimizer": adam}, "loss is missing"),
        ({"optimizer": adam, "loss": loss, "steps": 0}, "steps=0"),
        ({"optimizer": lambda m: 1 / 0, "loss": loss}, "a training step fails: ZeroDivisionError"),
        ({"batch": torch.zeros(3, 5)}, "the model fails on the batch"),
        ({"build": lambda w: None}, "should return a torch.nn.Module"),
    ],
)
def test_bad_input_is_one_line(given: dict[str, Any], says: str) -> None:
    arguments: dict[str, Any] = {"build": mup, "batch": batch(), "widths": WIDTHS, "redraws": 3} | given
    with pytest.raises(ValueError, match=says) as caught:
        varlaw.check_widths(**arguments)
    assert "\n" not in str(caught.value)


def test_shown_at_80_columns_and_as_json(tmp_path: Path) -> None:
    report = varlaw.check_widths(mup, batch(), widths=WIDTHS, redraws=4)
    assert max(map(len, str(report).splitlines())) <= 80, report
    assert json.loads(report.json(tmp_path / "a.json"))["schema"] == "varlaw.widths/1"
    assert "<pre>" in report._repr_html_()


def test_command() -> None:
    here = "tests.diagnose.test_widths"
    arguments = [f"{here}:standard", "--batch", f"{here}:batch_of", "--loss", f"{here}:loss", "--widths", "64,128,256"]
    given = [*arguments, "--redraws", "6", "--optimizer", f"{here}:adam"]
    run = CliRunner().invoke(command, given, standalone_mode=False)
    assert run.return_value == 1, run.output
    assert "VIOLATES" in run.output
    assert CliRunner().invoke(command, [*arguments[:-1], "64,x"]).exit_code == 2


def batch_of(seed: int) -> torch.Tensor:
    return batch()
