"""A loss that oscillates: thrown by its own steps, or by batches of different kinds that take turns."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import varlaw
from varlaw.diagnose.signals import finding
from varlaw.diagnose.watching.overshoot import Overshoot
from varlaw.diagnose.watching.records import Step

THROWN, DATA = ("loss.oscillates", "VIOLATES"), ("loss.oscillates", "NOTE")


def watched(model, optimizer, loss_of):
    with varlaw.watch(model, optimizer, every=1000) as run:
        for t in range(260):
            optimizer.zero_grad()
            loss = loss_of(t)
            loss.backward()
            optimizer.step()
            run.step(loss)
    return {(f.signal, f.outcome) for f in run.findings if f.signal == "loss.oscillates"}


def kinds_by_turns():
    """Every other batch is noisier."""
    torch.manual_seed(0)
    model, generator = nn.Linear(8, 3), torch.Generator().manual_seed(1)
    centres = torch.randn(3, 8, generator=generator)

    def loss_of(t):
        y = torch.randint(3, (32,), generator=generator)
        x = centres[y] + (0.8 if t % 2 else 2.0) * torch.randn(32, 8, generator=generator)
        return F.cross_entropy(model(x), y)

    return watched(model, torch.optim.SGD(model.parameters(), 0.1), loss_of)


def valley(rate):
    """Two factors whose product is learnt: with a sharpness of 4, steps of more than 1/2 go round in two."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    for p in model.parameters():
        nn.init.constant_(p, 1.2)
    x, noise = torch.ones(4, 1), torch.Generator().manual_seed(2)

    def loss_of(t):
        return F.mse_loss(model(x), 2 * x) / 2 + 1e-3 * torch.rand((), generator=noise)

    return watched(model, torch.optim.SGD(model.parameters(), rate), loss_of)


def test_steps_that_throw_the_loss_are_told_from_batches_that_take_turns():
    assert kinds_by_turns() == {DATA}
    assert valley(0.55) == {THROWN}
    assert valley(0.2) == set()


STEPS = {  # a loss that alternates by 0.2 (gradient, update, product of both where the loss has risen) -> what it is
    "thrown": (lambda t: 1.0 + 0.01 * (t % 7), 1.0, 0.3, "VIOLATES"),
    "by turns": (lambda t: 1.0 + 0.01 * (t % 7), 1.0, 0.01, "NOTE"),
    "downhill": (lambda t: 1.0 + 0.01 * (t % 7), 1.0, -0.3, "NOTE"),
    "thrown, clipped": (lambda t: 0.1, 0.2, 0.018, "VIOLATES"),
    "by turns, clipped": (lambda t: 0.1, 0.02, 0.0018, "NOTE"),
    "clipped, across": (lambda t: 0.1, 1.0, 0.018, "NOTE"),
    "unseen": (lambda t: 1.0, 1.0, None, "VIOLATES"),
}


@pytest.mark.parametrize("name", STEPS)
def test_what_the_steps_explain_decides(name):
    gradient, update, along, outcome = STEPS[name]
    rule, found = Overshoot(), []
    rule.begin(finding("loss.oscillates", "VIOLATES", "loss: oscillates", "loss"))
    for t in range(80):
        loss = 1.0 + 0.2 * (t % 2)
        found += rule.step(Step(step=t, loss=loss, gradient=gradient(t), update=update, along=along))
    assert [f.outcome for f in found] == [outcome]
    assert not rule.wanted
    assert ("explain" in found[0].says) == (along is not None)


def test_the_product_of_a_gradient_and_the_step_before_it_is_that_of_whole_tensors():
    from varlaw.diagnose.torch.part import Part

    torch.manual_seed(0)
    model, found = nn.Linear(40, 50), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    part = Part(optimizer, {}, 0)
    x, before = torch.randn(64, 40), None
    for step in range(3):
        part.asked = step > 0
        optimizer.zero_grad()
        model(x).square().mean().backward()
        gradients = [p.grad.clone() for p in model.parameters()]
        whole = before and sum(float((g * d).sum()) for g, d in zip(gradients, before, strict=True))
        held = [p.detach().clone() for p in model.parameters()]
        part.pre(closure=False)
        optimizer.step()
        part.post()
        before = [p.detach() - h for p, h in zip(model.parameters(), held, strict=True)]
        found.append((part.table([n.numpy() for n in part.pending])[5], whole))
    assert np.isnan(found[0][0]).all()
    assert found[1][0].sum() == pytest.approx(found[1][1], rel=0.2)  # 512 of 2,000 entries
    assert found[2][0].sum() == pytest.approx(found[2][1], rel=0.2)
