"""varlaw's own functions on torch tensors; fans are measured on torch's real layers."""

from typing import Any

from varlaw.subjects.ours import Backend, table, version
from varlaw.subjects.ours_experiments import experiments
from varlaw.subjects.subject import Framework
from varlaw.subjects.torch.framework import devices, floats, tensor
from varlaw.subjects.torch.framework import version as torch_version
from varlaw.subjects.torch.layers import NN
from varlaw.subjects.torch.networks import network


def _version() -> str:
    torch_version()  # without torch there is nothing to test
    return version()


def _generator(seed: int, device: str) -> Any:
    import torch

    return torch.Generator(device=device).manual_seed(seed)


def _he(weight: Any) -> None:
    import torch

    from varlaw.impl.torch import he_normal

    he_normal(tuple(weight.shape), seed=torch.default_generator, out=weight)


_OURS = Framework(name="varlaw.torch", version=_version, devices=devices)
_TABLE = table(
    Backend(
        framework=_OURS,
        module="varlaw.impl.torch",
        array=tensor,
        floats=floats,
        generator=_generator,
        place=lambda device: {"device": device},
        measure=NN.measure,
    )
)

SUBJECTS = (
    *_TABLE,
    network("varlaw.torch.network(he_normal, ReLU)", _OURS, "he_normal(fan_in)", _he, "ReLU"),
    *experiments(_OURS),
)
