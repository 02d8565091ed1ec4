"""One initialiser object with an integer seed, given to every weight of a layer, or to two layers.

The documentation says that such an initialiser "will produce the same random values across multiple calls"; the rows
show where that makes weights of one model copies of each other. A `SeedGenerator` for a seed is the documented way out.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from varlaw.subjects.keras.framework import KERAS, keras
from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Case, Sampler

Make = Callable[[Case, Mapping[str, Any]], Any]  # (case, what every layer is given) -> a layer
_LAW = "Normal(0.05)"


def _initialiser(generator: bool) -> Any:
    """With a fresh seed: whoever draws seeds Python's own `random`."""
    seed: Any = random.getrandbits(31)
    seed = keras().random.SeedGenerator(seed) if generator else seed
    return keras().initializers.RandomNormal(stddev=0.05, seed=seed)


def _row(
    name: str, op: str, make: Make, inputs: Callable[[Case], tuple[int | None, ...]], roles: tuple[str, ...],
    count: int = 2, *, generator: bool = False, label: str = "(seeded)",
) -> Sampler:  # fmt: skip
    """`roles` are the arguments that are given the initialiser, `count` the number of matrices that it then fills."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        given = dict.fromkeys((f"{role}_initializer" for role in roles), _initialiser(generator))
        layer = make(case, {**given, "dtype": dtype})
        layer.build(inputs(case))
        matrices = [w.value for w in layer.weights if not w.path.endswith("bias")]
        return {f"weight {i}": w for i, w in enumerate(matrices)}

    return sampler(KERAS, f"keras.{name}{label}", op, build, {f"weight {i}": _LAW for i in range(count)})


def _recurrent(kind: str, **more: Any) -> Sampler:
    def make(c: Case, given: Mapping[str, Any]) -> Any:
        return getattr(keras().layers, kind)(c["hidden_size"], **given)

    return _row(f"layers.{kind}", "recurrent", make, lambda c: (None, 4, c["input_size"]), _BOTH, **more)


_BOTH = ("kernel", "recurrent")
_SPLIT = ("depthwise", "pointwise")


def _separable(dims: int) -> Sampler:
    def make(c: Case, given: Mapping[str, Any]) -> Any:
        layer = getattr(keras().layers, f"SeparableConv{dims}D")
        return layer(c["out_channels"], c["kernel_size"], depth_multiplier=c["depth_multiplier"], **given)

    return _row(
        f"layers.SeparableConv{dims}D", f"separable_conv{dims}d", make,
        lambda c: (None, *[16] * dims, c["in_channels"]), _SPLIT,
    )  # fmt: skip


def _two_layers(generator: bool) -> Sampler:
    """Two dense layers in a row that share the initialiser object; of one feature a draw would be two numbers."""

    def make(c: Case, given: Mapping[str, Any]) -> Any:
        width = c["in_features"]
        return keras().Sequential([keras().layers.Dense(width, **given) for _ in range(2)])

    label = "(SeedGenerator)" if generator else "(seeded)"
    row = _row(
        "Sequential(Dense, Dense)", "linear", make, lambda c: (None, c["in_features"]), ("kernel",),
        generator=generator, label=label,
    )  # fmt: skip
    return replace(row, cases=lambda claim, usual, dtype: [c for c in usual if c["in_features"] > 1])


SEEDED: tuple[Sampler, ...] = (
    *(_recurrent(kind) for kind in ("SimpleRNN", "LSTM", "GRU")),
    _recurrent("SimpleRNN", generator=True, label="(SeedGenerator)"),
    *(_separable(dims) for dims in (1, 2)),
    *(_two_layers(generator) for generator in (False, True)),
)
