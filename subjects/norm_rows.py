"""Rows of norms written once: how a norm is run on any framework's `Boundary`, whatever its axes.

norm(TORCH, "torch.nn.functional.rms_norm", "rms_norm", lambda x, c: f().rms_norm(x, x.shape[-1:], eps=c["eps"]))
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from varlaw.subjects.boundary import Boundary
from varlaw.subjects.complex_parts import NO_16_BITS
from varlaw.subjects.defaults import with_default
from varlaw.subjects.subject import Case, Floats, Norm

RUNNING = ("running_mean", "running_var")

Call = Callable[[Any, Case], Any]  # (x, case) -> output, or (output, running mean, running variance)
Affine = Callable[[Any, Any, Any, Case], Any]  # (x, weight, bias, case) -> output


class View(Protocol):
    """How arrays of shape (batch, channels, length) are laid out for a call."""

    def arranged(self, x: Floats) -> Floats:
        """The claims' array as the call takes it."""

    def restored(self, y: Floats, shape: tuple[int, ...]) -> Floats:
        """What the call returned in the claims' `shape`."""


@dataclass(frozen=True)
class Spatial:
    """With `dims` spatial axes, all but the first of length 1; channels come second or last."""

    dims: int = 1
    channels_last: bool = False

    def arranged(self, x: Floats) -> Floats:
        """x with its channels where they belong."""
        batch, channels, length = x.shape
        sides = (length,) + (1,) * (self.dims - 1)
        if self.channels_last:
            return x.transpose(0, 2, 1).reshape(batch, *sides, channels)
        return x.reshape(batch, channels, *sides)

    def restored(self, y: Floats, shape: tuple[int, ...]) -> Floats:
        """y as (batch, channels, length) again."""
        if not self.channels_last:
            return y.reshape(shape)
        batch, channels, length = shape
        return np.ascontiguousarray(y.reshape(batch, length, channels).transpose(0, 2, 1))


def norm(
    of: Boundary,
    name: str,
    op: str,
    call: Call,
    *,
    dims: int = 1,
    channels_last: bool = False,
    view: View | None = None,
    evaluated: Call | None = None,
    affine: Affine | None = None,
    **rest: Any,
) -> Norm:
    """`call` takes x with `dims` spatial axes, its channels second or last, or as `view` lays it out.

    It returns the output, or a triple with the running statistics after one step; `evaluated` does so with the output
    in evaluation mode, and `affine(x, weight, bias, case)` gives the output with these.
    """
    axes = view or Spatial(dims, channels_last)

    def run(call: Call) -> Callable[[Floats, Case, str, str], Mapping[str, Floats]]:
        def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
            with of.place(dtype, device):
                y, *running = _tuple(call(of.array(axes.arranged(x), dtype, device), case))
                seen = {n: of.floats(r).ravel() for n, r in zip(RUNNING, running, strict=False)}
                return {"output": axes.restored(of.floats(y), x.shape), **seen}

        return apply

    def weighted(x: Floats, weight: Floats, bias: Floats, case: Case, dtype: str, device: str) -> Floats:
        assert affine
        with of.place(dtype, device):
            given, scale, shift = (of.array(a, dtype, device) for a in (axes.arranged(x), weight, bias))
            return axes.restored(of.floats(affine(given, scale, shift, case)), x.shape)

    def gradient(x: Floats, dy: Floats, case: Case, dtype: str, device: str) -> Floats:
        assert of.vjp
        with of.place(dtype, device):
            at, of_output = (of.array(axes.arranged(a), dtype, device) for a in (x, dy))
            return axes.restored(of.floats(of.vjp(lambda x: _tuple(call(x, case))[0], at, of_output)), x.shape)

    row = Norm(
        name=name,
        framework=of,
        op=op,
        apply=run(call),
        evaluated=run(evaluated) if evaluated else None,
        affine=weighted if affine else None,
        gradient=gradient if of.vjp else None,
        **rest,
    )
    return with_default(row)


def _of_ordinary_numbers(claim: str, usual: Sequence[Case], dtype: str) -> Sequence[Case]:
    """The moments of ordinary numbers, once: all else is asked where nothing is hidden."""
    asked = claim in ("norm.mean", "norm.second_moment", "norm.running_mean", "norm.running_var") and dtype == "float32"
    return [c for c in usual if asked and c["mean"] <= 10 * c["std"] and 0.01 <= c["std"] <= 100]


def masked(of: Boundary, name: str, op: str, call: Call, *, channels: int = 1, **rest: Any) -> Norm:
    """A norm that is told to leave out what `call` adds to x, which it hides by the norm's own mask.

    It is asked for so many channels and more.
    """
    asked: Any = lambda *of: [c for c in _of_ordinary_numbers(*of) if c["channels"] >= channels]  # noqa: E731
    row = norm(of, f"{name}(mask)", op, call, **rest)
    return replace(row, gradient=None, default=None, cases=asked, dtypes=("float32",))


def imaginary(of: Boundary, name: str, op: str, call: Call, **rest: Any) -> Norm:
    """The norm of i x, i times the norm of x: what squares complex numbers as they are takes -x^2 for |x|^2.

    Its settings and its gradient are asked of the real row.
    """
    asked: Any = lambda claim, usual, dtype: () if claim == "norm.settings" else usual  # noqa: E731 - one expression
    row = norm(of, f"{name}(complex)", op, lambda x, case: call(1j * x, case).imag, unsupported=NO_16_BITS, **rest)
    return replace(row, gradient=None, default=None, cases=asked)


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)
