"""`check_model`: what the room `diagnose` finds of a model, as a report of the room `reports`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from varlaw.reports.model.report import ModelReport

if TYPE_CHECKING:
    import torch


def check_model(
    build: "Callable[[], torch.nn.Module] | torch.nn.Module",
    batch: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    expect: Any = None,
    policy: str = "pr",
    redraws: int = 16,
    device: str | None = None,
    salt: str | None = None,
    name: str | None = None,
) -> ModelReport:
    """Look at a torch model before its first step, and say what is wrong with it by law.

    build: a function without arguments that returns a fresh model (called `redraws` times, every seed set from the
        salt and put back), or one model, of which everything is said of that one draw. One model is left as it was.
    batch: what the model takes: a tensor, a tuple of arguments, a mapping of named ones, or a function of a seed that
        returns it.
    loss: `loss(model, batch)` returns the scalar that is minimised; without it the outputs get random cotangents.
    expect: what the author meant: a mapping from globs of parameter names to laws (`varlaw.Normal(0.02)`, or a text
        such as "he_normal(fan_in)"), rules as for `initialise`, or the name of a recipe ("gpt2", "torch", ...).
    policy: "pr" finds errors of 5 % of a standard deviation, "nightly" 1 %.
    redraws: fresh models at most; more than one tell the law from the luck of one draw.
    device: where the model and the batch are put; where they are when not given.
    salt, name: the address of the evidence; name is the function's own unless given.

    Raises `ValueError` or `TypeError` in one line for a model, batch, loss or expectation that do not fit together.

    >>> import torch
    >>> model = lambda: torch.nn.Sequential(torch.nn.Linear(32, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    >>> check_model(model, torch.randn(64, 32)).ok
    True
    """
    from varlaw.diagnose.check import examined
    from varlaw.verify.session import SALT

    given: dict[str, Any] = {"expect": expect, "policy": policy, "redraws": redraws, "device": device, "name": name}
    return ModelReport(examined(build, batch, loss, salt=SALT if salt is None else salt, **given))
