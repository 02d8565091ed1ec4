"""`varlaw advise`: what to do about a model before its first step, and with --try whether it helps."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure

if TYPE_CHECKING:
    from varlaw.advising import Advice


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--batch", metavar="PKG.MOD:NAME", help="What the model takes: a value, or a function of a seed.")
@click.option("--loss", metavar="PKG.MOD:NAME", help="A function of (model, batch) that returns the scalar minimised.")
@click.option("--try", "attempt", is_flag=True, help="Try it: paired short runs with and without each remedy.")
@click.option("--steps", default=20, show_default=True, type=click.IntRange(min=1), help="Of each short run.")
@click.option("--rate", default=1e-3, show_default=True, type=float, help="Of the Adam of these runs.")
@click.option("--keep", multiple=True, metavar="GLOB", help="Parameters that keep their values whatever is found.")
@click.option("--salt", default=None, help="Names the evidence: another salt, fresh draws. [default: this release's]")
@click.option(
    "--apply",
    "apply_file",
    type=click.Path(path_type=Path),
    help="Write FILE.py, the recipe as code; or FILE.pt, the state of a fresh model that has it.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the record as one JSON object.")
@click.option("--report", "report", type=click.Path(path_type=Path), help="Write FILE.html, or a folder of pages.")
@click.option("-v", "--verbose", is_flag=True, help="Every row of the way through the model.")
def advise(
    model: str,
    batch: str | None,
    loss: str | None,
    apply_file: Path | None,
    json_file: Path | None,
    report: Path | None,
    verbose: bool,
    **options: Any,
) -> int:
    """Say what to change in a model, and why.

    Initial values by law, norms, rate and clipping, each with its reason.

    MODEL is a function that returns a torch model, as pkg.mod:factory; or a model of a library by its configuration,
    as timm:vit_tiny_patch16_224 or transformers:gpt2. Exit code 1: something is to be changed; 0: nothing.

    \b
    varlaw advise mygpt:make --batch mygpt:batch --loss mygpt:loss --try
    """
    from varlaw.commands.modelled import refuse_idle, refuse_shared, target

    if apply_file is not None and apply_file.suffix not in (".py", ".pt", ".pth"):
        msg = f"--apply {str(apply_file)!r}, but should end with .py (the recipe) or .pt (the state of a model)"
        raise Failure(msg, 2)
    if not options["attempt"]:
        refuse_idle(("steps", "rate"), "is of the short runs, but should be given with --try")
    refuse_shared(apply_file, json_file, report)
    chosen = target(model, batch, loss, None)
    chosen.pop("expect")
    advice = _advised(chosen, options)
    from varlaw.commands.check import width
    from varlaw.reports.files import to_stdout
    from varlaw.reports.model import advice as text

    beside = to_stdout(json_file)
    try:
        _written(advice, chosen["build"], apply_file, json_file, report)
    finally:  # what was found is not lost with a file that cannot be written
        click.echo(text.render(advice.record, width(), verbose=verbose), err=beside)
    if report:
        click.echo(f"  report: {report if report.suffix == '.html' else report / 'index.html'}", err=beside)
    return 0 if advice.healthy else 1


def _advised(chosen: dict[str, Any], options: dict[str, Any]) -> "Advice":
    from varlaw.advising import advise as advise_model

    try:
        return advise_model(**chosen, **options)
    except (ValueError, TypeError) as error:
        raise Failure(str(error), 2) from error


def _written(advice: "Advice", build: Any, applied: Path | None, data: Path | None, pages: Path | None) -> None:
    from varlaw.reports.files import ReportError

    try:
        if data:
            advice.json(data)
        if applied:
            advice.write(applied, build)
        if pages and pages.suffix == ".html":
            advice.html(pages)
        elif pages:
            pages.mkdir(parents=True, exist_ok=True)
            advice.html(pages / "index.html")
            advice.before.html(pages / "before.html")
            advice.after.html(pages / "after.html")
    except (ReportError, OSError) as error:
        raise Failure(str(error), 3) from error
