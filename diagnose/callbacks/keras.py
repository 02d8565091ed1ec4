"""`WatchCallback` for Keras 3 on any backend: `model.fit(..., callbacks=[WatchCallback(out="run.jsonl")])`.

Keras shows a callback no gradients: the loss, the weights and their updates are watched.
"""

import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from varlaw.diagnose.records import Finding
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.journal import Journal
from varlaw.diagnose.watching.judge import ALPHA, Judge
from varlaw.diagnose.watching.records import End, Event, Header, Step

_ENTRIES = 512  # of each variable that are read
_LOOK = 20  # steps after which it is asked what never moved


class WatchCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Watches `fit`; `findings` grows while it goes on."""

    def __init__(self, *, out: str | Path | None = None) -> None:
        super().__init__()
        self.findings: list[Finding] = []
        self._out, self._journal = out, Journal(None)
        self._steps, self._mean = 0, 0.0
        self._broken = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Reads the weights, and opens the file."""
        names = tuple(v.path for v in self.model.trainable_variables)
        self._judge = Judge(names)
        self._journal = Journal(None if self._out is None else Path(self._out))
        versions = {name: version(name) for name in ("varlaw", "keras", "numpy")}
        self._journal.write(Header(name=self.model.name, tensors=names, every=0, alpha=ALPHA, versions=versions))
        self._first = self._before = self._read()

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """One step: Keras gives the mean loss of the epoch so far."""
        if self._broken:
            return
        try:
            self._step(batch, float((logs or {}).get("loss", np.nan)))
        except Exception as error:  # whatever goes wrong here is ours: the training goes on
            self._broken = True
            print(f"varlaw: the watch ends at step {self._steps}: {type(error).__name__}: {error}", file=sys.stderr)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        self._journal.write(End(steps=self._steps))
        self._journal.close()

    def _step(self, batch: int, mean: float) -> None:
        loss = mean * (batch + 1) - self._mean * batch if batch else mean
        self._mean = mean
        self._steps += 1
        now = self._read()
        updates, weights = ([float(np.sqrt(np.sum(x * x) * k)) for x, k in found] for found in self._moved(now))
        self._before = now
        record = Step(
            step=self._steps, loss=loss if np.isfinite(loss) else None, nonfinite=not np.isfinite(loss),
            update=_norm(updates), weight=_norm(weights), rate=float(self.model.optimizer.learning_rate),
            trained=len(now),
        )  # fmt: skip
        self._journal.write(record)
        if record.nonfinite:
            self._once(finding("loss.nan", "VIOLATES", f"the loss is not finite at step {self._steps}", "loss"))
        lost = [name for name, w in zip(self._judge.names, weights, strict=True) if not np.isfinite(w)]
        if lost:  # TensorFlow's relu makes 0 of a NaN: the loss does not show it
            says = f"weights are not finite at step {self._steps}"
            self._once(finding("loss.nan", "VIOLATES", says, *lost))
        moved = np.where(np.array(updates) > 0, updates, np.nan)
        for one in self._judge.step(record, np.full(len(moved), np.nan), moved):
            self._say(one)
        if self._steps == _LOOK:
            pairs = zip(self._judge.names, now, self._first, strict=True)
            still = [name for name, x, first in pairs if np.array_equal(x, first)]
            if still:
                says = f"did not move in {_LOOK} steps, in {_ENTRIES} of its entries"
                self._once(finding("weight.still", "VIOLATES", says, *still))

    def _moved(self, now: list[Any]) -> tuple[list[Any], list[Any]]:
        """Entries of updates and of weights, each with what one of them stands for."""
        sizes = [
            int(np.prod(v.shape)) / max(1, len(x)) for v, x in zip(self.model.trainable_variables, now, strict=True)
        ]
        moved = [x - b for x, b in zip(now, self._before, strict=True)]
        return list(zip(moved, sizes, strict=True)), list(zip(now, sizes, strict=True))

    def _read(self) -> list[Any]:
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()
        flat = [keras.ops.convert_to_numpy(v.value).astype(np.float64).ravel() for v in self.model.trainable_variables]
        return [x[:: max(1, len(x) // _ENTRIES)] for x in flat]

    def _once(self, one: Finding) -> None:
        if all(known.signal != one.signal for known in self.findings):
            self._say(one)

    def _say(self, one: Finding) -> None:
        self.findings.append(one)
        self._journal.write(Event(step=self._steps, finding=one))


def _norm(norms: list[float]) -> float | None:
    found = float(np.sqrt(np.sum(np.square(norms))))
    return found if np.isfinite(found) else None
