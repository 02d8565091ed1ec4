"""Mistakes of what goes where, beside their twins: rows, positions, choices, copies, temperatures."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tests.diagnose.mistakes import Of
from tests.diagnose.models import Pair, dense, he


def last_states(turned: bool) -> nn.Module:
    """A GRU of two directions, whose last states are (directions, rows, units)."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = m.gru(x)[1]
        return m.head((h.transpose(0, 1) if turned else h).reshape(len(x), -1))

    return Of(forward, gru=nn.GRU(32, 16, bidirectional=True, batch_first=True), head=nn.Linear(32, 10))


def steps_in_front(turned: bool) -> nn.Module:
    """A layer that wants the steps in front, and the way back."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(m.first(x.transpose(0, 1)).contiguous())
        return m.head((h.transpose(0, 1) if turned else h.view(len(x), x.shape[1], 32)).mean(1))

    return Of(forward, first=nn.Linear(32, 32), head=nn.Linear(32, 10))


def positions(dtype: torch.dtype) -> nn.Module:
    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        angles = (torch.arange(591, 601)[:, None] * 100.0 ** -torch.linspace(0, 1, 32)).to(dtype)
        return m.head((x + angles.cos().float()).mean(1))

    return Of(forward, head=nn.Linear(32, 10))


def cells(turned: bool) -> nn.Module:
    """The states of a cell, stacked with the steps in front."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        h = [x.new_zeros(len(x), 16)]
        for t in range(x.shape[1]):
            h.append(m.cell(x[:, t], h[-1]))
        states = torch.stack(h[1:], int(turned))
        return m.head(states.view(len(x), -1))

    return Of(forward, cell=nn.GRUCell(32, 16), head=nn.Linear(160, 10))


def best(after: str = "") -> nn.Module:
    """One expert of four, with the weight that a softmax gives it, or with one that is 1 whatever it gives."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        scores = m.gate(x) if after == "softmax" else m.gate(x).softmax(-1)
        weight, chosen = scores.max(-1, keepdim=True) if after == "softmax" else scores.topk(1, -1)
        weight = {"": weight, "softmax": weight.softmax(-1), "sum": weight / weight.sum(-1, keepdim=True)}[after]
        all_of_them = torch.stack([expert(x) for expert in m.experts], 1)
        return m.head(weight * all_of_them[torch.arange(len(x)), chosen[:, 0]])

    experts = nn.ModuleList(nn.Linear(32, 32) for _ in range(4))
    return Of(forward, gate=nn.Linear(32, 4), experts=experts, head=nn.Linear(32, 10))


def quantised(entries: int) -> nn.Module:
    """A codebook in a buffer, with its gradient straight through."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        z = m.encode(x)
        q = m.codebook[torch.cdist(z, m.codebook).argmin(-1)]
        return m.head(z + (q - z).detach())

    model = Of(forward, encode=nn.Linear(32, 16), head=nn.Linear(16, 10))
    model.register_buffer("codebook", torch.randn(entries, 16).repeat(32 // entries, 1))
    return model


def embedded(std: float) -> nn.Module:
    table = nn.Embedding(50, 32)
    nn.init.normal_(table.weight, std=std)
    return nn.Sequential(table, nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 50))


def controlled(std: float) -> nn.Module:
    """A frozen net, its trained copy, and the map by which what the copy says is added."""
    base = nn.Sequential(nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 32))
    copy = nn.Sequential(nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 32))
    copy.load_state_dict(base.state_dict())
    joint, head = nn.Linear(32, 32), nn.Linear(32, 10).requires_grad_(False)
    nn.init.normal_(joint.weight, std=std)
    nn.init.zeros_(joint.bias)
    parts: dict[str, nn.Module] = {"base": base.requires_grad_(False), "copy": copy, "joint": joint, "head": head}
    return Of(lambda m, x: m.head(F.silu(m.base(x) + m.joint(m.copy(x)))), **parts)


def eps(eps: float) -> nn.Module:
    return nn.Sequential(nn.Linear(32, 32), nn.LayerNorm(32, eps), nn.Linear(32, 10))


def swept(exact: bool) -> nn.Module:
    """An initialisation of all maps that asks for the class itself, or for those made from it."""
    layer = lambda: nn.TransformerEncoderLayer(32, 4, 64, 0.0, batch_first=True, norm_first=True)  # noqa: E731
    model = Of(lambda m, x: m.head(m.blocks(x).mean(1)), blocks=nn.Sequential(layer(), layer()), head=nn.Linear(32, 10))
    for module in model.modules():
        if type(module) is nn.Linear if exact else isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.05)
        if isinstance(module, nn.MultiheadAttention):
            nn.init.normal_(module.in_proj_weight, std=0.05)
    return model


def contrasted(temperature: float) -> Any:
    """Two views of each row belong together."""

    def loss(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
        a, b = F.normalize(model(x), dim=-1), F.normalize(model(x + 0.1 * torch.sin(9 * x)), dim=-1)
        return F.cross_entropy(a @ b.T / temperature, torch.arange(len(x)))

    return loss


def split() -> nn.Module:
    """Last states taken apart into layers and directions, of which there are as many as rows."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        last = m.lstm(x[:2])[1][0].view(2, 2, 2, 16)[-1]
        return m.head(last.transpose(0, 1).reshape(2, -1)).repeat(len(x) // 2, 1)

    return Of(forward, lstm=nn.LSTM(32, 16, 2, batch_first=True, bidirectional=True), head=nn.Linear(32, 10))


def angles() -> nn.Module:
    """Cosines of a signal and of weights of length 1."""
    parts = {"trunk": dense(1, he, classes=32), "classes": nn.Parameter(torch.randn(20, 32))}
    return Of(lambda m, x: F.linear(F.normalize(m.trunk(x), dim=-1), F.normalize(m.classes, dim=-1)), **parts)


def margin(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """ArcFace: 64 times the cosines, of which the right one is of an angle that is larger by a half."""
    cosines, labels = model(x), torch.arange(len(x)) % 20
    right = torch.cos(torch.acos(cosines.clamp(-0.999, 0.999)) + 0.5)
    return F.cross_entropy(64 * torch.where(F.one_hot(labels, 20) > 0, right, cosines), labels)


def blended() -> nn.Module:
    """Side-tuning: half a frozen net, half its trained copy."""
    base, side = nn.Linear(32, 32), nn.Linear(32, 32)
    side.load_state_dict(base.state_dict())
    parts = {"base": base.requires_grad_(False), "side": side, "head": nn.Linear(32, 10)}
    return Of(lambda m, x: m.head(0.5 * m.base(x) + 0.5 * m.side(x)), **parts)


def padded() -> nn.Module:
    """Attention in which some keys of each row are padding."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        return m.head(m.attention(x, x, x, key_padding_mask=x[..., 0] > x[..., :1].mean(1))[0].mean(1))

    return Of(forward, attention=nn.MultiheadAttention(32, 4, batch_first=True), head=nn.Linear(32, 10))


def merged() -> nn.Module:
    """DoRA: B of 0 within the weight of one map."""
    base, a, b = nn.Linear(32, 32).requires_grad_(False), nn.Linear(32, 4, bias=False), nn.Linear(4, 32, bias=False)
    nn.init.zeros_(b.weight)

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        w = m.base.weight + m.b.weight @ m.a.weight
        return m.head(F.relu(F.linear(x, m.size[:, None] * w / w.norm(dim=1, keepdim=True).detach(), m.base.bias)))

    size = nn.Parameter(base.weight.norm(dim=1).detach())
    return Of(forward, base=base, a=a, b=b, size=size, head=nn.Linear(32, 10))


def skipped() -> nn.Module:
    """WaveNet: what the last block would add to a stream that ends there."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        out = 0.0
        for gate, add, skip in zip(m.gate, m.add, m.skip, strict=True):
            h = torch.tanh(gate(x))
            x, out = x + add(h), out + skip(h)
        return m.head(out)

    stacks = {name: nn.ModuleList(nn.Linear(32, 32) for _ in range(3)) for name in ("gate", "add", "skip")}
    return Of(forward, **stacks, head=nn.Linear(32, 10))


def sandwiched() -> nn.Module:
    """A norm behind a branch of small weights: its eps starts the branch small."""

    def forward(m: Any, x: torch.Tensor) -> torch.Tensor:
        for up, down, norm in zip(m.up, m.down, m.norm, strict=True):
            x = x + norm(down(F.silu(up(F.layer_norm(x, (32,))))))
        return m.head(x)

    up, down = (nn.ModuleList(nn.Linear(32, 32) for _ in range(3)) for _ in range(2))
    for layer in down:
        nn.init.normal_(layer.weight, std=1e-4)
        nn.init.zeros_(layer.bias)
    return Of(forward, up=up, down=down, norm=nn.ModuleList(nn.LayerNorm(32) for _ in range(3)), head=nn.Linear(32, 10))


DEALT = (
    Pair("last states seen as rows", lambda: last_states(False), lambda: last_states(True), "structure.batch", "gru",
         "sequence"),
    Pair("steps seen as rows", lambda: steps_in_front(False), lambda: steps_in_front(True), "structure.batch", "first",
         "sequence"),
    Pair("positions in bfloat16", lambda: positions(torch.bfloat16), lambda: positions(torch.float32), "number.lost",
         "", "sequence"),
    Pair("softmax of the best score", lambda: best("softmax"), best, "gradient.zero", "gate.weight"),
    Pair("best score over its own sum", lambda: best("sum"), best, "gradient.zero", "gate.weight"),
    Pair("stacked states seen as rows", lambda: cells(False), lambda: cells(True), "structure.batch", "cell",
         "sequence"),
    Pair("codebook of one entry", lambda: quantised(1), lambda: quantised(32), "signal.collapse", "codebook"),
    Pair("embeddings all zero", lambda: embedded(0.0), lambda: embedded(1.0), "signal.collapse", "0.weight", "tokens"),
    Pair("control branch drawn", lambda: controlled(0.1), lambda: controlled(0.0), "adapter.active", "joint.weight"),
    Pair("a truth value for eps", lambda: eps(True), lambda: eps(1e-5), "norm.eps", "1"),
    Pair("subclass passed over", lambda: swept(True), lambda: swept(False), "init.unset", "out_proj", "sequence"),
    Pair("temperature far too low", lambda: dense(1, he, classes=32), lambda: dense(1, he, classes=32), "loss.start",
         "", loss=contrasted(1e-3), healthy_loss=contrasted(0.1)),
)  # fmt: skip

SEATED = {
    "padding among the keys": (padded, "sequence", None),
    "adapter within a weight": (merged, "vector", None),
    "margin of a cosine head": (angles, "vector", margin),
    "half a frozen net and half its copy": (blended, "vector", None),
    "last states split": (split, "sequence", None),
    "last of a stack": (skipped, "vector", None),
    "norm at the end of a branch": (sandwiched, "vector", None),
}
