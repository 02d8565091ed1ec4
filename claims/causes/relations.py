"""What a wrong scale has to do with the law's: fans swapped, a variance given as std, a root forgotten, a factor.

A relation is named only if the draws fix the scale closely enough that hardly any other number would fit it.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from varlaw.claims.causes.words import number
from varlaw.theory.variates import TruncatedNormal, Uniform

_MEAN = "the mean of rows and columns"
_SWAPPED = {
    "rows": "fans swapped (fan_out for fan_in, if stored (out, in))",
    "columns": "fans swapped (fan_in for fan_out, if stored (out, in))",
}
_LOOSE = 0.04  # relative error of a scale from which only the number is told
_GAINS = {1.0, 2.0, 0.5, 1 / 3, 2 / 3, 1 / 6, 3.0, 4.0, 0.25, 25 / 9, 6.0}  # variance times fan, in the usual schemes
_CUT = TruncatedNormal(1.0).std
_DEPTHS = (6, 12, 24, 32, 48)  # layers of usual transformers
_FACTORS = (
    (math.sqrt(2), "sqrt(2)", "a gain sqrt(2) too much, or half the fan", 1.0),
    (1 / math.sqrt(2), "1/sqrt(2)", "a gain sqrt(2) is missing, or the fan counted twice", 1.0),
    (2.0, "2", "twice the std", 1.0),
    (0.5, "1/2", "half the std", 1.0),
    (math.sqrt(3), "sqrt(3)", "std and bound of a uniform law confused, or sqrt(3) too much", 1.0),
    (1 / math.sqrt(3), "1/sqrt(3)", "the std given as the bound of a uniform law, or sqrt(3) missing", 1.0),
    (math.sqrt(2 / 3), "sqrt(2/3)", "2 and 3, or 4 and 6, confused under the root", 1.2),
    (math.sqrt(3 / 2), "sqrt(3/2)", "3 and 2, or 6 and 4, confused under the root", 1.2),
    (2 / 3, "2/3", "a factor 2/3 too much", 3.0),
    (3 / 2, "3/2", "a factor 3/2 too much", 3.0),
    (1 / _CUT, "1/0.8796", "corrected for a cut at 2 sigmas that is not there", 1.5),
    (_CUT, "0.8796", "the correction for a cut at 2 sigmas is missing", 1.5),
    (_CUT**2, "0.8796^2", "the correction for a cut at 2 sigmas is missing twice", 2.5),
    (5 / 3, "5/3", "tanh's gain 5/3 too much", 2.0),
    (3 / 5, "3/5", "tanh's gain 5/3 is missing", 2.0),
    (5 / 18**0.5, "5/3 / sqrt(2)", "tanh's gain 5/3 in place of relu's sqrt(2)", 2.5),
    (18**0.5 / 5, "sqrt(2) / (5/3)", "relu's gain sqrt(2) in place of tanh's 5/3", 2.5),
    (3 / 4, "3/4", "selu's gain 3/4 too much", 3.0),
    (3 / 32**0.5, "3/4 / sqrt(2)", "selu's gain 3/4 in place of relu's sqrt(2)", 3.0),
    (math.sqrt(6), "sqrt(6)", "sqrt(6) too much", 2.0),
    (1 / math.sqrt(6), "1/sqrt(6)", "sqrt(6) is missing, as with torch's default a=sqrt(5)", 2.0),
    (math.sqrt(12), "sqrt(12)", "sqrt(12) of a uniform law too much", 2.0),
    (1 / math.sqrt(12), "1/sqrt(12)", "uniform numbers from 0 to 1 not divided by their std", 2.0),
    (math.log(2) ** -0.5, "1/sqrt(ln 2)", "a logarithm to the base 2 for the natural one, as in Box-Muller", 3.0),
    (math.pi, "pi", "pi too much", 3.0),
    (1 / math.pi, "1/pi", "pi is missing", 3.0),
    (math.sqrt(math.pi / 2), "sqrt(pi/2)", "the mean of |x| taken for its std", 3.0),
    (math.sqrt(2 / math.pi), "sqrt(2/pi)", "the mean of |x| taken for its std", 3.0),
    (math.sqrt(1 - 2 / math.pi), "sqrt(1 - 2/pi)", "the std of |x|", 3.0),
    (1 / 0.6744897501960817, "1/0.6745", "the median of |x| taken for the std", 3.0),
)


class Relation(NamedTuple):
    """A std that would be wrong in a usual way."""

    std: float
    words: str
    price: float


def named(std: float, error: float, ratio: float, law: Any, drawn: Mapping[str, float], shape: Sequence[int],
          names: Mapping[str, Any]) -> str:  # fmt: skip
    """The usual mistakes that give this std, in words, "" for none.

    std: of the draws, known to the relative `error`; ratio: to the law's. drawn: how many stds each parameter of the
    family drawn is, by name ("std", "bound", "parent std").
    """
    if error > _LOOSE:
        return ""
    table = [*_confused(law, drawn), *_fans(law, shape, names), *_absolute(law), *_factors(law)]
    table += [*_widened(law, names.get("kept", 1.0)), *_integers(law, ratio, error)]
    near = sorted((r for r in table if abs(math.log(std / r.std)) <= error), key=lambda r: r.price)
    near = [r for r in near if r.price < near[0].price + 0.35]
    return "; or ".join(dict.fromkeys(r.words for r in near[:2]))


def _confused(law: Any, drawn: Mapping[str, float]) -> Iterator[Relation]:
    """A parameter that holds another quantity of the law than its own."""
    held = {"std": law.std, "bound": law.bound, "parent std": getattr(law, "parent_std", math.inf)}
    held = {name: value for name, value in held.items() if math.isfinite(value)}
    for name, stds in drawn.items():
        for other, value in held.items():
            if other != name:
                yield Relation(value / stds, f"the law's {other} {number(value)} given as the {name}", 0.5)
            if abs(math.log(value)) > 0.05:  # 1 is its own square
                yield Relation(value**2 / stds, f"{_square(other)} {number(value**2)} given as the {name}", 1.0)
                yield Relation(
                    math.sqrt(value) / stds, f"{other} {number(value)} given as a variance: its root is taken", 1.5
                )


def _square(name: str) -> str:
    return "the variance" if name == "std" else f"the square of the {name}"


def _absolute(law: Any) -> Iterator[Relation]:
    for std, words in (
        (1.0, "not scaled at all: the std is 1"),
        (0.02, "the std is the usual 0.02" + (", a further factor of the law is missing" if law.std < 0.02 else "")),
    ):
        if abs(math.log(law.std / std)) > 0.05:
            yield Relation(std, words, 1.0)
    if abs(math.log(law.std * math.sqrt(3))) > 0.05:
        yield Relation(3**-0.5, "not scaled at all: numbers from -1 to 1", 1.0)


def _factors(law: Any) -> Iterator[Relation]:
    for factor, text, words, price in _FACTORS:
        yield Relation(law.std * factor, words if text in words.split() else f"{text}: {words}", price)


def _widened(law: Any, kept: float) -> Iterator[Relation]:
    """Entries beside zeros, of which a share is kept, that make up for them."""
    if kept < 1:
        yield Relation(law.std / math.sqrt(kept), f"the rest is wider by 1/sqrt({number(kept)}), for the zeros", 0.0)
        yield Relation(law.std / kept, f"the rest is wider by 1/{number(kept)}, as dropout scales", 0.1)


def _integers(law: Any, ratio: float, error: float) -> Iterator[Relation]:
    """Whole numbers and their roots, as of layers or of parts, where the draws tell them from their neighbours."""
    for power, up in itertools.product((1, 2), (True, False)):
        x = ratio ** (power if up else -power)
        n = round(x)
        if 3 <= n <= 4096 and power * error < 0.05 / n and abs(x / n - 1) < power * error:
            factor = f"{n}" if power == 1 else f"sqrt({n})"
            words = f"a factor 1/{factor} is missing" if up else f"a factor 1/{factor} too much"
            layers = f", as of {n // 2} layers in 1/sqrt(2 L)" if power == 2 and n % 2 == 0 and n > 4 else ""
            yield Relation(law.std * n ** ((1 if up else -1) / power), words + layers, 4.0)
    for depth, up in itertools.product(_DEPTHS, (True, False)):
        words = f"a factor 1/sqrt({2 * depth}) {'is missing' if up else 'too much'}"
        std = law.std * (2 * depth) ** (0.5 if up else -0.5)
        yield Relation(std, f"{words}, as of {depth} layers in 1/sqrt(2 L)", 4.0)


# -- fans --------------------------------------------------------------------------------------------------------------


def _fans(law: Any, shape: Sequence[int], names: Mapping[str, Any]) -> Iterator[Relation]:
    """Another fan in the law's own scheme: the one of which the law is a usual gain."""
    for table in _tables(shape, names):
        plain = list(table)[:2]
        mine = [name for name, fan in table.items() if any(abs(law.std**2 * fan / g - 1) < 1e-5 for g in _GAINS)]
        for own, other in itertools.product(mine or plain, table if mine else plain):
            if abs(math.log(table[other] / table[own])) > 1e-3:
                swapped = {own, other} == set(plain)
                words = f"{other} ({number(table[other])}) taken for {own} ({number(table[own])})"
                price = 0.8 + 0.3 * (_dear(own) + _dear(other)) + (0.0 if mine else 0.4)
                std = law.std * math.sqrt(table[own] / table[other])
                mistake = _SWAPPED.get(other, "fans swapped") if swapped else "wrong fan"
                yield Relation(std, f"{mistake}: {words}{_glorot(std, table, plain)}", price)


def _glorot(std: float, table: Mapping[str, float], plain: Sequence[str]) -> str:
    """A word where the variance is 2 over the sum of the fans."""
    return ", as Glorot's law has it" if abs(std**2 * sum(table[name] for name in plain) / 2 - 1) < 1e-5 else ""


def _dear(name: str) -> int:
    """How far-fetched a fan is."""
    return 1 if "all" in name else len(name.split()) // 3


def _tables(shape: Sequence[int], names: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """Fans by name, the two plain ones first: those of the case, else those that the shape allows."""
    fan_in, fan_out = names.get("fan_in"), names.get("fan_out")
    if fan_in and fan_out:
        yield _with_means({"fan_in": float(fan_in), "fan_out": float(fan_out)}, float(names.get("groups", 1)))
    elif len(shape) == 2:
        rows, columns = map(float, shape)
        yield _packed(_with_means({"rows": rows, "columns": columns}), rows, columns)
    elif len(shape) > 2:
        for first, second, field in ((shape[1], shape[0], shape[2:]), (shape[-2], shape[-1], shape[:-2])):
            yield _kernel(float(first), float(second), float(math.prod(field)))
        if len(shape) == 3:
            yield _stacked(*map(float, shape))


def _with_means(two: dict[str, float], groups: float = 1.0) -> dict[str, float]:
    (a, x), (b, y) = two.items()
    table = {**two, f"the mean of {a} and {b}": (x + y) / 2, f"the sum of {a} and {b}": x + y}
    table |= {f"{name} and the bias": fan + 1 for name, fan in two.items()}
    if groups > 1:
        table |= {f"{name} of all groups": fan * groups for name, fan in two.items()}
        table |= {f"{name} of one of the groups": fan / groups for name, fan in two.items()}
    return table


def _packed(table: dict[str, float], rows: float, columns: float) -> dict[str, float]:
    for parts, (name, side, rest) in itertools.product(
        (2, 3, 4), (("rows", rows, columns), ("columns", columns, rows))
    ):
        if side % parts == 0 and side > parts:
            table[f"one of {parts} packed parts of the {name}"] = side / parts
            table[f"the mean fan of one of {parts} packed parts of the {name}"] = (side / parts + rest) / 2
        if side == parts * rest and parts > 2:
            table[f"{_MEAN} (of all {parts} parts, if packed)"] = table.pop(_MEAN)
    return table


def _kernel(inputs: float, outputs: float, field: float) -> dict[str, float]:
    table = _with_means({"fan_in": inputs * field, "fan_out": outputs * field})
    if field > 1:
        table |= {"the inputs without the receptive field": inputs, "the outputs without the receptive field": outputs}
        table["the receptive field alone"] = field
    return table


def _stacked(count: float, rows: float, columns: float) -> dict[str, float]:
    """Of matrices side by side, as of experts: each by itself, and as a kernel of one shape, as torch reads it."""
    whole = {"the whole shape's fan_in": rows * columns, "the whole shape's fan_out": count * columns}
    mean = {"the mean of the whole shape's fans": (rows + count) * columns / 2}
    return {**_with_means({"rows": rows, "columns": columns}), **whole, **mean}


def parameters(family: str, cut: float) -> dict[str, float]:
    """How many stds each parameter is, of which a family is made; its std is one.

    >>> parameters("normal", math.inf)
    {'std': 1.0}
    """
    if family == "uniform":
        return {"std": 1.0, "bound": 1 / Uniform(1.0).std}
    if math.isfinite(cut):
        return {"std": 1.0, "parent std": 1 / TruncatedNormal(1.0, -cut, cut).std}
    return {"std": 1.0}
