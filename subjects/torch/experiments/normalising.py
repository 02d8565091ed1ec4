"""Norms of torch on normal input: moments of outputs, Jacobians, gradients, and running statistics."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment


def _groups(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """One group of n entries, normalised with eps 0; several entries of it behind each number."""
    size = c["n"]
    x = t.randn(n, size, **on)
    y = t.nn.functional.layer_norm(x, (size,), eps=0.0)
    r = t.nn.functional.rms_norm(x, (size,), eps=0.0)
    v = t.var(x, dim=1, correction=0)
    return {
        "fourth": y.pow(4).mean(1),
        "rms fourth": r.pow(4).mean(1),
        "product": y[:, 0] * y[:, 1],
        "relu": t.relu(y).mean(1),
        "inverse variance": 1 / v,
        "inverse std": v.rsqrt(),
    }


def _spikes(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """The inputs that reach furthest, one large entry among equal ones, and random ones."""
    x = t.randn(n, c["n"], **on)
    x[: n // 2] = 0
    x[: n // 2, 0] = 10 ** t.linspace(0, 6, n // 2, **on)
    y = t.nn.functional.layer_norm(x, (c["n"],), eps=0.0)
    r = t.nn.functional.rms_norm(x, (c["n"],), eps=0.0)
    return {"largest": y.abs().amax(1), "rms largest": r.abs().amax(1)}


def _jacobians(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Jacobians by torch's automatic differentiation, with what the laws speak of: the variance that was drawn."""
    f, size, eps = t.nn.functional, c["n"], c["eps"]
    x = t.randn(n, size, **on)
    norm = t.func.vmap(t.func.jacrev(lambda row: f.layer_norm(row, (size,), eps=eps)))(x)
    rms = t.func.vmap(t.func.jacrev(lambda row: f.rms_norm(row, (size,), eps=eps)))(x)
    centred = x - x.mean(1, keepdim=True)
    unit = centred / t.linalg.vector_norm(centred, dim=1, keepdim=True)
    y = f.layer_norm(x, (size,), eps=eps)
    g = t.randn(n, size, **on)
    back = t.bmm(g[:, None], norm)[:, 0]
    return {
        "variance": t.var(x.double(), dim=1, correction=0),
        "mean_square": x.double().square().mean(1),
        "frobenius": norm.square().sum((1, 2)),
        "rms frobenius": rms.square().sum((1, 2)),
        "leak": t.einsum("bi,bij,bj->b", unit, norm, unit),
        "shortfall": 1 - y.square().mean(1),
        "gradient sum": back.sum(1),
        "gradient size": back.abs().sum(1) + g.abs().sum(1),
    }


def _invariance(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A loss of a normalised linear map: gradients of w and c w, one step of SGD, and weight norm's gradients."""
    size, factor = c["n"], c["factor"]
    x, target = t.randn(32, 4, **on), t.randn(32, size, **on)
    w = t.randn(size, 4, **on, requires_grad=True)
    rate = c["learning_rate"]

    def gradient(weight: Any) -> Any:
        y = t.nn.functional.layer_norm(t.nn.functional.linear(x, weight), (size,), eps=0.0)
        return t.autograd.grad((y * target).sum(), weight)[0]

    first, second = gradient(w), gradient((factor * w).detach().requires_grad_())
    stepped = w.detach().clone().requires_grad_()
    stepped.grad = first
    t.optim.SGD([stepped], lr=rate).step()
    sizes = [t.linalg.vector_norm(m.detach().double()) for m in (w, stepped)]
    v, gain = t.randn(1, size, **on, requires_grad=True), t.full((1, 1), c["gain"], **on)
    weight = t._weight_norm(v, gain, 0)
    seen = t.randn(1, size, **on)
    (of_v,) = t.autograd.grad((weight * seen).sum(), v)
    unit = (v / t.linalg.vector_norm(v)).detach()
    across = seen - (seen * unit).sum() * unit
    return {
        "ratio": (t.linalg.vector_norm(second) / t.linalg.vector_norm(first)).reshape(1),
        "growth": (sizes[1].square() - sizes[0].square()).reshape(1),
        "gradient": t.linalg.vector_norm(first.double()).reshape(1),
        "square": sizes[0].square().reshape(1),
        "weight norm": (t.linalg.vector_norm(of_v) / t.linalg.vector_norm(across)).reshape(1),
        "norm": t.linalg.vector_norm(v.detach().double()).reshape(1),
    }


def _equilibrium(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """SGD with weight decay, on gradients across the weights of size gradient / |w|, until the norm stands still."""
    w = t.ones(2, **on, requires_grad=True)
    optimiser = t.optim.SGD([w], lr=c["learning_rate"], weight_decay=c["decay"])
    for _ in range(2000):
        at = w.detach()
        w.grad = c["gradient"] * t.stack([-at[1], at[0]]) / at.square().sum()
        optimiser.step()
    return {"norm": t.linalg.vector_norm(w.detach()).reshape(1)}


def _batch_bias(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """The gradient of a bias in front of a batch norm."""
    x, g = t.randn(2, c["batch"], n, **on)
    bias = t.randn(n, **on, requires_grad=True)
    y = t.nn.functional.batch_norm(x + bias, None, None, training=True, eps=1e-5)
    (back,) = t.autograd.grad((y * g).sum(), bias)
    return {"bias": back, "size": g.abs().sum(0) * 4}


def _running(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Running statistics of `steps` batches in as many channels as there are runs."""
    layer = t.nn.BatchNorm1d(n, momentum=c["momentum"], affine=False, **on)
    first = None
    for _ in range(c["steps"]):
        x = c["mean"] + c["std"] * t.randn(c["batch"], n, **on)
        layer(x)
        first = first if first is not None else 1 - layer.running_mean / x.mean(0)
    return {"mean": layer.running_mean, "variance": layer.running_var, "kept": first}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.functional.layer_norm(moments)", "norm_groups", _groups),
    experiment("nn.functional.layer_norm(spikes)", "norm_spikes", _spikes),
    experiment("func.jacrev(layer_norm)", "norm_jacobians", _jacobians),
    experiment("nn.functional.layer_norm(scale)", "scale_invariance", _invariance),
    experiment("optim.SGD(weight_decay)", "equilibrium", _equilibrium),
    experiment("nn.functional.batch_norm(bias)", "batch_bias", _batch_bias),
    experiment("nn.BatchNorm1d(running)", "running_statistics", _running),
)
