"""The script in a record runs on its own and prints what the verdict says."""

import contextlib
import io
from importlib import resources
from pathlib import Path

import pytest

from varlaw.claims.claim import Finding
from varlaw.claims.verdict import Deviation, Outcome
from varlaw.subjects.registry import named
from varlaw.verify import deviations
from varlaw.verify.reproduction import reproduction

CASE = {"in_features": 64, "out_features": 256}


def _finding(**changes: object) -> Finding:
    fields = {"outcome": Outcome.VIOLATES, "quantity": "std", "expected": 0.125, **changes}
    return Finding(**fields)  # type: ignore[arg-type]


def _script(finding: Finding, known: Deviation | None = None, name: str = "torch.nn.Linear", dtype: str = "") -> str:
    subject = named(name)
    assert subject is not None
    return reproduction(subject, f"{name}.weight", CASE, dtype or "float32", "cpu", finding, known)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_script_of_a_drawn_tensor_prints_its_spread(dtype: str) -> None:
    pytest.importorskip("torch")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(_script(_finding(), dtype=dtype), "script", "exec"), {})
    words = printed.getvalue().split()
    assert words[0] == "std"
    assert words[2:] == ["expected", "0.125"]
    assert float(words[1].rstrip(",")) == pytest.approx((1 / (3 * 64)) ** 0.5, rel=0.005)  # 1.6e6 draws: 0.05 % a sigma


def test_what_obeys_or_is_no_spread_has_no_script() -> None:
    assert _script(_finding(outcome=Outcome.CONFORMS)) == ""
    assert _script(_finding(quantity="entry")) == ""
    assert _script(_finding(expected=None)) == ""


def test_what_else_lies_beside_the_scripts_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip leaves a cache there, systems and editors their own files."""
    folder = tmp_path / "reproductions"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "torch_folder.py").mkdir()
    for name in ("__pycache__/torch_a.pyc", "._torch_a.py", "torch_b.py", ".DS_Store", "torch_a.py~", "torch_a (1).py"):
        (folder / name).write_bytes(b"\x00\x05\x16\xff\xfe")
    for name in ("__init__.py", "empty.py"):
        (folder / name).write_bytes(b"")
    (folder / "torch_a.py").write_text("# one, two\n# A heading\nprint(1)\n")
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    deviations.reproductions.cache_clear()
    try:
        assert deviations.reproductions() == {"one": "print(1)\n", "two": "print(1)\n"}
    finally:
        deviations.reproductions.cache_clear()


def test_every_script_names_rows_and_has_a_heading() -> None:
    known = {row.id for row in deviations.rows()}
    folder = Path(deviations.__file__).parent / "reproductions"
    files = deviations.reproduction_files()
    assert set(files) == {path.stem for path in folder.glob("*.py")}
    assert {name for text in files.values() for name in deviations.ids_in(text)} <= known
    assert all(
        deviations.ids_in(text) and deviations.heading(text) and deviations.body(text) for text in files.values()
    )


def test_a_documented_deviation_brings_its_own() -> None:
    for name, text in deviations.reproductions().items():
        known = Deviation(id=name, reason="", link="", ratio=None, versions="")
        assert _script(_finding(), known) == text
    unknown = Deviation(id="nobody wrote one", reason="", link="", ratio=None, versions="")
    assert "named('torch.nn.Linear')" in _script(_finding(), unknown)
