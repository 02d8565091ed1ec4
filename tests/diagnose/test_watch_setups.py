"""A watch under mixed precision, compilation, accumulation, checkpoints, sharding: it works, and changes no bit."""

import contextlib
import copy
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

import varlaw

STEPS = 40


class Tied(nn.Module):
    """A shared layer, and an output that is tied to the embedding."""

    def __init__(self):
        super().__init__()
        self.embed, self.layer, self.norm = nn.Embedding(11, 8), nn.Linear(8, 8), nn.BatchNorm1d(8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x):
        h = self.embed(x)
        for _ in range(2):
            h = h + F.relu(self.layer(h))
        return self.head(F.dropout(self.norm(h), 0.1, self.training))


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.tied = Tied()

    def forward(self, x):
        return torch.utils.checkpoint.checkpoint(self.tied, x, use_reentrant=False)


class EightBit(torch.optim.Optimizer):
    """Moves tensors of its own and copies them back, as optimisers of quantised or master weights do."""

    def __init__(self, parameters, lr):
        self.theirs = list(parameters)
        self.masters = [p.detach().clone() for p in self.theirs]
        super().__init__(self.masters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for master, p in zip(self.masters, self.theirs, strict=True):
            master -= self.param_groups[0]["lr"] * p.grad
            p.copy_(master)
            p.grad = None


def plain(model, optimizer, x, y, step):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def autocast(model, optimizer, x, y, step):
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def scaled(model, optimizer, x, y, step):
    """The first steps overflow on purpose, as those of a scaler do."""
    scaler = model.__dict__.setdefault("_scaler", torch.amp.GradScaler("cpu", init_scale=2.0**16))
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    scaler.scale(loss * (1e38 if step < 3 else 1.0)).backward()
    scaler.step(optimizer)
    scaler.update()
    return loss


def accumulated(model, optimizer, x, y, step):
    optimizer.zero_grad()
    total = 0.0
    for part in range(4):
        loss = F.cross_entropy(model(x[part::4]), y[part::4]) / 4
        loss.backward()
        total += loss.detach()
    optimizer.step()
    return total


def closure(model, optimizer, x, y, step):
    def act():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    return optimizer.step(act)


SETUPS = {
    "plain": (Tied, plain, torch.optim.AdamW),
    "autocast": (Tied, autocast, torch.optim.AdamW),
    "scaler": (Tied, scaled, torch.optim.AdamW),
    "scaler, fused": (Tied, scaled, lambda p, lr: torch.optim.AdamW(p, lr=lr, fused=True)),
    "accumulation": (Tied, accumulated, torch.optim.AdamW),
    "checkpoints": (Checkpointed, plain, torch.optim.AdamW),
    "eight bits": (Tied, plain, EightBit),
    "sparse rows": (lambda: nn.Sequential(nn.Embedding(11, 8, sparse=True), nn.Linear(8, 11)), plain, torch.optim.SGD),
    "computed weights": (
        lambda: nn.Sequential(nn.Embedding(11, 8), parametrizations.spectral_norm(nn.Linear(8, 11))),
        plain,
        torch.optim.SGD,
    ),
    "closures": (Tied, closure, lambda p, lr: torch.optim.LBFGS(p, lr=lr, max_iter=2)),
    "channels last": (
        lambda: nn.Sequential(
            nn.Embedding(11, 16), nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 8, 3), nn.Flatten(), nn.Linear(32, 11)
        ).to(memory_format=torch.channels_last),
        plain,
        torch.optim.SGD,
    ),
}


def trained(make, act, choose, *, watched, steps=STEPS, compiled=False, every=7):
    torch.manual_seed(0)
    model = make()
    optimizer = choose(model.parameters(), lr=0.05)
    used = torch.compile(model, backend="aot_eager") if compiled else model
    run = varlaw.watch(used, optimizer, every=every) if watched else contextlib.nullcontext()
    generator = torch.Generator().manual_seed(1)
    with run:
        for step in range(steps):
            x = torch.randint(11, (32,), generator=generator)
            loss = act(used, optimizer, x, (x + 1) % 11, step)
            if watched:
                run.step(loss)
    return model, run


@pytest.mark.parametrize("name", SETUPS)
def test_training_is_the_same_bits_and_nothing_is_wrong(name):
    make, act, choose = SETUPS[name]
    watched, run = trained(make, act, choose, watched=True)
    bare, _ = trained(make, act, choose, watched=False)
    state, expected = watched.state_dict(), bare.state_dict()
    assert all(torch.equal(state[key], expected[key]) for key in expected)
    assert run.findings == []
    record = run.report().record
    assert record.blind == []
    assert record.draws == STEPS - 3 * name.startswith("scaler")
    assert run.scalars()["varlaw/update"] > 0
    assert record.rows or name == "eight bits" or name == "checkpoints"


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_is_watched_and_compiled_once():
    from torch._dynamo.utils import counters

    torch._dynamo.reset()
    counters.clear()
    watched, run = trained(Tied, plain, torch.optim.AdamW, watched=True, compiled=True)
    graphs = counters["stats"]["unique_graphs"]
    torch._dynamo.reset()
    counters.clear()
    bare, _ = trained(Tied, plain, torch.optim.AdamW, watched=False, compiled=True)
    assert graphs == counters["stats"]["unique_graphs"]
    state, expected = watched.state_dict(), bare.state_dict()
    assert all(torch.equal(state[key], expected[key]) for key in expected)
    assert run.findings == []
    assert run.report().record.rows
    assert {f for row in run.report().record.rows for f in row.parameters} >= {"embed.weight", "layer.weight"}


@pytest.mark.filterwarnings("ignore")
def test_the_module_inside_of_a_compiled_one_is_watched():
    torch._dynamo.reset()
    model = Tied()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    x = torch.arange(22) % 11
    with varlaw.watch(model, optimizer) as run:
        for step in range(30):
            run.step(plain(compiled, optimizer, x, x, step))
    assert run.report().record.draws == 30
    assert run.findings == []


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_step_of_the_optimiser_is_watched():
    torch._dynamo.reset()
    model = Tied()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    optimizer.step = torch.compile(optimizer.step, backend="eager")
    x = torch.arange(22) % 11
    with varlaw.watch(model, optimizer) as run:
        for step in range(30):
            run.step(plain(model, optimizer, x, x, step))
    assert run.report().record.draws == 30
    assert run.report().record.blind == []


# -- what is wrong in such setups --------------------------------------------------------------------------------------


def undivided(model, optimizer, x, y, step):
    optimizer.zero_grad()
    for part in range(4):
        loss = F.cross_entropy(model(x[part::4]), y[part::4])
        loss.backward()
    optimizer.step()
    return loss


def test_a_sum_over_passes_that_should_be_a_mean():
    _, run = trained(Tied, undivided, torch.optim.AdamW, watched=True)
    assert [f.signal for f in run.findings] == ["gradient.scaled"]
    assert "each of 4 passes" in run.findings[0].says


def test_an_optimiser_of_tensors_that_the_model_no_longer_has():
    torch.manual_seed(0)
    model = Tied()
    optimizer = torch.optim.SGD(copy.deepcopy(model).parameters(), lr=0.1)
    x = torch.arange(22) % 11
    with varlaw.watch(model, optimizer) as run:
        for step in range(30):
            run.step(plain(model, optimizer, x, x, step))
    assert [f.signal for f in run.findings] == ["optimizer.stale"]


def gan(*, keep):
    torch.manual_seed(0)
    maker, judge = nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    both = nn.ModuleDict({"maker": maker, "judge": judge})
    optimizers = [torch.optim.Adam(m.parameters(), lr=1e-3) for m in (maker, judge)]
    with varlaw.watch(both, optimizers) as run:
        for _ in range(40):
            real, fake = torch.randn(32, 2), maker(torch.randn(32, 4))
            if not keep:
                optimizers[1].zero_grad()
            loss = F.softplus(-judge(real)).mean() + F.softplus(judge(fake.detach())).mean()
            loss.backward()
            optimizers[1].step()
            optimizers[0].zero_grad()
            F.softplus(-judge(fake)).mean().backward()  # leaves gradients in the judge, which its next step clears
            optimizers[0].step()
            run.step(loss)
    return run


def test_two_optimisers_take_turns():
    run = gan(keep=False)
    assert run.findings == []
    assert run.report().record.draws == 40
    assert len(run._recorder.names) == 6
    assert [f.signal for f in gan(keep=True).findings] == ["gradient.kept"]


# -- several processes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_two_processes(kind, tmp_path):
    from varlaw.cli import main

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = Path(__file__).with_name("two_ranks_watched.py")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), kind, port, str(tmp_path / "run.jsonl")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    lines = sorted(done.stdout.splitlines())
    assert lines == [f"rank {rank}: 30 steps, [], same True" for rank in (0, 1)], done.stderr
    files = [str(tmp_path / name) for name in ("run.jsonl", "run.rank1.jsonl")]
    assert all(Path(file).exists() for file in files)
    with pytest.raises(SystemExit) as left:
        main(["watch", *files])
    assert left.value.code == 0
