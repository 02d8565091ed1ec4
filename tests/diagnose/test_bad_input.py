"""What `advise`, `calibrate` and `predict` cannot work with is named in one line."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn

from varlaw import advise, calibrate, predict
from varlaw.cli import cli

X = torch.randn(16, 8, generator=torch.Generator().manual_seed(1))
LOST = torch.full((16, 8), torch.nan)


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "NaN, advise": (lambda: advise(net, LOST), "128 NaN among 128 numbers"),
    "NaN, calibrate": (lambda: calibrate(net(), lambda seed: LOST), "128 NaN among 128 numbers"),
    "NaN, predict": (lambda: predict(net, LOST), "no number of the pass"),
    "one glob, calibrate": (lambda: calibrate(net(), X, keep="0.*"), "a list of globs"),
    "no glob, advise": (lambda: advise(net, X, keep=3), "a list of globs"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_gets_one_line(name: str) -> None:
    call, says = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_map_that_no_factor_helps_is_refused_for_that() -> None:
    rows = calibrate(net(), torch.zeros(16, 8)).rows
    assert "no factor on the weight" in rows[0].reason, rows


def test_steps_of_runs_that_nobody_asked_for_are_refused() -> None:
    done = CliRunner().invoke(cli, ["advise", "some:thing", "--batch", "some:batch", "--steps", "4"])
    assert done.exit_code == 2
    assert "--steps is of the short runs, but should be given with --try" in done.stderr
