"""jax.example_libraries.stax: layers as pairs of functions, (init, apply)."""

from collections.abc import Callable, Iterator
from typing import Any

from varlaw.subjects.boundary import measure_fans
from varlaw.subjects.jax.framework import JAX, ones_like, sampler
from varlaw.subjects.rows import dropout
from varlaw.subjects.subject import Case, Dropout, Sampler

Make = Callable[[Any, Case], Any]  # (stax, case) -> (init, apply)
_NARROW = dict.fromkeys(("float16", "bfloat16"), "stax draws in the default dtype, float32 or float64")


def _layer(name: str, op: str, make: Make, dims: int, law: str, bias: str, layout: str) -> Sampler:
    """A row for a layer on channels-last inputs of `dims` spatial dimensions; it measures its own fan."""

    def build(case: Case, dtype: Any) -> Callable[[Any], dict[str, Any]]:
        init, _ = make(_stax(), case)
        return lambda key: dict(zip(("w", "b"), init(key, _input(case, dims, 8))[1], strict=True))

    def forward(case: Case) -> tuple[Callable[[Any], Any], list[tuple[int, ...]]]:
        import jax

        init, apply = make(_stax(), case)
        w, b = jax.eval_shape(lambda key: init(key, _input(case, dims, 8))[1], jax.random.key(0))
        ones = ones_like({"w": w, "b": b})
        return lambda x: apply((ones["w"], ones["b"]), x), [_input(case, dims, 0)]

    return sampler(
        JAX, f"jax.example_libraries.stax.{name}", op, build, {"w": law, "b": bias}, layouts={"w": layout},
        measure=measure_fans(JAX, forward, dims, channels_last=True), unsupported=_NARROW,
    )  # fmt: skip


def _stax() -> Any:
    from jax.example_libraries import stax

    return stax


def _input(case: Case, dims: int, side: int) -> tuple[int, ...]:
    return (1, *[side] * dims, case["in_channels"] if dims else case["in_features"])


def _transposed(name: str, dims: int) -> Sampler:
    """A transposed convolution of stride and kernel given; its fans, read off the kernel, are the documented ones."""

    def make(stax: Any, c: Case) -> Any:
        return getattr(stax, name)(c["out_channels"], (c["kernel_size"],) * dims, (c["stride"],) * dims)

    law = _glorot(dims)
    op = f"conv_transpose{dims}d_ungrouped"
    return _layer(name, op, make, dims, law, "Normal(1e-6)", "jax.conv_transpose")


def _glorot(dims: int) -> str:
    return f"glorot_truncated(in_channels*kernel_size**{dims}, out_channels*kernel_size**{dims})"


LAYERS: tuple[Sampler, ...] = (
    _layer(
        "Dense", "linear", lambda stax, c: stax.Dense(c["out_features"]), 0,
        "glorot_truncated(in_features, out_features)", "Normal(0.01)", "jax.dense",
    ),
    _layer(
        "Conv", "conv_lstm2d", lambda stax, c: stax.Conv(c["out_channels"], (c["kernel_size"],) * 2), 2,
        _glorot(2), "Normal(1e-6)", "jax.conv",
    ),
    _transposed("Conv1DTranspose", 1),
    _transposed("ConvTranspose", 2),
)  # fmt: skip


def _drop(x: Any, p: float, key: Any) -> Any:
    _, apply = _stax().Dropout(p)
    return apply((), x, rng=key)


DROPOUTS: tuple[Dropout, ...] = (dropout(JAX, "jax.example_libraries.stax.Dropout", "dropout", _drop),)


def public() -> Iterator[str]:
    """Every function and layer of stax."""
    yield from (f"jax.example_libraries.stax.{n}" for n in _own(_stax()))


def _own(stax: Any) -> list[str]:
    """Its layers: functions that it defines, partials of them, and pairs of functions."""
    return [n for n, x in vars(stax).items() if n[0].isupper() and (callable(x) or isinstance(x, tuple))]


_ACTIVATIONS = ("Elu", "Exp", "Gelu", "LeakyRelu", "LogSoftmax", "Relu", "Selu", "Sigmoid", "Softmax", "Softplus")
LEFT_OUT = {
    **dict.fromkeys((f"jax.example_libraries.stax.{n}" for n in (*_ACTIVATIONS, "Tanh")), "an activation"),
    **dict.fromkeys(
        (f"jax.example_libraries.stax.{n}" for n in ("*Pool", "Flatten", "Identity", "FanIn*", "FanOut")),
        "holds no parameters and draws nothing",
    ),
    "jax.example_libraries.stax.BatchNorm": "jax.nn.standardize, which has a row, over the axes given",
    "jax.example_libraries.stax.General*": "the function under the convolutions that have rows",
}
