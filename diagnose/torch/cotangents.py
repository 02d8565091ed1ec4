"""How much of a step's loss one backward pass sends: read off the gradient of logits, where a softmax made it.

The gradient of a mean cross entropy over N rows is (p - y) s / N, with s = 1 for one pass and 1/k for each of k passes
that are summed. Where y = 0 the gradient over p is s / N, the same number for every entry: that it is shows the loss.
"""

from collections.abc import Callable
from typing import Any

import torch

_ROWS = 64  # of the logits that are looked at
_SAME = 1e-3  # spread of the ratio, relative, of float32


class Cotangent:
    """Looks at one backward pass through the model's output when it is told to; `share` is then s."""

    def __init__(self) -> None:
        self.share: float | None = None
        self.wanted = False

    def attach(self, model: torch.nn.Module) -> Any:
        """Puts the hook on the model; the handle takes it off."""
        return model.register_forward_hook(self._given)

    def _given(self, module: torch.nn.Module, args: Any, output: Any) -> None:
        if torch.compiler.is_compiling() or not self.wanted:
            return
        logits = getattr(output, "logits", output)
        if isinstance(logits, torch.Tensor) and logits.requires_grad and logits.ndim >= 2:
            self.wanted = False
            logits.register_hook(self._arrived(logits.detach()))  # type: ignore[no-untyped-call]

    def _arrived(self, logits: torch.Tensor) -> Callable[[torch.Tensor], None]:
        def hook(gradient: torch.Tensor) -> None:
            with torch.no_grad():
                self.share = share(logits, gradient)

        return hook


def share(logits: torch.Tensor, gradient: torch.Tensor) -> float | None:
    """s of a mean cross entropy whose gradient this is; None where it is another loss's.

    >>> z = torch.randn(16, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    >>> loss = torch.nn.functional.cross_entropy(z, torch.arange(16) % 5) / 4
    >>> round(share(z.detach(), *torch.autograd.grad(loss, z)), 6)
    0.25
    """
    axes = {logits.ndim - 1, 1}  # classes come last, or second as torch's own losses take them
    found = (_share(logits.movedim(axis, -1), gradient.movedim(axis, -1)) for axis in axes)
    return next((value for value in found if value is not None), None)


def _share(logits: torch.Tensor, gradient: torch.Tensor) -> float | None:
    z, g = logits.reshape(-1, logits.shape[-1]), gradient.reshape(-1, logits.shape[-1])
    used = g.abs().amax(-1).nonzero()[:, 0]
    if len(used) < 2 or z.shape[-1] < 2:
        return None
    few = used[:: -(-len(used) // _ROWS)]
    p, g = z[few].float().softmax(-1), g[few].float()
    kept = (g > 0) & (p > 1e-4)  # y = 0: only the label's own entry is negative
    if int(kept.sum()) < len(few):
        return None
    ratios = g[kept] / p[kept]
    middle = ratios.median()
    return float(middle * len(used)) if bool(((ratios - middle).abs() <= _SAME * middle).all()) else None
