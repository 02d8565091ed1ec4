"""timm's own initialisers, called on an empty tensor, on a layer's weight, or on a layer."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Array, Case, Sampler, Tensor
from varlaw.subjects.timm.framework import TIMM, timm
from varlaw.subjects.torch.framework import seeded
from varlaw.subjects.torch.layers import NN


def _row(name: str, documented: str, fill: Callable[[Any, Any, Case], None], variant: str = "") -> Sampler:
    def draws(case: Case, dtype: str, device: str, seed: int, count: int) -> Iterator[Mapping[str, Array]]:
        import torch

        with torch.random.fork_rng(devices=[]), torch.no_grad(), default_dtype(dtype):
            torch.manual_seed(seed)
            for _ in range(count):
                weight = torch.empty(case["shape"])
                fill(getattr(timm().layers, name), weight, case)
                yield {"": weight}

    return Sampler(
        name=f"timm.layers.{name}{variant}", framework=TIMM, op="shape",
        tensors=(Tensor(name="", documented=documented),),
        draws=draws, shape=lambda c: tuple(c["shape"]),
    )  # fmt: skip


def _two_sigmas(function: Any, weight: Any, case: Case) -> None:
    """Its bounds are absolute: (-2, 2) lie far outside the law of a small std."""
    function(weight, std=case["scale"], a=-2 * case["scale"], b=2 * case["scale"])


def _scaled(name: str, op: str, law: str, variant: str = "", **fields: Any) -> Sampler:
    """A rule that reads the fans off the weight's shape; `law` is a scheme with FANS in the place of its arguments."""

    def build(case: Case, factory: Mapping[str, Any]) -> Mapping[str, Array]:
        import torch

        weight = torch.empty(NN.shape(case), **factory)
        mode = {"mode": case["mode"]} if "mode" in case else {}
        getattr(timm().layers.weight_init, name)(weight, **fields, **mode)
        return {"": weight}

    fan = "fan(mode)" if op.startswith("fill_average") else "fan_in"
    tensor = Tensor(
        name="", documented=law.replace("FAN", f"shape_{fan}"), claims={"init.true_fan": law.replace("FAN", fan)}
    )
    return Sampler(
        name=f"timm.layers.{name}{variant}", framework=TIMM, op=op, tensors=(tensor,), draws=seeded(build),
        shape=NN.shape, measure=NN.measure,
    )  # fmt: skip


def _of_linear(name: str, weight: str, bias: str, module_name: str = "layer") -> Sampler:
    """A function that initialises a linear layer of the given name inside a model."""

    def build(case: Case, factory: Mapping[str, Any]) -> Mapping[str, Array]:
        import torch

        layer = torch.nn.Linear(case["in_features"], case["out_features"], **factory)
        getattr(timm().layers, name)(layer, module_name)
        return {"weight": layer.weight.detach(), "bias": layer.bias.detach()}

    tensors = (Tensor(name="weight", documented=weight), Tensor(name="bias", documented=bias))
    return Sampler(
        name=f"timm.layers.{name}({module_name})", framework=TIMM, op="linear", tensors=tensors, draws=seeded(build)
    )


def _of_layer(name: str, op: str, make: Callable[[Any, Case], Any], *tensors: Tensor) -> Sampler:
    """The parameters of a layer of timm's own that `tensors` name."""

    def build(case: Case, factory: Mapping[str, Any]) -> Mapping[str, Array]:
        layer = make(lambda **more: getattr(timm().layers, name)(**more, **factory), case)
        return {t.name: layer.get_parameter(t.name).detach() for t in tensors}

    return Sampler(name=f"timm.layers.{name}", framework=TIMM, op=op, tensors=tensors, draws=seeded(build))


_PROJECTION = "Normal(1/sqrt(embed_dim))"

LAYERS: tuple[Sampler, ...] = (
    # Keys and values are shared by all heads; each projection is an einsum over a parameter.
    _of_layer(
        "MultiQueryAttentionV2", "heads",
        lambda layer, c: layer(
            dim=c["embed_dim"], num_heads=c["num_heads"], key_dim=c["head_dim"], value_dim=c["head_dim"]
        ),
        *(Tensor(name=f"{n}_proj", documented=_PROJECTION) for n in ("query", "key", "value")),
        Tensor(
            name="out_proj", documented=_PROJECTION,
            claims={"init.true_fan": "Normal(1/sqrt(num_heads*head_dim))"},
        ),
    ),
)  # fmt: skip

INITIALISERS: tuple[Sampler, ...] = (
    _row("trunc_normal_", "TruncatedNormal(scale, -2, 2)", _two_sigmas),
    _row("trunc_normal_", "Normal(0.02)", lambda f, w, c: f(w, std=0.02), "(std=0.02)"),  # as every model calls it
    _row("trunc_normal_tf_", "TruncatedNormal(scale, -2, 2)", lambda f, w, c: f(w, std=c["scale"])),
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
