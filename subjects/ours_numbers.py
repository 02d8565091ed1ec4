"""varlaw's own keyed streams as sources of numbers: what is documented of weights, asked number by number."""

import importlib
from collections.abc import Mapping
from typing import Any

from varlaw.subjects import rows
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Numbers

_LAWS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "keyed_uniform": ("Uniform(1)", {"bound": 1.0}),
    "keyed_normal": ("Normal(1)", {"std": 1.0}),
    "keyed_truncated_normal": ("TruncatedNormal(1, -2, 2)", {"std": 1.0, "std_of": "parent", "bounds": "sigmas"}),
}


def numbers(of: Boundary, module: str) -> tuple[Numbers, ...]:
    """The rows of one backend; `of.chance` gives a NumPy generator, which draws the key."""

    def row(name: str, documented: str, arguments: Mapping[str, Any]) -> Numbers:
        def draw(count: int, dtype: str, device: str, rng: Any) -> Any:
            key = int(rng.integers(1 << 62))
            function = getattr(importlib.import_module(module), name)
            return function((count,), **arguments, key=key, name="numbers", dtype=dtype, device=device)

        return rows.numbers(of, f"{of.name}.{name}(numbers)", documented, draw)

    return tuple(row(name, *law) for name, law in _LAWS.items())
