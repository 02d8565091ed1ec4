"""The gallery of notebooks: what a cell shows of each object, as the build ran it."""

import contextlib
import io
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

# What a cell shows -> the cell; its last line is what is shown.
CELLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A law": 'from varlaw import LAWS\n\nLAWS["he_normal.variance"]',
        "A verdict that conforms": (
            "import numpy as np\n\nimport varlaw\n\n\n"
            "def mine(shape, seed):\n    return np.random.default_rng(seed).normal(0, 1 / np.sqrt(shape[0]), shape)\n"
            "\n\n"
            "varlaw.check(mine, varlaw.Normal(1 / 8), shape=(64, 48))"
        ),
        "A verdict that does not": "varlaw.check(mine, varlaw.Uniform(0.2), shape=(64, 48))",
        "A run": (
            "!varlaw verify torch.nn.Linear --dtype float32 --json linear.json --quiet\n\n"
            "from varlaw.reports.schema import read\n\nread('linear.json')"
        ),
        "A prediction": 'varlaw.predict("10 x (dense 500 glorot_normal, tanh)")',
        "All laws, with a field to search them": "LAWS",
    }
)
_COMMAND: Final = "from varlaw.cli import main; main()"
SHOWN: Final = 24  # laws of the last cell; a notebook shows all


def write(generated: Path) -> None:
    """Write the page below a folder; the files of its cells stay out of the sources."""
    generated.mkdir(parents=True, exist_ok=True)
    (generated / "gallery.md").write_text(page(generated), encoding="utf-8")


def page(folder: Path) -> str:
    """Each cell, and below it what it showed."""
    lines = ["# In a notebook", "", "What a cell shows, as the build of this page ran it.", ""]
    names: dict[str, Any] = {}
    for title, cell in CELLS.items():
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            found = value(cell, names)
        lines += [
            f"## {title}",
            "",
            f"```{'text' if cell.startswith('!') else 'python'}",
            cell,
            "```",
            "",
            "```{raw} html",
        ]
        lines += ['<div class="cell">', abridged(found._repr_html_()), "</div>", "```", ""]
    return "\n".join(lines)


def value(cell: str, names: dict[str, Any]) -> Any:
    """What the last line of a cell gives; a line that begins with ! is a command, as in a notebook."""
    body, _, last = cell.rpartition("\n")
    for line in body.splitlines():
        if line.startswith("!varlaw "):
            subprocess.run([sys.executable, "-c", _COMMAND, *line.split()[1:]], check=True)
    exec(compile("\n".join(x for x in body.splitlines() if not x.startswith("!")), "<cell>", "exec"), names)
    return eval(compile(last, "<cell>", "eval"), names)


def abridged(shown: str) -> str:
    """What a cell showed, with the first rows of a long table only."""
    rows = shown.split("<tr>")
    return shown if len(rows) <= SHOWN + 8 else "<tr>".join(rows[:SHOWN]) + "</tbody></table></div>"
