"""torch.nn.init: every initialiser and its table of gains, with what the documentation promises."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.rows import TORCH_GAINS, drawn
from varlaw.subjects.subject import Case, Gain, Sampler
from varlaw.subjects.torch.framework import TORCH, factory, seeded
from varlaw.subjects.torch.layers import NN

Fill = Callable[[Any, Case], Any]

NO_QR = dict.fromkeys(("float16", "bfloat16"), "torch.linalg.qr has no half-precision kernel (pytorch/pytorch#131991)")


_WITHOUT_GENERATOR = ("constant_", "dirac_", "eye_", "ones_", "zeros_")


def initialiser(
    name: str,
    fill: Fill,
    op: str,
    documented: str,
    claims: Mapping[str, str] | None = None,
    label: str = "",
    turned: bool = False,
) -> Sampler:
    """`fill(function, case)` gives the arguments with which torch.nn.init's function is called on an empty tensor.

    One that is turned lies in memory with its first axis innermost.
    """

    def build(case: Case, kind: dict[str, Any], **generator: Any) -> Mapping[str, Any]:
        import torch

        shape = tuple(case["shape"] if "shape" in case else NN.shape(case))
        weight = (
            torch.empty(shape[::-1], **kind).permute(*range(len(shape))[::-1]) if turned else torch.empty(shape, **kind)
        )
        getattr(torch.nn.init, name)(weight, **fill(weight, case), **generator)
        return {"": weight}

    def handed(case: Case, dtype: str, device: str, seed: int, elsewhere: int) -> Mapping[str, Any]:
        import torch

        with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
            torch.manual_seed(elsewhere)
            own = torch.Generator(device).manual_seed(seed)
            return build(case, factory(dtype, device), generator=own)

    return drawn(
        TORCH,
        f"torch.nn.init.{name}{label}",
        op,
        seeded(build),
        {"": documented},
        claims={"": claims or {}},
        **({"shape": lambda c: tuple(c["shape"])} | NN.filled(op)),
        handed=None if name in _WITHOUT_GENERATOR or label else handed,
        unsupported=NO_QR if name == "orthogonal_" else {},
    )


def _kaiming(case: Case) -> dict[str, Any]:
    return {"mode": case["mode"], "nonlinearity": "relu"}


INITIALISERS: tuple[Sampler, ...] = (
    initialiser("uniform_", lambda t, c: {"a": -c["scale"], "b": c["scale"]}, "shape", "Uniform(scale)"),
    initialiser("normal_", lambda t, c: {"mean": 0.0, "std": c["scale"]}, "shape", "Normal(scale)"),
    # Its bounds are absolute: with a small std the defaults (-2, 2) lie far outside the law, so they are scaled here.
    initialiser(
        "trunc_normal_",
        lambda t, c: {"std": c["scale"], "a": -2 * c["scale"], "b": 2 * c["scale"]},
        "shape",
        "TruncatedNormal(scale, -2, 2)",
    ),
    initialiser(
        "normal_",
        lambda t, c: {"mean": 0.0, "std": c["scale"]},
        "shape",
        "Normal(scale)",
        label="(turned)",
        turned=True,
    ),
    initialiser("constant_", lambda t, c: {"val": c["scale"]}, "shape", "Constant(scale)"),
    initialiser("ones_", lambda t, c: {}, "shape", "Constant(1)"),
    initialiser("zeros_", lambda t, c: {}, "shape", "Constant(0)"),
    initialiser("eye_", lambda t, c: {}, "matrix", "Identity()"),
    initialiser("dirac_", lambda t, c: {"groups": c["groups"]}, "dirac", "Dirac(groups)"),
    initialiser("sparse_", lambda t, c: {"sparsity": 0.1, "std": c["scale"]}, "matrix", "SparseNormal(scale, 0.1)"),
    initialiser("orthogonal_", lambda t, c: {"gain": c["scale"]}, "matrix", "Orthogonal(scale)"),
    initialiser(
        "xavier_uniform_",
        lambda t, c: {},
        "fill",
        "glorot_uniform(shape_fan_in, shape_fan_out)",
        {"init.true_fan": "glorot_uniform(fan_in, fan_out)"},
    ),
    initialiser(
        "xavier_normal_",
        lambda t, c: {},
        "fill",
        "glorot_normal(shape_fan_in, shape_fan_out)",
        {"init.true_fan": "glorot_normal(fan_in, fan_out)"},
    ),
    initialiser(
        "kaiming_uniform_",
        lambda t, c: _kaiming(c),
        "fill_mode",
        "he_uniform(shape_fan(mode))",
        {"init.true_fan": "he_uniform(fan(mode))"},
    ),
    initialiser(
        "kaiming_normal_",
        lambda t, c: _kaiming(c),
        "fill_mode",
        "he_normal(shape_fan(mode))",
        {"init.true_fan": "he_normal(fan(mode))"},
    ),
)


def _gain(activation: str) -> float:
    import torch

    name, _, slope = activation.partition(":")
    table: Callable[[str, float | None], float] = torch.nn.init.calculate_gain  # type: ignore[assignment]  # any name
    return float(table(name, float(slope) if slope else None))


GAINS: tuple[Gain, ...] = (
    Gain(
        name="torch.nn.init.calculate_gain",
        framework=TORCH,
        op="gain",
        apply=_gain,
        documented=TORCH_GAINS,
    ),
)
