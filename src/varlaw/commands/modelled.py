"""From the words of a command line to a model: pkg.mod:factory, or a library's model by its configuration."""

import importlib
import sys
from typing import Any

from varlaw.commands.failure import Failure

_LIBRARIES = ("timm", "transformers", "torchvision")


def target(model: str, batch: str | None, loss: str | None, expect: str | None) -> dict[str, Any]:
    """The arguments of `check_model` that the options name."""
    library, _, name = model.partition(":")
    if not name:
        msg = f"MODEL={model!r}, but should be pkg.mod:factory, timm:NAME or transformers:NAME"
        raise Failure(msg, 2)
    configured = library in _LIBRARIES and library not in sys.modules
    if not (configured or batch):
        msg = "--batch is missing: pkg.mod:NAME of what the model takes, or of a function of a seed that returns it"
        raise Failure(msg, 2)
    _refuse_without_torch()
    if configured:
        from varlaw.diagnose.torch import libraries

        try:
            found = libraries.model(library, name)
        except (ImportError, ValueError) as error:
            raise Failure(str(error), 3 if isinstance(error, ImportError) else 2) from error
        chosen = {"build": found.build, "batch": found.batch, "loss": found.loss}
    else:
        chosen = {"build": imported(model), "batch": None, "loss": None}
    if batch:
        chosen["batch"] = imported(batch)
    if loss:
        chosen["loss"] = imported(loss)
    return {**chosen, "expect": imported(expect) if expect and ":" in expect else expect, "name": model}


def _refuse_without_torch() -> None:
    try:
        importlib.import_module("torch")
    except ImportError as error:
        msg = f"could not run: torch is not installed ({error})"
        raise Failure(msg, 3) from error


def imported(address: str) -> Any:
    """What pkg.mod:name names; the module is looked for in the current folder first."""
    module, _, name = address.partition(":")
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        return found
    except (Exception, SystemExit) as error:  # whatever the user's module does when it is imported
        kind = "" if isinstance(error, (ImportError, AttributeError)) else f"{type(error).__name__}: "
        msg = f"{address!r} cannot be imported: {kind}{error}"
        raise Failure(msg, 2) from error
    finally:
        sys.path.remove("")
