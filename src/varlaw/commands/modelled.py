"""From the words of a command line to a model: pkg.mod:factory, or a library's model by its configuration."""

import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

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


def refuse_idle(names: Iterable[str], why: str) -> None:
    """`Failure` for options on the command line that nothing would read."""
    context = click.get_current_context()
    for one in context.command.params:
        if one.name in names and context.get_parameter_source(one.name) is ParameterSource.COMMANDLINE:
            msg = f"{one.opts[0]} {why}"
            raise Failure(msg, 2)


def refuse_shared(*places: Path | None) -> None:
    """`Failure` where two results would be written to one place."""
    given = [os.path.realpath(place) for place in places if place is not None and str(place) != os.devnull]
    for place in given:
        if given.count(place) > 1:
            msg = f"{os.path.relpath(place)} is named twice, but should take one result"
            raise Failure(msg, 2)


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
