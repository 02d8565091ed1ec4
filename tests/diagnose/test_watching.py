"""A watched run: its training is the same bits, faults are named where they are, healthy runs are quiet."""

import contextlib
import json
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import varlaw
from varlaw.diagnose.watching.detectors import Detectors
from varlaw.diagnose.watching.shares import Share
from varlaw.diagnose.watching.spikes import Spikes
from varlaw.diagnose.watching.tracker import Tracker
from varlaw.diagnose.watching.trends import Trend

STEPS = 1300


def train(
    watched=True, *, steps=STEPS, change=None, batches=None, rate=1e-3, clip=None, clear=True, optimizer=None, out=None
):
    """A small classifier on random data with a teacher; `change` acts on the model, `batches` on step and batch."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 4))
    if change:
        with torch.no_grad():
            change(model)
    teacher = torch.randn(16, 4, generator=generator)
    chosen = (optimizer or torch.optim.AdamW)(model.parameters(), lr=rate)
    run = varlaw.watch(model, chosen, out=out) if watched else contextlib.nullcontext()
    with run:
        for step in range(steps):
            x = torch.randn(32, 16, generator=generator)
            labels = (x @ teacher).argmax(1)
            x = batches(step, x) if batches else x
            if clear:
                chosen.zero_grad()
            loss = F.cross_entropy(model(x), labels)
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            chosen.step()
            if watched:
                run.step(loss)
    return model, run


def words(run):
    return {f.signal for f in run.findings if f.outcome == "VIOLATES"}


HEALTHY = {
    "AdamW": {},
    "SGD": {"optimizer": torch.optim.SGD, "rate": 0.1},
    "clipped now and then": {"clip": 5.0},
    "noisy batches": {"batches": lambda step, x: x * (1.0 + step % 3)},
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_quiet(name):
    _, run = train(**HEALTHY[name])
    assert words(run) == set(), run.findings


def test_a_bias_that_a_norm_cancels_is_no_alarm():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(0)
    with varlaw.watch(model, optimizer) as run:
        for _ in range(60):
            x = torch.randn(32, 16, generator=generator)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), x[:, :4].argmax(1))
            loss.backward()
            optimizer.step()
            run.step(loss)
    assert words(run) == set(), run.findings


FAULTY = {
    "NaN in a batch": ({"steps": 60, "batches": lambda s, x: x * math.nan if s == 40 else x}, "loss.nan", "batch"),
    "overflow": (
        {"steps": 60, "batches": lambda s, x: x * 3e37 if s == 40 else x, "change": lambda m: m[2].weight.mul_(1e3)},
        "loss.nan",
        "2",
    ),
    "gradients never cleared": ({"steps": 60, "clear": False}, "gradient.kept", ""),
    "rate of 0": ({"steps": 60, "rate": 0.0}, "weight.still", "0.weight"),
    "always clipped": ({"clip": 1e-3}, "clip.always", ""),
    "stuck": ({"rate": 1e-9}, "loss.stuck", ""),
    "dead": ({"steps": 60, "change": lambda m: m[0].bias.fill_(-50)}, "unit.dead", "1"),
    "far too large a rate": ({"steps": 60, "optimizer": torch.optim.SGD, "rate": 30.0}, "weight.grows", ""),
    "one huge batch": ({"batches": lambda s, x: x * 1e3 if s == 1250 else x}, "gradient.spike", ""),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_named(name):
    options, word, place = FAULTY[name]
    _, run = train(**options)
    named = [f for f in run.findings if f.signal == word]
    assert named, run.findings
    assert any(place in where for f in named for where in f.where), named


def test_training_is_the_same_bits_with_a_watch():
    (ours, _), (plain, _) = train(True, steps=150), train(False, steps=150)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters(), strict=True))


def test_the_file_of_a_run_is_shown(tmp_path):
    from varlaw.cli import main

    path = tmp_path / "run.jsonl"
    _, run = train(steps=60, clear=False, out=path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["type"] for line in (lines[0], lines[-1])] == ["header", "end"]
    assert sum(line["type"] == "step" for line in lines) == 60
    with pytest.raises(SystemExit) as left:
        main(["watch", str(path)])
    assert left.value.code == 1
    torn = tmp_path / "torn.jsonl"
    torn.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SystemExit) as left:
        main(["watch", str(torn)])
    assert left.value.code == 1
    assert "gradient.kept" in str(run.report())


# -- the rules on plain numbers, at the rates that they state ----------------------------------------------------------


def _alarms(noise, steps, signals=64):
    tracker, rules = Tracker(signals), Detectors(signals, np.full(signals, 0.2))
    counts = dict.fromkeys(("up", "down", "scale", "turns"), 0)
    for step in range(steps):
        for name, logs in rules.step(*tracker.step(noise(step))).items():
            alarmed = logs >= math.log(1e5)
            counts[name] += int(alarmed.sum())
            rules.reset(name, alarmed)
    return counts


@pytest.mark.parametrize("kind", ["normal", "student"])
def test_stationary_noise_alarms_at_most_at_the_stated_rate(kind):
    rng = np.random.default_rng([1, len(kind)])
    draw = rng.standard_normal if kind == "normal" else lambda n: rng.standard_t(3, n)
    counts = _alarms(lambda step: 0.3 * draw(64), 4000)
    from scipy.special import pdtrc

    expected = 64 * 4000 / 1e5  # 2.6 at most
    assert all(pdtrc(n - 1, expected) > 1e-6 for n in counts.values() if n), counts


@pytest.mark.parametrize(
    ("rule", "change"), [("up", lambda t: 1.2), ("scale", None), ("turns", lambda t: 0.6 * (-1) ** t)]
)
def test_changes_are_found(rule, change):
    rng = np.random.default_rng(2)

    def noise(step):
        x = 0.3 * rng.standard_normal(64)
        if step < 800:
            return x
        return x + change(step) if change else 3 * x

    assert _alarms(noise, 1000)[rule] >= 60


def test_a_spike_is_as_rare_as_its_tail_says():
    rng = np.random.default_rng(3)
    spikes = Spikes(1e-3)
    assert sum(spikes.step(float(x)) is not None for x in rng.exponential(size=20000)) <= 20000 * 1e-3
    assert spikes.step(40.0).p < 1e-9


def test_trends_and_shares_hold_what_they_state():
    rng = np.random.default_rng(4)
    still, falling = Trend(1e-3), Trend(1e-3)
    found = [still.step(float(x)) for x in rng.standard_normal(1024)][-1]
    fell = [falling.step(float(x) - 3 * t / 1024) for t, x in enumerate(rng.standard_normal(1024))][-1]
    assert found.low < 0 < found.high
    assert fell.high < 0
    share = Share()
    for x in rng.random(1000) < 0.96:
        share.step(float(x))
    low, high = share.interval(1e-3)
    assert 0.9 < low < 0.96 < high < 1
