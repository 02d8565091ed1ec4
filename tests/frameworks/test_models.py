"""Claims on whole models: VIOLATES on each planted mistake of a small torch model, CONFORMS on the model without it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.registry import select
from varlaw.subjects.subject import FirstLoss, Framework, Model, Role
from varlaw.verify.claim import Claim, Finding, NotApplicable, Trial
from varlaw.verify.claims import claims_of

torch = pytest.importorskip("torch")

from varlaw.subjects.modules import norm_gains, parameters, poisoned, tensors  # noqa: E402 - torch comes first

Change = Callable[[Any], None]
_STD, _LAYERS, _WIDTH, _VOCABULARY = 0.02, 2, 32, 64


class _Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(_WIDTH)
        self.up = torch.nn.Linear(_WIDTH, 48)
        self.c_proj = torch.nn.Linear(48, _WIDTH)
        self.gate = torch.nn.Parameter(torch.empty(3, _WIDTH, 16))


class _Network(torch.nn.Module):
    """A small network that starts as it should: N(0, 0.02^2), residual projections scaled, biases zero."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(_VOCABULARY, _WIDTH, padding_idx=3)
        self.layers = torch.nn.ModuleList([_Block() for _ in range(_LAYERS)])
        self.head = torch.nn.Linear(_WIDTH, _VOCABULARY, bias=False)
        self.register_buffer("steps", torch.arange(4.0))
        self.initialise()

    def initialise(self) -> None:
        """As a framework's `init_weights` does, on memory that may hold anything."""
        with torch.no_grad():
            for name, p in self.named_parameters():
                if name.endswith("norm.weight"):
                    p.fill_(1.0)
                elif name.endswith("bias"):
                    p.zero_()
                else:
                    p.normal_(0.0, _STD / (2 * _LAYERS) ** 0.5 if "c_proj" in name else _STD)
            self.embedding.weight[3] = 0.0
            self.steps.copy_(torch.arange(4.0))


_ROLES = (
    Role(role="linear", documented="Normal(std)"),
    Role(role="embedding", documented="Normal(std)"),
    Role(role="residual", documented="Normal(std/sqrt(2*n_layer))"),
    Role(role="bias", documented="Constant(0)"),
)


def _promised(model: Any) -> Mapping[str, Any]:
    found = parameters(model, lambda m, prefix: {"std": _STD, "n_layer": _LAYERS})
    return {n: replace(p, role="residual") if n.endswith("c_proj.weight") else p for n, p in found.items()}


def _model(change: Change = lambda network: None, loss: float = 0.0, rebuild: Change = _Network.initialise) -> Model:
    """The subject of a network with `change` made to it; `loss` is added to ln C."""

    def built(seed: int) -> Any:
        torch.manual_seed(seed)
        with poisoned():
            network = _Network()
            with torch.no_grad():
                change(network)
        return network

    def draws(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        with torch.random.fork_rng(devices=[]):
            for i in range(count):
                yield tensors(built(seed + i))

    def rebuilt(case: Any, dtype: str, device: str, seed: int) -> Mapping[str, Any]:
        with torch.random.fork_rng(devices=[]), poisoned():
            with torch.device("meta"):
                network = _Network()
            network.to_empty(device="cpu")
            rebuild(network)
            return tensors(network)

    def first_loss(case: Any, dtype: str, device: str, seed: int) -> FirstLoss:
        logs = float(torch.log(torch.tensor(float(_VOCABULARY), dtype=torch.float64)))
        return FirstLoss(loss=logs + loss, classes=_VOCABULARY, samples=512, logits_std=0.1)

    return Model(
        name="toy", framework=Framework(name="toy", version=lambda: "1", devices=lambda: ("cpu",)), op="model",
        roles=_ROLES, parameters=lambda case: _promised(_Network()), draws=draws, rebuilt=rebuilt,
        gains=lambda case, dtype, device, seed: norm_gains(built(seed), seed), first_loss=first_loss,
    )  # fmt: skip


def _finding(subject: Model, name: str, factor: float = 1.0, case: Mapping[str, Any] | None = None) -> Finding:
    (claim,) = (c for c in claims_of(subject) if c.name == name)
    return _judged(claim, factor, case or {"scale": 1.0})


def _judged(claim: Claim, factor: float, case: Mapping[str, Any]) -> Finding:
    params = canonical({"case": case, "dtype": "float32"})
    key = Key("teeth", f"{claim.name}:{claim.target}", params)
    return claim.judge(Trial(case, "float32", "cpu", POLICIES["pr"], key, factor))


_BLOCK = "layers.1."


def _multiplied(name: str, factor: float) -> Change:
    return lambda network: network.get_parameter(name).mul_(factor)


def _filled(name: str, value: float) -> Change:
    return lambda network: network.get_parameter(name).fill_(value)


def _copied(network: Any) -> None:
    network.layers[1].up.weight.copy_(network.layers[0].up.weight)


def _correlated(network: Any) -> None:
    first, second = network.layers[0].up.weight, network.layers[1].up.weight
    second.copy_(0.6 * first + 0.8 * second)


def _experts_alike(network: Any) -> None:
    network.layers[0].gate[2] = network.layers[0].gate[0]


def _forgotten(network: Any) -> None:
    network.layers[0].gate = torch.nn.Parameter(torch.empty(3, _WIDTH, 16))


def _padding(network: Any) -> None:
    network.embedding.weight[3] = _STD


def _default(network: Any) -> None:
    network.layers[0].up.reset_parameters()


MISTAKES: dict[str, tuple[str, Change]] = {
    "residual projections as all others": ("model.residual", _multiplied(f"{_BLOCK}c_proj.weight", 2.0)),
    "one matrix half as wide": ("model.linear", _multiplied(f"{_BLOCK}up.weight", 0.5)),
    "left at torch's default": ("model.linear", _default),
    "left at torch's default, its bias": ("model.bias", _default),
    "never initialised, in its role": ("model.linear", _forgotten),
    "a padding row that is not zero": ("model.embedding", _padding),
    "an embedding of variance 1": ("model.embedding", _multiplied("embedding.weight", 50.0)),
    "a bias of 0.1": ("model.bias", _filled(f"{_BLOCK}up.bias", 0.1)),
    "a norm of gain 2": ("model.norm", _filled(f"{_BLOCK}norm.weight", 2.0)),
    "a norm of gain 0": ("model.norm", _filled(f"{_BLOCK}norm.weight", 0.0)),
    "never initialised": ("structure.initialised", _forgotten),
    "a layer copied": ("structure.distinct", _copied),
    "an expert copied": ("structure.distinct", _experts_alike),
    "a layer mixed with another": ("structure.uncorrelated", _correlated),
    "a matrix of zeros": ("structure.constant", _filled(f"{_BLOCK}up.weight", 0.0)),
}


@pytest.mark.parametrize("name", sorted({c for c, _ in MISTAKES.values()} | {"loss.initial", "structure.meta"}))
def test_the_truth_conforms(name: str) -> None:
    finding = _finding(_model(), name)
    assert finding.outcome == "CONFORMS", finding


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_violates(mistake: str) -> None:
    name, change = MISTAKES[mistake]
    finding = _finding(_model(change), name)
    assert finding.outcome == "VIOLATES", finding
    assert finding.detail


@pytest.mark.parametrize(("excess", "outcome"), [(0.4, "CONFORMS"), (5.0, "VIOLATES"), (-0.6, "VIOLATES")])
def test_the_first_loss_is_held_to_logits_of_variance_one(excess: float, outcome: str) -> None:
    assert _finding(_model(loss=excess), "loss.initial").outcome == outcome


def _without_buffers(network: Any) -> None:
    steps = network.steps.clone()
    network.initialise()
    network.steps.copy_(steps)


def test_a_buffer_lost_on_the_meta_device_violates() -> None:
    finding = _finding(_model(rebuild=_without_buffers), "structure.meta")
    assert (finding.outcome, finding.detail) == ("VIOLATES", "1 of 17: steps")


def test_a_foreseen_ratio_is_confirmed_and_another_is_not() -> None:
    twice = _model(_multiplied(f"{_BLOCK}c_proj.weight", 2.0))
    assert _finding(twice, "model.residual", factor=2.0).outcome == "CONFORMS"
    assert _finding(twice, "model.residual", factor=1.5).outcome == "VIOLATES"
    assert _finding(_model(), "model.residual", factor=2.0).outcome == "VIOLATES"
    zero = _model(_filled(f"{_BLOCK}up.weight", 0.0))
    assert _finding(zero, "model.linear", factor=0.0).outcome == "CONFORMS"
    bias = _model(_default)
    assert _finding(bias, "model.bias", factor=float("inf")).outcome == "CONFORMS"


def test_the_worst_parameter_is_reported_and_all_are_named() -> None:
    def change(network: Any) -> None:
        network.layers[0].up.weight.mul_(3.0)
        network.layers[1].up.weight.mul_(1.5)

    finding = _finding(_model(change), "model.linear")
    assert finding.ratio == pytest.approx(3.0, rel=0.2)
    assert finding.detail.startswith("2 of 5: layers.*.up.weight x")


def test_a_role_that_nothing_plays_is_not_applicable() -> None:
    model = replace(_model(), roles=(Role(role="recurrent", documented="Normal(std)"),))
    with pytest.raises(NotApplicable, match="no parameter"):
        _finding(model, "model.recurrent")


def test_gpt2_scales_its_residual_projections() -> None:
    """As 5.23.0 does; 5.14.1 gave them the full std (huggingface/transformers#47458)."""
    pytest.importorskip("transformers")
    (gpt2,) = select(["transformers.gpt2"])
    assert isinstance(gpt2, Model)
    assert _finding(gpt2, "model.residual").outcome == "CONFORMS"
    assert _finding(gpt2, "model.linear", case={"scale": 2.0}).outcome == "CONFORMS"


def test_claims_and_cases_share_the_models_that_are_built() -> None:
    built: list[int] = []
    model = _model()

    def counted(case: Any, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Any]]:
        built.append(seed)
        return model.draws(case, dtype, device, seed, count)

    watched = replace(model, draws=counted)
    outcomes = [
        _finding(watched, name, case={"scale": scale}).outcome
        for name in ("model.linear", "structure.distinct", "model.embedding", "model.linear")
        for scale in (1.0, 2.0)
    ]
    assert set(outcomes) == {"CONFORMS"}
    repeated = len(built) - len(set(built))
    assert repeated == 2, "only the first of each case, to see that it repeats"


def test_small_parameters_are_certified_on_more_models_than_large_ones() -> None:
    def change(network: Any) -> None:
        network.layers[0].up.weight[1:] = 0.0

    model = replace(
        _model(change), roles=(Role(role="vector", documented="Normal(std)"),), parameters=_promised_vectors
    )
    finding = _finding(model, "model.vector")
    assert finding.outcome == "CONFORMS", finding
    assert finding.samples > 16 * _WIDTH


def _promised_vectors(case: Any) -> Mapping[str, Any]:
    """One row of a matrix as if it were all that plays a role."""
    found = _promised(_Network())
    few = replace(found["layers.0.up.weight"], role="vector", zero_rows=tuple(range(1, 48)))
    return {**found, "layers.0.up.weight": few}
