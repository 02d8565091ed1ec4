"""Whole torch networks: nn.Linear filled by `torch.nn.init`, run forwards and backwards by autograd."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from varlaw.subjects.subject import Case, Framework, LayerSignals, Network
from varlaw.subjects.torch.framework import TORCH, floats, seeded, tensor


def _features(case: Case) -> list[int]:
    """Widths from the input to the output: the hidden ones alternate between one and one half."""
    hidden = [case["hidden_size"] // (1 + i % 2) for i in range(case["depth"] - 1)]
    return [case["in_features"], *hidden, case["in_features"]]


def _layers(case: Case, factory: dict[str, Any], fill: Callable[[Any], Any], activation: str) -> list[Any]:
    import torch

    widths = _features(case)
    maps = [torch.nn.Linear(m, n, bias=False, **factory) for m, n in itertools.pairwise(widths)]
    for layer in maps:
        fill(layer.weight)
    return [layer for linear in maps for layer in (linear, getattr(torch.nn, activation)())][:-1]


def _signals(layers: list[Any], x: Any, end: Any) -> list[LayerSignals]:
    """One input through the layers and the gradient `end` back, seen at each linear map."""
    import torch

    inputs, outputs = [], []
    signal = x.requires_grad_()
    for layer in layers:
        if isinstance(layer, torch.nn.Linear):
            inputs.append(signal)
            signal = layer(signal)
            outputs.append(signal)
        else:
            signal = layer(signal)
    gradients = torch.autograd.grad(signal, [*outputs, *inputs], end)
    seen = zip(inputs, outputs, gradients[: len(outputs)], gradients[len(outputs) :], strict=True)
    return [LayerSignals(*map(floats, vectors)) for vectors in seen]


def network(name: str, framework: Framework, documented: str, fill: Callable[[Any], Any], activation: str) -> Network:
    """The row of a network of `nn.Linear` whose weights `fill` draws."""

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[list[LayerSignals]]:
        import torch

        fresh = seeded(lambda case, factory: {"layers": _layers(case, factory, fill, activation)})
        rng = np.random.default_rng([seed, 1])
        for instance in fresh(case, dtype, device, seed, count):
            x, end = (tensor(v, dtype, device) for v in rng.standard_normal((2, case["in_features"])))
            with torch.enable_grad():
                yield _signals(instance["layers"], x, end)

    return Network(name=name, framework=framework, op="network", documented=documented, draws=draws)


def _kaiming(weight: Any) -> None:
    import torch

    torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _xavier(weight: Any) -> None:
    import torch

    torch.nn.init.xavier_normal_(weight, gain=torch.nn.init.calculate_gain("tanh"))


NETWORKS = (
    network("torch.nn.Sequential(kaiming_normal_, ReLU)", TORCH, "he_normal(fan_in)", _kaiming, "ReLU"),
    network("torch.nn.Sequential(xavier_normal_, Tanh)", TORCH, "glorot_normal(fan_in, fan_out, 5/3)", _xavier, "Tanh"),
)
