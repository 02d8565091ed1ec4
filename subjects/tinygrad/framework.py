"""The one typed boundary to tinygrad: version, devices, default dtype, seeding, and arrays in and out as NumPy.

Its CPU device compiles every kernel with clang, and constructing a layer costs some 20 ms. So the construction is
captured by `TinyJit`, which replays the same kernels on the same stream in 1 ms (a test compares the two). Without
clang, `DEV=CPU:X86` lets tinygrad assemble kernels by itself, which takes seconds for each: only where it is asked for.
"""

import ast
import contextlib
import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from varlaw.subjects.boundary import Boundary, Build
from varlaw.subjects.subject import Array, Case, Draws, Floats

_CAPTURED = 32  # constructions kept for replay, the latest ones


def version() -> str:
    """tinygrad's own version; ImportError when it is not installed."""
    from importlib import metadata

    compiler()
    import tinygrad  # noqa: F401 - the package may be there without its metadata being asked for

    return metadata.version("tinygrad")


_BFLOAT16 = "__bf16 x;"
_CLANGS = ("clang", *(f"clang-{n}" for n in range(25, 14, -1)))


@functools.cache
def compiler() -> str:
    """What compiles tinygrad's kernels: `CC`, else the first clang that has __bf16, else the one called clang.

    tinygrad asks for `CC` once, when it first compiles, so this is called before anything that may be the first.
    """
    found = os.environ.get("CC") or next((name for name in _CLANGS if _takes(name, _BFLOAT16)), "clang")
    os.environ["CC"] = found
    return found


def _takes(name: str, source: str) -> bool:
    command = [name, "-x", "c", "-fsyntax-only", "-"]
    try:
        return subprocess.run(command, input=source.encode(), capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _devices() -> tuple[str, ...]:
    """The CPU where a compiler is there, or another way to make kernels is named; without either no kernel runs."""
    return ("cpu",) if shutil.which(compiler()) or os.environ.get("DEV", "").startswith("CPU:") else ()


class Unsupported(Mapping[str, str]):
    """What the compiler on this machine cannot do, asked once and not before somebody looks.

    For each dtype, C that it would have to take, and the reason to give where it does not.
    """

    def __init__(self, **needed: tuple[str, str]) -> None:
        self._needed = needed

    @functools.cached_property
    def _found(self) -> Mapping[str, str]:
        if not _takes(compiler(), ""):
            return {}  # no compiler at all: the run says so by itself
        return {dtype: why for dtype, (source, why) in self._needed.items() if not _takes(compiler(), source)}

    def __getitem__(self, name: str) -> str:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


_NO_BFLOAT16 = (_BFLOAT16, "the compiler that tinygrad found has no __bf16 on this machine (clang >= 15 has)")
_VECTOR = """
typedef float float4 __attribute__((ext_vector_type(4)));
typedef __fp16 half4 __attribute__((ext_vector_type(4)));
void fill(half4 *x) { *x = (half4)((float4){0, 0, 0, 0}); }
"""
UNSUPPORTED = Unsupported(bfloat16=_NO_BFLOAT16)
# Of layers that hold constants.
NO_HALF_CONSTANTS = Unsupported(
    bfloat16=_NO_BFLOAT16,
    float16=(_VECTOR, "tinygrad fills float16 by casting vectors of float to vectors of __fp16, which clang refuses"),
)


def context(dtype: str = "float32", *, training: bool = False) -> Any:
    """The settings of a computation: layers take no dtype, they are created in the default one."""
    from tinygrad.helpers import Context

    return Context(DEFAULT_FLOAT=dtype, TRAINING=int(training))


def array(x: Floats, dtype: str, device: str = "cpu") -> Any:
    """A tinygrad tensor of `x`, rounded to `dtype` in memory."""
    from tinygrad import Tensor, dtypes

    compiler()
    return Tensor(np.ascontiguousarray(x).reshape(np.shape(x))).cast(getattr(dtypes, dtype)).realize()


def bits(x: Any) -> Any:
    """The tensor in memory; bfloat16, which NumPy does not know, as integers.

    Realised first: a cast fused into the kernel that draws would see numbers that were never rounded to the dtype.
    """
    from tinygrad import dtypes

    realised = x.realize()
    return realised.bitcast(dtypes.uint16).realize() if realised.dtype == dtypes.bfloat16 else realised


def host(x: Any) -> Any:
    """A NumPy copy of what `bits` gave, in the dtype that it had; bfloat16 as ml_dtypes'."""
    import ml_dtypes

    found = np.array(x.numpy())
    return found.view(ml_dtypes.bfloat16) if found.dtype == np.uint16 else found


def floats(x: Any) -> Floats:
    """A float64 NumPy array of a tinygrad tensor: exact for every narrower format."""
    result: Floats = host(bits(x)).astype(np.float64)
    return result


class _Stream:
    """A stream of tinygrad's own generator that can be set to a seed in place, so that captured kernels still read it.

    `Tensor.manual_seed` makes new buffers for the key and the counter; here the same ones are written to again.
    """

    def __init__(self) -> None:
        from tinygrad import Tensor

        before = self._global()
        Tensor.manual_seed(0)
        Tensor.rand(1).realize()
        self._own = self._global()
        (self._key,), (self._counter,) = (tuple(part.values()) for part in self._own[1:])
        self._device_half = int(self._key.numpy()[0])
        self._put(before)

    @staticmethod
    def _global() -> tuple[Any, ...]:
        from tinygrad import Tensor

        return Tensor._seed, Tensor._device_seeds, Tensor._device_rng_counters

    @staticmethod
    def _put(state: tuple[Any, ...]) -> None:
        from tinygrad import Tensor

        Tensor._seed, Tensor._device_seeds, Tensor._device_rng_counters = state

    @contextlib.contextmanager
    def at(self, seed: int) -> Iterator[None]:
        """tinygrad's global stream as `Tensor.manual_seed(seed)` leaves it; the key has room for 32 bits."""
        from tinygrad import Tensor, dtypes

        before = self._global()
        self._put(self._own)
        key = [self._device_half, seed & 0xFFFFFFFF]
        self._key.assign(Tensor(key, dtype=dtypes.uint32)).realize()
        self._counter.assign(Tensor([0, 0], dtype=dtypes.uint32)).realize()
        try:
            yield
        finally:
            self._put(before)


@functools.cache
def _stream() -> _Stream:
    compiler()
    return _Stream()


@contextlib.contextmanager
def kept(dtype: str, device: str) -> Iterator[None]:
    """tinygrad with that default dtype; its global stream is put back afterwards."""
    compiler()
    before = _Stream._global()
    try:
        with context(dtype):
            yield
    finally:
        _Stream._put(before)


def seeded(build: Build) -> Draws:
    """`Draws` from a builder that draws from tinygrad's global stream, whose state is put back afterwards."""

    @functools.lru_cache(maxsize=_CAPTURED)
    def captured(items: str, dtype: str) -> Any:
        from tinygrad import TinyJit

        case = ast.literal_eval(items)

        def make() -> dict[str, Any]:
            with context(dtype):
                return {name: bits(x) for name, x in build(case, dtype, "cpu").items()}

        return TinyJit(make)

    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        draw = captured(repr(dict(case)), dtype)
        with _stream().at(seed):
            for _ in range(count):
                yield {name: host(x) for name, x in draw().items()}

    return draws


def parameters(layer: Any) -> dict[str, Any]:
    """The floating-point tensors of a layer by their dotted names."""
    from tinygrad import nn

    return {name: x for name, x in nn.state.get_state_dict(layer).items() if x.is_floating_point()}


def _taps(layer: Any, shapes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    from tinygrad import Tensor

    compiler()
    for name, parameter in parameters(layer).items():
        parameter.assign(Tensor.full(parameter.shape, 0.0 if "bias" in name else 1.0)).realize()
    xs = [Tensor.ones(*shape).realize() for shape in shapes]
    y = layer(*xs)
    (gradient,) = y.sum().gradient(xs[0])
    return floats(y), floats(gradient)


@contextlib.contextmanager
def _chance(seed: int, dtype: str, device: str) -> Iterator[None]:
    from tinygrad import Tensor

    with kept(dtype, device):
        Tensor.manual_seed(seed & 0xFFFFFFFF)
        with context("float32", training=True):
            yield


def _labels(labels: Any, device: str) -> Any:
    from tinygrad import Tensor

    return Tensor(labels.astype(np.int32))


TINYGRAD = Boundary(
    name="tinygrad",
    version=version,
    devices=_devices,
    array=array,
    floats=floats,
    draws=seeded,
    chance=_chance,
    taps=_taps,
    labels=_labels,
)
