"""First losses, and models that start at zero or with equal units: what their first steps can and cannot change."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _random_logits(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    logits = (c["std"] * t.randn(n, c["classes"], **on)).requires_grad_()
    labels = t.randint(c["classes"], (n,), device=on["device"])
    loss = t.nn.functional.cross_entropy(logits, labels, reduction="none")
    (gradient,) = t.autograd.grad(loss.sum(), logits)
    return {
        "loss": loss,
        "excess": loss - t.log(t.tensor(float(c["classes"]))),
        "gradient": gradient.square().sum(1),
    }


def _zeros(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Nets of zeros, with ReLU and with sigmoid: the first gradients, and ranks and rows after a few steps of SGD."""
    classes, f = c["classes"], t.nn.functional
    x, labels = t.randn(16, 5, **on), t.arange(16, device=on["device"]) % classes
    labels[:8] = 0  # classes of equal size would balance the gradients of the last layer
    relu, sigmoid, equal = (_net(t, phi, classes, on) for phi in (t.nn.ReLU(), t.nn.Sigmoid(), t.nn.Tanh()))
    for parameter in equal.parameters():
        t.nn.init.constant_(parameter, 0.3)
    logits = t.zeros(1, classes, **on, requires_grad=True)
    (of_logits,) = t.autograd.grad(f.cross_entropy(logits, labels[:1]), logits)
    f.cross_entropy(relu(x[:1]), labels[:1]).backward()
    *others, last = [p.grad for p in relu.parameters()]
    for net in (sigmoid, equal):
        optimiser = t.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(5):
            optimiser.zero_grad()
            f.cross_entropy(net(x), labels).backward()
            optimiser.step()
    gate = t.zeros((), **on, requires_grad=True)
    branch, wanted = t.randn(2, 7, **on)
    ((gate * branch) * wanted).sum().backward()
    a, b = (t.zeros(7, **on, requires_grad=True) for _ in range(2))
    ((a * b) * wanted).sum().backward()
    return {
        "logit gradient": of_logits.square().sum().reshape(1),
        "hidden gradient": t.stack([g.abs().max() for g in others]),
        "last bias gradient": last.square().sum().reshape(1),
        "rank": t.linalg.matrix_rank(sigmoid[0].weight.detach()).reshape(1),
        "distinct": t.tensor([len(t.unique(equal[0].weight.detach(), dim=0))]),
        "gate gradient": (gate.grad / (branch * wanted).sum()).reshape(1),
        "two gates": t.stack([g.grad.abs().max() for g in (a, b)]),
    }


def _net(t: Any, phi: Any, classes: int, on: dict[str, Any]) -> Any:
    net = t.nn.Sequential(t.nn.Linear(5, 6, **on), phi, t.nn.Linear(6, classes, **on))
    for parameter in net.parameters():
        t.nn.init.zeros_(parameter)
    return net


def _dropout(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    f, inner = t.nn.functional, 32
    x = c["mean"] + c["std"] * t.randn(n, inner, **on)
    y = f.dropout(x, c["rate"])
    zeros = f.alpha_dropout(t.zeros(n, **on), c["rate"], training=True)
    return {
        "square": y.square().mean(1),
        "one": y[:, 0],
        "shift": y.square().mean(1) / (c["mean"] ** 2 + c["std"] ** 2),
        "kept": zeros.amax().reshape(1),  # of zeros, the dropped are below what is added to the kept
    }


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.functional.cross_entropy(random)", "random_logits", _random_logits),
    experiment("nn.functional.cross_entropy(small)", "small_logits", _random_logits),
    experiment("nn.Sequential(zeros)", "zeros", _zeros),
    experiment("nn.functional.dropout(moments)", "dropout_moments", _dropout),
)
