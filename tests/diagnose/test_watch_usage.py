"""What a watch says of how a model is used: its mode, its batches, its passes; each beside its healthy twin."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

import varlaw
from varlaw.diagnose.signals import finding
from varlaw.diagnose.torch.modes import mark
from varlaw.diagnose.watching.usage import Repeats, Sizes

FIRST = torch.randn(16, 8, generator=torch.Generator().manual_seed(1))


def one_pass(model, optimizer, x):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
    loss.backward()
    optimizer.step()
    return loss


def cleared(parts, divided=True, moved=False, zeros=False):
    """Passes of one step, each of which clears what the one before gave; `moved`: at other weights, as in SAM."""

    def step(model, optimizer, x):
        for part in range(parts):
            optimizer.zero_grad(set_to_none=not zeros)
            loss = F.cross_entropy(model(x), x[:, :3].argmax(1)) / (parts if divided else 1)
            loss.backward()
            if moved and not part:
                with torch.no_grad():
                    for p in model.parameters():
                        p.add_(1e-3)
        optimizer.step()
        return loss

    return step


def logged(model, optimizer, x):
    """Gradients that are looked at and cleared, at one step in three."""
    if float(x[0, 0]) > 0.4:
        F.cross_entropy(model(x), x[:, :3].argmax(1)).backward()
    return one_pass(model, optimizer, x)


USES = {  # steps, step of training, mode by step, batch by step, (word, outcome), the step it is said since
    "eval() for good": (40, one_pass, lambda t: t < 20, None, ("mode.eval", "VIOLATES"), "step 20"),
    "eval() from the start": (40, one_pass, lambda t: False, None, None, ""),
    "eval() now and then": (40, one_pass, lambda t: t % 9 > 3, None, None, ""),
    "four passes, three cleared": (20, cleared(4), None, None, ("gradient.cleared", "VIOLATES"), "4 backward"),
    "set to zero": (20, cleared(3, zeros=True), None, None, ("gradient.cleared", "VIOLATES"), "3 backward"),
    "a half of two": (20, cleared(2), None, None, ("gradient.cleared", "VIOLATES"), "2 backward"),
    "two whole ones": (20, cleared(2, divided=False), None, None, ("gradient.cleared", "NOTE"), "2 backward"),
    "other weights": (20, cleared(2, moved=True), None, None, None, ""),
    "gradients that are logged": (40, logged, None, None, None, ""),
    "a loader that sticks": (132, one_pass, None, lambda t, x: FIRST if t >= 67 else x,
                             ("batch.repeats", "VIOLATES"), "step 67"),
    "not normalised": (50, one_pass, None, lambda t, x: 6 * x + 4 if t >= 30 else x, ("batch.size", "VIOLATES"), "30"),
    "one large batch": (50, one_pass, None, lambda t, x: 6 * x if t == 30 else x, None, ""),
    "ever larger": (50, one_pass, None, lambda t, x: x * 1.06**t, None, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", USES)
def test_how_a_model_is_used_is_said_and_of_its_healthy_twin_it_is_not(name):
    steps, step, mode, batch, said, since = USES[name]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    optimizer, generator = torch.optim.SGD(model.parameters(), lr=1e-2), torch.Generator().manual_seed(0)
    with varlaw.watch(model, optimizer, every=10) as run:
        for t in range(1, steps + 1):
            x = torch.randn(16, 8, generator=generator)
            model.train(mode(t) if mode else True)
            run.step(step(model, optimizer, batch(t, x) if batch else x))
    words = ("mode.eval", "gradient.cleared", "batch.repeats", "batch.size")
    found = [f for f in run.findings if f.signal in words]
    assert [(f.signal, f.outcome) for f in found] == ([said] if said else [])
    assert all(since in f.says for f in found)
    if said and said[0] == "mode.eval":
        assert found[0].where == ("1", "3")


def test_the_size_of_inputs_is_judged_when_it_was_steady():
    steady, wild, given = Sizes(), Sizes(), [1.0, 1.1, 1.0, 0.9, 1.0, 1.05]
    for step, size in enumerate(given):
        assert not list(steady.step(step, [size]))
        assert not list(wild.step(step, [size * 4 ** (step % 2)]))
    assert not list(steady.step(6, [0.1]))
    (one,) = steady.step(7, [0.1])
    assert one.where == ("batch",)
    assert one.ratio == pytest.approx(0.1)
    assert not [f for step in range(8, 12) for f in wild.step(step, [40.0])]
    assert not list(steady.step(8, [1.0, 2.0]))  # other inputs are learnt anew


BATCHES = {  # by step -> whether the repeats are said
    "one batch for all": (lambda t: 0, False),
    "batches used thrice": (lambda t: t // 3, False),
    "one that sticks": (lambda t: min(t, 80), True),
    "one that sticks too soon": (lambda t: min(t, 60), False),
}


@pytest.mark.parametrize("name", BATCHES)
def test_one_batch_for_good_is_said_after_many_others(name):
    batch, said = BATCHES[name]
    rule = Repeats()
    assert any([*rule.step(t, (16, 8), batch(t))] for t in range(200)) == said


def test_the_batch_is_read_where_nobody_waits_for_it():
    plain = torch.arange(12.0).reshape(3, 4)
    assert mark((plain,)) == ((plain.shape,), (8.0, 9.0, 10.0, 11.0))
    assert mark((plain, torch.empty(3, device="meta"))) is None  # reading another device would wait for it
    with FakeTensorMode():
        assert mark((torch.empty(3, 4, device="cuda"),)) is None


@pytest.mark.parametrize("game", [True, False])
def test_a_loss_that_rises_in_a_game_of_two_optimisers_is_a_note(game):
    """Two optimisers in one step: on passes of their own, or both on one."""
    torch.manual_seed(0)
    first, second = nn.Linear(8, 8), nn.Linear(8, 3)
    model, x = nn.Sequential(first, second), FIRST
    optimizers = [torch.optim.SGD(m.parameters(), lr=0.0) for m in (first, second)]
    with varlaw.watch(model, optimizers) as run:
        for _ in range(3):
            for optimizer in optimizers if game else [None]:
                loss = F.cross_entropy(model(x), x[:, :3].argmax(1))
                loss.backward()
                for one in [optimizer] if game else optimizers:
                    one.step()
                    one.zero_grad()
            run.step(loss)
    rises = run._steps._of_one_game(finding("loss.grows", "VIOLATES", "loss: rises", "loss"))
    assert rises.outcome == ("NOTE" if game else "VIOLATES")
