"""Recurrences by hand: their gradient through the steps is judged, and their gates are told what keeps the state."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.models import classify
from varlaw import advise
from varlaw.diagnose.structure import Graph
from varlaw.diagnose.torch.looking import looked
from varlaw.diagnose.unrolled import Gate, loops, unrolled
from varlaw.evidence.streams import Key

STEPS, INPUTS, WIDTH = 24, 8, 16
ROWS = torch.randn(16, STEPS, INPUTS, generator=torch.Generator().manual_seed(1))


class Plain(nn.Module):
    """h = act(x W + h U), with parameters instead of modules."""

    def __init__(self, std: float, act: Callable[[torch.Tensor], torch.Tensor] = torch.tanh) -> None:
        super().__init__()
        self.W, self.U = nn.Parameter(torch.randn(INPUTS, WIDTH) / 3), nn.Parameter(std * torch.randn(WIDTH, WIDTH))
        self.head, self.act = nn.Linear(WIDTH, 10), act

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(len(x), WIDTH)
        for t in range(x.shape[1]):
            h = self.act(x[:, t] @ self.W + h @ self.U)
        return self.head(h)


class LSTM(nn.Module):
    """Four gates of one map; they may be read at every step."""

    def __init__(self, forget: float, every: bool = False) -> None:
        super().__init__()
        self.x, self.h, self.head = nn.Linear(INPUTS, 64), nn.Linear(WIDTH, 64, bias=False), nn.Linear(WIDTH, 10)
        self.every = every
        with torch.no_grad():
            self.x.bias.zero_()[WIDTH : 2 * WIDTH] = forget

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = c = x.new_zeros(len(x), WIDTH)
        states = []
        for x_t in x.unbind(1):
            i, f, g, o = (self.x(x_t) + self.h(h)).chunk(4, -1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            states.append(h)
        return self.head(torch.stack(states, 1).mean(1) if self.every else h)


class Minimal(nn.Module):
    """f h + (1 - f) c; with `less`, h + z (c - h)."""

    def __init__(self, bias: float, less: bool = False) -> None:
        super().__init__()
        self.f, self.c, self.head = *(nn.Linear(INPUTS + WIDTH, WIDTH) for _ in range(2)), nn.Linear(WIDTH, 10)
        self.less = less
        nn.init.constant_(self.f.bias, bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x.new_zeros(len(x), WIDTH)
        for t in range(x.shape[1]):
            both = torch.cat([x[:, t], h], -1)
            f, c = torch.sigmoid(self.f(both)), torch.tanh(self.c(both))
            h = h + f * (c - h) if self.less else f * h + (1 - f) * c
        return self.head(h)


class Shared(nn.Module):
    """Depth with shared weights, `held`: the same input at every step; nothing new comes."""

    def __init__(self, held: bool) -> None:
        super().__init__()
        self.x, self.u, self.head = nn.Linear(INPUTS, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 10)
        self.held = held
        nn.init.normal_(self.u.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = h = self.x(x[:, 0])
        for _ in range(12):
            h = torch.tanh(self.u(h) + first) if self.held else h + self.u(F.relu(h))
        return self.head(h)


def seen(build: Callable[[], nn.Module]) -> tuple[Any, Graph]:
    found = looked(build, ROWS, classify, 4, None, Key("unrolled", "test"), lambda _: False)
    return found, Graph(found.sights[0].calls)


JUDGED = {
    "vanishes": (lambda: Plain(0.005), ["gradient.shrinks"]),
    "explodes": (lambda: Plain(1.0, lambda z: z), ["gradient.grows"]),
    "orthogonal": (lambda: Plain(0.25), []),
    "forgets": (lambda: LSTM(-8.0), ["gradient.shrinks"]),
    "keeps": (lambda: LSTM(1.0), []),
    "forgets, read at every step": (lambda: LSTM(-8.0, every=True), []),
    "a gate of its own": (lambda: Minimal(3.0), []),
    "depth": (lambda: Shared(False), []),
    "an equilibrium": (lambda: Shared(True), []),
}


@pytest.mark.parametrize("name", JUDGED)
def test_a_gradient_through_a_loop_is_judged(name: str) -> None:
    build, signals = JUDGED[name]
    found, graph = seen(build)
    chosen = frozenset(w.name for w in found.written if not w.default)
    told = unrolled(found.sights, graph, chosen, 1e-6)
    assert [f.signal for f in told] == signals, told
    assert all(f.outcome == "VIOLATES" for f in told), told
    assert [f.outcome for f in unrolled(found.sights, graph, frozenset(), 1e-6)] == [
        "NOTE" if s == "gradient.shrinks" else "VIOLATES" for s in signals
    ]


@pytest.mark.parametrize(
    ("build", "gates"),
    [
        (lambda: LSTM(1.0), [Gate("x.bias", (16, 32), 1)]),
        (lambda: Minimal(1.0), [Gate("f.bias", None, 1)]),
        (lambda: Minimal(1.0, less=True), [Gate("f.bias", None, -1)]),
        (lambda: Plain(0.25), []),
    ],
)
def test_the_gates_on_the_state_are_known_with_their_sign(build: Any, gates: list[Gate]) -> None:
    found = loops(seen(build)[1])
    assert [gate for loop in found for gate in loop.gates] == gates
    assert found[0].steps >= STEPS - 1


def test_the_advice_opens_the_forget_gate_and_no_other() -> None:
    advice = advise(lambda: LSTM(-8.0), ROWS[:, :12], classify, name="by hand")
    model = LSTM(-8.0)
    advice.apply(model)
    bias = model.x.bias.detach().view(4, WIDTH).mean(1)
    assert advice.after.ok
    assert bias.tolist() == pytest.approx([0, 2.3, 0, 0], rel=0.05)  # ln 10
