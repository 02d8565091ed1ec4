"""What of a model does something else in eval(), and by what a batch is known again."""

from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch.nn.modules.batchnorm import _NormBase

from varlaw.diagnose.torch.operations import tensors_in

_NUMBERS = 8  # of each tensor


def changed(model: torch.nn.Module) -> Iterator[str]:
    """Names of the modules that are in eval() and do something else there: dropout, norms of batches."""
    for name, module in model.named_modules():
        if not module.training and (_drops(module) or _averages(module)):
            yield name or "model"


def _drops(module: torch.nn.Module) -> bool:
    """By the shares that they are known by: dropout, paths of blocks, attention and recurrences that drop."""
    shares = ("p", "drop_prob", "dropout") if "drop" in type(module).__name__.lower() else ("dropout",)
    return any(isinstance(share := getattr(module, n, 0.0), float | int) and share > 0 for n in shares)


def _averages(module: torch.nn.Module) -> bool:
    return isinstance(module, _NormBase) and module.running_mean is not None


def mark(given: Any) -> tuple[Hashable, Hashable] | None:
    """The shapes of a batch's tensors and some of their numbers; None where they are not at hand."""
    tensors = tensors_in(given)
    if not tensors or any(type(t) is not torch.Tensor or not _at_hand(t) for t in tensors):
        return None
    return tuple(t.shape for t in tensors), tuple(number for t in tensors for number in _some(t))


def _at_hand(tensor: torch.Tensor) -> bool:
    return tensor.device.type == "cpu" and tensor.layout is torch.strided and not tensor.is_quantized


def _some(tensor: torch.Tensor) -> list[Any]:
    if not tensor.numel():
        return []
    flat = (tensor.detach()[-1] if tensor.ndim > 1 else tensor.detach()).reshape(-1)
    found: list[Any] = flat[:: -(-len(flat) // _NUMBERS)].tolist()
    return found
