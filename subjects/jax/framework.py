"""The one typed boundary to JAX, on which libraries stand with a name and a version of their own."""

import contextlib
import functools
import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from varlaw.subjects import rows
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.kept import kept
from varlaw.subjects.subject import Array, Case, Draws, Floats, Sampler

Tree = Mapping[str, Array]
Build = Callable[[Case, Any], Callable[[Any], Tree]]  # (case, dtype) -> key -> tensors by name

_WIDTH = 256  # instances drawn by one call, at most
_SCALARS = 1 << 15  # numbers drawn by one call, about
_PROGRAMS = 400
# A layer is run a few times and compiled for every case: LLVM's optimiser costs more than it saves.
_QUICK = {"xla_backend_optimization_level": 0}


def devices() -> tuple[str, ...]:
    """The devices that are there, the CPU first."""
    import jax

    return ("cpu", *(f"{d.platform}:{d.id}" for d in jax.devices() if d.platform != "cpu"))


def _version(name: str) -> str:
    importlib.import_module("jax")
    return str(importlib.import_module(name).__version__)


def release() -> None:
    """Free the compiled programs once there are many: each shape of each operation leaves one, about half a MiB."""
    import jax
    from jax.extend import backend

    if len(backend.get_backend().live_executables()) > _PROGRAMS:
        _compiled.cache_clear()
        jax.clear_caches()


def dtype_of(name: str) -> Any:
    """JAX's dtype of that name."""
    import jax.numpy as jnp

    return jnp.dtype(getattr(jnp, name))


@contextlib.contextmanager
def place(dtype: str, device: str) -> Iterator[None]:
    """Everything inside runs on `device`, and in 64 bits where `dtype` asks for them."""
    import jax

    platform, _, index = device.partition(":")
    with _x64()(dtype == "float64"), jax.default_device(jax.devices(platform)[int(index or 0)]):
        yield


def _x64() -> Any:
    """The switch for 64 bits, where this version has it: before 0.8 among the experiments."""
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64
    return importlib.import_module("jax.experimental").enable_x64


# -- drawing -----------------------------------------------------------------------------------------------------------


def seeded(build: Build, one_by_one: bool = False) -> Draws:
    """`Draws` from a function of a key, compiled once for each case, dtype and device and run for many keys at once.

    Instance i is drawn from `fold_in(key(seed), i)`, so it depends on (seed, i) alone. `one_by_one` is for what
    factorises matrices: jaxlib 0.10.2 hangs now and then where several batched factorisations wait for two threads.
    """

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        run, width = _compiled(build, one_by_one, json.dumps(case, sort_keys=True), dtype, device)
        for start in range(0, count, width):
            with place(dtype, device):
                block = {name: np.asarray(x) for name, x in run(_words(seed), np.uint32(start)).items()}
            for i in range(min(width, count - start)):
                yield {name: x[i] for name, x in block.items()}

    return kept(draws)


def _words(seed: int) -> Any:
    return np.array([seed >> 32, seed & 0xFFFFFFFF], dtype=np.uint32)


def key_of(seed: int) -> Any:
    """JAX's default kind of key for a seed of up to 64 bits; `jax.random.key` takes 32 of them unless x64 is on."""
    import jax

    return jax.random.wrap_key_data(_words(seed), impl="threefry2x32")


@functools.lru_cache(maxsize=64)  # an executable is freed with its entry: hundreds of them would fill the memory
def _compiled(build: Build, one_by_one: bool, case: str, dtype: str, device: str) -> tuple[Callable[..., Tree], int]:
    import jax

    with place(dtype, device):
        one = build(json.loads(case), dtype_of(dtype))
        shapes = jax.eval_shape(one, jax.random.key(0))
        size = sum(int(np.prod(x.shape)) for x in shapes.values())
        width = min(_WIDTH, 1 << max(0, (_SCALARS // max(size, 1)).bit_length()))

        def many(words: Any, start: Any) -> Tree:
            key = jax.random.wrap_key_data(words, impl="threefry2x32")
            keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(start + np.arange(width, dtype=np.uint32))
            tensors: Tree = jax.lax.map(one, keys) if one_by_one else jax.vmap(one)(keys)
            return tensors

        return jax.jit(many, compiler_options=_QUICK), width


def sampler(of: Boundary, name: str, op: str, build: Build, tensors: Mapping[str, str], **rest: Any) -> Sampler:
    """A row for what `build` draws, one by one where a promise asks for a factorisation."""
    row = rows.sampler(of, name, op, build, tensors, **rest)
    factorised = any(law.startswith("Orthogonal") for law in tensors.values())
    return replace(row, draws=seeded(build, one_by_one=True)) if factorised else row


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, names joined by dots."""
    if not isinstance(tree, Mapping):
        return {prefix: tree}
    return {n: x for k, v in tree.items() for n, x in flat(v, f"{prefix}.{k}" if prefix else str(k)).items()}


# -- arrays in and out -------------------------------------------------------------------------------------------------


def array(x: Floats, dtype: str, device: str = "") -> Any:
    """A JAX array of `x` rounded to `dtype`, inside `place`."""
    import jax.numpy as jnp

    return jnp.asarray(x, dtype_of(dtype))


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a JAX array: exact for every narrower format."""
    return np.asarray(x).astype(np.float64)


# -- fans --------------------------------------------------------------------------------------------------------------


def ones_like(tree: Any) -> Any:
    """All weights one, all biases zero; of the tree, only shapes and dtypes are read."""
    import jax

    def fill(path: Any, x: Any) -> Any:
        parts = {str(getattr(key, "key", getattr(key, "name", ""))) for key in path}
        return np.zeros(x.shape, x.dtype) if parts & {"bias", "b"} else np.ones(x.shape, x.dtype)

    return jax.tree_util.tree_map_with_path(fill, tree)


def _taps(layer: Callable[[Any], Any], shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    """Of a function whose weights are ones already."""
    import jax
    import jax.numpy as jnp

    def both(x: Any) -> tuple[Any, Any]:
        y, backward = jax.vjp(layer, x)
        return y, backward(jnp.ones_like(y))[0]

    y, gradient = jax.jit(both, compiler_options=_QUICK)(np.ones(shapes[0]))
    return floats(y), floats(gradient)


def _vjp(call: Callable[[Any], Any], x: Any, dy: Any) -> Any:
    """Under `jit`, as a training step takes it: one program in the place of one for each operation."""
    import jax

    def gradient(x: Any, dy: Any) -> Any:
        y, backward = jax.vjp(call, x)
        return backward(dy.astype(y.dtype))[0]

    return jax.jit(gradient)(x, dy)


@contextlib.contextmanager
def _chance(seed: int, dtype: str, device: str) -> Iterator[Any]:
    with place(dtype, device):
        yield key_of(seed)


JAX = Boundary(
    name="jax",
    version=lambda: _version("jax"),
    devices=devices,
    release=release,
    array=array,
    floats=floats,
    draws=seeded,
    chance=_chance,
    place=place,
    taps=_taps,
    vjp=_vjp,
)


def library(name: str) -> Boundary:
    """A library on JAX; its version raises ImportError where it is not installed."""
    return replace(JAX, name=name, version=lambda: _version(name))
