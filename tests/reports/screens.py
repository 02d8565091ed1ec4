"""What commands print, at four widths: `python -m tests.reports.screens` writes the screens that a person then reads.

Models, advice and training come from records of runs, so that no screen depends on a processor's last bits.
"""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from rich.console import Console

from varlaw.claims.verdict import Run
from varlaw.cli import main

FOLDER = Path(__file__).parent / "screens"
DATA = Path(__file__).parent / "data"
BASELINES = Path(__file__).parents[2] / "reports" / "baselines"
WIDTHS = (60, 80, 100, 140)

COMMANDS: dict[str, tuple[str, ...]] = {
    "help": ("--help",),
    "laws-show": ("laws", "show", "relu.second_moment"),
    "laws-show-alias": ("laws", "show", "xavier"),
    "laws-show-array": ("laws", "show", "residual.gpt2_std"),
    "laws-eval": ("laws", "eval", "glorot_uniform.variance", "fan_in=300", "fan_out=100,200"),
    "laws-search": ("laws", "search", "xavier"),
    "laws-folklore": ("laws", "folklore", "batch", "norm"),
    "subjects": ("subjects", "torch.nn.L*"),
    "subjects-long": ("subjects", "torch.nn.init.kaiming_*(*)"),
    "claims-show": ("claims", "show", "clip.box"),
    "identify": ("identify", "varlaw.numpy.he_normal", "varlaw.numpy.truncated_normal"),
    "baseline-diff": ("baseline", "diff", str(BASELINES / "torch-2.6.0.json"), str(BASELINES / "torch-2.13.0.json")),
    "predict": ("predict", "4 x (dense 500 glorot_normal, tanh)"),
    "watch": ("watch", "--once", str(DATA / "watch.jsonl")),
    "mistake-subject": ("verify", "torch.nn.Linaer"),
    "mistake-law": ("laws", "show", "he_nromal.variance"),
}


def command(*arguments: str) -> Callable[[int], str]:
    """What a command prints on a terminal of any width, then its exit code."""

    def screen(width: int) -> str:
        stream, env = io.StringIO(), {"COLUMNS": str(width), "NO_COLOR": "1"}
        with mock.patch.dict(os.environ, env), redirect_stdout(stream), redirect_stderr(stream):
            try:
                main(arguments)
            except SystemExit as ended:
                return f"{stream.getvalue()}exit {ended.code}\n"
        return stream.getvalue()

    return screen


def verified(run: Run, verbosity: int) -> Callable[[int], str]:
    """What `verify` prints of a run."""
    from varlaw.reports import terminal

    def screen(width: int) -> str:
        stream = io.StringIO()
        terminal.render(run, Console(file=stream, width=width, no_color=True), verbosity=verbosity)
        return stream.getvalue()

    return screen


def recorded(file: str, kind: Any, render: Callable[[Any, int], str]) -> Callable[[int], str]:
    """What is printed of a record of a model."""
    record = msgspec.json.decode((DATA / file).read_bytes(), type=kind)
    return lambda width: render(record, width)


def screens(run: Run, large: Run) -> Iterator[tuple[str, Callable[[int], str]]]:
    """Every screen by name, as a function of the width."""
    from varlaw.diagnose.records import ModelRecord
    from varlaw.reports.model import advice, text

    yield from ((name, command(*arguments)) for name, arguments in COMMANDS.items())
    yield "verify", verified(run, 0)
    yield "verify-many", verified(large, 0)
    yield "check", recorded("check.json", ModelRecord, text.render)
    yield "advise", recorded("advise.json", advice.AdviceRecord, advice.render)


def at_all_widths(screen: Callable[[int], str]) -> str:
    return "".join(f"{'=' * 10} {width} columns\n{screen(width)}" for width in WIDTHS)


def write() -> None:
    """Every screen as it is now."""
    from tests.reports.conftest import every_state, make_info, many_verdicts

    runs = (Run(run=make_info(), verdicts=verdicts) for verdicts in (every_state(), many_verdicts(1500)))
    FOLDER.mkdir(exist_ok=True)
    for name, screen in screens(*runs):
        (FOLDER / f"{name}.txt").write_text(at_all_widths(screen), encoding="utf-8")


if __name__ == "__main__":
    write()
