"""The seed and the first values it gives: a change here is a Value-changing line in the CHANGELOG.

The values stand in `first_values.json`, written by `python tests/stability/test_first_values.py`. Draws are compared
bit for bit where integers and exact arithmetic make them (uniforms, keyed uniforms), and to 16 units in the last place
where logarithms, square roots or a matrix factorisation are the platform's. torch promises its own generators only
within one release, so its seeded values are compared under the release that wrote them; keyed values under any.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import varlaw.impl.numpy as on_numpy

FILE = Path(__file__).parent / "first_values.json"
CUT = {"std_of": "parent", "bounds": "sigmas"}
COUNT = 4

# name of a draw: (function, positional arguments, keyword arguments, exact)
SEEDED: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], bool]] = {
    "uniform": ("uniform", ((COUNT,), 1.0), {}, True),
    "normal": ("normal", ((COUNT,), 1.0), {}, False),
    "truncated_normal": ("truncated_normal", ((COUNT,), 1.0), CUT, False),
    "truncated_normal in the tail": ("truncated_normal", ((COUNT,), 1.0, 6.0, 7.0), CUT, False),
    "he_normal": ("he_normal", ((2, 2),), {}, False),
    "glorot_uniform": ("glorot_uniform", ((2, 2),), {}, False),
    "orthogonal": ("orthogonal", ((2, 2),), {}, False),
    "sparse": ("sparse", ((4, 1), 1.0, 0.5), {}, False),
}
KEYED: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], bool]] = {
    "keyed_uniform": ("keyed_uniform", ((COUNT,), 1.0), {}, True),
    "keyed_normal": ("keyed_normal", ((COUNT,), 1.0), {}, False),
    "keyed_truncated_normal": ("keyed_truncated_normal", ((COUNT,), 1.0), CUT, False),
}
DTYPES = ("float64", "float32", "float16", "bfloat16")


def drawn(module: Any, row: tuple[str, tuple[Any, ...], dict[str, Any], bool], given: dict[str, Any]) -> list[str]:
    """The values of one row in hexadecimal, which is exact."""
    name, arguments, choices, _ = row
    values = getattr(module, name)(*arguments, **choices, **given)
    wide = values.astype(np.float64) if isinstance(values, np.ndarray) else values.double().numpy()
    return [float(value).hex() for value in wide.reshape(-1)[:COUNT]]


def everything() -> dict[str, Any]:
    """All rows of both backends, and the release of torch whose generator made its rows."""
    import torch

    import varlaw.impl.torch as on_torch

    found: dict[str, Any] = {"torch release": release(torch.__version__)}
    for title, module in (("numpy", on_numpy), ("torch", on_torch)):
        found[title] = {
            f"{name} {dtype}": drawn(module, row, {"seed": 2026, "dtype": dtype})
            for name, row in SEEDED.items()
            for dtype in DTYPES
        }
    found["keyed"] = {
        f"{name} {dtype}": drawn(on_numpy, row, {"key": 2026, "name": "layer.weight", "dtype": dtype})
        for name, row in KEYED.items()
        for dtype in DTYPES
    }
    return found


def release(version: str) -> str:
    return ".".join(version.split(".")[:2])


def compare(found: list[str], wanted: list[str], exact: bool, dtype: str) -> None:
    if exact:
        assert found == wanted
        return
    unit = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
    for mine, theirs in zip(map(float.fromhex, found), map(float.fromhex, wanted), strict=True):
        assert abs(mine - theirs) <= 16 * unit * abs(theirs)


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return json.loads(FILE.read_text())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SEEDED)
def test_numpy_seeds_give_the_recorded_values(recorded, name, dtype):
    found = drawn(on_numpy, SEEDED[name], {"seed": 2026, "dtype": dtype})
    compare(found, recorded["numpy"][f"{name} {dtype}"], SEEDED[name][3], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SEEDED)
def test_torch_seeds_give_the_recorded_values(recorded, name, dtype):
    torch = pytest.importorskip("torch")
    import varlaw.impl.torch as on_torch

    if release(torch.__version__) != recorded["torch release"]:
        pytest.skip("torch keeps its generators' values only within a release")
    found = drawn(on_torch, SEEDED[name], {"seed": 2026, "dtype": dtype})
    compare(found, recorded["torch"][f"{name} {dtype}"], SEEDED[name][3], dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", KEYED)
@pytest.mark.parametrize("module", ["varlaw.impl.numpy", "varlaw.impl.torch"])
def test_keys_give_the_recorded_values_in_every_backend(recorded, module, name, dtype):
    backend = pytest.importorskip(module)
    found = drawn(backend, KEYED[name], {"key": 2026, "name": "layer.weight", "dtype": dtype})
    compare(found, recorded["keyed"][f"{name} {dtype}"], KEYED[name][3], dtype)


def test_every_recorded_row_is_used(recorded):
    rows = {f"{name} {dtype}" for name in SEEDED for dtype in DTYPES}
    assert set(recorded["numpy"]) == set(recorded["torch"]) == rows
    assert set(recorded["keyed"]) == {f"{name} {dtype}" for name in KEYED for dtype in DTYPES}


if __name__ == "__main__":
    FILE.write_text(json.dumps(everything(), indent=1) + "\n")
