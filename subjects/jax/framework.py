"""The one typed boundary to JAX and the libraries on it: versions, devices, dtypes, keys, and arrays in and out."""

import contextlib
import functools
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from varlaw.subjects.subject import Array, Case, Draws, Floats, Framework, Sampler, Tensor

Tree = Mapping[str, Array]
Build = Callable[[Case, Any], Callable[[Any], Tree]]  # (case, dtype) -> key -> tensors by name
Forward = Callable[[Case], tuple[Callable[..., Any], tuple[int, ...]]]

_WIDTH = 256  # instances drawn by one call, at most
_SCALARS = 1 << 15  # numbers drawn by one call, about
_PROGRAMS = 400
# A layer is run a few times and compiled for every case: LLVM's optimiser costs more than it saves.
_QUICK = {"xla_backend_optimization_level": 0}


def devices() -> tuple[str, ...]:
    """The devices that are there, the CPU first."""
    import jax

    return ("cpu", *(f"{d.platform}:{d.id}" for d in jax.devices() if d.platform != "cpu"))


def framework(name: str, module: str = "") -> Framework:
    """The record of JAX or of a library on it; the version raises ImportError where it is not installed."""

    def version() -> str:
        importlib.import_module("jax")
        return str(importlib.import_module(module or name).__version__)

    return Framework(name=name, version=version, devices=devices, release=release)


def release() -> None:
    """Free the compiled programs once there are many: each shape of each operation leaves one, about half a MiB."""
    import jax
    from jax.extend import backend

    if len(backend.get_backend().live_executables()) > _PROGRAMS:
        _compiled.cache_clear()
        jax.clear_caches()


JAX = framework("jax")


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

    return draws


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


def sampler(
    of: Framework,
    name: str,
    op: str,
    build: Build,
    tensors: Mapping[str, str],
    *,
    layouts: Mapping[str, str] | None = None,
    claims: Mapping[str, Mapping[str, str]] | None = None,
    **rest: Any,
) -> Sampler:
    """A row for what `build` draws: tensor -> documented law, with layouts and further claims by tensor."""
    rows = tuple(
        Tensor(name=n, documented=law, layout=(layouts or {}).get(n), claims=(claims or {}).get(n, {}))
        for n, law in tensors.items()
    )
    draws = seeded(build, one_by_one=any(law.startswith("Orthogonal") for law in tensors.values()))
    return Sampler(name=name, framework=of, op=op, tensors=rows, draws=draws, **rest)


def flat(tree: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, names joined by dots."""
    if not isinstance(tree, Mapping):
        return {prefix: tree}
    return {n: x for k, v in tree.items() for n, x in flat(v, f"{prefix}.{k}" if prefix else str(k)).items()}


# -- arrays in and out -------------------------------------------------------------------------------------------------


def array(x: Floats, dtype: str) -> Any:
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


def measure_fans(forward: Forward, dims: int, *, channels_last: bool = True) -> Any:
    """A `Sampler.measure` that runs the layer of `forward` on ones with all weights one and biases zero.

    `forward(case)` returns the layer as a function of its input in float64, and the input's shape with the spatial
    sides as zeros. A linear layer then returns at each output the number of taps that reach it, its true fan_in, with
    groups, stride and dilation as the framework really computes them; the vector-Jacobian product of ones is the true
    fan_out. Both are averaged over one period of the stride in the interior.
    """

    @functools.cache
    def measured(items: str) -> tuple[float, float]:
        import jax
        import jax.numpy as jnp

        case = json.loads(items)
        period = case.get("stride", 1)
        length = case.get("length", 2 * case.get("kernel_size", 1) + 4 * period)
        with place("float64", "cpu"):
            layer, shape = forward(case)

            def taps(x: Any) -> tuple[Any, Any]:
                y, backward = jax.vjp(layer, x)
                return y, backward(jnp.ones_like(y))[0]

            counted = jax.jit(taps, compiler_options=_QUICK)(np.ones([side or length for side in shape]))
            fan_in, fan_out = (_interior(floats(a), period, dims, channels_last) for a in counted)
        return fan_in, fan_out

    return lambda case: measured(json.dumps(case, sort_keys=True))


def _interior(x: Floats, period: int, dims: int, channels_last: bool) -> float:
    end = x.ndim - 1 if channels_last else x.ndim
    sides = x.shape[end - dims : end] if dims else ()
    centre = tuple(slice(n // 2, n // 2 + period) for n in sides)
    index: Any = (..., *centre, slice(None)) if channels_last and dims else (..., *centre)
    return float(x[index].mean())
