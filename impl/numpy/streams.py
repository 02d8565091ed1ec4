"""Filling an array with draws: where seeds, dtypes and blocks meet.

An array is drawn in blocks of `BLOCK` elements in C order, each from its own stretch of one PCG64DXSM stream, so the
values depend on the seed, the shape and the dtype, and never on the number of threads or on the strides of `out`. A
single block is drawn by a generator that is given as seed itself.
float64 is drawn in float64; every narrower dtype is drawn in float32 and cast.
"""

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from varlaw.impl.arguments import disjoint, is_bool, refuse, refuse_type, sizes, whole

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = int | Sequence[int]
Seed: TypeAlias = int | np.random.Generator
DType: TypeAlias = Any  # a name of `DTYPES`, or the dtype or scalar type that NumPy or ml_dtypes has for it
Stream: TypeAlias = np.random.Generator | np.random.PCG64DXSM
Draw: TypeAlias = Callable[[np.random.Generator, Array], None]

BLOCK = 1 << 16
DTYPES = ("float64", "float32", "float16", "bfloat16")
FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


def dtype_of(dtype: DType, where: str) -> np.dtype[Any]:
    """The NumPy dtype meant by a name or dtype object; bfloat16 is that of ml_dtypes."""
    if isinstance(dtype, np.dtype) and dtype.char in "fd":
        return dtype  # nearly every call
    if isinstance(dtype, str) and dtype == "bfloat16":
        import ml_dtypes

        dtype = ml_dtypes.bfloat16
    try:
        found: np.dtype[Any] = np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):
        refuse_type("dtype", dtype, f"one of {', '.join(DTYPES)}", where)
    if dtype is None or found.name not in DTYPES:
        refuse_type("dtype", dtype, f"one of {', '.join(DTYPES)}", where)
    return found


def working(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype in which draws for `dtype` are made."""
    return FLOAT64 if dtype.char == "d" else FLOAT32  # of any byte order


@functools.cache
def largest(dtype: np.dtype[Any]) -> float:
    """The largest finite number of a dtype."""
    import ml_dtypes

    return float(ml_dtypes.finfo(dtype).max)  # type: ignore[no-untyped-call]


def array_for(shape: Shape, dtype: DType, device: object, out: Array | None, where: str, seed: object = None) -> Array:
    """The array to fill: `out` when it fits, a new one otherwise. No seed says where: there is one device."""
    if dtype is None and device is None and type(out) is np.ndarray and _surely_fits(out, shape):
        return out
    if device is not None and not (isinstance(device, str) and device == "cpu"):
        refuse("device", device, "'cpu', the only device of NumPy", where)
    wanted = sizes(shape, where)
    if out is None:
        return np.empty(wanted, dtype_of("float32" if dtype is None else dtype, where))
    if not isinstance(out, np.ndarray):
        refuse_type("out", out, "a NumPy array", where)
    kind = dtype_of(out.dtype, where)
    if out.shape != wanted:
        refuse("out.shape", out.shape, f"the shape asked for, {wanted}", where)
    if dtype is not None and dtype_of(dtype, where) != kind:
        refuse("out.dtype", kind.name, f"the dtype asked for, {dtype_of(dtype, where).name}", where)
    if not out.flags.writeable:
        refuse("out.flags.writeable", False, "True", where)
    if not out.flags.c_contiguous and not disjoint(out.shape, out.strides):
        refuse("out.strides", out.strides, "those of an array whose elements do not share memory", where)
    return out


def _surely_fits(out: Array, shape: Shape) -> bool:
    """Whether an array is the usual one, and so needs no further look."""
    flags, given = out.flags, (shape,) if type(shape) is int else shape
    return out.dtype.char in "fd" and flags.c_contiguous and flags.writeable and out.shape == given


def root(seed: Seed, where: str) -> np.random.PCG64DXSM:
    """The stream that a seed stands for; a generator gives 128 of its bits and moves on."""
    if isinstance(seed, np.random.Generator):
        words = seed.integers(0, 2**32, 4, np.uint32)  # those of seed.bytes(16)
        return np.random.PCG64DXSM(np.random.SeedSequence(words))
    if is_bool(seed) or not hasattr(seed, "__index__"):
        refuse_type("seed", seed, "a whole number or a numpy.random.Generator", where)
    return np.random.PCG64DXSM(whole("seed", seed, where, below=2**64))


def fill(target: Array, draw: Draw, *, seed: Seed, where: str) -> Array:
    """Fill `target` in C order, block by block; `draw` fills one flat block of the working dtype.

    A generator fills one block itself: a stream of its own would cost as much as thousands of draws.
    """
    own = seed if isinstance(seed, np.random.Generator) and target.size <= BLOCK else None
    if own is not None and plain(target):  # nearly every call
        draw(own, target.reshape(-1))
        return target
    stream: Stream = own or root(seed, where)
    if target.size == 0:
        return target
    if not target.flags.c_contiguous or not target.dtype.isnative:
        target[...] = _drawn(np.empty(target.shape, target.dtype.newbyteorder("=")), draw, stream)
        return target
    return _drawn(target, draw, stream)


def plain(target: Array) -> bool:
    """Whether a flat view of an array is a block of its working dtype."""
    kind = target.dtype
    return type(target) is np.ndarray and kind.char in "fd" and kind.isnative and target.flags.c_contiguous


def _drawn(target: Array, draw: Draw, stream: Stream) -> Array:
    flat = np.asarray(target).reshape(-1)  # a matrix would stay one
    kind = working(target.dtype)
    if flat.size <= BLOCK and kind == flat.dtype:
        draw(_generator(stream), flat)
        return target
    starts = range(0, flat.size, BLOCK)

    def run(first: int, step: int) -> None:
        scratch = None if kind == flat.dtype else np.empty(min(BLOCK, flat.size), kind)
        for number in range(first, len(starts), step):
            block = flat[starts[number] : starts[number] + BLOCK]
            generator = _generator(stream, number if len(starts) > 1 else None)
            if scratch is None:
                draw(generator, block)
            else:
                draw(generator, scratch[: block.size])
                with np.errstate(over="ignore"):  # beyond the largest number the result is inf, as rounding says
                    block[...] = scratch[: block.size]

    in_parallel(run, len(starts))
    return target


def _generator(stream: Stream, block: int | None = None) -> np.random.Generator:
    """What draws the only block of an array, or that of a number."""
    if isinstance(stream, np.random.Generator):
        return stream
    return np.random.Generator(stream if block is None else stream.jumped(block))


def in_parallel(run: Callable[[int, int], None], pieces: int, most: int | None = None) -> None:
    """Call `run(first, step)` so that each piece `first, first + step, ...` is done once, on as many threads as pay."""
    workers = 1
    if pieces > 3:  # a thread costs about as much as one block
        workers = min((os.cpu_count() or 1) if most is None else most, pieces // 2)
    if workers < 2:
        run(0, 1)
        return
    with ThreadPoolExecutor(workers - 1) as pool:
        others = [pool.submit(run, first, workers) for first in range(1, workers)]
        run(0, workers)
        for other in others:
            other.result()


@functools.lru_cache(1024)
def factors(bound: float, kind: np.dtype[Any]) -> tuple[Any, ...]:
    """What numbers on (-1/2, 1/2) are multiplied by, in turn, to reach a bound whose double may be too large."""
    edge = towards_zero(bound, kind)
    return (kind.type(2 * edge),) if 2 * edge < largest(kind) else (kind.type(edge), kind.type(2))


def towards_zero(value: float, kind: np.dtype[Any]) -> float:
    """The number of dtype `kind` next to `value` on the side of zero, or `value` itself if it is one."""
    with np.errstate(over="ignore"):
        near = kind.type(value)
    return float(np.nextafter(near, kind.type(0))) if abs(float(near)) > abs(value) else float(near)


def standard_normal(generator: np.random.Generator, block: Array) -> None:
    """Standard normal draws into a flat block (ziggurat)."""
    generator.standard_normal(out=block, dtype=block.dtype.type)


def centred(generator: np.random.Generator, block: Array) -> None:
    """Uniform draws on (-1/2, 1/2): midpoints of 2**24 (float64: 2**53) equal cells, so the mean is zero."""
    generator.random(None, block.dtype.type, block)
    block -= _MIDDLE[block.dtype.char]


# what takes the lower ends of the cells on [0, 1) to midpoints about zero
_MIDDLE = {"f": np.float32(0.5 - 2.0**-25), "d": np.float64(0.5 - 2.0**-54)}
