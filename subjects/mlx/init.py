"""mlx.nn.init and mlx.core.random: every initialiser and sampler of numbers, with what the documentation promises."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.complex_parts import NO_16_BITS, each
from varlaw.subjects.mlx.framework import MLX, NO_FLOAT64, dtype_of, host
from varlaw.subjects.mlx.layers import NN
from varlaw.subjects.rows import sampler
from varlaw.subjects.seeds import of_one, streams, taller
from varlaw.subjects.subject import Case, Sampler

NO_QR = {"float64": "the normal matrix is drawn in float32, whatever dtype is asked for"}


def _by_role(case: Case) -> tuple[int, ...]:
    """MLX stores (out, taps..., in); the fans that it reads off that shape are those of (out, in, taps...)."""
    out, *taps, into = NN.shape(case)
    return (out, into, *taps)


def _shape(case: Case) -> tuple[int, ...]:
    if "stack" in case:
        return case["stack"], case["inputs"], case["outputs"]
    return tuple(case.get("shape") or [case["num_features"]])


def _sampler(
    name: str, op: str, documented: str, draw: Callable[[Case, str], Any], claims: Mapping[str, str] | None = None,
    unsupported: Mapping[str, str] | None = None, **rest: Any,
) -> Sampler:  # fmt: skip
    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        return {"": draw(case, dtype)}

    shape: dict[str, Any] = {"shape": _shape} | NN.filled(op, _by_role)
    return sampler(
        MLX,
        name,
        op,
        build,
        {"": documented},
        claims={"": claims or {}},
        unsupported=unsupported or {},
        **shape,
        **rest,
    )


def initialiser(
    name: str, op: str, documented: str, make: Callable[[Case], dict[str, Any]],
    claims: Mapping[str, str] | None = None,
    unsupported: Mapping[str, str] | None = None, *, rows: bool = False, label: str = "",
    called: Callable[[Case], dict[str, Any]] = lambda c: {"mode": c["mode"]} if "mode" in c else {}, **rest: Any,
) -> Sampler:  # fmt: skip
    """`make(case)` gives the arguments of the factory; what it makes is called on an empty weight, with `called(case)`.

    Where `rows` is true the promise is about rows, and the tensor is handed over transposed: zeros are counted down
    the columns.
    """

    def draw(case: Case, dtype: str) -> Any:
        import mlx.core as mx
        import mlx.nn

        shape = NN.shape(case) if "layer" in case else _shape(case)
        initialise = getattr(mlx.nn.init, name)(**make(case), dtype=dtype_of(dtype))
        weight = initialise(mx.zeros(shape[::-1] if rows else shape), **called(case))
        return weight.T if rows else weight

    return _sampler(f"mlx.nn.init.{name}{label}", op, documented, draw, claims, unsupported, **rest)


def _glorot(law: str, **more: Any) -> Sampler:
    documented, true = f"{law}(shape_fan_in, shape_fan_out)", f"{law}(fan_in, fan_out)"
    return initialiser(law, "fill_grouped_conv", documented, lambda c: {}, {"init.true_fan": true}, **more)


def _he(law: str, **more: Any) -> Sampler:
    """Documented as gamma/sqrt(fan) with gamma = 1 by default, where the paper that it cites has sqrt(2)."""
    claims = {"init.true_fan": f"{law}(fan(mode), 1.0)", "init.named": f"{law}(shape_fan(mode))"}
    return initialiser(law, "fill_mode_grouped_conv", f"{law}(shape_fan(mode), 1.0)", lambda c: {}, claims, **more)


def random(
    name: str,
    documented: str,
    arguments: Callable[[Case], dict[str, Any]],
    op: str = "shape",
    label: str = "",
    **more: Any,
) -> Sampler:
    def draw(case: Case, dtype: str) -> Any:
        import mlx.core as mx

        return getattr(mx.random, name)(shape=tuple(case["shape"]), dtype=dtype_of(dtype), **arguments(case))

    return _sampler(f"mlx.core.random.{name}{label}", op, documented, draw, **more)


def _multivariate() -> Sampler:
    def draw(case: Case, dtype: str) -> Any:
        import mlx.core as mx

        shape = [case["num_features"]]  # of pairs
        return mx.random.multivariate_normal(mx.zeros(2), 4 * mx.eye(2), shape, dtype_of(dtype), stream=mx.cpu)

    wide = dict.fromkeys(("float64", "float16", "bfloat16"), "multivariate_normal refuses every dtype but float32")
    return _sampler("mlx.core.random.multivariate_normal", "features", "Normal(2)", draw, unsupported=wide)


def _of_seed(case: Case, dtype: str, device: str, seed: int) -> Any:
    import mlx.core as mx

    return host(mx.random.normal(tuple(case["shape"]), dtype_of(dtype), key=mx.random.key(seed)))


def _of_one(split: bool) -> Sampler:
    """Calls with one key, or with keys that are split from it."""

    def call(i: int, draw: Callable[[Any, Case, dict[str, Any]], Any]) -> Any:
        def drawn(case: Case, dtype: str, device: str, seed: int) -> Any:
            import mlx.core as mx

            key = mx.random.key(seed)
            given = {"key": mx.random.split(key, 3)[i] if split else key, "dtype": dtype_of(dtype)}
            return host(draw(mx.random, case, given))

        return drawn

    draws = {
        "normal": ("Normal(1)", call(0, lambda r, c, g: r.normal(tuple(c["shape"]), **g))),
        "uniform": ("Uniform(1)", call(1, lambda r, c, g: r.uniform(-1, 1, tuple(c["shape"]), **g))),
        "taller": ("Normal(1)", call(2, lambda r, c, g: r.normal(tuple(taller(c)), **g))),
    }
    return of_one(MLX, f"mlx.core.random.key({'split' if split else 'used again'})", draws, unsupported=NO_FLOAT64)


def _complex() -> Sampler:
    """mlx.core.random.normal of the one complex dtype, by its two parts."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Any]:
        import mlx.core as mx

        w = mx.random.normal(tuple(case["shape"]), mx.complex64)
        return {"real": mx.real(w), "imaginary": mx.imag(w)}

    wide = {**NO_16_BITS, "float64": "its only complex dtype has parts of float32"}
    laws = each("Normal(sqrt(1/2))")
    return sampler(MLX, "mlx.core.random.normal(complex)", "shape", build, laws, unsupported=wide)


INITIALISERS: tuple[Sampler, ...] = (
    initialiser("constant", "shape", "Constant(scale)", lambda c: {"value": c["scale"]}),
    initialiser("normal", "shape", "Normal(scale)", lambda c: {"std": c["scale"]}),
    initialiser(
        "uniform", "shape", "Uniform(scale)", lambda c: {"low": -c["scale"], "high": c["scale"]}, unsupported=NO_FLOAT64
    ),
    initialiser("identity", "square", "Identity()", lambda c: {}),
    initialiser("orthogonal", "matrix", "Orthogonal(scale)", lambda c: {"gain": c["scale"]}, unsupported=NO_QR),
    initialiser(
        "sparse", "matrix", "SparseNormal(scale, 0.1)", lambda c: {"sparsity": 0.1, "std": c["scale"]}, rows=True
    ),
    _glorot("glorot_uniform", unsupported=NO_FLOAT64),
    _glorot("glorot_normal"),
    _he("he_uniform", unsupported=NO_FLOAT64),
    _he("he_normal"),
    random("normal", "Normal(scale)", lambda c: {"scale": c["scale"]}),
    random("uniform", "Uniform(scale)", lambda c: {"low": -c["scale"], "high": c["scale"]}, unsupported=NO_FLOAT64),
    random(
        "truncated_normal", "TruncatedNormal(1, -2, 2)", lambda c: {"lower": -2.0, "upper": 2.0}, unsupported=NO_FLOAT64
    ),
    _multivariate(),
    _complex(),
    streams(MLX, "mlx.core.random.normal(seeds)", _of_seed),
    *(_of_one(split) for split in (False, True)),
)
