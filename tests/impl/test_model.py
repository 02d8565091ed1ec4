"""Whole models: every parameter by a rule, the same values wherever the model lives."""

import math
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 (needs the skip above)
from torch.nn.utils import prune  # noqa: E402

import varlaw.impl.torch as ours  # noqa: E402
from varlaw.impl.torch import Rule, initialise  # noqa: E402

NORMS = (nn.LayerNorm, nn.BatchNorm2d)


class Small(nn.Module):
    """One of each kind of parameter that a rule has to get right."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6, padding_idx=3)
        self.conv = nn.Conv2d(4, 8, 3, groups=2, stride=2)
        self.up = nn.ConvTranspose1d(4, 8, 4, stride=2)
        self.attention = nn.MultiheadAttention(6, 2)
        self.norm = nn.LayerNorm(6)
        self.proj = nn.Linear(6, 5)
        self.head = nn.Linear(6, 11, bias=False)
        self.head.weight = self.embedding.weight


RECIPE = [
    Rule("*bias", "zeros"),
    Rule("*", "ones", module=NORMS),
    Rule("embedding.weight", "normal", std=0.02),
    Rule("proj.weight", "orthogonal", gain=2.0),
    Rule("up.weight", "truncated_normal"),
    Rule("attention.*", "uniform", mode="fan_avg"),
    Rule("conv.weight", "normal", gain=math.sqrt(2)),
]


def test_every_parameter_is_reported_with_what_was_done():
    model = Small()
    report = {done.name: done for done in initialise(model, RECIPE, key=3)}
    assert list(report) == [name for name, _ in model.named_parameters()]
    assert report["conv.weight"].fans == (18, 9)
    assert report["conv.weight"].std == math.sqrt(2) / math.sqrt(18)
    assert report["up.weight"].fans == (8, 32)
    assert report["attention.in_proj_weight"].fans == (6, 6)
    assert report["embedding.weight"].aliases == ("head.weight",)
    assert report["embedding.weight"].std == 0.02
    assert report["norm.weight"].law == "ones"


def test_values_are_those_of_the_address():
    model = Small()
    initialise(model, RECIPE, key=3)
    wanted = ours.keyed_normal((8, 2, 3, 3), math.sqrt(2) / math.sqrt(18), key=3, name="conv.weight")
    assert torch.equal(model.conv.weight, wanted)
    assert not model.embedding.weight[3].any()
    assert model.embedding.weight[2].all()
    q = model.proj.weight.detach().double() / 2
    assert float((q @ q.T - torch.eye(5)).abs().max()) < 1e-6
    assert not model.proj.bias.any()
    assert bool((model.norm.weight == 1).all())


def test_meta_and_to_empty_give_the_values_of_the_plain_model():
    plain = Small()
    initialise(plain, RECIPE, key=3)
    with torch.device("meta"):
        empty = Small()
    with pytest.raises(ValueError, match="to_empty"):
        initialise(empty, RECIPE, key=3)
    empty = empty.to_empty(device="cpu")
    empty.head.weight = empty.embedding.weight
    initialise(empty, RECIPE, key=3)
    for (name, mine), (_, other) in zip(plain.named_parameters(), empty.named_parameters(), strict=True):
        assert torch.equal(mine, other), name


def test_order_and_neighbours_do_not_matter():
    alone, together = nn.ModuleDict({"b": nn.Linear(3, 2)}), nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(3, 2)})
    for model in (alone, together):
        initialise(model, [Rule("*", "normal", std=1.0)], key=1)
    assert torch.equal(alone["b"].weight, together["b"].weight)
    assert not torch.equal(together["a"].weight[:2, :3], together["b"].weight)


def refused(model, recipe, words):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises((ValueError, TypeError), match=words) as caught:
        initialise(model, recipe, key=1)
    assert "\n" not in str(caught.value)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_nothing_is_left_out_and_nothing_is_written_by_halves():
    model = nn.Linear(3, 2)
    refused(model, [Rule("weight", "normal")], "no rule for bias")
    refused(model, [Rule("*", "zeros"), Rule("c_proj.weight", "zeros")], r"c_proj\.weight")
    refused(model, [Rule("weight", "zeros"), Rule("bias", "normal")], "shape")
    refused(model, [Rule("weight", "zeros"), Rule("bias", "orthogonal")], "2 axes")
    refused(model, [Rule("weight", "zeros"), Rule("bias", "gaussian")], "law='gaussian'")
    refused(model, [Rule("weight", "normal", std=math.nan), Rule("bias", "zeros")], "std=nan")
    refused(model, ["zeros"], "a Rule")
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        initialise([model], [Rule("*", "zeros")], key=1)


BAD_RECIPES = {
    "nothing": (None, "recipe=None"),
    "one rule": (Rule("*", "zeros"), "recipe="),
    "names that are no glob": ([Rule(3, "zeros")], r"recipe\[0\]\.names"),
    "a module that is no class": ([Rule("*", "zeros", module="Linear")], r"recipe\[0\]\.module"),
    "a gain that is no number": ([Rule("weight", "orthogonal", gain=math.nan), Rule("bias", "zeros")], "gain=nan"),
    "a gain too large": ([Rule("bias", "zeros"), Rule("weight", "orthogonal", gain=1e300)], "gain=1e"),
    "a std too large": ([Rule("bias", "zeros"), Rule("weight", "uniform", std=3e38)], "std="),
    "a value too large": ([Rule("bias", "zeros"), Rule("weight", "constant", value=1e300)], "value=1e"),
    "an unknown mode": ([Rule("*", "normal", std=1.0, mode="fan")], "mode='fan'"),
}


@pytest.mark.parametrize("case", BAD_RECIPES.values(), ids=BAD_RECIPES.keys())
def test_bad_recipes_write_nothing(case):
    refused(nn.Linear(3, 2), *case)


@pytest.mark.parametrize("key", [-1, 2**64, 1.5, True, None])
def test_a_bad_key_writes_nothing_even_where_nothing_is_drawn(key):
    model = nn.Linear(3, 2)
    with pytest.raises((ValueError, TypeError), match="key="):
        initialise(model, [Rule("*", "zeros")], key=key)
    assert model.weight.any()


def with_parameter(parameter):
    model = nn.Linear(3, 2)
    model.other = parameter
    return model


def test_parameters_that_cannot_be_filled_are_refused_before_anything_is_written():
    rules = [Rule("*", "normal", std=1.0)]
    refused(with_parameter(nn.Parameter(torch.arange(3), requires_grad=False)), rules, r"dtype.*initialise\(other\)")
    refused(with_parameter(nn.Parameter(torch.zeros(3, dtype=torch.complex64))), rules, "dtype")
    refused(with_parameter(nn.Parameter(torch.zeros(1).expand(3))), rules, "share memory")
    shared = nn.Linear(3, 2)
    shared.other = nn.Parameter(shared.weight.detach()[0])
    refused(shared, rules, "in the memory of weight")
    with pytest.raises(ValueError, match="lazy"):
        initialise(nn.Sequential(nn.Linear(3, 2), nn.LazyLinear(2)), rules, key=1)


def test_a_recipe_may_be_a_generator_and_twice_is_once():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    assert len(initialise(model, (Rule(glob, "normal", std=1.0) for glob in ("*bias", "*")), key=1)) == 4
    before = [parameter.clone() for parameter in model.parameters()]
    initialise(model, [Rule("*", "normal", std=1.0)], key=1)
    assert all(torch.equal(*pair) for pair in zip(before, model.parameters(), strict=True))


def test_padding_rows_stay_zero_whoever_owns_the_weight_first():
    model = nn.ModuleDict({"head": nn.Linear(6, 11, bias=False), "tokens": nn.Embedding(11, 6, padding_idx=3)})
    model["head"].weight = model["tokens"].weight
    initialise(model, [Rule("*", "normal", std=1.0)], key=1)
    assert not model["tokens"].weight[3].any()
    bag = nn.EmbeddingBag(11, 6, padding_idx=3)
    initialise(bag, [Rule("*", "normal", std=1.0)], key=1)
    assert not bag.weight[3].any()


LENGTHS = [Rule("*weight_g", "ones"), Rule("*original0", "ones")]
WRAPS = [
    (nn.utils.parametrizations.spectral_norm, []),
    (nn.utils.parametrizations.weight_norm, LENGTHS[1:]),
    (nn.utils.spectral_norm, []),
    (nn.utils.weight_norm, LENGTHS[:1]),
    (lambda layer: prune.random_unstructured(layer, "weight", 0.5), []),
]


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(("wrap", "lengths"), WRAPS)
def test_a_parametrised_weight_has_the_fans_of_its_layer(wrap, lengths):
    model = nn.Sequential(wrap(nn.ConvTranspose2d(4, 8, 3, groups=2, stride=2, bias=False)))
    report = initialise(model, [*lengths, Rule("*", "normal")], key=1)
    assert report[-1].fans == (4.5, 36)
    if lengths:
        refused(model, [Rule("*", "normal")], r"what the axes of \(4, 1, 1, 1\) are")


def test_packed_gates_have_the_fans_of_one_gate():
    for cell, proj in ((nn.LSTM(4, 6, proj_size=3), 3), (nn.GRU(4, 6), 6)):
        found = {
            done.name: done.fans for done in initialise(cell, [Rule("bias*", "zeros"), Rule("*", "normal")], key=1)
        }
        assert found["weight_ih_l0"] == (4, 6)
        assert found["weight_hh_l0"] == (proj, 6)


def test_a_parametrised_weight_is_not_taken_for_the_plain_one():
    """After weight_norm there is no parameter called weight: its rule says so instead of writing to nothing."""
    model = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    refused(model, [Rule("weight", "normal"), Rule("bias", "zeros")], "no rule for parametrizations")


def test_keep_keeps_and_says_so():
    model = nn.Linear(3, 2)
    before = model.weight.clone()
    report = initialise(model, [Rule("weight", "keep"), Rule("bias", "constant", value=0.5)], key=1)
    assert torch.equal(model.weight, before)
    assert [done.law for done in report] == ["keep", "constant"]
    assert bool((model.bias == 0.5).all())


def test_two_processes_hold_the_parts_of_the_same_model(tmp_path):
    """FSDP2 and tensor-parallel placements over two gloo ranks: parts of the plain model, and the norm of the whole."""
    script = Path(__file__).with_name("two_ranks.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip() == "equal", done.stderr[-2000:]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="asks Linux for the most that was held")
def test_a_rank_never_holds_more_than_its_shard_and_one_tensor(tmp_path):
    script = Path(__file__).with_name("two_ranks_memory.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "store")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.endswith("held\n"), done.stderr[-2000:]
