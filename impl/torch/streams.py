"""Filling a tensor with draws: where seeds, dtypes and devices meet.

Values depend on the seed, the shape, the dtype and the device, and never on the strides of `out`. float64 is drawn in
float64; every narrower dtype is drawn in float32 and cast. Everything is drawn on the tensor's own device: nothing is
copied to or from the host, nothing waits for it, and autograd records nothing.
"""

import math
import struct
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch

from varlaw.impl.arguments import disjoint, is_bool, refuse, refuse_type, sizes, whole

Shape: TypeAlias = int | Sequence[int]
Seed: TypeAlias = int | torch.Generator
DType: TypeAlias = str | torch.dtype | None  # None is float32, or the dtype of `out`
Device: TypeAlias = str | int | torch.device | None
Draw: TypeAlias = Callable[[torch.Tensor, torch.Generator], object]

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
_LARGEST = {dtype: float(torch.finfo(dtype).max) for dtype in NAMES}


def dtype_of(dtype: object, where: str) -> torch.dtype:
    """The torch dtype meant by a name or dtype."""
    if dtype is torch.float32:
        return dtype  # nearly every call
    found = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
    if not isinstance(found, torch.dtype) or found not in NAMES:
        refuse_type("dtype", dtype, f"one of {', '.join(DTYPES)}", where)
    return found


def name_of(dtype: torch.dtype) -> str:
    """The name of a dtype without its library."""
    return NAMES.get(dtype, str(dtype))


def working(dtype: torch.dtype) -> torch.dtype:
    """The dtype in which draws for `dtype` are made."""
    return dtype if dtype is torch.float64 else torch.float32


def largest(dtype: torch.dtype) -> float:
    """The largest finite number of a dtype."""
    return _LARGEST[dtype]


def tensor_for(
    shape: Shape,
    dtype: DType,
    device: Device,
    out: torch.Tensor | None,
    where: str,
    seed: Seed | None = None,
) -> torch.Tensor:
    """The tensor to fill: `out` when it fits, a new one otherwise, on the device asked for or that of the generator."""
    if dtype is None and device is None and isinstance(out, torch.Tensor) and _surely_fits(out, shape):
        return out
    wanted = sizes(shape, where)
    if out is None:
        if device is None and isinstance(seed, torch.Generator):
            device = seed.device
        return _empty(wanted, dtype_of("float32" if dtype is None else dtype, where), device, where)
    if not isinstance(out, torch.Tensor):
        refuse_type("out", out, "a torch.Tensor", where)
    kind = dtype_of(out.dtype, where)
    if tuple(out.shape) != wanted:
        refuse("out.shape", tuple(out.shape), f"the shape asked for, {wanted}", where)
    if dtype is not None and dtype_of(dtype, where) != kind:
        refuse("out.dtype", name_of(kind), f"the dtype asked for, {name_of(dtype_of(dtype, where))}", where)
    if device is not None and _device(device, where).type != out.device.type:
        refuse("out.device", str(out.device), f"the device asked for, {device}", where)
    writable("out", out, where)
    return out


def _surely_fits(out: torch.Tensor, shape: Shape) -> bool:
    """Whether a tensor is the usual one, and so needs no further look."""
    usual = out.dtype in NAMES and out.layout is torch.strided and out.is_contiguous() and not out.is_inference()
    return usual and type(shape) in (tuple, torch.Size) and out.shape == shape


def writable(name: str, target: torch.Tensor, where: str) -> None:
    """Refuse a tensor whose elements do not each have a place in memory to be written to."""
    if target.layout is not torch.strided:
        refuse(f"{name}.layout", target.layout, "torch.strided", where)
    if not target.is_contiguous() and not disjoint(target.shape, target.stride()):
        refuse(f"{name}.stride()", target.stride(), "that of a tensor whose elements do not share memory", where)
    inference = not torch.compiler.is_compiling() and target.is_inference()
    if inference and not torch.is_inference_mode_enabled():
        refuse(name, "a tensor made in inference mode", "written to in inference mode", where)


def float_tensor(name: str, given: torch.Tensor, where: str) -> torch.Tensor:
    """`given`, when it is a dense tensor of one of the dtypes that there are."""
    if not isinstance(given, torch.Tensor):
        refuse_type(name, given, "a torch.Tensor", where)
    if given.dtype not in NAMES:
        refuse_type(f"{name}.dtype", given.dtype, f"one of {', '.join(DTYPES)}", where)
    if given.layout is not torch.strided:
        refuse_type(f"{name}.layout", given.layout, "torch.strided", where)
    return given


def _device(device: Device, where: str) -> torch.device:
    try:
        return torch.device(device) if device is not None else torch.get_default_device()
    except (RuntimeError, TypeError, ValueError, OverflowError):
        refuse("device", device, "a device that torch knows", where)


def _empty(shape: tuple[int, ...], dtype: torch.dtype, device: Device, where: str) -> torch.Tensor:
    place = _device(device, where)
    try:
        return torch.empty(shape, dtype=dtype, device=place)
    except (AssertionError, NotImplementedError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "alloc" in str(error):
            raise
        refuse("device", str(place), "a device that is there", where)


class _StandIn(torch.Generator):
    """The generator of a meta tensor, or of a fake one of a device that is not there: it has no values to draw."""


def generator_for(seed: Seed, device: torch.device, where: str) -> torch.Generator:
    """The generator given, or a new one on the tensor's device that starts from the seed."""
    if type(seed) is torch.Generator and seed.device == device:
        return seed
    if isinstance(seed, torch.Generator):
        if seed.device.type != device.type and device.type != "meta" and not isinstance(seed, _StandIn):
            refuse("seed.device", str(seed.device), f"the device of the values, {device}", where)
        return seed
    if is_bool(seed) or not hasattr(seed, "__index__"):
        refuse_type("seed", seed, "a whole number or a torch.Generator", where)
    start = whole("seed", seed, where, below=2**64)
    try:
        generator = torch.Generator(device=device)
    except RuntimeError:
        generator = _StandIn()
    return generator.manual_seed(start)


def fill(target: torch.Tensor, draw: Draw, *, seed: Seed, where: str) -> torch.Tensor:
    """Fill `target` in place; `draw` fills one contiguous tensor of the working dtype."""
    generator = generator_for(seed, target.device, where)
    kind = working(target.dtype)
    if kind is target.dtype and not target.requires_grad and target.is_contiguous():
        draw(target, generator)
        return target
    with torch.no_grad():
        if kind == target.dtype and target.is_contiguous():
            draw(target, generator)
        else:
            scratch = torch.empty(target.shape, dtype=kind, device=target.device)
            draw(scratch, generator)
            write_(target, scratch)
    return target


def between_(target: torch.Tensor, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    """Fill a contiguous float32 or float64 tensor with uniform draws on [low, high)."""
    if high - low > _LARGEST[target.dtype]:
        return between_(target, low / 2, high / 2, generator).mul_(2)
    if target.is_cpu:
        return target.uniform_(low, high, generator=generator)
    unit = torch.rand(target.shape, generator=generator, dtype=target.dtype, device=target.device)
    return write_(target, unit.mul_(high - low).add_(low))  # rand, unlike uniform_, can be traced for any device


def write_(target: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Cast and copy values into a tensor; unlike `copy_`, this can be traced for a device that is not there."""
    torch._foreach_copy_([target], [values])
    return target


def may_ask(value: torch.Tensor) -> bool:
    """Whether a value can be read without waiting: a plain tensor on the CPU outside of compilers and of vmap."""
    return value.is_cpu and type(value) is torch.Tensor and eager()


def eager() -> bool:
    """Whether operations are carried out as they are called: outside of compilers and of vmap."""
    return not torch.compiler.is_compiling() and torch._C._functorch.peek_interpreter_stack() is None


def towards_zero(value: float, kind: torch.dtype) -> float:
    """The number of dtype `kind` next to `value` on the side of zero, or `value` itself if it is one."""
    if kind is torch.float64:
        return value
    found = _REMEMBERED.get(value)
    if found is None:
        found = _towards_zero(value)
        if len(_REMEMBERED) < 1024:
            _REMEMBERED[value] = found
    return found


_REMEMBERED: dict[float, float] = {}


def _towards_zero(value: float) -> float:
    if value == 0 or math.isinf(value):
        return value
    mantissa, exponent = math.frexp(value)
    bits = 24 if exponent > -125 else max(149 + exponent, 0)  # float32 loses bits as it nears zero
    return math.ldexp(math.trunc(math.ldexp(mantissa, bits)), exponent - bits)


def rounded(value: float, kind: torch.dtype) -> float:
    """`value` as it is in float64, or to the nearest float32."""
    if kind == torch.float64:
        return value
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)
