"""One table of frameworks: each column means something, and what a row names is there."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from varlaw.subjects import registry

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Column -> what stands in it.
COLUMNS = {
    "package": str, "environment": str, "session": str, "backends": list, "variable": str, "tests": list,
    "conforms": list, "ci": list,
    "baselines": dict, "about": str, "cost": str,
}  # fmt: skip


def faults(name: str, row: dict[str, Any]) -> list[str]:
    """What is wrong with the row of a framework."""
    found = [f"{c} is no column" for c, value in row.items() if not isinstance(value, COLUMNS.get(c, ()))]
    environment = row.get("environment", name)
    if environment not in PYPROJECT["dependency-groups"]:
        found.append(f"pyproject.toml has no dependency group {environment}")
    pins = ROOT / "constraints" / ("ci.txt" if environment == "torch" else f"{environment}.txt")
    if not pins.is_file():
        found.append(f"{pins} is not there")
    group = str(PYPROJECT["dependency-groups"].get(environment, ()))
    if f"'{row.get('package', name)}" not in group:
        found.append(f"the dependency group {environment} does not install it")
    found += [f"tests/frameworks/{t} is not there" for t in row.get("tests", ()) if not _is_test(t)]
    if "session" in row and "session" in registry.FRAMEWORKS.get(row["session"], {"session": ""}):
        found.append(f"{row['session']} is no session")
    if "session" not in row and not {"about", "cost"} <= row.keys():
        found.append("a session has `about` and `cost`")
    return found


def _is_test(file: str) -> bool:
    return (ROOT / "tests" / "frameworks" / file).is_file()


@pytest.mark.parametrize("name", registry.FRAMEWORKS)
def test_what_a_row_names_is_there(name: str) -> None:
    row = dict(registry.FRAMEWORKS[name])
    assert faults(name, row) == []
    assert {f.stem for f in (ROOT / "reports" / "baselines").glob(f"{name}-*.json")} == {
        f"{name}-{version}" for version in row["baselines"]
    }
    untyped = {m.partition(".")[0] for block in PYPROJECT["tool"]["mypy"]["overrides"] for m in block["module"]}
    assert name == "torch" or name in untyped, "mypy looks for its types"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"pacakge": "x"}, "pacakge is no column"),
        ({"environment": "nowhere"}, "pyproject.toml has no dependency group nowhere"),
        ({"package": "mlx-other"}, "the dependency group mlx does not install it"),
        ({"tests": ["test_none.py"]}, "tests/frameworks/test_none.py is not there"),
        ({"session": "flax"}, "flax is no session"),
    ],
)
def test_what_is_not_there_is_named(changes: dict[str, Any], fault: str) -> None:
    assert fault in faults("mlx", {**registry.FRAMEWORKS["mlx"], **changes})
