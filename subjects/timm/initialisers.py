"""timm's own initialisers, called on an empty tensor, on a layer's weight, or on a layer."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.rows import sampler
from varlaw.subjects.subject import Array, Case, Sampler
from varlaw.subjects.timm.framework import TIMM, timm
from varlaw.subjects.torch.framework import factory
from varlaw.subjects.torch.layers import NN


def _row(
    name: str, documented: str, fill: Callable[[Any, Any, Case], None], variant: str = "", op: str = "shape"
) -> Sampler:
    def build(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
        import torch

        weight = torch.empty(case["shape"], **factory(dtype, device))
        fill(getattr(timm().layers, name), weight, case)
        return {"": weight}

    shape: dict[str, Any] = {"shape": lambda c: tuple(c["shape"])}
    return sampler(TIMM, f"timm.layers.{name}{variant}", op, build, {"": documented}, **shape)


def _two_sigmas(function: Any, weight: Any, case: Case) -> None:
    """Its bounds are absolute: (-2, 2) lie far outside the law of a small std."""
    function(weight, std=case["scale"], a=-2 * case["scale"], b=2 * case["scale"])


def _absolute(function: Any, weight: Any, case: Case) -> None:
    low, high = (case["mean"] + end * case["std"] for end in (case["low"], case["high"]))
    function(weight, mean=case["mean"], std=case["std"], a=low, b=high)


def _in_stds(function: Any, weight: Any, case: Case) -> None:
    """ "The bounds are applied when sampling the normal distribution with mean=0, std=1.0", then scaled and shifted."""
    function(weight, mean=case["mean"], std=case["std"], a=case["low"], b=case["high"])


def _scaled(name: str, op: str, law: str, variant: str = "", **fields: Any) -> Sampler:
    """A rule that reads the fans off the weight's shape; `law` is a scheme with FANS in the place of its arguments."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
        import torch

        weight = torch.empty(NN.shape(case), **factory(dtype, device))
        mode = {"mode": case["mode"]} if "mode" in case else {}
        getattr(timm().layers.weight_init, name)(weight, **fields, **mode)
        return {"": weight}

    fan = "fan(mode)" if op.startswith("fill_average") else "fan_in"
    claims = {"": {"init.true_fan": law.replace("FAN", fan)}}
    tensors, title = {"": law.replace("FAN", f"shape_{fan}")}, f"timm.layers.{name}{variant}"
    return sampler(TIMM, title, op, build, tensors, claims=claims, **NN.filled(op))


def _of_scale(distribution: str) -> Sampler:
    """`variance_scaling_` with every mode and scale."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
        import torch

        weight = torch.empty(NN.shape(case), **factory(dtype, device))
        timm().layers.weight_init.variance_scaling_(weight, case["scale"], case["mode"], distribution)
        return {"": weight}

    law, name = (
        f"variance_scaling(scale, shape_fan(mode), '{distribution}')",
        f"variance_scaling_(scale, {distribution})",
    )
    return sampler(TIMM, f"timm.layers.{name}", "fill_scaled", build, {"": law}, shape=NN.shape)


def _of_linear(name: str, weight: str, bias: str, module_name: str = "layer") -> Sampler:
    """A function that initialises a linear layer of the given name inside a model."""

    def build(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
        import torch

        layer = torch.nn.Linear(case["in_features"], case["out_features"], **factory(dtype, device))
        getattr(timm().layers, name)(layer, module_name)
        return {"weight": layer.weight.detach(), "bias": layer.bias.detach()}

    return sampler(TIMM, f"timm.layers.{name}({module_name})", "linear", build, {"weight": weight, "bias": bias})


def _queries(case: Case, dtype: str, device: str) -> Mapping[str, Array]:
    """Keys and values are shared by all heads; each projection is an einsum over a parameter."""
    widths = {"dim": case["embed_dim"], "key_dim": case["head_dim"], "value_dim": case["head_dim"]}
    layer = timm().layers.MultiQueryAttentionV2(num_heads=case["num_heads"], **widths, **factory(dtype, device))
    return {n: layer.get_parameter(n).detach() for n in _QUERIES}


_QUERIES = dict.fromkeys(("query_proj", "key_proj", "value_proj", "out_proj"), "Normal(1/sqrt(embed_dim))")
_OUT = {"out_proj": {"init.true_fan": "Normal(1/sqrt(num_heads*head_dim))"}}

LAYERS: tuple[Sampler, ...] = (
    sampler(TIMM, "timm.layers.MultiQueryAttentionV2", "heads", _queries, _QUERIES, claims=_OUT),
)

INITIALISERS: tuple[Sampler, ...] = (
    _row("trunc_normal_", "TruncatedNormal(scale, -2, 2)", _two_sigmas),
    _row("trunc_normal_", "Normal(0.02)", lambda f, w, c: f(w, std=0.02), "(std=0.02)"),  # as every model calls it
    _row("trunc_normal_tf_", "TruncatedNormal(scale, -2, 2)", lambda f, w, c: f(w, std=c["scale"])),
    _row("trunc_normal_", "TruncatedNormal(std, low, high, mean)", _absolute, "(mean, std, a, b)", "draw_truncated"),
    _row("trunc_normal_tf_", "TruncatedNormal(std, low, high, mean)", _in_stds, "(mean, std, a, b)", "draw_truncated"),
    *(_of_scale(name) for name in ("normal", "uniform", "truncated_normal")),
    _scaled("variance_scaling_", "fill_average_grouped_conv", "lecun_normal(FAN)", "(normal)"),
    _scaled(
        "variance_scaling_", "fill_average_grouped_conv", "lecun_uniform(FAN)", "(uniform)", distribution="uniform"
    ),
    _scaled(
        "variance_scaling_", "fill_average_grouped_conv", "lecun_truncated(FAN)", "(truncated_normal)",
        distribution="truncated_normal",
    ),
    _scaled("lecun_normal_", "fill_grouped_conv", "lecun_truncated(FAN)"),
    _of_linear("init_weight_vit", "Normal(0.02)", "Constant(0.02)"),
    _of_linear("init_weight_jax", "glorot_uniform(in_features, out_features)", "Constant(0)"),
    _of_linear("init_weight_jax", "glorot_uniform(in_features, out_features)", "Normal(1e-6)", "mlp.fc"),
)  # fmt: skip
