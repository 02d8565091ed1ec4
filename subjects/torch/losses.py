"""torch's classification losses on logits: functional, module, and spelt out as negative log likelihood."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.subjects.subject import Floats, Loss
from varlaw.subjects.torch.framework import TORCH, floats, tensor

Call = Callable[..., Any]  # (torch, logits, labels, reduction, further arguments) -> loss


def _loss(name: str, call: Call, adjusts: tuple[str, ...] = ("smoothing", "ignored")) -> Loss:
    def apply(logits: Floats, labels: NDArray[np.int64], reduction: str, dtype: str, device: str) -> Floats:
        import torch

        z = tensor(logits, dtype, device)
        return floats(call(torch, z, torch.from_numpy(labels).to(device), reduction))

    def adjusted(
        logits: Floats, labels: NDArray[np.int64], smoothing: float, ignored: int | None, dtype: str, device: str
    ) -> Floats:
        import torch

        more = {"label_smoothing": smoothing} if smoothing else {}
        more |= {"ignore_index": ignored} if ignored is not None else {}
        z = tensor(logits, dtype, device)
        return floats(call(torch, z, torch.from_numpy(labels).to(device), "mean", **more))

    return Loss(
        name=f"torch.nn.{name}", framework=TORCH, op="cross_entropy", apply=apply, adjusted=adjusted, adjusts=adjusts,
        ignored=-100,
    )  # fmt: skip


def _nll(torch: Any, z: Any, labels: Any, reduction: str, **more: Any) -> Any:
    f = torch.nn.functional
    return f.nll_loss(f.log_softmax(z, dim=-1), labels, reduction=reduction, **more)


LOSSES: tuple[Loss, ...] = (
    _loss("functional.cross_entropy", lambda t, z, y, r, **m: t.nn.functional.cross_entropy(z, y, reduction=r, **m)),
    _loss("functional.nll_loss", _nll, ("ignored",)),
    _loss("CrossEntropyLoss", lambda t, z, y, r, **m: t.nn.CrossEntropyLoss(reduction=r, **m)(z, y)),
)
