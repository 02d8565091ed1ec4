"""Claims on activations at points: values and derivatives over the whole range of a dtype, entry by entry.

*Ordinary* points are of every size, and close together where implementations change from one formula to another: about
the thresholds of softplus, expm1 and erf. *Largest* ones are those at which squares, cubes and sums leave the format.
*Tiny* ones are subnormal; those of bfloat16 are float32's. At 0, where every implementation branches, and at kinks a
derivative may be any number between those on both sides, and nothing else. The sign of zero is asked where IEEE 754
gives it to the formula.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from varlaw.claims.cases import Cases
from varlaw.claims.claim import Claim
from varlaw.claims.experiments import judging
from varlaw.claims.experiments.rows import Given, Row, each
from varlaw.evidence.decide import SamplerError
from varlaw.evidence.formats import FORMATS, Format
from varlaw.subjects.subject import Activation, Case
from varlaw.theory.activations.named import functions
from varlaw.theory.catalogue import LAWS
from varlaw.theory.domain import Domain

Floats = NDArray[np.float64]
Apply = Callable[[Floats, str, str], Mapping[str, Any]]
Run = Callable[[Case, str, str, int, int], Mapping[str, Floats]]

CASES: Mapping[str, Cases] = {"activation_points": Cases(Domain(), ({},))}

# Whose formula is a product of x with something positive at 0 (6.3: the sign of a product or quotient), an odd function
# of which 9.2.1 says f(-0) = -0 (erf: C23, F.10.5.1), or x itself about 0. A sum, as in x - tanh(x), makes +0 of -0.
_SIGNED = ("erf", "gelu", "gelu_tanh", "hardswish", "hardtanh", "mish", "quick_gelu", "silu", "sin", "softsign", "tanh")
_CANCELLING = ("gelu", "gelu_tanh")  # 1 + erf(x / sqrt(2)) and 1 + tanh(...), on the left
_ROUNDINGS, _STEPS = 8, 4  # that a value may be off by: of its size, and of the last digit of tiny numbers
_ALL = ("float64", "float32", "float16", "bfloat16")
# Points of every size, none of them a kink of an activation of the table.
_SIZES = (0.0, 1e-30, 1e-7, 1e-3, 0.03, 0.1, 0.3, 0.7, 1.1, 1.7, 2.3, 2.9, 3.7, 4.7, 5.3, 6.1, 8.0, 10.0, 13.0, 17.0,
          19.0, 23.0, 30.0, 50.0, 87.0, 89.0, 104.0, 300.0, 709.0, 746.0, 3000.0, 60000.0)  # fmt: skip
# Steps of 4 % from 2e-5, past every place where erf, expm1, tanh and softplus change their formula, to 130.
_CLOSE = 2e-5 * 1.04 ** np.arange(400)


def claims(subject: Activation) -> tuple[Claim, ...]:
    """The claims on one activation at points."""
    run = _run(subject.name, subject.function, subject.apply)
    return tuple(judging.claim(subject, run, row, "activation_points") for row in _rows(subject))


def seen(name: str, apply: Apply, x: Floats, dtype: str, device: str) -> Mapping[str, Any]:
    """What the activation makes of x; `SamplerError` names what is no activation's output."""
    found = apply(x, dtype, device)
    for of in ("output", "slope", "in place"):
        if of in found and found[of].shape != x.shape:
            msg = f"{name} gives {of} of shape {found[of].shape}, but should keep the shape {x.shape}"
            raise SamplerError(msg)
    if found["dtype"] != dtype:
        msg = f"{name} returns {found['dtype']}, but should keep the dtype {dtype}"
        raise SamplerError(msg)
    return found


def _largest(fmt: Format) -> Floats:
    """Sizes about which x, 2x, x^2 and x^3 leave the format."""
    times = np.array([0.3, 0.6, 0.9, 1.3, 3.0])
    return np.concatenate(
        [[fmt.largest, 0.7 * fmt.largest], fmt.largest ** (1 / 2) * times, fmt.largest ** (1 / 3) * times]
    )


def _tiny(fmt: Format) -> Floats:
    """The smallest number, one between, and the two on both sides of the normal ones."""
    step, normal = fmt.spacing(0.0), 2.0**fmt.lowest
    return np.array([step, 37 * step, normal - step, normal])


def _places(dtype: str, kinks: tuple[float, ...]) -> Mapping[str, Floats]:
    """The points of each kind in a dtype."""
    fmt = FORMATS[dtype]
    sizes = np.array([s for s in (*_SIZES, *_CLOSE) if s == 0 or 2.0**fmt.lowest <= s <= fmt.largest])

    def both(sizes: Floats) -> Floats:
        return fmt.round_all(np.concatenate([-sizes, sizes]))

    tiny = both(_tiny(fmt))
    return {"": both(sizes), "largest ": both(_largest(fmt)), "tiny ": tiny, "zero ": np.array([-0.0, 0.0]),
            "between ": np.array([-0.0, 0.0, *tiny, *(k for k in kinks if k)])}  # fmt: skip


@functools.cache
def _run(name: str, function: str, apply: Apply) -> Run:
    kinks = functions(function).kinks

    def run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
        places = _places(dtype, kinks)
        cuts = np.cumsum([x.size for x in places.values()])[:-1]
        found = seen(name, apply, np.concatenate(list(places.values())), dtype, device)
        parts = {of: np.split(found[of], cuts) for of in ("output", "slope", "in place") if of in found}
        numbers = {f"{kind}x": x for kind, x in places.items()} | {
            f"{kind}{of}": part for of, split in parts.items() for kind, part in zip(places, split, strict=True)
        }
        numbers["zero sign"] = np.copysign(1.0, numbers["zero output"])
        smooth = _apart(numbers["x"], kinks)
        return numbers | {of: numbers[of][smooth] for of in ("slope",) if of in numbers} | {
            "slope x": numbers["x"][smooth], "dtype": found["dtype"],
        }  # fmt: skip

    return run


def _apart(x: Floats, kinks: tuple[float, ...]) -> NDArray[np.bool_]:
    """Where the derivative is one number: not at 0, and as far from other kinks as rounding may bring x."""
    far = [np.abs(x - k) > 0.05 * abs(k) for k in kinks if k]
    away: NDArray[np.bool_] = np.all([x != 0, *far], axis=0)
    return away


def _at(subject: Activation, place: str) -> Given:
    return lambda known: {"activation": subject.function, "x": known[place]}


def _sides(subject: Activation) -> Given:
    """The points on both sides of each."""

    def given(known: Mapping[str, Any]) -> Mapping[str, Any]:
        x = known["between x"]
        return {"activation": subject.function, "x": np.array([x - _NEAR * (1 + abs(x)), x + _NEAR * (1 + abs(x))])}

    return given


_NEAR = 2.0**-40  # of both sides of a kink


def _between(value: Floats, known: Mapping[str, Any]) -> Floats:
    """The number between the derivatives on both sides that is nearest to what was found."""
    found, (low, high) = known["between slope"], np.sort(value, axis=0)
    more = 4 * _NEAR  # what the derivative changes by as near as that
    nearest: Floats = np.where(np.isnan(found), low, np.clip(found, low - more, high + more))
    return nearest


def _size(subject: Activation, place: str) -> Callable[[Mapping[str, Any]], Any]:
    """Of the value, or of the terms that cancel in it: those of x Phi(x) to the left are of the size of x.

    Never of the output, which may be inf. Products of tiny numbers may be rounded to the format's last digit each time.
    """
    most = 4.0 if subject.function in _CANCELLING else 1.0  # from there on there is next to nothing left

    def size(known: Mapping[str, Any]) -> Floats:
        fmt = FORMATS[known["dtype"]]
        value = np.abs(LAWS["activation.value"].value(activation=subject.function, x=known[place]))
        steps = _STEPS * fmt.spacing(0.0) / (_ROUNDINGS * fmt.unit) if place.startswith("tiny") else 0.0
        largest: Floats = np.maximum(value, np.minimum(np.abs(known[place]), most)) + steps
        return np.minimum(largest, fmt.largest)

    return size


def _slope_size(subject: Activation, place: str) -> Callable[[Mapping[str, Any]], Any]:
    """Of the terms of a derivative: x times the slope of a gate, of which from |x| = 40 on there is none."""
    rate = 0.11 if subject.function == "gelu_tanh" else 0.0  # of the cube inside tanh
    return lambda known: np.clip(
        np.abs(known[place]) * (1 + rate * np.minimum(np.abs(known[place]), 30.0) ** 2), 4.0, 40.0
    )


def _value(subject: Activation, of: str, place: str, title: str = "", dtypes: tuple[str, ...] = _ALL) -> Row:
    return each(
        "activation.value", of, _at(subject, place), scale=_size(subject, place), roundings=_ROUNDINGS, dtypes=dtypes,
        place=place, name=f"law.activation.value({title})" if title else "",
    )  # fmt: skip


def _zero(subject: Activation) -> Row:
    """The sign of the value at -0 and at +0."""
    return each(
        "activation.value", "zero sign", _at(subject, "zero x"),
        expected=lambda _, known: np.copysign(1.0, known["zero x"]), roundings=0, dtypes=_ALL, place="zero x",
        name="law.activation.value(signed zero)",
    )  # fmt: skip


def _slope(subject: Activation, of: str, place: str, title: str = "", **options: Any) -> Row:
    fixed: dict[str, Any] = {"scale": _slope_size(subject, place), "roundings": 16, "dtypes": _ALL, "place": place}
    name = f"law.activation.slope({title})" if title else ""
    return each("activation.slope", of, options.pop("given", _at(subject, place)), name=name, **fixed, **options)


def _rows(subject: Activation) -> tuple[Row, ...]:
    rows: tuple[Row, ...] = (
        _value(subject, "output", "x"),
        _slope(subject, "slope", "slope x"),
        _value(subject, "largest output", "largest x", "largest"),
        _slope(subject, "largest slope", "largest x", "largest"),
        _value(subject, "tiny output", "tiny x", "subnormal", _ALL[:3]),
        _slope(subject, "between slope", "between x", "kinks", given=_sides(subject), expected=_between),
    )
    rows += (_zero(subject),) if subject.function.partition(":")[0] in _SIGNED else ()
    return (*rows, _value(subject, "in place", "x", "in place")) if subject.in_place else rows
