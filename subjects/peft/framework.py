"""The one typed boundary to peft: version, adapters by name, and a layer with an adapter on it."""

from collections.abc import Mapping
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Case
from varlaw.subjects.torch.framework import library
from varlaw.subjects.torchvision import stub_torchvision

PEFT = library("peft")


def peft() -> Any:
    """The library, which imports transformers and may stumble over its torchvision."""
    stub_torchvision()
    import peft as found

    return found


def adapter_names() -> list[str]:
    """The configuration classes of all adapters."""
    peft()
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    return sorted(c.__name__ for c in PEFT_TYPE_TO_CONFIG_MAPPING.values())


def lora_starts() -> list[str]:
    """The ways by name in which LoRA's matrices may start."""
    import typing

    hint = typing.get_type_hints(peft().LoraConfig)["init_lora_weights"]
    names = [n for part in typing.get_args(hint) for n in typing.get_args(part)]
    return sorted(name.replace("[number of iters]", "4") for name in names)


def config(name: str, fields: Mapping[str, Any]) -> Any:
    """The configuration of one adapter; LookupError where this version has none of that name."""
    there = peft()
    if not hasattr(there, name):
        msg = f"peft {PEFT.version()} has no {name}"
        raise LookupError(msg)
    return getattr(there, name)(**fields)


def divisor(n: int, most: int = 8) -> int:
    """The largest divisor of n up to `most`, or n itself where there is none beyond 1."""
    found = max(d for d in range(1, most + 1) if n % d == 0)
    return found if found > 1 or n == 1 else n


def network(kind: str, case: Case, dtype: str) -> Any:
    """A network of one layer, named `layer`: what an adapter is put on."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = _layer(kind, case)

        def forward(self, x: Any) -> Any:
            return self.layer(x)

    with default_dtype(dtype):
        return Network().eval()


def _layer(kind: str, case: Case) -> Any:
    import torch

    inputs, outputs = case["in_features"], case["out_features"]
    match kind:
        case "embedding":
            return torch.nn.Embedding(inputs, outputs)
        case "conv2d":
            return torch.nn.Conv2d(inputs, outputs, 3, padding=1)
        case "layer_norm":
            return torch.nn.LayerNorm(inputs)
        case _:
            return torch.nn.Linear(inputs, outputs)


def noise(kind: str, case: Case, dtype: str) -> Any:
    """A random input of that layer."""
    import torch

    if kind == "embedding":
        return torch.randint(0, case["in_features"], (4, 8))
    shape = (4, case["in_features"], 5, 5) if kind == "conv2d" else (4, 3, case["in_features"])
    return torch.randn(shape).to(getattr(torch, dtype))
