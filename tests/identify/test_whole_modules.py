"""A whole module is identified in one pass, a row for each parameter; functions are asked in the shapes they take."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from varlaw.evidence.streams import SALT
from varlaw.identify.draft import draft
from varlaw.identify.wholes import of_module
from varlaw.subjects.builders.layers import layer

_MODULE = """
import numpy as np

def net(width, rng, depth=6):
    found = {}
    for i in range(depth):
        found[f"blocks.{i}.up"] = rng.normal(0, width**-0.5, (4 * width, width))
        found[f"blocks.{i}.down"] = rng.normal(0, 0.02 if i == 3 else 0.005, (width, 4 * width))
        found[f"blocks.{i}.gain"] = np.ones(width)
    found["blocks.5.copy"] = found["blocks.5.up"].copy()
    return found

def kernels(shape, seed):
    if len(shape) != 4:
        raise ValueError("only kernels")
    return np.random.default_rng(seed).normal(0, 0.1, shape)

def fixed(shape, seed):
    assert shape == (10, 20), f"not {shape}"
    return np.random.default_rng(seed).normal(0, 0.1, shape)

def vector(shape, seed):
    (side,) = shape
    return np.random.default_rng(seed).normal(0, side**-0.5, shape)
"""


def _varlaw(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text(_MODULE)
    command = [sys.executable, "-c", "from varlaw.cli import main; main()", "identify", *arguments]
    env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, check=False)


def test_every_parameter_of_a_module_has_a_row(tmp_path: Path) -> None:
    done = _varlaw(tmp_path, "mine:net", "--case", "width=32", "--case", "width=48", "--case", "width=100")
    assert done.returncode == 0, done.stderr
    laws = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if line.startswith("  mine:net.")}
    assert len(laws) == 19
    assert {laws[f"mine:net.blocks.{i}.up"] for i in range(6)} == {"Normal(1/sqrt(width))"}
    assert laws["mine:net.blocks.3.down"] == "Normal(0.02)"
    assert {laws[f"mine:net.blocks.{i}.down"] for i in (0, 1, 2, 4, 5)} == {"Normal(0.005)"}
    assert laws["mine:net.blocks.0.gain"] == "Constant(1)"
    assert "the same numbers as blocks.5.up" in done.stdout


def test_a_kind_is_identified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from varlaw.identify import wholes

    calls: list[int] = []
    real = wholes.identify
    monkeypatch.setattr(wholes, "identify", lambda samples, key: (calls.append(1), real(samples, key))[1])
    row = layer("m.net", lambda rng: {f"{i}.w": rng.normal(0, 0.1, (40, 30)) for i in range(50)}, {"*": "unknown"})
    found = list(of_module(row, SALT))
    assert [one.tensor for one in found] == [f"{i}.w" for i in range(50)]
    assert {one.reading.text for one in found} == {"Normal(0.1)"}
    assert len(calls) == 1
    assert all(np.isclose(one.cases[0].std, 0.1, rtol=0.05) for one in found)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("mine:fixed",), 3, "AssertionError: not (64, 48) [shape (64, 48)]"),
        (("mine:fixed", "--shape", "10,20"), 0, "Normal(0.1)"),
        (("mine:kernels", "--rank", "4"), 0, "Normal(0.1)"),
        (("mine:kernels", "--shape", "10,20"), 3, "only kernels [shape (10, 20)]"),
        (("mine:vector", "--rank", "1"), 0, "Normal(1/sqrt(side0))"),
        (("mine:vector", "--shape", "3,x"), 2, "should be sides >= 1"),
        (("mine:vector", "--shape", "3,4", "--rank", "1"), 2, "no shape of rank 1"),
        (("mine:net", "--case", "depth=2"), 3, "width"),
    ],
)
def test_functions_are_asked_in_the_shapes_that_they_take(
    tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = _varlaw(tmp_path, *arguments)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr


def test_a_first_file_names_the_parts_of_a_tensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parted.py").write_text(
        "import numpy as np\n\ndef table(words, width, rng):\n"
        "    token, gates = rng.normal(0, 1, (words, width)), rng.normal(0, 0.1, (width, 3 * width))\n"
        "    token[0], gates[:, :width] = 0, 1\n"
        "    return {'token': token, 'gates': gates}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    text = draft("parted").text
    promises = ['"token[:1]": "Constant(0)"', '"token[1:]": "Normal(1)"', '"gates[0/3, axis=1]": "Constant(1)"']
    assert [p for p in promises if p not in text] == []


def test_a_first_file_has_classes_that_hold_arrays_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain.py").write_text(
        "import numpy as np\n\nclass Dense:\n    def __init__(self, n_in, n_out, seed=0):\n"
        "        self.w = np.random.default_rng(seed).normal(0, n_in**-0.5, (n_in, n_out))\n\n"
        "class Settings:\n    def __init__(self, width):\n        self.width = width\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = draft("plain")
    assert '"w": "Normal(1/sqrt(n_in))"' in found.text
    assert list(found.left_out) == ["plain.Settings"]
