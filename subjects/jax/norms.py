"""jax.nn.standardize, and how norms of the libraries on JAX are called on x of shape (batch, channels, length)."""

from typing import Any

from varlaw.subjects import axes, norm_rows
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.defaults import constants_of
from varlaw.subjects.jax.framework import JAX
from varlaw.subjects.norm_rows import Call
from varlaw.subjects.subject import Case, Norm


def norm(of: Boundary, name: str, op: str, call: Call, *, channels_last: bool = True, **rest: Any) -> Norm:
    """A row for `call`, which takes x with its channels last where the op normalises by channel.

    No documentation says which variance is averaged; it is the one that the layer normalises with.
    """
    moved = channels_last and op in ("batch_norm", "group_norm", "instance_norm")
    return norm_rows.norm(of, name, op, call, channels_last=moved, running_variance="biased", **rest)


def imaginary(of: Boundary, name: str, op: str, call: Call) -> Norm:
    """The same of i x."""
    return norm_rows.imaginary(of, name, op, call, running_variance="biased")


def weighted(parameters: Any, weight: Any, bias: Any) -> Any:
    """A norm's tree of parameters with this weight and bias in the places of its own, whatever these are called."""
    import jax

    def fill(path: Any, own: Any) -> Any:
        return (weight if path[-1].key == "scale" else bias).reshape(own.shape)

    return jax.tree_util.tree_map_with_path(fill, parameters)


def _standardize(x: Any, case: Case, algorithm: str | None = None) -> Any:
    import jax

    chosen = {"algorithm": algorithm} if algorithm else {}
    return jax.nn.standardize(x, axis=-1, **constants_of(case, eps="epsilon"), **chosen)


def _told(x: Any, case: Case) -> Any:
    import jax

    return jax.nn.standardize(x, axis=(1, 3), **constants_of(case, eps="epsilon"))


NORMS: tuple[Norm, ...] = (
    axes.norm(JAX, "jax.nn.standardize(axis=(1, 3))", "layer_norm", _told, "bpcq"),
    norm(JAX, "jax.nn.standardize", "layer_norm", lambda x, c: _standardize(x, c), documented_eps="1e-5"),
    norm(
        JAX,
        "jax.nn.standardize(stable)",
        "layer_norm",
        lambda x, c: _standardize(x, c, "stable"),
        documented_eps="1e-5",
    ),
)
