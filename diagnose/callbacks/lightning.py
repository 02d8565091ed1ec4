"""`WatchCallback` for Lightning: `Trainer(callbacks=[WatchCallback(out="run.jsonl")])`."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.callbacks import Callback

import varlaw


class WatchCallback(Callback):  # type: ignore[misc]
    """Watches `fit` with the options of `varlaw.watch`; `run` is the watched run."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.run: Any = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Opens the watch on the module and its optimisers."""
        self.run = varlaw.watch(pl_module, list(trainer.optimizers), **self.options)
        self.run.__enter__()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Closes a step; a batch after which the optimiser did not step is none."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        self.run.step(loss)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Closes the watch."""
        self.run.__exit__(None, None, None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Closes the watch of a run that failed."""
        if self.run is not None:
            self.run.__exit__(type(exception), exception, exception.__traceback__)
