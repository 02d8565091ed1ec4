"""Claims on activations find another form, a slope that is off, a lost derivative, and name what is no activation."""

import dataclasses
import re
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
from varlaw.rows import activation
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
import torch
from varlaw.rows import activation


def row(name, change, slope=None):
    return activation(f"mine.{name}", lambda x: change(np.maximum(x, 0), x), "relu", slope=slope, library="numpy")


def leaky(x):
    return torch.where(x > 0, x, 0.204 * x)


ROWS = [
    row("shape", lambda y, x: y[:-1]),
    row("dtype", lambda y, x: y.astype(float)),
    row("number", lambda y, x: 0.0),
    row("nan", lambda y, x: np.where(x > 2, np.float32("nan"), y)),
    row("alone", lambda y, x: y),
    row("slope", lambda y, x: y, lambda x: (x > 0).astype(x.dtype)),
    activation("mine.detached", lambda x: torch.relu(x.detach()), "relu", library="torch"),
    activation("mine.relu", torch.relu, "relu", in_place=torch.relu_),
    activation("mine.kept", torch.relu, "relu", in_place=torch.relu),
    activation("mine.leaky", leaky, "leaky_relu:0.2"),
    activation("mine.gelu", torch.nn.functional.gelu, "gelu", as_="torch.nn.functional.gelu"),
    activation("mine.promised", torch.nn.functional.gelu, "gelu", promises="largest"),
]
"""


_SHAPE = "error: mine.shape gives output of shape"
_NUMBER = "error: mine.number returns float, but should return an array of shape"
_DTYPE = "error: mine.dtype returns float64, but should keep the dtype float32"
_DETACHED = "error: ValueError: mine.detached has no derivative: autograd does not see its input"
_NONE = "not applicable: the framework has no slope here"
SEEN = {
    "mine.shape value": _SHAPE,
    "mine.shape slope": _SHAPE,
    "mine.dtype value": _DTYPE,
    "mine.dtype slope": _DTYPE,
    "mine.number value": _NUMBER,
    "mine.number slope": _NUMBER,
    "mine.nan value": "VIOLATES: NaN: output",
    "mine.nan slope": _NONE,
    "mine.alone value": "conforms: ",
    "mine.alone slope": _NONE,
    "mine.slope value": "conforms: ",
    "mine.slope slope": "conforms: ",
    "mine.detached value": _DETACHED,
    "mine.detached slope": _DETACHED,
    "mine.relu value": "conforms: ",
    "mine.relu slope": "conforms: ",
    "mine.relu value(in place)": "conforms: ",
    "mine.kept value": "conforms: ",
    "mine.kept slope": "conforms: ",
    "mine.kept value(in place)": "VIOLATES: in place",
    "mine.leaky value": "VIOLATES: output",
    "mine.leaky slope": "VIOLATES: slope",
    "mine.gelu value": "conforms: ",
    "mine.gelu slope": "conforms: ",
    "mine.gelu value(largest)": "deviation: largest output",
    "mine.promised value": "conforms: ",
    "mine.promised slope": "conforms: ",
    "mine.promised value(largest)": "VIOLATES: largest output",
}


def test_what_is_no_activation_is_named_in_the_records_of_a_users_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_rows.py").write_text(ROWS_OF_A_USER)
    monkeypatch.setenv(sources.IN_USE, str(tmp_path / "mine_rows.py"))
    asked = {"law.activation.value", "law.activation.slope", "law.activation.value(in place)"}
    asked |= {"law.activation.value(largest)"}
    tasks = [t for t in plan.tasks(select(["mine.*"]), ["float32"], "cpu", "mine") if t.claim in asked]
    found = [decision.decide(task, "pr", "mine") for task in tasks]
    seen = {f"{v.subject} {v.claim[15:]}": re.split(r" at x| \(|; slope", f"{v.state}: {v.detail}")[0] for v in found}
    assert seen == SEEN


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"function": "rleu"}, r"function='rleu': activation='rleu' \(nearest: relu"),
        ({"function": 5}, "function=5: "),
        ({"slope": 3}, "slope=3, but should be a function of x"),
        ({"in_place": 3}, "in_place=3, but should be a function of x"),
        ({"dtypes": ("int8",)}, "dtypes='int8', but should be one of float64"),
        (
            {"promises": "large"},
            "promises='large', but should be 'all' or some of largest, subnormal, signed zero, kinks",
        ),
    ],
)
def test_arguments_of_a_users_activation_are_refused_in_one_line(argument: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"function": "relu", **argument}
    with pytest.raises((TypeError, ValueError), match=message) as error:
        activation("mine.relu", torch.relu, **given)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("[activation mine.relu]")


# -- edges -------------------------------------------------------------------------------------------------------------


def _at(of: str, where: Callable[[Any], Any], value: float) -> Callable[[dict[str, Any]], Mapping[str, Any]]:
    """One quantity replaced at some of the points."""

    def change(seen: dict[str, Any]) -> Mapping[str, Any]:
        return {**seen, of: np.where(where(seen["x"]), value, seen[of])}

    return change


def spoilt(subject: Activation, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Activation:
    def apply(x: Any, dtype: str, device: str) -> Mapping[str, Any]:
        return change(
            {**subject.apply(x, dtype, device), "x": torch.tensor(x).to(getattr(torch, dtype)).double().numpy()}
        )

    return dataclasses.replace(subject, apply=apply)


@pytest.mark.parametrize(
    ("name", "claimed", "change"),
    [
        ("tanh", "value(subnormal)", _at("output", lambda x: np.abs(x) < 2.0**-126, 0.0)),
        ("tanh", "value(signed zero)", lambda seen: {**seen, "output": seen["output"] + 0.0}),
        ("nn.functional.gelu", "value(signed zero)", _at("output", lambda x: x == 0, 0.0)),
        ("nn.functional.silu", "value(largest)", _at("output", lambda x: x > 1e38, np.inf)),
        ("nn.functional.silu", "slope(largest)", _at("slope", lambda x: x < -1e38, np.nan)),
        ("nn.functional.softsign", "slope(kinks)", _at("slope", lambda x: x == 0, np.nan)),
        ("nn.functional.relu", "slope(kinks)", _at("slope", lambda x: x == 0, 1.01)),
        ("nn.functional.relu6", "slope(kinks)", _at("slope", lambda x: x == 6, -0.01)),
        ("nn.functional.softplus", "value", _at("output", lambda x: (x > 20) & (x < 21), 20.0)),
        ("nn.functional.elu", "slope", _at("slope", lambda x: (x < -0.34) & (x > -0.36), 0.7)),
    ],
)  # fmt: skip
def test_a_mistake_at_an_edge_violates(name: str, claimed: str, change: Any) -> None:
    """What subnormal numbers, the largest, kinks and one of the steps between make of a function that is else right."""
    claimed = f"law.activation.{claimed}"
    assert found(row(name), claimed).outcome == "CONFORMS"
    assert found(spoilt(row(name), change), claimed).outcome == "VIOLATES"


def test_the_sign_of_zero_is_asked_where_the_formula_gives_it() -> None:
    """Not of ReLU, nor of a sum such as x - tanh(x), which is +0 at -0."""
    asked = {c.target for s in select(["torch.*"]) for c in claims_of(s) if c.name.endswith("(signed zero)")}
    assert {"torch.tanh", "torch.nn.functional.silu", "torch.nn.functional.gelu(tanh)"} <= asked
    assert not {"torch.nn.functional.relu", "torch.nn.functional.tanhshrink", "torch.nn.functional.elu"} & asked


@pytest.mark.parametrize("at_zero", [0.0, 0.3, 1.0])
def test_any_derivative_between_those_on_both_sides_conforms_at_a_kink(at_zero: float) -> None:
    subject = spoilt(row("nn.functional.relu"), _at("slope", lambda x: x == 0, at_zero))
    assert found(subject, "law.activation.slope(kinks)").outcome == "CONFORMS"
