"""jax.nn.standardize, and how norms of the libraries on JAX are called on x of shape (batch, channels, length)."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.complex_parts import NO_16_BITS
from varlaw.subjects.defaults import given, with_default
from varlaw.subjects.jax.framework import JAX, array, floats, place
from varlaw.subjects.subject import Case, Floats, Framework, Norm

Call = Callable[[Any, Case, Any], Any]  # (x, case, dtype) -> output, or (output, running mean, running variance)


def norm(of: Framework, name: str, op: str, call: Call, *, channels_last: bool = True, **rest: Any) -> Norm:
    """A row for `call`, which takes x with its channels last where the op normalises by channel.

    `call` returns the output, or a triple with the running statistics after one step.
    """
    moved = channels_last and op in ("batch_norm", "group_norm", "instance_norm")

    def apply(x: Floats, case: Case, dtype: str, device: str) -> Mapping[str, Floats]:
        with place(dtype, device):
            rounded = array(x.transpose(0, 2, 1) if moved else x, dtype)
            y, *running = _tuple(call(rounded, case, rounded.dtype))
            names = ("running_mean", "running_var")
            seen = {n: floats(r).ravel() for n, r in zip(names, running, strict=False)}
            output = floats(y)
        return {"output": output.transpose(0, 2, 1) if moved else output, **seen}

    # No documentation says which variance is averaged; it is the one that the layer normalises with.
    return with_default(Norm(name=name, framework=of, op=op, apply=apply, running_variance="biased", **rest))


def imaginary(of: Framework, name: str, op: str, call: Call) -> Norm:
    """The norm of i x, i times the norm of x: what squares complex numbers as they are takes -x^2 for |x|^2."""

    def turned(x: Any, case: Case, dtype: Any) -> Any:
        return call(1j * x, case, dtype).imag

    return norm(of, f"{name}(complex)", op, turned, unsupported=NO_16_BITS)


def _tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def _standardize(x: Any, case: Case, algorithm: str | None = None) -> Any:
    import jax

    chosen = {"algorithm": algorithm} if algorithm else {}
    return jax.nn.standardize(x, axis=-1, **given(case, eps="epsilon"), **chosen)


NORMS: tuple[Norm, ...] = (
    norm(JAX, "jax.nn.standardize", "layer_norm", lambda x, c, d: _standardize(x, c)),
    norm(JAX, "jax.nn.standardize(stable)", "layer_norm", lambda x, c, d: _standardize(x, c, "stable")),
)
