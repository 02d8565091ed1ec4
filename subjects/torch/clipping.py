"""torch.nn.utils: gradient clipping by global norm and by value, called on real parameters with gradients."""

from collections.abc import Sequence

from varlaw.subjects.subject import Clipper, Floats
from varlaw.subjects.torch.framework import TORCH, floats, tensor


def _clipper(name: str, op: str) -> Clipper:
    def apply(grads: Sequence[Floats], limit: float, dtype: str, device: str) -> tuple[list[Floats], float | None]:
        import torch

        parameters = [torch.nn.Parameter(torch.zeros_like(tensor(g, dtype, device))) for g in grads]
        for parameter, g in zip(parameters, grads, strict=True):
            parameter.grad = tensor(g, dtype, device).clone()  # clipped in place: the caller's data is shared
        norm = getattr(torch.nn.utils, name)(parameters, limit)
        return [floats(p.grad) for p in parameters], None if norm is None else float(norm)

    return Clipper(name=f"torch.nn.utils.{name}", framework=TORCH, op=op, apply=apply)


CLIPPERS: tuple[Clipper, ...] = (
    _clipper("clip_grad_norm_", "clip_norm"),
    _clipper("clip_grad_value_", "clip_value"),
)
