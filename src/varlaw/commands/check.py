"""`varlaw check`: look at a model before its first step, and say what is wrong with it by law."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from varlaw.commands.failure import Failure

if TYPE_CHECKING:
    from varlaw.reports.model.report import ModelReport


_OF_ONE = ("expect", "policy", "device", "report_dir", "verbose")


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--batch", metavar="PKG.MOD:NAME", help="What the model takes: a value, or a function of a seed.")
@click.option("--loss", metavar="PKG.MOD:NAME", help="A function of (model, batch) that returns the scalar minimised.")
@click.option("--expect", metavar="RECIPE", help="What the author meant: a recipe's name, or PKG.MOD:NAME of laws.")
@click.option("--policy", default="pr", show_default=True, help="pr (finds 5 %) or nightly (1 %).")
@click.option("--redraws", default=16, show_default=True, type=click.IntRange(min=1), help="Fresh models at most.")
@click.option("--device", default=None, help="cpu, cuda or cuda:N. [default: where the model is]")
@click.option("--salt", default=None, help="Names the evidence: another salt, fresh draws. [default: this release's]")
@click.option("--widths", metavar="N,N,N", help="MODEL is a function of a width: slopes over widths, by muP's law.")
@click.option("--law", default="mup", show_default=True, help="Of --widths: mup or standard.")
@click.option("--optimizer", metavar="PKG.MOD:NAME", help="Of --widths: a function of a model; what a step changes.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the record as one JSON object.")
@click.option("--report", "report_dir", type=click.Path(path_type=Path), help="Write the page with its pictures here.")
@click.option("-v", "--verbose", is_flag=True, help="Every row of the table by depth.")
def check(
    model: str,
    batch: str | None,
    loss: str | None,
    expect: str | None,
    json_file: Path | None,
    report_dir: Path | None,
    verbose: bool,
    widths: str | None,
    law: str,
    optimizer: str | None,
    **options: Any,
) -> int:
    """Look at a model before its first step.

    MODEL is a function that returns a torch model, as pkg.mod:factory; or a model of a library by its configuration,
    as timm:vit_tiny_patch16_224 or transformers:gpt2, made small and with nothing downloaded.

    \b
    varlaw check mygpt:make --batch mygpt:batch --loss mygpt:loss --expect gpt2 --report out
    varlaw check mygpt:of_width --batch mygpt:batch --widths 128,256,512,1024
    """
    from varlaw.commands.modelled import imported, refuse_idle, refuse_shared, target

    refuse_shared(json_file, report_dir)
    if widths is None:
        refuse_idle(("law", "optimizer"), "is of --widths, but should be given with it")
    else:
        refuse_idle(_OF_ONE, "is of one model, but should be given without --widths")
        stepper = imported(optimizer) if optimizer else None
        return _over_widths(target(model, batch, loss, None), widths, law, stepper, options, json_file)
    chosen = target(model, batch, loss, expect)
    report = _checked(chosen, options)
    from varlaw.reports.files import to_stdout
    from varlaw.reports.model import text

    beside = to_stdout(json_file)
    try:
        _written(report, json_file, report_dir)
    finally:  # what was found is not lost with a file that cannot be written
        click.echo(text.render(report.record, width(), verbose=verbose), err=beside)
    if report_dir:
        click.echo(f"  report: {report_dir / 'index.html'}", err=beside)
    return 0 if report.ok else 1


def width() -> int:
    """Columns of the terminal, 60 at least."""
    from varlaw.commands.screen import console

    return max(console().width, 60)


def _over_widths(
    chosen: dict[str, Any], widths: str, law: str, optimizer: Any, options: dict[str, Any], json_file: Path | None
) -> int:
    """The coordinate check."""
    from varlaw.checking import check_widths
    from varlaw.reports.files import to_stdout

    sizes: list[Any] = [int(w) if w.strip().isdecimal() else w for w in widths.split(",")]
    given = {k: chosen[k] for k in ("build", "batch", "loss", "name")} | {k: options[k] for k in ("redraws", "salt")}
    try:
        report = check_widths(**given, widths=sizes, law=law, optimizer=optimizer)
    except (ValueError, TypeError) as error:
        raise Failure(str(error), 2) from error
    try:
        _written(report, json_file, None)
    finally:
        click.echo(str(report), err=to_stdout(json_file))
    return 0 if report.ok else 1


def _checked(chosen: dict[str, Any], options: dict[str, Any]) -> "ModelReport":
    from varlaw.checking import check_model

    try:
        return check_model(**chosen, **options)
    except (ValueError, TypeError) as error:
        raise Failure(str(error), 2) from error


def _written(report: Any, json_file: Path | None, report_dir: Path | None) -> None:
    from varlaw.reports.files import ReportError

    try:
        if json_file:
            report.json(json_file)
        if report_dir:
            report_dir.mkdir(parents=True, exist_ok=True)
            report.html(report_dir / "index.html")
    except (ReportError, OSError) as error:
        raise Failure(str(error), 3) from error
