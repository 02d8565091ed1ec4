"""Arrays of the library that somebody's own function takes: NumPy, torch or JAX, in and out of it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from varlaw.subjects.subject import Floats

NARROWED = "JAX makes float32 of float64, unless jax_enable_x64 is set"


@dataclass(frozen=True)
class Library:
    """An array library: how numbers become an array of a dtype, and the derivative of an elementwise function."""

    name: str
    array: Callable[[Any, str], Any]
    derivative: Callable[[Callable[[Any], Any], Any, str], Any] | None = None  # (function, x, name in errors)


def floats(x: Any) -> Floats:
    """A float64 NumPy array of any library's array: exact for every narrower format."""
    if type(x).__module__.partition(".")[0] == "torch":
        from varlaw.subjects.torch.framework import floats as of_torch

        return of_torch(x)
    return np.asarray(x).astype(np.float64)


def rounded(x: Any, dtype: str) -> Any:
    """A NumPy array of x in a format."""
    import ml_dtypes

    return np.array(x, dtype=ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def _torch(x: Any, dtype: str) -> Any:
    import torch

    from varlaw.subjects.torch.framework import dtype_of

    return torch.from_numpy(np.array(x)).to(dtype_of(dtype))


def _jax(x: Any, dtype: str) -> Any:
    import jax
    import jax.numpy as jnp

    if dtype == "float64" and not jax.config.jax_enable_x64:
        raise ValueError(NARROWED)
    return jnp.asarray(np.asarray(x), dtype)


def _derivative_in_torch(function: Callable[[Any], Any], x: Any, name: str) -> Any:
    import torch

    y = function(x.requires_grad_())
    if not y.requires_grad:
        msg = f"{name} has no derivative: autograd does not see its input; slope=, a function of x, gives one"
        raise ValueError(msg)
    return torch.autograd.grad(y.sum(), x)[0]


def _derivative_in_jax(function: Callable[[Any], Any], x: Any, name: str) -> Any:
    import jax

    return jax.grad(lambda z: function(z).sum())(x)


_ALL = (
    Library("numpy", rounded),
    Library("torch", _torch, _derivative_in_torch),
    Library("jax", _jax, _derivative_in_jax),
)
LIBRARIES = {one.name: one for one in _ALL}


def installed() -> tuple[Library, ...]:
    """The libraries that are there, NumPy first."""
    return tuple(one for one in LIBRARIES.values() if find_spec(one.name))
