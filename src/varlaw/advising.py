"""`advise`: what the room `diagnose` makes of a model, as an `Advice` that prints, shows, writes and applies itself."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from varlaw.diagnose.advising.records import AdviceRecord
from varlaw.reports.files import write_whole
from varlaw.reports.model import advice as text
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
    def healthy(self) -> bool:
        """Whether nothing asks for a change."""
        return not (self.record.symptoms or self.record.untreated)

    def apply(self, model: "torch.nn.Module", *, key: int | None = None) -> "list[Initialised]":
        """Give the model the recipe, in place, and report each parameter; what the recipe keeps is not touched.

        key: of the draws; another one gives other numbers of the same laws. That of `code` unless given.
        """
        from varlaw.impl.torch import initialise

        if not self._advised.recipe:
            return []
        return initialise(model, self._advised.recipe, key=self._advised.key if key is None else key)

    def write(self, path: str | Path, build: "Callable[[], torch.nn.Module] | torch.nn.Module") -> None:
        """Write the recipe as code to FILE.py, or to any other file the state of a fresh model that has it."""
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
    keep: Sequence[str] = (),
    salt: str | None = None,
    name: str | None = None,
) -> Advice:
    """Say what to do about a torch model before its first step: initial values by law, norms, rate and clipping.

    build, batch, loss: as for `check_model`.
    keep: globs of parameters that keep their values whatever is found. Frozen parameters, and what `build` loads with
        `load_state_dict`, keep them anyway; so does what starts at zero or at the identity, unless it is what is wrong.
    salt, name: the address of the evidence, as for `check_model`.

    Nothing is changed that no finding asks for: of a sound model the advice is "nothing to change".

    Raises `ValueError` or `TypeError` in one line for a model, batch, loss or glob that do not fit together.

    >>> import torch
    >>> from torch import nn
    >>> deep = lambda: nn.Sequential(*[m for _ in range(20) for m in (nn.Linear(64, 64), nn.ReLU())], nn.Linear(64, 10))
    >>> advice = advise(deep, torch.randn(64, 64))
    >>> [f.signal for f in advice.record.symptoms][0], advice.after.ok
    ('signal.shrinks', True)
    >>> advice.recipe[-2].names, advice.recipe[-2].law, advice.recipe[-2].gain
    ('*.weight', 'normal', 1.414)
    """
    from varlaw.diagnose.advising.advise import advised
    from varlaw.evidence.streams import SALT

    return Advice(advised(build, batch, loss, keep=keep, salt=SALT if salt is None else salt, name=name))
