"""torch's complex weights: samplers, initialisers and layers that take a complex dtype, by their two parts."""

from collections.abc import Callable, Mapping
from typing import Any

from varlaw.subjects.complex_parts import NO_16_BITS, each, parts
from varlaw.subjects.rows import drawn
from varlaw.subjects.subject import Case, Sampler
from varlaw.subjects.torch.framework import TORCH, seeded

Draw = Callable[[Any, Case, dict[str, Any]], Any]  # (torch, case, complex dtype and device) -> tensor


def _row(name: str, law: str, draw: Draw, op: str = "linear") -> Sampler:
    def build(case: Case, factory: dict[str, Any]) -> Mapping[str, Any]:
        import torch

        return parts(draw(torch, case, factory | {"dtype": factory["dtype"].to_complex()}).detach())

    return drawn(TORCH, f"torch.{name}(complex)", op, seeded(build), each(law), unsupported=NO_16_BITS)


def _initialiser(name: str, law: str) -> Sampler:
    """Half of the variance to each part: that of twice the fans."""

    def draw(torch: Any, c: Case, f: dict[str, Any]) -> Any:
        relu = {"nonlinearity": "relu"} if name.startswith("kaiming") else {}
        return getattr(torch.nn.init, name)(torch.empty(c["out_features"], c["in_features"], **f), **relu)

    return _row(f"nn.init.{name}", law, draw)


def _conv(torch: Any, c: Case, f: dict[str, Any]) -> Any:
    layer = torch.nn.Conv2d(
        c["in_channels"], c["out_channels"], c["kernel_size"], stride=c["stride"], groups=c["groups"], **f
    )
    return layer.weight


COMPLEX: tuple[Sampler, ...] = (
    _row("randn", "Normal(sqrt(1/2))", lambda t, c, f: t.randn(c["shape"], **f), "shape"),
    _row(
        "nn.init.normal_",
        "Normal(scale/sqrt(2))",
        lambda t, c, f: t.nn.init.normal_(t.empty(c["shape"], **f), 0.0, c["scale"]),
        "shape",
    ),
    _initialiser("xavier_uniform_", "glorot_uniform(2*in_features, 2*out_features)"),
    _initialiser("xavier_normal_", "glorot_normal(2*in_features, 2*out_features)"),
    _initialiser("kaiming_uniform_", "he_uniform(2*in_features)"),
    _initialiser("kaiming_normal_", "he_normal(2*in_features)"),
    _row(
        "nn.Linear",
        "Uniform(1/sqrt(2*in_features))",
        lambda t, c, f: t.nn.Linear(c["in_features"], c["out_features"], **f).weight,
    ),
    _row("nn.Conv2d", "Uniform(sqrt(groups/(2*in_channels*kernel_size**2)))", _conv, "conv2d"),
)
