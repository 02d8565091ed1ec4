"""Recipes: what is not known is refused, what is said is held to its law, and parts leave the rest alone."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 (needs the skip above)

import varlaw  # noqa: E402
from varlaw.impl.fans import LAYOUTS  # noqa: E402
from varlaw.impl.torch import Rule, initialise, keyed_normal, keyed_uniform  # noqa: E402
from varlaw.impl.torch.parts import box_of, meeting, uncovered  # noqa: E402
from varlaw.theory.variates import Normal, TruncatedNormal, UniformRange, Variate  # noqa: E402


class Raw(nn.Module):
    """One parameter that no module of torch knows."""

    def __init__(self, *shape: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.full(shape, 7.0, dtype=dtype))


def report_of(model, *rules):
    return {done.name: done for done in initialise(model, rules, key=1)}


def refused(model, rules, words):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        initialise(model, rules, key=1)
    assert "\n" not in str(caught.value)
    assert "but should be" in str(caught.value)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


# -- what is known, and what is not ------------------------------------------------------------------------------------

RAW = [(48, 64), (64, 64), (1, 64), (8, 48, 64), (3, 3, 3), (1, 1, 64), (1, 196, 64), (2, 8, 4, 6), (8, 4, 3, 3)]


@pytest.mark.parametrize("shape", RAW, ids=str)
@pytest.mark.parametrize("law", ["normal", "uniform", "truncated_normal"])
def test_a_raw_parameter_has_no_fan_until_its_axes_are_named(shape, law):
    refused(
        Raw(*shape), [Rule("*", law)], r"layout=None.*'embedding' \(\*entries, out\).*or give std \[initialise\(w\)]"
    )
    assert report_of(Raw(*shape), Rule("*", law, std=0.5))["w"].std == 0.5
    assert report_of(Raw(*shape), Rule("*", law, layout="embedding", gain=2.0))["w"].std == 2.0


@pytest.mark.parametrize("shape", RAW[3:], ids=str)
@pytest.mark.parametrize("law", ["orthogonal", "identity"])
def test_a_raw_parameter_of_three_axes_is_no_matrix_until_its_axes_are_named(shape, law):
    refused(Raw(*shape), [Rule("*", law)], r"layout=None.*'experts' \(\*experts, out, in\)")


NAMED = [
    ((8, 48, 64), {"layout": "experts"}, (64, 48)),
    ((8, 48, 64), {"layout": "(experts, in, out)"}, (48, 64)),
    ((48, 64), {"layout": "(in, out)"}, (48, 64)),
    ((48, 64), {"layout": "dense"}, (64, 48)),
    ((8, 48, 64), {"layout": "conv"}, (3072, 512)),
    ((8, 4, 3, 3), {"layout": "conv", "groups": 2, "stride": 2}, (36, 9)),
    ((8, 4, 3, 3), {"layout": "conv_transpose", "groups": 2, "stride": (2, 1)}, (18, 36)),
    ((1, 196, 64), {"layout": "embedding"}, (1, 64)),
    ((64,), {"layout": "embedding"}, (1, 64)),
    ((2, 3, 4), {"layout": "bilinear"}, (12, 8)),
    ((48, 16), {"layout": "packed_qkv"}, (16, 16)),
    ((32, 1, 3, 3), {"layout": "depthwise"}, (9, 9)),
]


@pytest.mark.parametrize(("shape", "given", "fans"), NAMED)
def test_a_named_layout_has_its_fans(shape, given, fans):
    assert report_of(Raw(*shape), Rule("*", "normal", **given))["w"].fans == fans


def test_every_layout_can_be_named():
    assert {given["layout"] for _, given, _ in NAMED} == set(LAYOUTS)


def conv1d(inputs: int, outputs: int) -> nn.Module:
    """A module like transformers' `Conv1D`, which is told by its name and that of its package."""

    def build(self: nn.Module) -> None:
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.empty(inputs, outputs))

    kind = type("Conv1D", (nn.Module,), {"__init__": build, "__module__": "transformers.pytorch_utils"})
    return type("Subclass", (kind,), {"__module__": "mine"})()


KNOWN = [
    (lambda: nn.Linear(3, 5), "weight", (3, 5)),
    (lambda: nn.Conv1d(4, 8, 3, groups=2), "weight", (6, 12)),
    (lambda: nn.Conv2d(4, 8, (3, 5), stride=2), "weight", (60, 30)),
    (lambda: nn.Conv3d(4, 8, 2), "weight", (32, 64)),
    (lambda: nn.ConvTranspose1d(4, 8, 4, stride=2, groups=2), "weight", (4, 16)),
    (lambda: nn.Embedding(9, 4), "weight", (1, 4)),
    (lambda: nn.EmbeddingBag(9, 4), "weight", (1, 4)),
    (lambda: nn.Bilinear(3, 4, 2), "weight", (12, 8)),
    (lambda: nn.MultiheadAttention(6, 2), "in_proj_weight", (6, 6)),
    (lambda: nn.MultiheadAttention(6, 2, kdim=4, vdim=5), "k_proj_weight", (4, 6)),
    (lambda: nn.MultiheadAttention(6, 2, kdim=4, vdim=5), "v_proj_weight", (5, 6)),
    (lambda: nn.MultiheadAttention(6, 2), "out_proj.weight", (6, 6)),
    (lambda: nn.RNN(4, 6, num_layers=2, bidirectional=True), "weight_ih_l1_reverse", (12, 6)),
    (lambda: nn.LSTM(4, 6, num_layers=2, proj_size=3, bidirectional=True), "weight_ih_l1", (6, 6)),
    (lambda: nn.LSTM(4, 6, num_layers=2, proj_size=3), "weight_hh_l1", (3, 6)),
    (lambda: nn.LSTM(4, 6, proj_size=3), "weight_hr_l0", (6, 3)),
    (lambda: nn.GRUCell(4, 6), "weight_ih", (4, 6)),
    (lambda: nn.RNNCell(4, 6), "weight_hh", (6, 6)),
    (lambda: conv1d(4, 6), "weight", (4, 6)),
    (lambda: nn.utils.parametrizations.orthogonal(nn.Linear(5, 5)), "parametrizations.weight.original", (5, 5)),
    (lambda: nn.utils.parametrizations.spectral_norm(nn.LSTM(4, 6), "weight_hh_l0"), "*hh_l0.original", (6, 6)),
    (
        lambda: nn.utils.parametrizations.spectral_norm(nn.MultiheadAttention(6, 2), "in_proj_weight"),
        "parametrizations.in_proj_weight.original",
        (6, 6),
    ),
]


@pytest.mark.parametrize(("make", "names", "fans"), KNOWN)
def test_modules_tell_the_axes_of_their_weights(make, names, fans):
    model = make()
    others = [Rule("*", "zeros")] * (len(list(model.parameters())) > 1)
    (done,) = [d for d in initialise(model, [Rule(names, "normal"), *others], key=1) if d.law == "normal"]
    assert done.fans == fans
    assert done.std == 1 / math.sqrt(fans[0])


UNTOLD = [
    (lambda: nn.LayerNorm((4, 6)), "weight"),
    (lambda: nn.MultiheadAttention(6, 2, add_bias_kv=True), "bias_k"),
]


@pytest.mark.parametrize(("make", "names"), UNTOLD)
def test_modules_do_not_tell_what_is_no_matrix(make, names):
    refused(make(), [Rule(names, "normal"), Rule("*", "zeros")], "layout=None")


def test_a_subclass_that_turns_its_weight_round_is_not_known():
    """Known by the module's type only while the weight has the shape that its sizes say."""
    layer = type("InOut", (nn.Linear,), {})(3, 5)
    layer.weight = nn.Parameter(layer.weight.detach().T.clone())
    refused(layer, [Rule("weight", "normal"), Rule("bias", "zeros")], "layout=None")
    assert report_of(layer, Rule("weight", "normal", layout="(in, out)"), Rule("bias", "zeros"))["weight"].fans == (
        3,
        5,
    )


def test_a_weight_that_layers_use_in_two_ways_has_no_fan_until_it_is_said():
    for first in ("tokens", "head"):
        layers = {"tokens": nn.Embedding(11, 6), "head": nn.Linear(6, 11, bias=False)}
        model = nn.ModuleDict({name: layers[name] for name in (first, *layers)})
        model["head"].weight = model["tokens"].weight
        refused(model, [Rule("*", "normal")], "share a weight and use it as")
        assert initialise(model, [Rule("*", "normal", layout="dense")], key=1)[0].fans == (6, 11)
        assert initialise(model, [Rule("*", "normal", std=0.02)], key=1)[0].std == 0.02


def test_a_weight_that_equal_layers_share_is_known():
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    model[1].weight = model[0].weight
    assert initialise(model, [Rule("*", "normal")], key=1)[0].fans == (4, 4)


# -- the laws ----------------------------------------------------------------------------------------------------------


def measured(wanted: Variate, shape: tuple[int, ...], look=lambda w: w, **rule):
    """The verdict on what a rule draws into a raw float64 parameter, seen through `look`."""

    def draw(size, seed):
        model = Raw(*size, dtype=torch.float64)
        initialise(model, [Rule("*", **rule)], key=seed)
        return look(model.w.detach()).numpy()

    return varlaw.check(draw, wanted, shape=shape, delta=0.05, beta=1e-3, name="initialise")


def softplus_log(w):
    return torch.nn.functional.softplus(w).log()


LAWS = {
    "experts": (Normal(64**-0.5), (4, 48, 64), {"law": "normal", "layout": "experts"}),
    "experts, inputs first": (Normal(48**-0.5), (4, 48, 64), {"law": "normal", "layout": "(experts, in, out)"}),
    "inputs first": (Normal(48**-0.5), (48, 64), {"law": "normal", "layout": "(in, out)"}),
    "a table": (Normal(1.0), (1, 49, 64), {"law": "normal", "layout": "embedding"}),
    "a mean": (Normal(0.02, mean=1.0), (48, 64), {"law": "normal", "mean": 1.0, "std": 0.02}),
    "a uniform mean": (UniformRange(2.5, 3.5), (48, 64), {"law": "uniform", "mean": 3.0, "std": 12**-0.5}),
    "a range": (UniformRange(2.0, 5.0), (48, 64), {"law": "uniform", "low": 2.0, "high": 5.0}),
    "a logarithm": (
        UniformRange(math.log(1e-3), math.log(0.1)), (48, 64),
        {"law": "log_uniform", "low": 1e-3, "high": 0.1}, torch.log,
    ),
    "Mamba's dt": (
        UniformRange(math.log(1e-3), math.log(0.1)), (48, 64),
        {"law": "log_uniform", "low": 1e-3, "high": 0.1, "softplus": True}, softplus_log,
    ),
    "a truncated mean": (
        TruncatedNormal.with_std(0.5), (48, 64), {"law": "truncated_normal", "mean": 2.0, "std": 0.5}, lambda w: w - 2
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", LAWS.values(), ids=LAWS.keys())
def test_rules_hold_what_they_say(case):
    law, shape, rule, *look = case
    assert measured(law, shape, *look, **rule).outcome == "CONFORMS"


WRONG = [
    (Normal(3072**-0.5), (4, 48, 64), {"law": "normal", "layout": "experts"}),
    (Normal(64**-0.5), (48, 64), {"law": "normal", "layout": "(in, out)"}),
    (Normal(0.02), (48, 64), {"law": "normal", "mean": 0.01, "std": 0.02}),
    (UniformRange(1e-3, 0.1), (48, 64), {"law": "log_uniform", "low": 1e-3, "high": 0.1}),
]


@pytest.mark.parametrize(("law", "shape", "rule"), WRONG)
def test_the_wrong_law_would_be_seen(law, shape, rule):
    assert measured(law, shape, **rule).outcome == "VIOLATES"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_mean_is_added_before_the_draw_is_rounded(dtype):
    model = Raw(6, 5, dtype=dtype)
    initialise(model, [Rule("w", "normal", mean=1.0, std=0.02)], key=3)
    wide = torch.float64 if dtype is torch.float64 else torch.float32
    wanted = keyed_normal((6, 5), 0.02, key=3, name="w", dtype=wide) + 1
    assert torch.equal(model.w, wanted.to(dtype))


def test_a_range_is_kept():
    model = Raw(1000)
    for law, low, high in (("uniform", 3.0, 3.0000005), ("uniform", -1.0, 2.0), ("log_uniform", 0.1, 0.10000001)):
        initialise(model, [Rule("w", law, low=low, high=high)], key=3)
        least, most = torch.tensor([low, high], dtype=torch.float64).float()
        assert bool(((model.w >= least) & (model.w <= most)).all())


IDENTITIES = [
    (lambda: Raw(3, 3), {}, lambda eye: eye(3, 3)),
    (lambda: Raw(4, 3), {"gain": 2.0}, lambda eye: 2 * eye(4, 3)),
    (lambda: Raw(2, 3, 4), {"layout": "experts"}, lambda eye: eye(3, 4).expand(2, 3, 4)),
    (lambda: nn.Linear(3, 5, bias=False), {}, lambda eye: eye(5, 3)),
    (lambda: nn.RNNCell(3, 3, bias=False), {}, lambda eye: eye(3, 3)),
    (lambda: nn.LSTMCell(3, 3, bias=False), {}, lambda eye: torch.cat([eye(3, 3)] * 4)),
]


@pytest.mark.parametrize(("make", "given", "wanted"), IDENTITIES)
def test_identities_are_those_of_each_matrix(make, given, wanted):
    model = make()
    initialise(model, [Rule("*", "identity", **given)], key=1)
    for weight in model.parameters():
        assert torch.equal(weight.detach(), wanted(torch.eye))


def test_an_identity_convolution_copies_its_input():
    layer = nn.Conv2d(4, 4, 3, groups=2, padding=1, bias=False)
    initialise(layer, [Rule("*", "identity")], key=1)
    x = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(layer(x), x)


@pytest.mark.parametrize("layout", ["experts", "(experts, in, out)"])
def test_each_expert_is_orthogonal_and_no_two_are_alike(layout):
    model = Raw(3, 4, 6, dtype=torch.float64)
    initialise(model, [Rule("w", "orthogonal", gain=2.0, layout=layout)], key=1)
    q = model.w.detach() / 2
    gram = q @ q.mT
    bound = 100 * 6 * 2.0**-53  # Higham 2002, theorem 19.4, with a generous constant
    assert float((gram - torch.eye(4, dtype=torch.float64)).abs().max()) <= bound
    assert float((q[0] - q[1]).abs().max()) > 0.1


# -- parts -------------------------------------------------------------------------------------------------------------


def test_one_gate_is_drawn_by_its_own_rule_and_the_rest_by_the_next():
    model = nn.LSTM(3, 4)
    rules = [
        Rule("weight_hh*", "orthogonal", part="g"),
        Rule("bias*", "constant", part="f", value=0.5),
        Rule("bias*", "zeros"),
        Rule("weight*", "normal"),
    ]
    report = initialise(model, rules, key=5)
    gates = dict(zip("ifgo", model.weight_hh_l0.detach().double().chunk(4), strict=True))
    assert float((gates["g"] @ gates["g"].T - torch.eye(4)).abs().max()) < 1e-6
    plain = keyed_normal((16, 4), 0.5, key=5, name="weight_hh_l0")
    for gate, place in (("i", 0), ("f", 4), ("o", 12)):
        assert torch.equal(gates[gate].float(), plain[place : place + 4])
    assert model.bias_ih_l0.tolist() == [0.0] * 4 + [0.5] * 4 + [0.0] * 8
    assert [(d.law, d.part) for d in report if d.name == "bias_hh_l0"] == [("constant", ((4, 8),)), ("zeros", None)]


def test_parts_of_a_packed_matrix_have_their_own_fans():
    model = nn.MultiheadAttention(6, 2, bias=False)
    rules = [
        Rule("in_proj_weight", "normal", part="v", mode="fan_avg"),
        Rule("in_proj_weight", "uniform", part=slice(0, 12), mode="fan_out"),
        Rule("out_proj.weight", "zeros"),
    ]
    value, both, _ = initialise(model, rules, key=5)
    assert (value.fans, both.fans, value.part, both.part) == ((6, 6), (6, 12), ((12, 18), (0, 6)), ((0, 12), (0, 6)))
    wanted = keyed_uniform((12, 6), math.sqrt(3) * both.std, key=5, name="in_proj_weight", within=(18, 6))
    assert torch.equal(model.in_proj_weight[:12], wanted)


def test_columns_and_single_places_are_parts_too():
    model = Raw(4, 6)
    corner = Rule("w", "constant", part=(0, -1), value=3.0)
    rules = [corner, Rule("w", "keep", part=(slice(None), slice(2))), Rule("w", "ones")]
    initialise(model, rules, key=1)
    wanted = torch.ones(4, 6)
    wanted[:, :2], wanted[0, -1] = 7.0, 3.0
    assert torch.equal(model.w.detach(), wanted)


def test_a_parameter_of_no_numbers_obeys_a_rule_too():
    model = Raw(0, 3)
    assert report_of(model, Rule("*", "normal", std=1.0))["w"].part is None
    refused(model, [Rule("*", "zeros", part=0)], "part=0")
    refused(model, [Rule("x", "zeros")], "no rule for w")


def test_what_no_part_covers_is_said():
    model = nn.LSTM(3, 4, bias=False)
    refused(model, [Rule("*", "zeros", part=gate) for gate in "ifg"], r"no rule for weight_ih_l0\[12:16, 0:3\]")
    initialise(model, [Rule("*", "zeros", part=gate) for gate in "ifgo"], key=1)
    refused(model, [Rule("*", "zeros"), Rule("*", "ones", part="f")], "rules that each match a parameter")
    refused(model, [*(Rule("*", "zeros", part=gate) for gate in "ifgo"), Rule("*", "ones")], "each match a parameter")


BAD = {
    "a gate of no LSTM": (nn.Linear(3, 4), {"law": "zeros", "part": "f"}, r"part='f'.*an index into \(4, 3\)"),
    "a gate of another cell": (nn.GRU(3, 4), {"law": "zeros", "part": "f"}, "one of 'r', 'z', 'n'"),
    "two gates": (nn.LSTM(3, 4), {"law": "zeros", "part": "if"}, "part='if'"),
    "beyond the end": (Raw(4, 3), {"law": "zeros", "part": slice(2, 5)}, "at most the 4"),
    "before the start": (Raw(4, 3), {"law": "zeros", "part": -5}, "part=-5"),
    "nothing": (Raw(4, 3), {"law": "zeros", "part": slice(2, 2)}, "at least one"),
    "in steps": (Raw(4, 3), {"law": "zeros", "part": slice(0, 4, 2)}, "steps of 1"),
    "too many axes": (Raw(4, 3), {"law": "zeros", "part": (0, 0, 0)}, r"an index into \(4, 3\)"),
    "no axis": (Raw(), {"law": "zeros", "part": 0}, "an index into"),
    "a number": (Raw(4, 3), {"law": "zeros", "part": 1.5}, "whole numbers and slices"),
    "a part of groups": (
        nn.Conv1d(4, 4, 3, groups=2),
        {"law": "normal", "part": slice(0, 2)},
        "convolution with groups",
    ),
    "a mean of zeros": (Raw(4), {"law": "zeros", "mean": 1.0}, "mean=1.0.*left out with law 'zeros'"),
    "a range of a normal": (Raw(4), {"law": "normal", "low": 1.0}, "low=1.0.*left out"),
    "half a range": (Raw(4), {"law": "uniform", "low": 1.0}, "high=None"),
    "an empty range": (Raw(4), {"law": "uniform", "low": 1.0, "high": 1.0}, "low < high"),
    "a range and a std": (Raw(4), {"law": "uniform", "low": 1.0, "high": 2.0, "std": 1.0}, "left out beside"),
    "a log of zero": (Raw(4), {"law": "log_uniform", "low": 0.0, "high": 2.0}, "0 < low < high"),
    "no range": (Raw(4), {"law": "log_uniform"}, "low=None"),
    "NaN mean": (Raw(4), {"law": "normal", "mean": math.nan, "std": 1.0}, "mean=nan"),
    "a mean too large": (Raw(4), {"law": "normal", "mean": 1e300, "std": 1.0}, "mean=1e"),
    "softplus of a normal": (Raw(4), {"law": "normal", "softplus": True, "std": 1.0}, "softplus=True"),
    "groups without a layout": (Raw(4, 4, 3), {"law": "normal", "groups": 2}, "groups, stride"),
    "groups of a module": (nn.Conv1d(4, 4, 3), {"law": "normal", "groups": 2, "layout": "conv"}, "torch's module"),
    "an unknown layout": (Raw(4, 4), {"law": "normal", "layout": "hwio"}, r"layout='hwio'.*'\(in, out\)'"),
    "identity of a vector": (Raw(4), {"law": "identity"}, "2 axes"),
    "identity of even taps": (nn.Conv1d(4, 4, 2), {"law": "identity"}, "odd numbers of taps"),
    "identity of a form": (nn.Bilinear(3, 3, 3), {"law": "identity"}, "layout='bilinear'"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_bad_rules_write_nothing(case):
    model, rule, words = case
    refused(model, [Rule("*bias*", "zeros")] * ("bias" in dict(model.named_parameters())) + [Rule("*", **rule)], words)


def test_boxes_cover_what_an_array_of_marks_says():
    """Boxes drawn at random against marks in an array."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        shape = tuple(rng.integers(1, 5, size=rng.integers(1, 4)))
        boxes = [
            box_of(tuple(_slice(rng, int(n)) for n in shape), "", shape, "test") for _ in range(rng.integers(1, 5))
        ]
        marks = np.zeros(shape, dtype=bool)
        for box in boxes[1:]:
            marks[tuple(slice(*ends) for ends in box)] = True
        here = marks[tuple(slice(*ends) for ends in boxes[0])]
        missing = uncovered(boxes[0], boxes[1:])
        assert (missing is None) == bool(here.all())
        if missing is not None:
            assert not marks[tuple(slice(*ends) for ends in missing)].any()
        shared = meeting(boxes[0], boxes[-1])
        both = np.zeros(shape, dtype=int)
        for box in (boxes[0], boxes[-1]):
            both[tuple(slice(*ends) for ends in box)] += 1
        if len(boxes) > 1:
            assert (0 if shared is None else math.prod(b - a for a, b in shared)) == int((both == 2).sum())


def _slice(rng, size):
    first = int(rng.integers(0, size))
    return slice(first, int(rng.integers(first + 1, size + 1)))


def test_padding_rows_stay_zero_whatever_part_is_drawn():
    model = nn.Embedding(6, 4, padding_idx=3)
    initialise(model, [Rule("*", "normal", part=slice(2, 5), std=1.0), Rule("*", "ones")], key=1)
    assert [bool(row.any()) for row in model.weight] == [True, True, True, False, True, True]
