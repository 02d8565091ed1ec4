"""jax.nn.initializers: every initialiser, on the weights of lax's own dense, convolution and transposed operations.

`linen.initializers` and `nnx.initializers` are the same functions under other names: their rows are made here as well.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.boundary import Boundary, measure_fans
from varlaw.subjects.jax.framework import JAX, sampler
from varlaw.subjects.jax.samplers import NO_QR
from varlaw.subjects.subject import Case, Sampler

Factory = Callable[[Any, Case], Any]  # (module of initialisers, case) -> initialiser
_Row = tuple[str, str, str, Factory, Mapping[str, Any]]


def stored_shape(case: Case) -> tuple[int, ...]:
    """The weight's shape as JAX stores it: kernel sides, then the inputs of one group, then the outputs."""
    if "shape" in case:
        return tuple(case["shape"])
    if case["layer"] == "linear":
        return case["in_channels"], case["out_channels"]
    dims = int(case["layer"][-2])
    return (*[case["kernel_size"]] * dims, case["in_channels"] // case["groups"], case["out_channels"])


def read_shape(case: Case) -> tuple[int, ...]:
    """The same with outputs and inputs first, in the order in which a fan is read off a shape."""
    *kernel, inputs, outputs = stored_shape(case)
    return (outputs, inputs, *kernel)


def _forward(case: Case) -> tuple[Callable[[Any], Any], list[tuple[int, ...]]]:
    """lax's own operation for the layer that the case names, with all weights one."""
    import jax
    import jax.numpy as jnp

    w = jnp.ones(stored_shape(case))
    if case["layer"] == "linear":
        return lambda x: x @ w, [(1, case["in_channels"])]
    dims, steps = int(case["layer"][-2]), [case["stride"]] * int(case["layer"][-2])
    transposed = "transpose" in case["layer"]
    spatial = "DHW"[-dims:]
    letters = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
    moves: dict[str, Any] = {"window_strides": [1] * dims, "lhs_dilation": steps} if transposed else {}
    moves = {"window_strides": steps, **moves, "padding": [(case["kernel_size"] - 1,) * 2] * dims}

    def layer(x: Any) -> Any:
        return jax.lax.conv_general_dilated(
            x, w, **moves, dimension_numbers=letters, feature_group_count=case["groups"]
        )

    return layer, [(1, *[0] * dims, case["in_channels"])]


@functools.cache
def _measures(dims: int) -> Any:
    return measure_fans(JAX, _forward, dims, channels_last=True)


def measure(case: Case) -> tuple[float, float]:
    """True mean (fan_in, fan_out) of lax's own operation for the layer that the case names."""
    dims = 0 if case["layer"] == "linear" else int(case["layer"][-2])
    measured: tuple[float, float] = _measures(dims)(case)
    return measured


def _scaled(scheme: str, family: str) -> tuple[str, str]:
    """The promise in the shape's fans, and the same in the true ones."""
    fans = "{0}fan_in, {0}fan_out" if scheme == "glorot" else "{0}fan_in"
    return f"{scheme}_{family}({fans.format('shape_')})", f"{scheme}_{family}({fans.format('')})"


_SCHEMES = ("glorot", "he", "lecun")
_FAMILIES = {"normal": "truncated", "uniform": "uniform"}


def _named() -> list[_Row]:
    rows: list[_Row] = []
    for scheme in _SCHEMES:
        for suffix, family in _FAMILIES.items():
            documented, true = _scaled(scheme, family)
            name = f"{scheme}_{suffix}"
            rows.append((name, "fill", documented, functools.partial(_call, name), {"init.true_fan": true}))
    return rows


def _call(name: str, module: Any, case: Case) -> Any:
    return getattr(module, name)()


def _variance_scaling(mode: str, distribution: str) -> _Row:
    fan = {"fan_geo_avg": "sqrt({0}fan_in*{0}fan_out)"}.get(mode, f"{{0}}fan('{mode}')")
    law = f"variance_scaling(2.0, {fan}, '{distribution}')"

    def make(module: Any, case: Case) -> Any:
        return module.variance_scaling(2.0, mode, distribution)

    true = {"init.true_fan": law.format("")}
    return (f"variance_scaling({mode}, {distribution})", "fill", law.format("shape_"), make, true)


_MODES = (
    ("fan_in", "truncated_normal"),
    ("fan_out", "normal"),
    ("fan_avg", "uniform"),
    ("fan_geo_avg", "truncated_normal"),
)

_PLAIN: list[_Row] = [
    ("normal", "shape", "Normal(scale)", lambda m, c: m.normal(c["scale"]), {}),
    ("truncated_normal", "shape", "TruncatedNormal(scale, -2, 2)", lambda m, c: m.truncated_normal(c["scale"]), {}),
    ("constant", "shape", "Constant(scale)", lambda m, c: m.constant(c["scale"]), {}),
    ("zeros", "features", "Constant(0)", lambda m, c: m.zeros, {}),
    ("ones", "features", "Constant(1)", lambda m, c: m.ones, {}),
    ("orthogonal", "matrix", "Orthogonal(scale)", lambda m, c: m.orthogonal(c["scale"]), {}),
]


def _row(of: Boundary, prefix: str, module: Callable[[], Any], row: _Row) -> Sampler:
    name, op, documented, make, claims = row

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        shape = (case["num_features"],) if op == "features" else stored_shape(case)
        return lambda key: {"": make(module(), case)(key, shape, dtype)}

    layered: dict[str, Any] = {"shape": read_shape, "measure": measure} if op == "fill" else {}
    rest = layered | ({"unsupported": NO_QR} if name == "orthogonal" else {})
    return sampler(of, f"{prefix}.{name}", op, build, {"": documented}, claims={"": claims}, **rest)


def _uniform(of: Boundary, prefix: str, module: Callable[[], Any]) -> Sampler:
    """`uniform(scale)` fills [0, scale): 2 x - scale, exact in every format, is symmetric."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        return lambda key: {"": 2 * module().uniform(1.0)(key, tuple(case["shape"]), dtype) - 1}

    return sampler(of, f"{prefix}.uniform", "shape", build, {"": "Uniform(1)"})


def _delta_orthogonal(of: Boundary, prefix: str, module: Callable[[], Any]) -> Sampler:
    """Its centre tap is a Haar matrix and every other tap is zero."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        def draw(key: Any) -> dict[str, Any]:
            small, large = sorted(case["shape"])
            w = module().delta_orthogonal()(key, (3, 3, small, large), dtype)
            return {"centre": w[1, 1], "border": w.reshape(9, -1)[:4]}

        return draw

    tensors = {"centre": "Orthogonal()", "border": "Constant(0)"}
    return sampler(of, f"{prefix}.delta_orthogonal", "matrix", build, tensors, unsupported=NO_QR)


# -- axes that are not the last two ------------------------------------------------------------------------------------


def _axes(of: Boundary, prefix: str, module: Callable[[], Any]) -> Sampler:
    """A stack of heads, stored (heads, out, in): every head is a matrix of its own for `batch_axis`."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        shape = (case["num_heads"], case["embed_dim"], case["kdim"])
        init = module().lecun_normal(in_axis=-1, out_axis=-2, batch_axis=0)
        return lambda key: {"": init(key, shape, dtype)}

    def forward(case: Case) -> tuple[Callable[[Any], Any], list[tuple[int, ...]]]:
        import jax.numpy as jnp

        w = jnp.ones((case["num_heads"], case["embed_dim"], case["kdim"]))
        return lambda x: jnp.einsum("bhi,hoi->bho", x, w), [(1, case["num_heads"], case["kdim"])]

    return sampler(
        of,
        f"{prefix}.lecun_normal(batch_axis)",
        "attention_separate",
        build,
        {"": "lecun_truncated(kdim)"},
        claims={"": {"init.true_fan": "lecun_truncated(fan_in)"}},
        measure=measure_fans(of, forward, 0, channels_last=True),
    )


def initialisers(of: Boundary, prefix: str, module: Callable[[], Any]) -> tuple[Sampler, ...]:
    """A row for each initialiser of a module that offers those of jax.nn.initializers."""
    rows = [*_PLAIN, *_named(), *(_variance_scaling(*m) for m in _MODES)]
    special = (_uniform, _delta_orthogonal, _axes)
    return (*(_row(of, prefix, module, row) for row in rows), *(make(of, prefix, module) for make in special))


def _jax() -> Any:
    import jax

    return jax.nn.initializers


INITIALISERS = initialisers(JAX, "jax.nn.initializers", _jax)
