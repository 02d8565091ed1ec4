"""Claims on activations find another form, a slope that is off, a lost derivative, and name what is no activation."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from varlaw.claims.claim import Claim, Finding, Trial
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.streams import Key
from varlaw.subjects import sources
from varlaw.subjects.registry import named, select
from varlaw.subjects.subject import Activation
from varlaw.verify import decision, plan

torch = pytest.importorskip("torch")

PR = POLICIES["pr"]


def row(name: str) -> Activation:
    found = named(f"torch.{name}")
    assert isinstance(found, Activation)
    return found


def claim(subject: Activation, name: str) -> Claim:
    (found,) = (c for c in claims_of(subject) if c.name == name)
    return found


def found(subject: Activation, name: str, dtype: str = "float32") -> Finding:
    case = {"q": 1.0} if claim(subject, name).op == "activation" else {}
    return claim(subject, name).judge(Trial(case, dtype, "cpu", PR, Key("activations", f"{name}:{subject.name}")))


def claiming(subject: Activation, function: str) -> Activation:
    """The real function, said to be another one."""
    return dataclasses.replace(subject, function=function)


def changed(subject: Activation, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Activation:
    """The function with something of what it returns changed."""

    def apply(*arguments: Any) -> Mapping[str, Any]:
        return change(dict(subject.apply(*arguments)))

    return dataclasses.replace(subject, apply=apply)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("nn.functional.gelu", "gelu_tanh"),
        ("nn.functional.gelu(tanh)", "gelu"),
        ("nn.functional.leaky_relu(0.2)", "leaky_relu:0.204"),
        ("nn.functional.silu", "quick_gelu"),
        ("nn.functional.elu", "celu:1.02"),
        ("nn.functional.hardswish", "silu"),
    ],
)
def test_the_other_form_violates_its_value(name: str, function: str) -> None:
    assert found(row(name), "law.activation.value").outcome == "CONFORMS"
    assert found(claiming(row(name), function), "law.activation.value").outcome == "VIOLATES"
    assert found(claiming(row(name), function), "law.activation.slope").outcome == "VIOLATES"


@pytest.mark.parametrize("name", ["nn.functional.relu", "nn.functional.leaky_relu(0.2)", "tanh"])
def test_moments_of_an_output_that_is_off_violate(name: str) -> None:
    def off(seen: dict[str, Any]) -> Mapping[str, Any]:
        return {**seen, "output": 1.25 * seen["output"] + 0.3, "slope": 1.25 * seen["slope"]}

    drawn = [c.name for c in claims_of(row(name)) if c.op == "activation"]
    assert len(drawn) >= 10
    for law in drawn:
        assert found(row(name), law).outcome == "CONFORMS", law
        if law != "law.activation.variance" or name != "tanh":
            assert found(changed(row(name), off), law).outcome == "VIOLATES", law


def test_relu_halves_the_second_moment_of_any_symmetric_input() -> None:
    subject = row("nn.functional.relu")
    for name in ("law.relu.second_moment", "law.relu.second_moment(uniform)"):
        finding = found(subject, name)
        assert finding.outcome == "CONFORMS"
        assert finding.expected == 0.5
        assert finding.interval is not None
        assert finding.interval[0] < 1 < finding.interval[1]


def test_a_variant_in_place_is_held_to_the_same() -> None:
    def spoilt(seen: dict[str, Any]) -> Mapping[str, Any]:
        return {**seen, "in place": seen["in place"] * 1.01}

    name = "law.activation.value(in place)"
    assert found(row("nn.functional.elu"), name).outcome == "CONFORMS"
    assert found(changed(row("nn.functional.elu"), spoilt), name).outcome == "VIOLATES"
    with pytest.raises(ValueError, match="not enough values"):
        claim(row("nn.functional.gelu"), name)


def test_a_value_that_overflows_violates() -> None:
    """As log(1 + exp(x)) does: the bound is of the law's value, not of the output."""

    def over(seen: dict[str, Any]) -> Mapping[str, Any]:
        return {**seen, "output": np.where(seen["output"] > 88, np.inf, seen["output"])}

    assert found(changed(row("nn.functional.softplus"), over), "law.activation.value").outcome == "VIOLATES"


def _nan(seen: dict[str, Any]) -> Mapping[str, Any]:
    return {**seen, "output": np.where(np.abs(seen["output"]) > 2, np.nan, seen["output"])}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda seen: {**seen, "output": seen["output"][:-1]}, "gives output of shape"),
        (lambda seen: {**seen, "dtype": "float64"}, "returns float64, but should keep the dtype float32"),
    ],
)
def test_what_is_no_activation_is_named(change: Callable[[dict[str, Any]], Mapping[str, Any]], message: str) -> None:
    subject = changed(row("nn.functional.relu"), change)
    for name in ("law.activation.mean", "law.activation.value"):
        with pytest.raises(SamplerError, match=message):
            found(subject, name)


def test_nan_for_a_finite_number_is_named() -> None:
    subject = changed(row("nn.functional.relu"), _nan)
    with pytest.raises(SamplerError, match="gives output NaN at x = "):
        found(subject, "law.activation.mean")
    finding = found(subject, "law.activation.value")
    assert finding.outcome == "VIOLATES"
    assert finding.detail == "NaN: output at x = 2.3"


def test_without_a_derivative_its_claims_do_not_apply() -> None:
    from varlaw.claims.claim import NotApplicable

    subject = changed(row("nn.functional.relu"), lambda seen: {k: v for k, v in seen.items() if k != "slope"})
    assert found(subject, "law.activation.mean").outcome == "CONFORMS"
    with pytest.raises(NotApplicable, match="no slope"):
        found(subject, "law.activation.derivative_mean")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_row_of_torch_conforms_in_value(dtype: str) -> None:
    deviating = {"torch.erf"}
    for subject in select(["torch.*"]):
        if isinstance(subject, Activation) and (subject.name not in deviating or dtype == "float32"):
            assert found(subject, "law.activation.value", dtype).outcome == "CONFORMS", subject.name
            assert found(subject, "law.activation.slope", dtype).outcome == "CONFORMS", subject.name


ROWS_OF_A_USER = """
import numpy as np
from varlaw.subjects.subject import Activation, Framework

MINE = Framework(name="mine", version=lambda: "1", devices=lambda: ("cpu",))


def row(name, output, dtype=None):
    def apply(x, asked, device):
        return {"output": output(np.maximum(x, 0), x), "dtype": dtype or asked}

    return Activation(name=f"mine.{name}", framework=MINE, op="activation", function="relu", apply=apply)


ROWS = [
    row("shape", lambda y, x: y[:-1]),
    row("dtype", lambda y, x: y, "float64"),
    row("nan", lambda y, x: np.where(x > 2, np.nan, y)),
    row("alone", lambda y, x: y),
]
"""


def test_what_is_no_activation_is_named_in_the_records_of_a_users_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_rows.py").write_text(ROWS_OF_A_USER)
    monkeypatch.setenv(sources.IN_USE, str(tmp_path / "mine_rows.py"))
    asked = ("law.activation.value", "law.activation.slope")
    tasks = [t for t in plan.tasks(select(["mine.*"]), ["float32"], "cpu", "mine") if t.claim in asked]
    found = [decision.decide(task, "pr", "mine") for task in tasks]
    seen = {f"{v.subject} {v.claim[15:]}": f"{v.state}: {v.detail}" for v in found}
    shape, dtype = (
        "of shape (63,), but should keep the shape (64,)",
        "returns float64, but should keep the dtype float32",
    )
    none = "not applicable: the framework has no slope here"
    assert seen == {
        "mine.shape value": f"error: mine.shape gives output {shape}",
        "mine.shape slope": f"error: mine.shape gives output {shape}",
        "mine.dtype value": f"error: mine.dtype {dtype}",
        "mine.dtype slope": f"error: mine.dtype {dtype}",
        "mine.nan value": "VIOLATES: NaN: output at x = 2.3",
        "mine.nan slope": none,
        "mine.alone value": "conforms: ",
        "mine.alone slope": none,
    }
