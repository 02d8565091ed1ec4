"""A whole layer of a user's: each parameter against its law, what was forgotten named, fans counted by the layer."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from varlaw import SamplerError, assert_layer, check_layer
from varlaw.claims.verdict import Outcome
from varlaw.verify.own.verdicts import Verdicts

torch = pytest.importorskip("torch")

LAWS = {"up.weight": "Normal(0.02)", "down.weight": "Normal(0.02/sqrt(24))", "*.bias": "Constant(0)", "gate": "N(0.5)"}


class Block(torch.nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, scaled: bool = True, extra: str = "") -> None:
        super().__init__()
        self.up, self.down = torch.nn.Linear(64, 256), torch.nn.Linear(256, 64)
        self.gate = torch.nn.Parameter(0.5 * torch.randn(64))
        for m, s in ((self.up, 1.0), (self.down, 24**-0.5 if scaled else 1.0)):
            torch.nn.init.normal_(m.weight, 0, 0.02 * s)
            torch.nn.init.zeros_(m.bias)
        if extra == "empty":
            self.memory = torch.nn.Parameter(torch.empty(16, 64))
        if extra == "copy":
            self.again = copy.deepcopy(self.up)

    def forward(self, x: Any) -> Any:
        return x + self.gate * self.down(torch.relu(self.up(x)))


@pytest.mark.parametrize("make", [lambda f: f, lambda f: f()], ids=["factory", "one"])
def test_a_faulty_layer_is_told_from_a_right_one(make: Callable[[Any], Any]) -> None:
    torch.manual_seed(0)
    assert {v.outcome for v in check_layer(make(Block), LAWS)} <= {Outcome.CONFORMS, Outcome.UNDECIDED}
    bad = check_layer(make(lambda: Block(scaled=False)), LAWS)
    assert "down.weight: std x" in bad.cause
    forgot = check_layer(make(lambda: Block(extra="empty")), LAWS)
    assert "without a law: memory" in forgot.cause
    if make(Block) is Block:  # of a layer that is there already, memory that nobody wrote may hold anything
        assert "memory (never filled)" in forgot.cause


def test_what_promises_nothing_is_named_and_not_asked() -> None:
    found = check_layer(lambda: Block(extra="empty"), LAWS, unpromised="memory")
    assert found.ok, str(found)
    assert found.unpromised == ("memory",)
    with pytest.raises(AssertionError, match="without a law: memory"):
        assert_layer(lambda: Block(extra="empty"), LAWS)


def test_of_one_draw_too_small_to_say_it_is_undecided() -> None:
    found = check_layer(Block(), LAWS)
    gate = [v for v in found if v.subject.endswith("gate")]
    assert [v.state for v in gate] == ["undecided"]
    assert "too few numbers" in gate[0].detail
    assert {v.state for v in found if v not in gate} == {"conforms"}


def test_forward_and_backward_are_decided_on_the_fans_that_the_layer_counts() -> None:
    def conv() -> Any:
        return torch.nn.Conv2d(8, 16, 3, groups=4, stride=2)

    laws = {"weight": "U(-1/sqrt(fan_in), 1/sqrt(fan_in))", "bias": "U(-1/sqrt(18), 1/sqrt(18))"}
    # fan_in 2*9 = 18, fan_out 4*9/4 = 9: of every second position.
    assert check_layer(conv, laws, forward=1 / 3, backward=1 / 6).ok
    kept = check_layer(conv, laws, forward=1)
    assert [v.claim for v in kept.faults] == ["forward.second_moment"]
    assert kept.faults[0].likely == "variance 1/(3 fan) in place of 1/fan"
    assert kept.faults[0].statement == "E y^2 = 1 E x^2: std sqrt(1/fan_in)"


def test_the_thirds_of_a_packed_matrix_have_laws_of_their_own() -> None:
    def attention() -> Any:
        return torch.nn.MultiheadAttention(64, 4)

    laws = {"out_proj.weight": "Uniform(1/sqrt(64))", "*bias": "Constant(0)"}
    packed = {f"in_proj_weight[{i}/3]": "glorot_uniform(64, 3*64)" for i in range(3)}
    assert check_layer(attention, {**laws, **packed}).ok
    two = {name: law for name, law in packed.items() if "[2/3]" not in name}
    assert "without a law: in_proj_weight[2/3]" in check_layer(attention, {**laws, **two}).cause
    separate = dict.fromkeys(packed, "glorot_uniform(64, 64)")
    assert "gain sqrt(2) forgotten" in check_layer(attention, {**laws, **separate}).cause


def test_copies_are_named() -> None:
    laws = {**LAWS, "again.weight": "Normal(0.02)"}
    assert "equal: up.weight and again.weight" in check_layer(lambda: Block(extra="copy"), laws).cause


def test_arrays_by_name_are_a_layer(law: Any) -> None:
    def make(rng: np.random.Generator) -> dict[str, Any]:
        return {"weight": rng.normal(0, 0.02, (64, 48)), "bias": np.zeros(64)}

    found: Verdicts = law.layer(make, {"weight": "Normal(0.02)", "bias": "Constant(0)"}, dtype="float64")
    assert found.ok
    laws = {"weight": "N(0.02)", "bias": "Constant(0)"}
    product = check_layer(make, laws, dtype="float64", forward=48 * 0.02**2,
                          apply=lambda arrays, x: x @ arrays["weight"].T + arrays["bias"])  # fmt: skip
    assert product.ok, str(product)
    assert "forward.second_moment" in {v.claim for v in product}
    with pytest.raises(SamplerError, match="holds float64, but is asked in float32"):
        check_layer(make, {"weight": "Normal(0.02)"})


@pytest.mark.parametrize(
    ("make", "laws", "said"),
    [
        (lambda: 3, {"w": "N(1)"}, "has no tensors"),
        (lambda: 1 / 0, {"w": "N(1)"}, "ZeroDivisionError"),
        (lambda: torch.nn.Linear(64, 48), {"weight[0/5]": "N(1)"}, "has no 5 equal parts along axis 0"),
    ],
)
def test_a_factory_that_makes_no_layer_is_named_in_one_line(make: Any, laws: Any, said: str) -> None:
    with pytest.raises(SamplerError, match=said) as caught:
        check_layer(make, laws)
    assert "\n" not in str(caught.value)


def test_a_law_of_what_the_layer_lacks_is_an_error_that_names_it() -> None:
    found = check_layer(lambda: torch.nn.Linear(64, 48), {"weight": "N(foo)", "bias": "Uniform(1/8)", "gate": "N(1)"})
    assert "the law 'N(foo)' names foo" in found.cause
    assert "has no tensor 'gate', but weight, bias" in found.cause
