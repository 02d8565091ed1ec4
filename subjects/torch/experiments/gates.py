"""Activations of two inputs and of special constants: gated units, maxout, SELU, and torch's table of gains."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_INNER = 16


def _gated(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """a phi(b) with the derivatives of both paths; with the sigmoid as torch's own glu."""
    f = t.nn.functional
    a, b = (x.requires_grad_() for x in (c["q"] ** 0.5 * t.randn(2, n, _INNER, **on)).unbind())
    name = c["activation"]
    y = f.glu(t.cat([a, b], 1), 1) if name == "sigmoid" else a * getattr(f, name)(b)
    of_a, of_b = t.autograd.grad(y.sum(), (a, b))
    return {of: x.detach().square().mean(1) for of, x in (("square", y), ("value", of_a), ("gate", of_b))}


def _maxout(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    y = t.randn(n, _INNER, c["pieces"], **on).amax(2)
    return {"mean": y.mean(1), "square": y.square().mean(1)}


def _selu(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """SELU of unit normal input, and its constants as torch has them: far to the left, and at 1."""
    z = t.randn(n, _INNER, **on).requires_grad_()
    y = t.selu(z)
    (slope,) = t.autograd.grad(y.sum(), z)
    left, one = t.selu(t.tensor([-200.0, 1.0], **on))
    return {
        "mean": y.detach().mean(1),
        "square": y.detach().square().mean(1),
        "drift": (z * y * slope).detach().mean(1),
        "alpha": (-left / one).reshape(1),
        "lambda": one.reshape(1),
    }


def _relu(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Fourth powers of differences of two outputs: 2 kurtosis + 6 in units of the squared variance."""
    y = t.relu(c["q"] ** 0.5 * t.randn(2, n, _INNER, **on))
    return {"apart": (y[0] - y[1]).pow(4).mean(1) / c["q"] ** 2}


def _gains(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    name = "conv1d" if c["nonlinearity"] == "conv" else c["nonlinearity"]
    return {"gain": t.tensor([t.nn.init.calculate_gain(name)], dtype=t.float64)}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("nn.functional.glu(moments)", "gated", _gated),
    experiment("amax(maxout)", "maxout", _maxout),
    experiment("selu(constants)", "selu", _selu),
    experiment("relu(kurtosis)", "relu_kurtosis", _relu),
    experiment("nn.init.calculate_gain(table)", "gain_table", _gains),
)
