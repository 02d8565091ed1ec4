"""What a watch says of where a fault comes from: the batch, the loss itself, how the run is set up; and of twins."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import varlaw

BAD = 20  # the step of a bad batch
ADAM = {"steps": 210, "optimizer": torch.optim.Adam}
RMSPROP = {"steps": 210, "optimizer": torch.optim.RMSprop}


def run(
    steps=30,
    *,
    model=None,
    optimizer=torch.optim.SGD,
    loss=F.cross_entropy,
    data=lambda t, x: x,
    freeze=0,
    spoil=False,
    clear=False,
    **options,
):
    """A watched training of so many steps; from step `freeze` on, the first layer is frozen."""
    torch.manual_seed(0)
    model = model() if model else nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4))
    chosen = optimizer(model.parameters(), **{"lr": 0.01} | options)
    if spoil:
        with torch.no_grad():
            model[2].weight[0, 0] = torch.inf
    generator = torch.Generator().manual_seed(0)
    with varlaw.watch(model, chosen, every=8) as watched:
        for step in range(1, steps + 1):
            x = torch.randn(32, 16, generator=generator)
            labels = x[:, :4].argmax(1)
            model[0].requires_grad_(not freeze or step < freeze)
            chosen.zero_grad()
            value = loss(model(data(step, x)), labels)
            value.backward()
            if clear:
                chosen.zero_grad()
            chosen.step()
            watched.step(value)
    return watched


def linear():
    return nn.Sequential(nn.Linear(16, 4))


def by_hand(logits, labels):
    return -logits.softmax(1).gather(1, labels[:, None]).log().mean()


def distance(logits, labels):
    return (logits - logits[:1].detach()).square().sum(1).sqrt().mean()  # the first row's is 0


PLACES = {  # options, where, and what comes first among the causes
    "NaN in a batch": ({"data": lambda t, x: x * float("nan") if t == BAD else x}, ("batch",), "a bad batch"),
    "log of 0 after a large batch": (
        {"data": lambda t, x: x * (3e4 if t == BAD else 1.0), "loss": by_hand, "model": linear},
        ("loss", "log", "batch"),
        "a bad batch",
    ),
    "root of 0": ({"loss": distance}, ("2.bias", "sqrt"), "overflow"),
    "a weight that was infinite": ({"spoil": True}, ("2.weight",), "overflow"),
    "a rate that throws": (
        {"loss": lambda z, _: z.square().mean() ** 2, "lr": 1e4, "model": linear}, ("loss", "pow"), "rate too large",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_what_made_it_is_named_and_its_cause_is_first(name):
    options, where, cause = PLACES[name]
    watched = run(**options)
    (one,) = [f for f in watched.findings if f.signal == "loss.nan"]
    assert set(where) <= set(one.where)
    (first,) = [d for d in watched.report().record.diagnoses if d.symptom == "nan"]
    assert first.hypotheses[0].startswith(cause)


def normed(training, momentum=0.1):
    def make():
        norm = nn.BatchNorm1d(32, momentum=momentum)
        return nn.Sequential(nn.Linear(16, 32), norm, nn.ReLU(), nn.Linear(32, 4)).train(training)

    return make


class Cast(nn.Module):
    def forward(self, x):
        return x.bfloat16()


def short():
    return nn.Sequential(Cast(), nn.Linear(16, 32), nn.Linear(32, 4)).bfloat16()


def critic(outputs, _):
    half = len(outputs) // 2
    return outputs[:half].mean() - outputs[half:].mean()


DECAYED = {"model": normed(True), "optimizer": torch.optim.AdamW, "steps": 30, "lr": 5e-2}
MOMENTUM = {"model": normed(True), "steps": 30, "lr": 0.1, "momentum": 0.9}
HABITS = {  # options, word, and outcome
    "an eps of 1": (ADAM | {"lr": 1e-3, "eps": 1.0}, "optimizer.eps", "VIOLATES"),
    "RMSprop with one": (RMSPROP | {"lr": 1e-4, "eps": 1.0}, "optimizer.eps", "VIOLATES"),
    "an eps that the rate makes up for": (ADAM | {"lr": 0.1, "eps": 1.0}, "optimizer.eps", None),
    "the default": (ADAM | {"lr": 1e-4}, "optimizer.eps", None),
    "a norm in eval()": ({"model": normed(False)}, "norm.statistics", "VIOLATES"),
    "a norm without momentum": ({"model": normed(True, momentum=0.0)}, "norm.statistics", "VIOLATES"),
    "bfloat16 that does not move": ({"model": short, "steps": 210, "lr": 1e-6}, "update.lost", "VIOLATES"),
    "bfloat16 that hardly moves": ({"model": short, "steps": 200, "lr": 3e-4}, "update.lost", "VIOLATES"),
    "a constant that cancels": ({"loss": critic}, "gradient.zero", "NOTE"),
    "gradients cleared before the step": ({"clear": True}, "gradient.none", "VIOLATES"),
    "a norm in train()": ({"model": normed(True)}, "norm.statistics", None),
    "decay on norms": (DECAYED | {"weight_decay": 8.0}, "weight.shrinks", "VIOLATES"),
    "decay on norms, by momentum": (MOMENTUM | {"weight_decay": 0.2}, "weight.shrinks", "VIOLATES"),
    "the usual decay": (DECAYED | {"weight_decay": 0.1}, "weight.shrinks", None),
    "frozen from the start": ({"freeze": 1}, "weight.still", "NOTE"),
    "frozen later": ({"freeze": 12}, "weight.still", "NOTE"),
    "not frozen": ({}, "weight.still", None),
}  # fmt: skip


@pytest.mark.parametrize("name", HABITS)
def test_how_a_run_is_set_up_is_said(name):
    options, word, outcome = HABITS[name]
    found = [f for f in run(**options).findings if f.signal == word]
    assert [f.outcome for f in found] == ([outcome] if outcome else [])
    if "freeze" in options:
        since = "the start" if options["freeze"] == 1 else f"step {options['freeze']}"
        assert found[0].where == ("0.weight", "0.bias")
        assert found[0].says.endswith(f"frozen since {since}")


@pytest.mark.parametrize("choose", [lambda p: torch.optim.SGD(p, lr=0.1), lambda p: torch.optim.LBFGS(p, max_iter=1)])
def test_the_gradients_of_a_closure_are_those_of_its_own_step(choose):
    """As Lightning steps: the backward pass runs within the step of the optimiser."""
    torch.manual_seed(0)
    model = nn.Linear(16, 4)
    optimizer = choose(model.parameters())
    generator = torch.Generator().manual_seed(0)
    norms, seen = [], []

    def step(x):
        def closure():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), x[:, :4].argmax(1))
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        norms.append(float(torch.stack([p.grad.norm() for p in model.parameters()]).norm()))
        return loss

    with varlaw.watch(model, optimizer) as watched:
        for t in range(1, BAD + 1):
            x = torch.randn(32, 16, generator=generator)
            watched.step(step(x * float("nan") if t == BAD else x))
            watched._recorder.flush()
            seen.append(watched.scalars().get("varlaw/gradient"))
    assert seen[:-1] == pytest.approx(norms[:-1])
    assert [(f.signal, f.where) for f in watched.findings] == [("loss.nan", ("batch",))]
