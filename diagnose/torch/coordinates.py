"""The size of every layer's output in one draw, and of what a few training steps change of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from varlaw.diagnose.torch import building
from varlaw.diagnose.torch.building import CannotSee, seeded
from varlaw.diagnose.torch.passing import call


@dataclass
class Layer:
    """One module with a weight: rms of its output, and of the change of it."""

    shape: tuple[int, ...]
    embedding: bool
    start: float
    step: float = float("nan")


@dataclass
class Draw:
    """The layers of one model by name."""

    layers: dict[str, Layer]


def draw(build: Callable[[int], Any], width: int, batch: Any, loss: Any, optimizer: Any, steps: int, seed: int) -> Draw:
    """One fresh model of a width on the batch, and after some steps on it; eval mode, so that nothing is dropped."""
    model = building.built(lambda: build(width), seed)
    given = batch(seed & 0xFFFFFFFF) if callable(batch) and not isinstance(batch, torch.Tensor) else batch
    with seeded(seed):
        before = _outputs(model, given, loss)
        layers = {name: _layer(model, name, out) for name, out in before.items()}
        if optimizer is not None:
            _train(model, given, loss, optimizer, steps)
            for name, out in _outputs(model, given, loss).items():
                layers[name].step = _rms(out - before[name])
    return Draw(layers)


def _layer(model: torch.nn.Module, name: str, out: torch.Tensor) -> Layer:
    module = model.get_submodule(name)
    weight = max(module.parameters(recurse=False), key=lambda p: p.ndim)
    return Layer(tuple(weight.shape), isinstance(module, torch.nn.Embedding), _rms(out))


def _rms(x: torch.Tensor) -> float:
    return float(x.double().square().mean().sqrt())


def _train(model: torch.nn.Module, batch: Any, loss: Any, optimizer: Any, steps: int) -> None:
    try:
        chosen = optimizer(model)
        for _ in range(steps):
            chosen.zero_grad()
            loss(model, batch).backward()
            chosen.step()
    except (Exception, SystemExit) as error:  # whatever the user's loss or optimiser raises
        msg = f"a training step fails: {type(error).__name__}: {' '.join(str(error).split())} [check_widths]"
        raise CannotSee(msg) from error


def _outputs(model: torch.nn.Module, batch: Any, loss: Any) -> dict[str, torch.Tensor]:
    """The first output of every module that has a weight of two axes or more, in a pass as the loss makes it."""
    found: dict[str, torch.Tensor] = {}
    with _hooked(model, found), torch.no_grad():
        try:
            _ = loss(model, batch) if loss else call(model, batch)
        except (Exception, SystemExit) as error:
            what = "loss(model, batch)" if loss else "the model"
            msg = f"{what} fails on the batch: {type(error).__name__}: {' '.join(str(error).split())} [check_widths]"
            raise CannotSee(msg) from error
    return found


@contextmanager
def _hooked(model: torch.nn.Module, found: dict[str, torch.Tensor]) -> Iterator[None]:
    def keep(name: str) -> Callable[..., None]:
        def hook(module: torch.nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor) and output.is_floating_point() and name not in found:
                found[name] = output.detach().clone()

        return hook

    weighted = [(n, m) for n, m in model.named_modules() if any(p.ndim > 1 for p in m.parameters(recurse=False))]
    modes = [(m, m.training) for m in model.modules()]
    handles = [m.register_forward_hook(keep(n)) for n, m in weighted]
    model.eval()
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training
