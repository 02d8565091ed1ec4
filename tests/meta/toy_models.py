"""A small torch model that keeps its promises, with planted mistakes for every claim on whole models."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from varlaw.claims.claim import Claim, Finding, Trial, foreseen
from varlaw.claims.tables import claims_of
from varlaw.evidence.budget import POLICIES
from varlaw.evidence.streams import Key, canonical
from varlaw.subjects.modules import norm_gains, parameters, poisoned, tensors
from varlaw.subjects.subject import FirstLoss, Framework, Model, Role

Change = Callable[[Any], None]
_STD, _LAYERS, WIDTH, _VOCABULARY = 0.02, 2, 32, 64


class _Block(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = torch.nn.LayerNorm(WIDTH)
        self.up = torch.nn.Linear(WIDTH, 48)
        self.c_proj = torch.nn.Linear(48, WIDTH)
        self.gate = torch.nn.Parameter(torch.empty(3, WIDTH, 16))


class Network(torch.nn.Module):
    """A small network that starts as it should: N(0, 0.02^2), residual projections scaled, biases zero."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(_VOCABULARY, WIDTH, padding_idx=3)
        self.layers = torch.nn.ModuleList([_Block() for _ in range(_LAYERS)])
        self.head = torch.nn.Linear(WIDTH, _VOCABULARY, bias=False)
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


def promised(model: Any) -> Mapping[str, Any]:
    found = parameters(model, lambda m, prefix: {"std": _STD, "n_layer": _LAYERS})
    return {n: replace(p, role="residual") if n.endswith("c_proj.weight") else p for n, p in found.items()}


def toy(change: Change = lambda network: None, loss: float = 0.0, rebuild: Change = Network.initialise) -> Model:
    """The subject of a network with `change` made to it; `loss` is added to ln C."""

    def built(seed: int) -> Any:
        torch.manual_seed(seed)
        with poisoned():
            network = Network()
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
                network = Network()
            network.to_empty(device="cpu")
            rebuild(network)
            return tensors(network)

    def first_loss(case: Any, dtype: str, device: str, seed: int) -> FirstLoss:
        logs = float(torch.log(torch.tensor(float(_VOCABULARY), dtype=torch.float64)))
        return FirstLoss(loss=logs + loss, classes=_VOCABULARY, samples=512, logits_std=0.1)

    return Model(
        name="toy", framework=Framework(name="toy", version=lambda: "1", devices=lambda: ("cpu",)), op="model",
        roles=_ROLES, parameters=lambda case: promised(Network()), draws=draws, rebuilt=rebuilt,
        gains=lambda case, dtype, device, seed: norm_gains(built(seed), seed), first_loss=first_loss,
    )  # fmt: skip


def finding_of(subject: Model, name: str, factor: float = 1.0, case: Mapping[str, Any] | None = None) -> Finding:
    (claim,) = (c for c in claims_of(subject) if c.name == name)
    return judged(claim, factor, case or {"scale": 1.0})


def judged(claim: Claim, factor: float, case: Mapping[str, Any]) -> Finding:
    params = canonical({"case": case, "dtype": "float32"})
    key = Key("teeth", f"{claim.name}:{claim.target}", params)
    return foreseen(claim.judge, Trial(case, "float32", "cpu", POLICIES["pr"], key), factor)


BLOCK = "layers.1."


def multiplied(name: str, factor: float) -> Change:
    return lambda network: network.get_parameter(name).mul_(factor)


def filled(name: str, value: float) -> Change:
    return lambda network: network.get_parameter(name).fill_(value)


def _copied(network: Any) -> None:
    network.layers[1].up.weight.copy_(network.layers[0].up.weight)


def _correlated(network: Any) -> None:
    first, second = network.layers[0].up.weight, network.layers[1].up.weight
    second.copy_(0.6 * first + 0.8 * second)


def _experts_alike(network: Any) -> None:
    network.layers[0].gate[2] = network.layers[0].gate[0]


def _forgotten(network: Any) -> None:
    network.layers[0].gate = torch.nn.Parameter(torch.empty(3, WIDTH, 16))


def _padding(network: Any) -> None:
    network.embedding.weight[3] = _STD


def torch_default(network: Any) -> None:
    network.layers[0].up.reset_parameters()


MISTAKES: dict[str, tuple[str, Change]] = {
    "residual projections as all others": ("model.residual", multiplied(f"{BLOCK}c_proj.weight", 2.0)),
    "one matrix half as wide": ("model.linear", multiplied(f"{BLOCK}up.weight", 0.5)),
    "left at torch's default": ("model.linear", torch_default),
    "left at torch's default, its bias": ("model.bias", torch_default),
    "never initialised, in its role": ("model.linear", _forgotten),
    "a padding row that is not zero": ("model.embedding", _padding),
    "an embedding of variance 1": ("model.embedding", multiplied("embedding.weight", 50.0)),
    "a bias of 0.1": ("model.bias", filled(f"{BLOCK}up.bias", 0.1)),
    "a norm of gain 2": ("model.norm", filled(f"{BLOCK}norm.weight", 2.0)),
    "a norm of gain 0": ("model.norm", filled(f"{BLOCK}norm.weight", 0.0)),
    "never initialised": ("structure.initialised", _forgotten),
    "a layer copied": ("structure.distinct", _copied),
    "an expert copied": ("structure.distinct", _experts_alike),
    "a layer mixed with another": ("structure.uncorrelated", _correlated),
    "a matrix of zeros": ("structure.constant", filled(f"{BLOCK}up.weight", 0.0)),
}


def without_buffers(network: Any) -> None:
    steps = network.steps.clone()
    network.initialise()
    network.steps.copy_(steps)


def in_role(role: str, change: Change = lambda network: None) -> Model:
    """The network with its matrices `up` in a role that no other parameter plays."""
    model = toy(change)

    def played(case: Any) -> Mapping[str, Any]:
        found = model.parameters(case)
        return {n: replace(p, role=role) if n.endswith("up.weight") else p for n, p in found.items()}

    return replace(model, roles=(Role(role=role, documented="Normal(std)"),), parameters=played)


ROLES = ("conv", "recurrent", "table")

# Mistake -> the claim that finds it, and the model that makes it.
WRONG: dict[str, tuple[str, Callable[[], Model]]] = {
    **{name: (claim, lambda change=change: toy(change)) for name, (claim, change) in MISTAKES.items()},
    **{
        f"half as wide, as {role}": (
            f"model.{role}",
            lambda role=role: in_role(role, multiplied(f"{BLOCK}up.weight", 0.5)),
        )
        for role in ROLES
    },
    "logits of variance 11": ("loss.initial", lambda: toy(loss=5.0)),
    "a buffer lost on the meta device": ("structure.meta", lambda: toy(rebuild=without_buffers)),
}
