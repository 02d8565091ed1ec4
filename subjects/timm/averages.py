"""timm's exponential averages of weights."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.subject import Case, Experiment, Floats
from varlaw.subjects.timm.framework import TIMM, utils
from varlaw.subjects.torch.framework import dtype_of, floats


def _row(name: str, make: Callable[[Any, Any, float], Any]) -> Experiment:
    """`make(timm.utils, model, decay)` keeps the average of one weight, which starts at one value and is another."""

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        import torch

        model = torch.nn.Linear(1, 1, bias=False, dtype=dtype_of(dtype), device=device).requires_grad_(False)
        model.weight.fill_(case["start"])
        average = make(utils(), model, case["decay"])
        model.weight.fill_(case["w"])
        for _ in range(case["updates"]):
            average.update(model)
        return {"average": floats(average.module.weight).ravel()}

    return Experiment(name=f"timm.utils.{name}", framework=TIMM, op="average_exponential", run=run)


AVERAGES: tuple[Experiment, ...] = (
    _row("ModelEmaV2", lambda u, model, decay: u.ModelEmaV2(model, decay)),
    _row("ModelEmaV3", lambda u, model, decay: u.ModelEmaV3(model, decay, foreach=False)),
    _row("ModelEmaV3(foreach)", lambda u, model, decay: u.ModelEmaV3(model, decay, foreach=True)),
)
