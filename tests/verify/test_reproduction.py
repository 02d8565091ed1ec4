"""The script in a record runs on its own and prints what the verdict says."""

import contextlib
import io

import pytest

from varlaw.subjects.registry import named
from varlaw.verify import deviations
from varlaw.verify.claim import Finding
from varlaw.verify.reproduction import reproduction
from varlaw.verify.verdict import Deviation, Outcome

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


def test_a_documented_deviation_brings_its_own() -> None:
    for name, text in deviations.reproductions().items():
        known = Deviation(id=name, reason="", link="", ratio=None, versions="")
        assert _script(_finding(), known) == text
    unknown = Deviation(id="nobody wrote one", reason="", link="", ratio=None, versions="")
    assert "named('torch.nn.Linear')" in _script(_finding(), unknown)
