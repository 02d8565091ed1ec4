"""torch's number formats: what its tables say, what its casts do, and moments of what was rounded."""

from typing import Any

from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.torch.experiments.running import experiment

_INNER = 64
_ALL_ONES = 0x12DD9BB3  # the word of a Mersenne twister that its tempering turns into 2^32 - 1


def _tables(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """`torch.finfo`, and the ends of the range of squares by bisection over powers of two and then of their parts."""
    info = t.finfo(on["dtype"])
    smallest = t.tensor(info.smallest_normal, **on)
    while (smallest / 2).item() > 0:
        smallest = smallest / 2
    half = t.tensor(1.0, **on)
    while (1 + half / 2).item() > 1:
        half = half / 2
    return {
        "largest": t.tensor([info.max], dtype=t.float64),
        "smallest": smallest.reshape(1),
        "smallest normal": t.tensor([info.smallest_normal], dtype=t.float64),
        "roundoff": half.reshape(1) / 2,
        "overflow": _edge(t, on, lambda x: t.isfinite(x * x).item(), 1.0, float(info.max)),
        "underflow": _edge(t, on, lambda x: (x * x).item() == 0, 0.0, 1.0),
    }


def _edge(t: Any, on: dict[str, Any], holds: Any, low: float, high: float) -> Any:
    """Where `holds` ends, between numbers in which it does and does not, as far as the format can tell."""
    for _ in range(2200):
        middle = low**0.5 * high**0.5 if low > 0 and high / low > 4 else low / 2 + high / 2
        middle = t.tensor(middle, **on).item()
        if middle in (low, high):
            break
        low, high = (middle, high) if holds(t.tensor(middle, **on)) else (low, middle)
    return t.tensor([high], dtype=t.float64)


def _subnormal(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Numbers of a few times the smallest of float16, cast to it or cut towards zero; in units of their scale."""
    wide = {"dtype": t.float64, "device": on["device"]}
    x = c["std"] * t.randn(n, _INNER, **wide)
    y = x.to(t.float16).to(t.float64)
    u = c["bound"] * (2 * t.rand(n, _INNER, **wide) - 1)
    v = u.to(t.float16).to(t.float64)
    step = 2.0**-24
    cut = step * t.trunc(u / step)
    scale, mean = c["std"] ** 2, c["bound"] ** 2 / 3
    return {
        "normal": (y.square() - x.square()).mean(1) / scale,
        "uniform": (v.square() - u.square()).mean(1) / mean,
        "cut": (cut.square() - u.square()).mean(1) / mean,
        "zero": (y == 0).to(t.float64).mean(1),
    }


def _cells(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """Whole numbers in place of reals: within the cell of 1, and of a normal that spans many cells."""
    wide = {"dtype": t.float64, "device": on["device"]}
    x = 0.5 + t.rand(n, _INNER, **wide)
    z = t.randn(n, _INNER, **wide)
    step = c["spacing"]
    cell, steps = (step * t.round(v) for v in (x, z))
    return {
        "cell": (cell.square() - (step * x).square()).mean(1),
        "steps": (steps.square() - (step * z).square()).mean(1),
    }


def _binade(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """A binade of float8, whose numbers have spacing 1/8, with the half cell below it: [1 - 1/32, 2 - 1/16)."""
    low, high = 1 - 2.0**-5, 2 - 2.0**-4
    x = low + (high - low) * t.rand(n, 16 * _INNER, dtype=t.float32, device=on["device"])
    y = x.to(t.float8_e4m3fn).to(t.float64)
    return {"moved": (high - low) * (y.square() - x.double().square()).mean(1)}


def _coarse(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """torch's bfloat16 uniform, and Box and Muller's normal from a uniform of a few bits."""
    u = t.rand(n, 8 * _INNER, dtype=t.bfloat16, device=on["device"]).double()
    wide = {"dtype": t.float64, "device": on["device"]}
    grid = (t.randint(0, 2 ** c["bits"], (n, _INNER), device=on["device"]) + 1).to(t.float64) / 2 ** c["bits"]
    z = t.sqrt(-2 * t.log(grid)) * t.cos(2 * t.pi * t.rand(n, _INNER, **wide))
    return {"mean": u.mean(1), "one": u[:, 0], "square": z.square().mean(1)}


def _furthest(t: Any, c: Case, n: int, on: dict[str, Any]) -> dict[str, Any]:
    """`torch.randn` behind a Mersenne twister all of whose words are ones: the largest uniform, and 1 - u the least."""
    if on["device"] != "cpu":
        return {}
    generator = t.Generator().manual_seed(0)
    state = generator.get_state().numpy().copy()
    left, following, words = state[8:12].view("<i4"), state[16:24].view("<u8"), state[24 : 24 + 8 * 624].view("<u8")
    left[:], following[:], words[:] = 624, 0, _ALL_ONES
    generator.set_state(t.from_numpy(state))
    return {"reached": t.randn(16, generator=generator, **on).abs().amax().reshape(1)}


EXPERIMENTS: tuple[Experiment, ...] = (
    experiment("finfo", "formats", _tables),
    experiment("Tensor.to(float16, subnormal)", "subnormal", _subnormal),
    experiment("round(cells)", "cells", _cells),
    experiment("Tensor.to(float8_e4m3fn)", "binade", _binade),
    experiment("rand(bfloat16)", "coarse", _coarse),
    experiment("randn(furthest)", "furthest", _furthest),
)
