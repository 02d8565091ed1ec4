"""A pass is seen as it is: same bits, every parameter at the operation that uses it, and nothing left behind."""

import copy
import random
import weakref

import numpy as np
import pytest
import torch
import torch.utils.checkpoint
from torch import nn
from torch.nn import functional as F

from tests.diagnose.models import Adapter, Block, Language, batch, classify, dense, he, language
from varlaw import check_model
from varlaw.diagnose.signals import TABLE
from varlaw.diagnose.torch.building import watched
from varlaw.diagnose.torch.passing import seen
from varlaw.theory.catalogue import LAWS

MODELS = {
    "dense": (lambda: dense(3, he), "vector", classify),
    "language": (lambda: Language(2), "tokens", language),
    "adapter": (lambda: Adapter(False), "vector", classify),
    "residual": (lambda: nn.Sequential(Block(32), Block(32), nn.Linear(32, 10)), "vector", classify),
    "batch norm": (
        lambda: nn.Sequential(nn.Linear(32, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True)),
        "vector",
        classify,
    ),
    "dropout": (lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(32, 10)), "vector", classify),
    "lstm": (lambda: nn.LSTM(32, 16, 2, batch_first=True), "sequence", None),
    "spectral": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(32, 10)), "vector", classify),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(32, 10)), "vector", classify),
    "encoder": (lambda: nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), "sequence", None),
    "conv": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, groups=1), nn.GELU(), nn.Flatten()), "image", None),
    "raw": (lambda: Raw(), "vector", classify),
}


class Raw(nn.Module):
    """Parameters without a layer: einsum, a product of two weights, a residual with a gate at zero."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(32, 16) / 6)
        self.u, self.v = nn.Parameter(torch.randn(16, 4) / 4), nn.Parameter(torch.randn(4, 16) / 2)
        self.gate = nn.Parameter(torch.zeros(()))
        self.head = nn.ParameterList([nn.Parameter(torch.randn(16, 10) / 4)])

    def forward(self, x):
        h = torch.einsum("bi,ij->bj", x, self.w)
        h = h + self.gate * torch.tanh(h @ (self.u @ self.v))
        return h @ self.head[0]


def _step(model, x, loss):
    """Outputs and gradients of one step of a copy with a fixed seed."""
    torch.manual_seed(3)
    out = loss(model, x) if loss else model(x)
    out = out if isinstance(out, torch.Tensor) else out[0]
    out.sum().backward()
    return [out.detach()] + [p.grad for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_that_gets_a_gradient_is_at_an_operation(name):
    build, kind, loss = MODELS[name]
    sight = seen(build(), batch(kind), loss, seed=0)
    used = {p for call in sight.calls for p in call.parameters}
    assert {n for n, t in sight.tensors.items() if t.gradient is not None} <= used
    assert not sight.blind


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_the_same_bits_after_a_look(name):
    build, kind, loss = MODELS[name]
    model = build()
    twin = copy.deepcopy(model)
    legacy = np.random.get_state
    states = torch.get_rng_state(), legacy()[1].copy(), random.getstate()
    check_model(model, batch(kind), loss)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(legacy()[1], states[1])
    assert random.getstate() == states[2]
    assert all(p.grad is None for p in model.parameters())
    assert model.training == twin.training
    before, after = twin.state_dict(), model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    ours, theirs = _step(model, batch(kind), loss), _step(twin, batch(kind), loss)
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_a_watched_build_has_the_same_values(name):
    build = MODELS[name][0]
    model, _ = watched(build, 5)
    torch.manual_seed(5)
    plain = build()
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), plain.state_dict().values(), strict=True))


def test_gradients_at_outputs_are_those_of_autograd():
    model, x = dense(2, he), batch("vector")
    sight = seen(model, x, classify, seed=0)
    h = model[0](x).detach().requires_grad_()
    rest = model[1:](h)
    F.cross_entropy(rest, torch.arange(64) % 10).backward()
    found = next(c for c in sight.calls if c.op == "linear").gradient
    assert found.second == pytest.approx(float(h.grad.double().square().mean()), rel=1e-5)


def test_a_convolution_is_held_against_its_padded_input():
    x = torch.ones(2, 3, 4, 4)
    conv = nn.Conv2d(3, 512, 3, padding=1, bias=False)
    step = next(c.step for c in seen(conv, x, None, seed=0).calls if c.op == "conv2d")
    taps = (2 * 2 * 4 + 2 * 3 * 8 + 3 * 3 * 4) / 16  # corners, edges, inside
    assert step.expected == pytest.approx(3 * taps * float(conv.weight.detach().double().square().mean()), rel=1e-5)


def test_residual_branches_end_in_their_last_weight():
    from varlaw.diagnose.structure import Graph

    sight = seen(Language(3), batch("tokens"), language, seed=0)
    ends = {sight.calls[r.weight].parameters[0] for r in Graph(sight.calls).residuals()}
    assert ends == {f"blocks.{i}.{n}.weight" for i in range(3) for n in ("linear2", "self_attn.out_proj")}


def test_a_compiled_model_is_seen():
    model = torch.compile(dense(2, he), backend="eager")
    assert any(c.op == "linear" for c in seen(model, batch("vector"), classify, seed=0).calls)


def test_a_function_of_the_users_own_is_passed():
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Hidden(nn.Module):
        def forward(self, x):
            return Square.apply(x)

    report = check_model(nn.Sequential(nn.Linear(32, 16), Hidden(), nn.Linear(16, 10)), batch("vector"), classify)
    assert report.ok, report


@pytest.mark.filterwarnings("ignore:.*jit.trace:DeprecationWarning")
def test_what_cannot_be_seen_is_said():
    hidden = torch.jit.trace(nn.Linear(32, 16), torch.ones(2, 32))
    report = check_model(nn.Sequential(hidden, nn.Linear(16, 10)), batch("vector"), classify)
    assert report.ok, report
    assert report.record.blind


def test_the_law_of_each_signal_is_in_the_catalogue():
    assert [s.name for s in TABLE if s.law and s.law not in LAWS] == []
    assert all(s.hypotheses and s.remedies for s in TABLE)


def test_memory_is_given_back():
    """No pass holds a gradient that was looked at, and no model is there while the next one is built."""
    built, held = [], []

    def gradients_of(model: weakref.ref[nn.Module]) -> int:
        return sum(p.grad is not None for p in model()[1:].parameters())

    def build() -> nn.Module:
        held.append(sum(model() is not None for model in built))
        model = nn.Sequential(*(nn.Linear(400, 400) for _ in range(4)))
        built.append(weakref.ref(model))
        model[0].weight.register_hook(lambda _, model=built[-1]: held.append(gradients_of(model)))
        return model

    report = check_model(build, torch.randn(16, 400), redraws=3)
    assert report.record.draws == 2
    assert held == [0] * 5, held  # three builds, of which small tensors want one, and two passes


def test_a_gradient_in_parts_is_no_missing_one():
    """Reentrant checkpoints run a backward pass for each part: a layer that two of them use gets two gradients."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.layer = nn.Linear(32, 32), nn.Linear(32, 32)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.first(x)
            for _ in range(2):
                h = torch.utils.checkpoint.checkpoint(self.layer, h, use_reentrant=True)
            return h

    sight = seen(Twice(), torch.randn(8, 32), None, 0)
    assert sight.tensors["layer.weight"].gradient is not None
    assert any("layer.weight: its gradient comes in parts" in line for line in sight.blind)
