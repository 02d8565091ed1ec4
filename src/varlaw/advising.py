"""`advise` and `calibrate`: what the room `diagnose` makes of a model, as objects that print, show and apply it."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from varlaw.diagnose.advising.records import AdviceRecord, Calibrated, Trial
from varlaw.diagnose.symptoms import diagnoses
from varlaw.reports.files import write_whole
from varlaw.reports.model import advice as text
from varlaw.reports.model import advice_page
from varlaw.reports.model.report import ModelReport

if TYPE_CHECKING:
    import torch

    from varlaw.diagnose.advising.advise import Advised
    from varlaw.impl.torch import Initialised, Rule


class Advice:
    """What `varlaw.advise` found: `recipe` for `initialise`, `code` to paste, reports `before` and `after` it."""

    def __init__(self, advised: "Advised") -> None:
        self._advised = advised
        self.before, self.after = ModelReport(advised.before), ModelReport(advised.after)

    @property
    def record(self) -> AdviceRecord:
        """All of it as plain data."""
        return self._advised.record

    @property
    def recipe(self) -> "list[Rule]":
        """The rules that `varlaw.impl.torch.initialise` takes; empty where nothing is to change."""
        return list(self._advised.recipe)

    @property
    def code(self) -> str:
        """The recipe as code to paste; empty where nothing is to change."""
        return self.record.code

    @property
    def works(self) -> Trial | None:
        """The trial of the remedy that removes the symptom; None where none was tried, or none does."""
        return next((trial for trial in self.record.trials if trial.outcome == "REMOVES"), None)

    @property
    def healthy(self) -> bool:
        """Whether nothing asks for a change."""
        return not (self.record.symptoms or self.record.untreated)

    def apply(self, model: "torch.nn.Module", *, key: int | None = None) -> "list[Initialised]":
        """Give the model the recipe, in place, and report each parameter; what the recipe keeps is not touched.

        Where a trial showed that a norm, another activation or float32 removes what no initial values do, the model
        gets that, too: a norm as the submodule `advised_norm` of the map in front. Make the optimiser afterwards.

        model: the torch model, as `build` returned it.
        key: of the draws; another one gives other numbers of the same laws. That of `code` unless given.
        """
        from varlaw.impl.torch import initialise

        chosen = self._advised
        done = initialise(model, chosen.recipe, key=chosen.key if key is None else key) if chosen.recipe else []
        if chosen.change:
            chosen.change(model)
        return done

    def write(self, path: str | Path, build: "Callable[[], torch.nn.Module] | torch.nn.Module") -> None:
        """Write the recipe as code to FILE.py, or to any other file the state of a fresh model that has it.

        path: FILE.py for code, any other name for a state.
        build: as `varlaw.advise` took it.
        """
        import torch

        from varlaw.diagnose.advising.advise import applied

        if Path(path).suffix == ".py":
            write_whole(Path(path), f"{self.code or '# nothing to change'}\n".encode())
            return
        data = io.BytesIO()
        torch.save(applied(build, self._advised).state_dict(), data)
        write_whole(Path(path), data.getvalue())

    def explain(self) -> str:
        """The whole of it at 80 columns, every row of the way through the model."""
        return text.render(self.record, verbose=True)

    def json(self, path: str | Path | None = None) -> str:
        """The record as one JSON object, written to `path` whole or not at all where it is given."""
        data = text.encode(self.record)
        if path is not None:
            write_whole(Path(path), data.encode())
        return data

    def html(self, path: str | Path | None = None) -> str:
        """The advice as one page that loads nothing, written to `path` where it is given."""
        found = diagnoses([*self.record.symptoms, *self.record.untreated])
        shown = advice_page.render(self.record, found)
        if path is not None:
            write_whole(Path(path), shown.encode())
        return shown

    def __str__(self) -> str:
        return text.render(self.record)

    def __repr__(self) -> str:
        return text.render(self.record)

    def _repr_html_(self) -> str:
        return text.fragment(self.record)


def advise(
    build: "Callable[[], torch.nn.Module] | torch.nn.Module",
    batch: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    *,
    attempt: bool = False,
    steps: int = 20,
    rate: float = 1e-3,
    keep: Sequence[str] = (),
    salt: str | None = None,
    name: str | None = None,
) -> Advice:
    """Say what to do about a torch model before its first step: initial values by law, norms, rate and clipping.

    build, batch, loss: as for `check_model`.
    attempt: whether to try it: pairs of short runs on the same seeds and batches, with and without one remedy at a time
        (rate, initialisation, norm, clipping), until a bet of stated risk is won. It needs `loss`, and 21 pairs.
    steps, rate: the length of these runs, and the rate of their Adam.
    keep: globs of parameters that keep their values whatever is found. Frozen parameters, and what `build` loads with
        `load_state_dict`, keep them anyway; so does what starts at zero or at the identity, unless it is what is wrong.
    salt, name: the address of the evidence, as for `check_model`.

    Nothing is changed that no finding asks for: of a sound model the advice is "nothing to change".

    Raises `ValueError` or `TypeError` in one line for a model, batch, loss or glob that do not fit together.

    >>> import torch
    >>> from torch import nn
    >>> deep = lambda: nn.Sequential(*[m for _ in range(20) for m in (nn.Linear(64, 64), nn.ReLU())], nn.Linear(64, 10))
    >>> advice = advise(deep, torch.randn(64, 64))
    >>> advice.record.symptoms[0].outcome, advice.after.ok
    ('VIOLATES', True)
    >>> advice.recipe[-2].names, advice.recipe[-2].law, advice.recipe[-2].gain
    ('*.weight', 'normal', 1.414)
    """
    from varlaw.diagnose.advising.advise import advised
    from varlaw.evidence.streams import SALT

    given: dict[str, Any] = {"attempt": attempt, "steps": steps, "rate": rate, "keep": keep, "name": name}
    return Advice(advised(build, batch, loss, salt=SALT if salt is None else salt, **given))


class Calibration:
    """What `varlaw.calibrate` did to each map; it prints itself."""

    def __init__(self, rows: list[Calibrated]) -> None:
        self.rows = rows

    @property
    def ok(self) -> bool:
        """Whether the test of every map that was scaled says that it conforms."""
        return all(row.outcome == "CONFORMS" for row in self.rows if row.outcome != "REFUSED")

    def __str__(self) -> str:
        return text.calibration(self.rows)

    def __repr__(self) -> str:
        return text.calibration(self.rows)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(text.calibration(self.rows))}</pre>"


def calibrate(
    model: "torch.nn.Module", batch: Any, *, keep: Sequence[str] = (), salt: str | None = None
) -> Calibration:
    """Scale the linear maps of a model in place until their measured E y^2 is what the laws aim at, and test that.

    model: a torch model; its maps are scaled in the order in which they run, its biases and all else left alone.
    batch: what the model takes, or a function of a seed that returns it: then fresh batches test it, up to eight.
    keep: globs of parameters that are left alone. What is frozen, zero or the identity on purpose is refused anyway.
    salt: names the seeds of the batches; another salt, other batches.

    The stopping rule is a test: a map is done when the interval of its E y^2 over rows, at 1e-3 for all maps and looks
    together, lies within 5 % of the target's rms. With one batch of few rows it stays undecided.

    >>> import torch
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(32, 64), nn.Softplus(), nn.Linear(64, 10))
    >>> calibrate(model, lambda seed: torch.randn(2048, 32, generator=torch.Generator().manual_seed(seed))).ok
    True
    """
    from varlaw.diagnose.advising.calibrating import calibrated
    from varlaw.evidence.streams import SALT

    return Calibration(calibrated(model, batch, keep=keep, salt=SALT if salt is None else salt))
