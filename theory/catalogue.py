"""All laws in one ordered, read-only table, built from the modules named here and from nothing else.

>>> LAWS["he_normal.variance"].value(fan_in=200, gain=2.0)
0.02
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from varlaw.theory.law import Law

# Every module exports ENTRIES, a tuple of laws; the order here is the order of the table.
MODULES = (
    "linear",
    "distributions",
    "orthogonal_laws",
    "complex_weights",
    "fans",
    "schemes",
    "activation_laws",
    "gains",
    "kernels",
    "meanfield",
    "structure",
    "residual",
    "residual_recipes",
    "norms",
    "norm_gradients",
    "running_statistics",
    "clipping",
    "number_formats",
    "attention",
    "positions",
    "loss",
    "symmetry",
    "batch_explosion",
    "adapters",
    "products",
    "dropout",
    "spectra",
    "recurrent",
    "rounding",
    "sharding",
)


def _laws(modules: Iterable[str]) -> Iterator[Law]:
    for name in modules:
        yield from importlib.import_module(f"varlaw.theory.laws.{name}").ENTRIES


def _table(laws: Iterable[Law]) -> Mapping[str, Law]:
    table: dict[str, Law] = {}
    for law in laws:
        assert law.name not in table, f"two laws are called {law.name}"
        table[law.name] = law
    return MappingProxyType(table)


LAWS: Mapping[str, Law] = _table(_laws(MODULES))
