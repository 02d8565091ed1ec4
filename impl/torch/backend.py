"""torch as the rules see it: any device, nothing waits for it, and autograd records no draw."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from varlaw.impl.initialisers import Initialisers
from varlaw.impl.torch import keyed, norms
from varlaw.impl.torch.rows import PEAKS, standardised
from varlaw.impl.torch.streams import (
    Device,
    DType,
    Seed,
    between_,
    fill,
    float_tensor,
    generator_for,
    largest,
    may_ask,
    name_of,
    tensor_for,
    towards_zero,
    working,
    write_,
)
from varlaw.impl.torch.truncated import draw_between
from varlaw.impl.truncation import Cut
from varlaw.impl.weights import Weights

Tensor = torch.Tensor


class TorchBackend(Initialisers[Tensor, Seed, DType, Device], Weights[Tensor, Seed, DType, Device]):
    """Tensors on any device; seeds are ints or `torch.Generator`, which says the device where nothing else does."""

    def __reduce__(self) -> str:
        return "TORCH"  # the only one, so that its methods travel between processes by name

    # -- arrays --------------------------------------------------------------------------------------------------------

    array = staticmethod(tensor_for)
    float_array = staticmethod(float_tensor)

    def home(self, array: Tensor) -> tuple[Any, Any]:
        return array.dtype, array.device

    def largest(self, array: Tensor) -> tuple[float, str]:
        return largest(array.dtype), name_of(array.dtype)

    def fill(self, target: Tensor, value: float) -> Tensor:
        with torch.no_grad():
            return target.fill_(value)

    def write(self, target: Tensor, values: Tensor) -> Tensor:
        if not target.requires_grad:
            return write_(target, values)
        with torch.no_grad():
            return write_(target, values)

    def part(self, target: Tensor, index: Any) -> Tensor:
        view, axis = target.detach(), 0
        for place in index if isinstance(index, tuple) else (index,):  # indexing asks for the device, if it is fake
            if isinstance(place, int):
                view = view.select(axis, place)
            else:
                first, end, _ = place.indices(view.shape[axis])
                view, axis = view.narrow(axis, first, end - first), axis + 1
        return view

    def fill_diagonal(self, matrix: Tensor, value: float) -> None:
        matrix.detach().diagonal().fill_(value)

    # -- draws ---------------------------------------------------------------------------------------------------------

    def stream(self, seed: Seed, like: Tensor, where: str) -> torch.Generator:
        return generator_for(seed, like.device, where)

    def fill_uniform(self, target: Tensor, bound: float, seed: Seed, where: str) -> Tensor:
        most = largest(target.dtype)
        if bound > most:
            self.representable("bound", bound, target, where)
        edge = towards_zero(bound, working(target.dtype))
        if target.is_cpu and 2 * edge < most:  # as between_ does, with one call less
            return fill(target, lambda t, source: t.uniform_(-edge, edge, generator=source), seed=seed, where=where)
        return fill(target, lambda t, source: between_(t, -edge, edge, source), seed=seed, where=where)

    def fill_normal(self, target: Tensor, std: float, seed: Seed, where: str) -> Tensor:
        if std > largest(target.dtype):
            self.representable("std", std, target, where)
        return fill(target, lambda t, source: t.normal_(0.0, std, generator=source), seed=seed, where=where)

    def fill_between(self, target: Tensor, found: Cut, seed: Seed, where: str) -> Tensor:
        return fill(target, lambda t, source: draw_between(found, t, source), seed=seed, where=where)

    fill_keyed_uniform = staticmethod(keyed.fill_uniform)
    fill_keyed_normal = staticmethod(keyed.fill_normal)
    fill_keyed_between = staticmethod(keyed.fill_between)

    def haar(self, rows: int, cols: int, gain: float, like: Tensor, seed: Seed, where: str) -> Tensor:
        """The Q of a Gaussian matrix, with the signs that make it uniform.

        Householder QR alone fixes the sign of each column by a rule of its own, so its Q is not uniform; multiplying
        each column by the sign of R's diagonal makes the factorisation unique and Q Haar distributed (Mezzadri 2007,
        arXiv:math-ph/0609050).
        """
        gaussian = torch.empty((max(rows, cols), min(rows, cols)), dtype=working(like.dtype), device=like.device)
        fill(gaussian, lambda t, source: t.normal_(generator=source), seed=seed, where=where)
        q, r = torch.linalg.qr(gaussian)
        signs = r.diagonal()
        q.mul_(torch.full_like(signs, 1.0).copysign_(signs).mul_(gain))
        matrix: Tensor = q if rows >= cols else q.T
        return matrix

    def zero_in_columns(self, target: Tensor, count: int, seed: torch.Generator) -> None:
        places = between_(torch.empty(target.shape, device=target.device), 0.0, 1.0, seed).argsort(dim=0)
        target.detach().scatter_(0, places.narrow(0, 0, count), 0.0)

    def logs_between(self, low: float, high: float, count: int, seed: Seed, like: Tensor, where: str) -> Tensor:
        steps = torch.empty(count, dtype=torch.float64, device=like.device)
        return between_(steps, low, high, self.stream(seed, like, where)).log_()

    # -- arithmetic ----------------------------------------------------------------------------------------------------

    def wide(self, array: Tensor) -> Tensor:
        return array.to(torch.float64)

    def constant_wide(self, array: Tensor) -> Tensor:
        return array.detach().to(torch.float64)

    def empty_wide(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        return torch.empty(shape, dtype=torch.float64, device=like.device)

    def cast(self, values: Tensor, like: Tensor) -> Tensor:
        return values.to(like.dtype)

    def quiet(self) -> AbstractContextManager[Any]:
        return nullcontext()  # torch never warns of them

    def nonfinite(self, array: Tensor) -> int:
        return int((~array.isfinite()).sum()) if may_ask(array.detach()) else 0

    def peaks(self, rows: Tensor) -> Tensor:
        found: Tensor = torch.linalg.vector_norm(rows.detach(), torch.inf, dim=1)
        return found

    def zero_among(self, peaks: Tensor) -> int | None:
        return int(peaks.argmin()) if may_ask(peaks) and not peaks.all() else None

    def powers(self, peaks: Tensor) -> Tensor:
        usable = torch.where(peaks.isfinite(), peaks.clamp(*PEAKS[torch.float64]), 1.0)
        return torch.frexp(usable).mantissa / usable

    # -- norms ---------------------------------------------------------------------------------------------------------

    layer_norm = staticmethod(norms.layer_norm)
    checked = staticmethod(norms.checked)
    over_axes = staticmethod(norms.over_axes)
    over_channels = staticmethod(norms.over_channels)
    over_batch = staticmethod(norms.over_batch)

    def accurate(self, values: Tensor, rows: Tensor) -> Tensor:
        return values.to(working(rows.dtype))

    def standardised(self, rows: Tensor, eps: float, centred: bool) -> tuple[Tensor, Tensor]:
        hat, _, _, scale = standardised(rows.to(working(rows.dtype)), eps, centred)
        return hat, scale


TORCH = TorchBackend()
