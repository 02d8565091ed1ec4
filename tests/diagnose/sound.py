"""Models that look faulty and are sound: zeros, copies, cuts and silent units that their roles explain."""

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.mistakes import Of, labels
from tests.diagnose.models import changed, dense, he


class Branch(nn.Module):
    """x + gamma * f(norm(x))."""

    def __init__(self, gamma: torch.Tensor) -> None:
        super().__init__()
        self.norm, self.f = nn.LayerNorm(32), dense(1, he, nn.GELU, classes=32)
        self.gamma = nn.Parameter(gamma)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.gamma * self.f(self.norm(x))


class Residual(nn.Module):
    """Two convolutions whose second norm starts at a gain of zero."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        nn.init.zeros_(self.bn2.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


def branches(make: Callable[[], torch.Tensor], depth: int = 12) -> nn.Module:
    return nn.Sequential(*(Branch(make()) for _ in range(depth)), nn.LayerNorm(32), nn.Linear(32, 10))


def residuals() -> nn.Module:
    pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10)
    return nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), *(Residual() for _ in range(4)), *pooled)


def teacher(frozen: bool) -> nn.Module:
    """A student with a copy of itself that no gradient moves."""
    student = dense(2, he)
    target = copy.deepcopy(student).requires_grad_(not frozen)

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            aim = m.target(x)
        return m.student(x), aim

    return Of(forward, student=student, target=target)


def near(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    ours, aim = model(x)
    return F.smooth_l1_loss(ours, aim + 1)


class Coupling(nn.Module):
    """One affine coupling whose network ends at zero: the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.net = changed(dense(1, he, classes=32), lambda m: m[2].weight.zero_())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = x.chunk(2, 1)
        scale, shift = self.net(torch.cat([a, a], 1)).chunk(2, 1)
        return torch.cat([b * torch.tanh(scale).exp() + shift, a], 1)


def siamese(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.relu(F.pairwise_distance(model(x[::2]), model(x[1::2])) - 1).mean()


def own_tokens(std: float = 1.0) -> nn.Module:
    """A tied head that sees its own tokens, as T5's: its logits are far from normal."""
    table = nn.Embedding(50, 32)
    nn.init.normal_(table.weight, std=std)
    return Of(lambda m, t: m.norm(m.table(t)) * 32**-0.5 @ m.table.weight.T, table=table, norm=nn.RMSNorm(32))


def uncertain(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Two losses with learned weights."""
    h = model(x)
    losses = torch.stack([F.cross_entropy(h, labels(x)), h.square().mean()])
    return (model.s.neg().exp() * losses + model.s).sum()


def prior() -> nn.Module:
    """A head whose bias is the log of the classes' frequencies, far from even."""
    return changed(dense(2, he), lambda m: m[4].bias.copy_(torch.linspace(-6, 0, 10)))


def routed() -> nn.Module:
    """Sixteen experts, of which each row takes one: some stay idle."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        weight, chosen = m.gate(x).softmax(-1).topk(1, -1)
        y = torch.zeros_like(x)
        for i, expert in enumerate(m.experts):
            rows = (chosen[:, 0] == i).nonzero()[:, 0]
            if len(rows):
                y = y.index_add(0, rows, weight[rows] * expert(x[rows]))
        return m.head(y)

    experts = nn.ModuleList(dense(1, he, classes=32) for _ in range(16))
    return Of(forward, gate=nn.Linear(32, 16), experts=experts, head=nn.Linear(32, 10))


def table_by_formula() -> nn.Module:
    """Trainable numbers that a formula wrote, the same in each of three layers."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        for layer, decay in zip(m.layers, m.decays, strict=True):
            x = x + layer(x) * decay.neg().exp().mean(1)
        return x

    decays = nn.ParameterList(nn.Parameter(torch.log(torch.arange(1.0, 65)).repeat(32, 1)) for _ in range(3))
    layers = nn.ModuleList(nn.Sequential(nn.Linear(32, 32), nn.Tanh()) for _ in range(3))
    return nn.Sequential(Of(forward, decays=decays, layers=layers), nn.Linear(32, 10))


def stem_by_default() -> nn.Module:
    """Blocks that write their own convolutions, behind a stem that keeps torch's default."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3, padding=1)
            nn.init.kaiming_normal_(self.conv.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.relu(self.conv(x))

    blocks = (Block() for _ in range(4))
    return nn.Sequential(nn.Conv2d(3, 8, 3), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


def stem_outside() -> nn.Module:
    """Blocks whose convolutions one constructor writes as it makes them, beside a stem with torch's default."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 10)
            self.blocks = nn.ModuleList()
            for _ in range(4):
                self.blocks.append(nn.Conv2d(8, 8, 3, padding=1))
                nn.init.kaiming_normal_(self.blocks[-1].weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            for block in self.blocks:
                x = F.relu(block(x))
            return self.head(x.mean((2, 3)))

    return Net()


def observed() -> nn.Module:
    """Prepared to learn its own quantisation: observers resize their buffers, which start at infinity."""
    model = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 10))
    model.qconfig = torch.ao.quantization.get_default_qat_qconfig("fbgemm")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own defaults
        return torch.ao.quantization.prepare_qat(model)


def additive_mask() -> nn.Module:
    """Eager attention with a causal mask of the least float32: its squares leave float32."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        mask = torch.full((10, 10), torch.finfo(x.dtype).min).triu(1)
        return m.head(((m.q(x) @ x.transpose(1, 2) * 0.1 + mask).softmax(-1) @ x).mean(1))

    return Of(forward, q=nn.Linear(32, 32), head=nn.Linear(32, 10))


def biases_copied() -> nn.Module:
    """Copied blocks whose matrices were drawn anew, and whose biases were not."""
    block = nn.Sequential(nn.Linear(32, 32), nn.Tanh())
    model = nn.Sequential(*(copy.deepcopy(block) for _ in range(3)), nn.Linear(32, 10))
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.xavier_uniform_(p)
    return model


def written_in_place() -> nn.Module:
    """Writes to a view, as Longformer masks its scores."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = m.first(x)
        part = h[:, :4]
        part[...] = torch.zeros_like(part).where(part < 0, part)
        return m.head(h)

    return Of(forward, first=nn.Linear(32, 32), head=nn.Linear(32, 10))


_SAVED = dense(2, he).state_dict()


def loaded() -> nn.Module:
    """The same numbers in every model: a checkpoint."""
    model = dense(2, he)
    model.load_state_dict(_SAVED)
    return model


SOUND: dict[str, tuple[Callable[[], nn.Module], str, Any]] = {
    "layer scale of 1e-6": (lambda: branches(lambda: torch.full((32,), 1e-6)), "vector", None),
    "residuals from zero": (lambda: branches(lambda: torch.zeros(1)), "vector", None),
    "last gains zero": (residuals, "image", None),
    "frozen target": (lambda: teacher(frozen=True), "vector", near),
    "target without graph": (lambda: teacher(frozen=False), "vector", near),
    "couplings at the identity": (
        lambda: nn.Sequential(*(Coupling() for _ in range(4)), nn.Linear(32, 10)), "vector", None,
    ),
    "siamese": (lambda: dense(2, he), "vector", siamese),
    "tied head that sees its own tokens": (own_tokens, "tokens", None),
    "learned weights of losses": (
        lambda: changed(dense(2, he), lambda m: setattr(m, "s", nn.Parameter(torch.zeros(2)))), "vector", uncertain,
    ),
    "head at the classes' prior": (prior, "vector", None),
    "idle experts": (routed, "vector", None),
    "tables by formula": (table_by_formula, "vector", None),
    "stem by default": (stem_by_default, "image", None),
    "stem outside the blocks": (stem_outside, "image", None),
    "quantisation that is learned": (observed, "vector", None),
    "additive mask": (additive_mask, "sequence", None),
    "biases copied": (biases_copied, "vector", None),
    "loaded": (loaded, "vector", None),
    "written in place": (written_in_place, "vector", None),
    "frozen first block": (
        lambda: changed(branches(lambda: torch.ones(1), 4), lambda m: m[0].requires_grad_(False)), "vector", None,
    ),
}  # fmt: skip
