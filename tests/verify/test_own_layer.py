"""A whole layer of a user's: each parameter against its law, what was forgotten named, fans counted by the layer."""

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from varlaw import SamplerError, assert_layer, check_layer
from varlaw.claims.verdict import Outcome
from varlaw.rows import layer
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


def _orthogonal(fill: Callable[[Any], Any]) -> Callable[[], Any]:
    def make() -> Any:
        made = torch.nn.Linear(32, 32, bias=False)
        made.weight.data = fill(made.weight.data)
        return made

    return make


QR = _orthogonal(lambda w: torch.linalg.qr(torch.randn_like(w))[0])


@pytest.mark.parametrize(
    ("make", "law", "said"),
    [
        (_orthogonal(torch.nn.init.orthogonal_), "Orthogonal(1)", ""),
        (QR, "Orthogonal(1)", "as of a QR without its sign fix"),
        (_orthogonal(lambda w: torch.randn_like(w) / 32**0.5), "Orthogonal(1)", "of independent entries"),
        (_orthogonal(torch.ones_like), "Constant(0)", "values are 1"),
    ],
)
def test_matrices_and_constants_of_a_layer_say_why_they_violate(make: Any, law: str, said: str) -> None:
    found = check_layer(make, {"weight": law})
    assert said in found.cause
    assert found.ok == (not said)


def test_one_orthogonal_layer_is_asked_for_orthogonality_alone() -> None:
    found = check_layer(_orthogonal(torch.nn.init.orthogonal_)(), {"weight": "Orthogonal(1)"})
    assert found.ok, str(found)
    assert "init.haar" not in {v.claim for v in found}


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


class Packed(torch.nn.Module):  # type: ignore[misc,name-defined]
    """Grouped queries in one matrix, a padding row, maps of which one has half the width."""

    def __init__(self, separate: bool = True, padded: bool = True, halved: str = "v") -> None:
        super().__init__()
        self.qkv, self.token = torch.nn.Parameter(torch.empty(80, 48)), torch.nn.Parameter(torch.randn(50, 48))
        for part in self.qkv.data.split([48, 16, 16]) if separate else [self.qkv.data]:
            torch.nn.init.xavier_uniform_(part)
        if padded:
            self.token.data[0] = 0
        for name in "qkv":
            one = torch.nn.Linear(48, 32, bias=False)
            torch.nn.init.xavier_normal_(one.weight, 0.5 if name in halved else 1.0)
            setattr(self, f"{name}_map", one)


SLICES = {
    "qkv[:48]": "glorot_uniform(48, 48)", "qkv[48:64]": "glorot_uniform(48, 16)",
    "qkv[4*16:]": "glorot_uniform(48, 16)", "token[:1]": "Constant(0)",
    "token[1:]": "Normal(1)", "[qk]_map.weight": "glorot_normal(48, 32)",
    "v_map.weight": "0.5*glorot_normal(48, 32)",
}  # fmt: skip


def test_slices_sets_of_letters_and_multiples_of_laws_are_promises() -> None:
    found = check_layer(Packed, SLICES)
    assert found.ok, str(found)
    bad = check_layer(lambda: Packed(separate=False, padded=False, halved="qkv"), SLICES)
    named = {v.subject.removeprefix(f"{bad.subject}.") for v in bad.faults}
    assert named == {"qkv[:48]", "qkv[48:64]", "qkv[4*16:]", "token[:1]", "q_map.weight", "k_map.weight"}


def test_what_no_slice_names_is_missed_and_what_is_not_promised_is_not_asked() -> None:
    missed = check_layer(Packed, {"qkv[:48]": "glorot_uniform(48, 48)"}, unpromised=("token", "*_map*"))
    assert "without a law: qkv[48:80]" in missed.cause
    assert check_layer(Packed, {"*": "Normal(1)"}, unpromised="*").ok


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("qkv[:200]", "has no part :200 along axis 0"),
        ("qkv[:width]", "cannot be computed: name 'width' is not defined"),
    ],
)
def test_a_slice_that_is_not_there_is_named(name: str, said: str) -> None:
    with pytest.raises(SamplerError, match=re.escape(said)):
        check_layer(Packed, {name: "Normal(1)"})


class Dense:
    """A layer of NumPy that is called, or of which `forward` is."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator) -> None:
        self.weight, self.bias = rng.normal(0, (2 / inputs) ** 0.5, (inputs, outputs)), np.zeros(outputs)

    def __call__(self, x: Any) -> Any:
        return x @ self.weight + self.bias


class Stack:
    def __init__(self, rng: np.random.Generator) -> None:
        self.parts = [Dense(48, 64, rng), Dense(64, 20, rng)]

    def forward(self, x: Any) -> Any:
        for part in self.parts:
            x = np.tanh(part(x))
        return x


def test_an_object_of_arrays_counts_its_own_fans() -> None:
    def measured(make: Any, laws: Any) -> dict[str, Any]:
        row = layer("mine.layer", make, laws)
        return {t.name: t.measure({}) for t in row.tensors if t.measure and t.name.endswith("weight")}

    he = {"*weight": "he_normal(fan_in)", "*bias": "Constant(0)"}
    assert measured(lambda rng: Dense(48, 64, rng), he) == {"weight": (48, 64)}
    assert measured(lambda rng: Stack(rng), he) == {"parts.0.weight": (48, 64), "parts.1.weight": (64, 20)}
    assert check_layer(lambda rng: Stack(rng), he, dtype="float64").ok
    plain = check_layer(lambda rng: vars(Dense(48, 64, rng)), he, dtype="float64")
    assert "dict does not say what it computes: give apply=f(arrays, x)" in plain.cause


def test_one_layer_counts_its_fans_and_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    one = torch.nn.Linear(256, 96)
    before = one.weight.detach().clone()
    assert check_layer(one, {"weight": "U(-1/sqrt(fan_in), 1/sqrt(fan_in))"}, unpromised="bias").ok
    assert torch.equal(one.weight, before)


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


class Initialising(torch.nn.Module):  # type: ignore[misc,name-defined]
    """A method `init` beside torch's `apply` does not make it a functional module."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(0.1 * torch.randn(48, 64))

    def init(self) -> None: ...


class Experts(torch.nn.Module):  # type: ignore[misc,name-defined]
    """Matrices side by side, each drawn by itself unless `whole`; a table that it keeps, of ones unless `old`."""

    def __init__(self, whole: bool = False, old: bool = False) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.empty(4, 48, 32))
        for part in [self.w] if whole else self.w:
            torch.nn.init.kaiming_normal_(part)
        self.register_buffer("scale", torch.full((48,), 2.0 if old else 1.0))

    def forward(self, x: Any) -> Any:
        return torch.einsum("ehd,...d->...eh", self.w, x) * self.scale


def test_one_law_for_all_a_method_init_and_tables_that_are_kept() -> None:
    assert check_layer(Initialising, "Normal(0.1)").ok
    assert check_layer(Experts, "he_normal").ok
    laws = {"w": "kaiming_normal(fan_in)", "scale": "Constant(1)"}
    assert check_layer(lambda: Experts(), laws).ok
    assert "scale: entry x2" in check_layer(lambda: Experts(old=True), laws).cause
    of_all = check_layer(lambda: Experts(whole=True), laws).cause
    assert "fan_in is 1536, read off the shape, not counted: 32" in of_all
    packed = {"gate_up.weight[*/2]": "glorot_normal(64, 96)"}

    def swiglu() -> Any:
        made = torch.nn.Linear(64, 192, bias=False)
        torch.nn.init.xavier_normal_(made.weight)
        return torch.nn.ModuleDict({"gate_up": made})

    assert "the mean fan is 128, of the whole, not of this part: 80" in check_layer(swiglu, packed).cause
