"""The formulas that are tried: products of powers of a case's names and of their sums, each with a price in nats.

A formula stands for a squared scale: `2/fan_in`, `6/(fan_in + fan_out)`, `initializer_range**2/num_layers`, each times
a constant of `constants`. Prices prefer the true fans to sizes, sizes to what is read off the shape, and short to long.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FANS = ("fan_in", "fan_out", "fan(mode)")
_MULTIPLES = (1, 2, 3, 4, 6, 8)
_SINGLE = (-1.0, 1.0, -2.0, 2.0, -0.5, 0.5)
_PAIRED = (-1.0, 1.0, -2.0, 2.0)
_POWER_PRICES = {-1.0: 0.0, 1.0: 0.7, -2.0: 1.0, 2.0: 1.0, -0.5: 2.5, 0.5: 2.5}
_MOST = 16  # names that are combined in pairs: the cheapest ones


@dataclass(frozen=True)
class Atom:
    """A name, or a sum of two, with ln of its value in every case."""

    text: str
    logs: Floats
    price: float
    terms: tuple[str, ...] = ()  # of a sum


@dataclass(frozen=True)
class Product:
    """Atoms to powers; `logs` is ln of half the product in every case, that is of a scale, not of its square."""

    factors: tuple[tuple[Atom, float], ...]
    logs: Floats
    price: float


def products(names: Sequence[Mapping[str, float]]) -> list[Product]:
    """Every formula over names that all cases have and that differ between cases; the empty product comes first."""
    single = atoms(names)
    found = [Product((), np.zeros(len(names)), 0.0)]
    found += [_product((a, p)) for a in single for p in _SINGLE]
    few = single[:_MOST]
    for a, b in itertools.combinations(few, 2):
        found += [_product((a, p), (b, r)) for p in _PAIRED for r in _PAIRED]
    found += [_product((a, -0.5), (b, -0.5)) for a, b in itertools.combinations(few, 2) if _both_fans(a, b)]
    sums = _sums(few, names)
    found += [_product((s, -1.0)) for s in sums]
    plain = [s for s in sums if not s.text[s.text.index("+") + 2].isdigit()]
    found += [_product((a, p), (s, -1.0)) for s in plain for a in few[:8] for p in (1.0, 2.0) if a.text not in s.terms]
    return found


def atoms(names: Sequence[Mapping[str, float]]) -> list[Atom]:
    """The names that every case has, positive, and not the same in all of them; cheapest first."""
    shared = set.intersection(*(set(n) for n in names)) if names else set()
    found = []
    for name in sorted(shared):
        values = [float(n[name]) for n in names]
        if min(values) > 0 and max(values) > min(values) * (1 + 1e-12):
            found.append(Atom(name, np.log(values), _price(name)))
    return sorted(found, key=lambda a: (a.price, a.text))


def _price(name: str) -> float:
    if name in _FANS:
        return 1.5
    if name == "std":
        return 1.5
    if name.startswith("shape_"):
        return 3.0
    return 5.0 if name.startswith("side") else 2.0


def _sums(few: Sequence[Atom], names: Sequence[Mapping[str, float]]) -> list[Atom]:
    """Sums of sizes: what never exceeds 8, a stride or a number of groups, is no term of a fan."""
    whole = [a for a in few if max(n[a.text] for n in names) > 8 and _is_size(a.text, names)]
    found = []
    for a, b in itertools.permutations(whole, 2):
        for k in _MULTIPLES:
            if k == 1 and a.text > b.text:
                continue  # a + b is b + a
            text = f"{a.text} + {b.text if k == 1 else f'{k}*{b.text}'}"
            logs = np.log(np.exp(a.logs) + k * np.exp(b.logs))
            price = a.price + b.price + (1.0 if k == 1 else 2.0 + math.log(k)) - (1.5 if _both_fans(a, b) else 0.0)
            found.append(Atom(text, logs, price, (a.text, b.text if k == 1 else f"{k}*{b.text}")))
    return found


def _is_size(name: str, names: Sequence[Mapping[str, float]]) -> bool:
    return "fan" in name or all(float(n[name]).is_integer() for n in names)


def _both_fans(a: Atom, b: Atom) -> bool:
    stems = {a.text.removesuffix("in").removesuffix("out"), b.text.removesuffix("in").removesuffix("out")}
    return len(stems) == 1 and "fan" in a.text


def _product(*factors: tuple[Atom, float]) -> Product:
    logs = sum((atom.logs * power for atom, power in factors), np.zeros_like(factors[0][0].logs)) / 2
    price = sum(atom.price + _POWER_PRICES[power] for atom, power in factors) + (len(factors) - 1)
    return Product(factors, logs, price)
