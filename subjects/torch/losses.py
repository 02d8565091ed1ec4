"""torch's classification losses on logits: functional, module, and spelt out as negative log likelihood."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.subject import Floats, Loss
from varlaw.subjects.torch.framework import TORCH, floats, tensor

Call = Callable[[Any, Any, Any, str], Any]  # (torch, logits, labels, reduction) -> loss


def _loss(name: str, call: Call) -> Loss:
    def apply(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
        import torch

        z = tensor(logits, dtype, device)
        return floats(call(torch, z, torch.from_numpy(labels).to(device), reduction))

    return Loss(name=f"torch.nn.{name}", framework=TORCH, op="cross_entropy", apply=apply)


def _nll(torch: Any, z: Any, labels: Any, reduction: str) -> Any:
    f = torch.nn.functional
    return f.nll_loss(f.log_softmax(z, dim=-1), labels, reduction=reduction)


LOSSES: tuple[Loss, ...] = (
    _loss("functional.cross_entropy", lambda t, z, y, r: t.nn.functional.cross_entropy(z, y, reduction=r)),
    _loss("functional.nll_loss", _nll),
    _loss("CrossEntropyLoss", lambda t, z, y, r: t.nn.CrossEntropyLoss(reduction=r)(z, y)),
)
