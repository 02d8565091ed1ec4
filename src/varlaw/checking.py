"""`check_model`, `watch`, `predict`: what the room `diagnose` finds of a model, as a report of the room `reports`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from varlaw.diagnose.watching.arguments import optimizers_of, steps_of
from varlaw.diagnose.watching.watch import Watch
from varlaw.reports.model.profile import ModelProfile
from varlaw.reports.model.report import ModelReport
from varlaw.reports.model.widths import WidthsReport
from varlaw.theory.domain import printable

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
    from varlaw.evidence.streams import SALT

    given: dict[str, Any] = {"expect": expect, "policy": policy, "redraws": redraws, "device": device, "name": name}
    return ModelReport(examined(build, batch, loss, salt=SALT if salt is None else salt, **given).record)


class WatchedRun(Watch):
    """A run that is watched, with its report."""

    def report(self) -> ModelReport:
        """What was found so far, as a report that prints, shows and writes itself."""
        return ModelReport(self.record())


def watch(
    model: "torch.nn.Module",
    optimizer: Any,
    *,
    every: int = 100,
    out: str | Path | None = None,
    log: Callable[[dict[str, float]], Any] | None = None,
    name: str | None = None,
    salt: str | None = None,
) -> WatchedRun:
    """Watch a training run: what is wrong with it, since which step, at a stated rate of false alarms.

    model: the torch model that is trained; nothing of it is changed.
    optimizer: its optimiser, or a list of several. Gradients, updates and weights are read around each of its steps.
    every: steps between looks at activations, by running that step's inputs once more without gradients.
    out: a file for the run, one JSON object a line, whole up to its last line whenever the run ends; a run that is
        started again appends to it, each process but the first has its own (run.rank1.jsonl). `varlaw watch FILE`
        shows it.
    log: called with the numbers of a step, "varlaw/step" among them, after every so many steps: `wandb.log`,
        `accelerator.log`, or a function of your own.
    name: of the run; the model's class unless given.
    salt: names the evidence, as for `check_model`.

    A context manager; call its `step(loss)` once after each optimiser step. A watch never stops the training.

    >>> import torch
    >>> model = torch.nn.Linear(4, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with watch(model, optimizer) as run:
    ...     for _ in range(3):
    ...         optimizer.zero_grad()
    ...         loss = model(torch.ones(8, 4)).square().mean()
    ...         loss.backward()
    ...         _ = optimizer.step()
    ...         run.step(loss)
    >>> run.report().ok
    True
    """
    from varlaw.evidence.streams import SALT, check_salt

    if isinstance(model, type) or not hasattr(model, "named_parameters"):
        msg = f"model={printable(model)}, but should be a torch module [watch]"
        raise ValueError(msg)
    checked: list[tuple[str, Any, Any, str]] = [
        ("log", log, Callable, "a function of a dictionary of numbers"),
        ("out", out, (str, Path), "a path"),
        ("name", name, str, "a text"),
    ]
    for what, given, kinds, should in checked:
        if given is not None and not isinstance(given, kinds):
            msg = f"{what}={printable(given)}, but should be {should} [watch]"
            raise ValueError(msg)
    check_salt(SALT if salt is None else salt)
    return WatchedRun(
        model, optimizers_of(optimizer), every=steps_of(every), out=None if out is None else Path(out),
        log=log, name=name or type(model).__name__, salt=SALT if salt is None else salt,
    )  # fmt: skip


def predict(
    network: "str | Sequence[Mapping[str, Any]] | Callable[..., Any]",
    batch: Any = None,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    second_moment: float = 1.0,
    correlation: float = 0.0,
    positions: float | None = None,
) -> ModelProfile:
    """Foresee a network at initialisation: its signal, its gradient and their bands at every depth.

    network: in words, "10 x (dense 500 glorot_normal, tanh)", blocks as `varlaw.theory.networks.propagation` has them;
        or a torch model or a function that builds one, which is followed as it runs on `batch`, predicted beside
        measured.
    batch, loss: of a model, as `check_model` takes them.
    second_moment: E x^2 of the input of words or blocks, per unit.
    correlation: of two inputs, uncentred.
    positions: the correlation of two tokens or pixels of one input, where it has such.

    Raises `ValueError` in one line for a word that is no block or a block that is incomplete.

    >>> found = predict("10 x (dense 500 glorot_normal, tanh)")
    >>> round(found.depths[-1].second ** 0.5, 3)  # the std that remains
    0.228
    """
    from varlaw.diagnose import foreseen

    if callable(network):
        if batch is None:
            msg = "batch is missing, but a model is followed as it runs on one [predict]"
            raise ValueError(msg)
        name = str(getattr(network, "__qualname__", type(network).__name__))
        return ModelProfile(foreseen.seen(network, batch, loss, name=name))
    if not isinstance(network, str | list | tuple):
        msg = f"network={printable(network)}, but should be words, blocks in a list, or a model [predict]"
        raise TypeError(msg)
    found = foreseen.described(network, second_moment=second_moment, correlation=correlation, positions=positions)
    return ModelProfile(found)


def check_widths(
    build: "Callable[[int], torch.nn.Module]",
    batch: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    widths: Sequence[int],
    law: str = "mup",
    optimizer: Callable[[Any], Any] | None = None,
    steps: int = 1,
    redraws: int = 16,
    salt: str | None = None,
    name: str | None = None,
) -> WidthsReport:
    """Hold a parametrisation to its law of width: the coordinate check of muP, with intervals.

    build: a function of a width that returns a fresh model.
    batch, loss: as `check_model` takes them.
    widths: three or more.
    law: "mup" (hidden 0, output -1/2 or zero, changes 0) or "standard" (all 0 at the start).
    optimizer: a function of the model that returns its optimiser; then `steps` of it are taken on the batch, and how
        much they change each output is held to the law, too.
    redraws: models of each width.
    salt, name: the address of the evidence, as for `check_model`.

    Raises `ValueError` in one line for what does not fit together.

    >>> import torch
    >>> def build(width):
    ...     return torch.nn.Sequential(torch.nn.Linear(8, width), torch.nn.ReLU(), torch.nn.Linear(width, 4))
    >>> report = check_widths(build, torch.randn(16, 8), widths=(64, 128, 256), law="standard")
    >>> [s.role for s in report.slopes]
    ['input', 'output']
    """
    from varlaw.diagnose.widths import slopes
    from varlaw.evidence.streams import SALT

    return WidthsReport(
        slopes(
            build, batch, loss, widths=widths, law=law, optimizer=optimizer, steps=steps, redraws=redraws,
            salt=SALT if salt is None else salt, name=name or str(getattr(build, "__qualname__", type(build).__name__)),
        )
    )  # fmt: skip
