"""`WatchCallback` for the Trainer of transformers: `Trainer(..., callbacks=[WatchCallback(out="run.jsonl")])`.

The Trainer gives its callbacks no loss: it is read off what the model returns, as the mean over the passes of a step.
"""

from typing import Any

from transformers import TrainerCallback

import varlaw


class WatchCallback(TrainerCallback):  # type: ignore[misc]
    """Watches `train` with the options of `varlaw.watch`; `run` is the watched run."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.run: Any = None
        self._losses: list[Any] = []
        self._handle: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Opens the watch on the model and its optimiser."""
        self.run = varlaw.watch(given["model"], given["optimizer"], **self.options)
        self.run.__enter__()
        self._handle = given["model"].register_forward_hook(self._passed)

    def _passed(self, module: Any, inputs: Any, output: Any) -> None:
        loss = output.get("loss") if hasattr(output, "get") else None
        if module.training and loss is not None:
            self._losses.append(loss.detach())

    def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Closes a step."""
        losses, self._losses = self._losses, []
        self.run.step(sum(losses) / len(losses) if losses else None)

    def on_train_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Closes the watch."""
        self._handle.remove()
        self.run.__exit__(None, None, None)
