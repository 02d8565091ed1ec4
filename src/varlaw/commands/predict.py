"""`varlaw predict`: what theory says of a network's signal and gradient at every depth."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from varlaw.commands.failure import Failure

if TYPE_CHECKING:
    from varlaw.reports.model.profile import ModelProfile


@click.command()
@click.argument("network", metavar="NETWORK")
@click.option("--second-moment", default=1.0, show_default=True, help="E x^2 of the input, per unit.")
@click.option("--correlation", default=0.0, show_default=True, help="Of two inputs, uncentred.")
@click.option("--positions", type=float, default=None, help="Correlation of two tokens or pixels of one input.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the numbers as one JSON object.")
@click.option("--svg", "svg_file", type=click.Path(path_type=Path), help="Write the picture.")
def predict(
    network: str,
    second_moment: float,
    correlation: float,
    positions: float | None,
    json_file: Path | None,
    svg_file: Path | None,
) -> int:
    """Predict signal and gradient by depth.

    Of a network at initialisation, with the band of 99.9 % of draws.

    NETWORK is words in order, separated by commas: blocks with their width and law, and N x (...) to repeat.

    \b
    varlaw predict '10 x (dense 500 glorot_normal, tanh)'
    varlaw predict 'input 784, 3 x (dense 300 he_normal, relu), dense 10' --svg mlp.svg
    varlaw predict 'embedding 768 std=0.02, 12 x (residual (layer_norm, attention heads=12 context=128 std=0.02),
                    residual (layer_norm, dense 3072 std=0.02, gelu, dense 768 std=0.02))'

    Blocks: dense, conv, embedding, positions, attention, average_pool, max_pool, dropout, scale, layer_norm (rms,
    batch, group, instance), every activation, residual (...), gate (...) (...), add, concat.
    """
    from varlaw.checking import predict as foresee
    from varlaw.commands.check import width
    from varlaw.commands.modelled import refuse_shared
    from varlaw.reports.files import to_stdout

    refuse_shared(json_file, svg_file)

    try:
        found = foresee(network, second_moment=second_moment, correlation=correlation, positions=positions)
    except ValueError as error:
        raise Failure(str(error), 2) from error
    try:
        _written(found, json_file, svg_file)
    finally:  # what was found is not lost with a file that cannot be written
        click.echo(found.text(width()), err=to_stdout(json_file) or to_stdout(svg_file))
    return 0


def _written(found: "ModelProfile", json_file: Path | None, svg_file: Path | None) -> None:
    from varlaw.reports.files import ReportError

    try:
        if json_file:
            found.json(json_file)
        if svg_file:
            found.svg(svg_file)
    except (ReportError, OSError) as error:
        raise Failure(str(error), 3) from error
