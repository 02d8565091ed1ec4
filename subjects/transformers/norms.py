"""The norms of transformers' modelling files, one for each way of computing that they have.

Some 230 classes repeat the arithmetic of these under names of their own.
"""

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from varlaw.subjects.subject import Case, Norm
from varlaw.subjects.torch_modules import View, channels, last, norm, spatial, weight_used
from varlaw.subjects.torchvision import stub_torchvision
from varlaw.subjects.transformers.framework import TRANSFORMERS

Options = dict[str, Any]
Build = Callable[[Any, Case, Options], Any]


def _sized(kind: Any, case: Case, options: Options) -> Any:
    return kind(case["length"], **options)


def _centred(kind: Any, case: Case, options: Options) -> Any:
    """One that multiplies by 1 + weight: the weight is then to start at zero, which is left to the model."""
    module = kind(case["length"], **options)
    module.weight.data.zero_()
    return module


def _norm(family: str, name: str, op: str, build: Build = _sized, view: View = last) -> Norm:
    def made(case: Case, options: Options) -> Any:
        stub_torchvision()
        module = importlib.import_module(f"transformers.models.{family}.modeling_{family}")
        return build(getattr(module, name), case, options)

    return norm(TRANSFORMERS, f"transformers.{family}.{name}", op, made, view)


def _without_size(kind: Any, case: Case, options: Options) -> Any:
    return kind(**options)


def _filled(kind: Any, case: Case, options: Options) -> Any:
    """One whose weight the model fills."""
    module = kind((case["length"],), **options)
    module.weight.data.fill_(1.0)
    return module


def _gated(kind: Any, case: Case, options: Options) -> Any:
    return kind(case["length"], group_size=case["length"], **options)


def _channels_first(kind: Any, case: Case, options: Options) -> Any:
    return kind(case["length"], data_format="channels_first", **options)


def _group(kind: Any, case: Case, options: Options) -> Any:
    return kind(SimpleNamespace(num_groups=case["groups"]), case["channels"], apply_activation=False, **options)


def _standardised() -> Norm:
    """A convolution of one input channel with kernels of the length, whose weight is x: a row is an output channel."""

    def build(kind: Any, case: Case, options: Options) -> Any:
        return kind(1, case["batch"] * case["channels"], (1, case["length"]), padding=0, **options)

    def view(convolution: Any, x: Any) -> Any:
        return weight_used(convolution, x)

    return _norm("bit", "WeightStandardizedConv2d", "layer_norm", build, view)


NORMS: tuple[Norm, ...] = (
    *(
        _norm(family, name, "rms_norm")
        for family, name in (
            ("llama", "LlamaRMSNorm"),  # rounded to the input's dtype, then times the weight
            ("olmo2", "Olmo2RMSNorm"),  # times the weight, then rounded
            ("helium", "HeliumRMSNorm"),
            ("t5", "T5LayerNorm"),
            ("gemma", "GemmaRMSNorm"),
            ("gemma3n", "Gemma3nRMSNorm"),
            ("moshi", "MoshiRMSNorm"),
            ("llama4", "Llama4TextRMSNorm"),
        )
    ),
    _norm("llama4", "Llama4TextL2Norm", "rms_norm", _without_size),
    _norm("deepseek_v4", "DeepseekV4UnweightedRMSNorm", "rms_norm", _without_size),
    _norm("imagegpt", "ImageGPTLayerNorm", "rms_norm", _filled),
    _norm("mamba2", "MambaRMSNormGated", "rms_norm", _gated),
    _norm("cohere", "CohereLayerNorm", "layer_norm"),
    _norm("deberta", "DebertaLayerNorm", "layer_norm"),
    _norm("nemotron", "NemotronLayerNorm1P", "layer_norm", _centred),
    _norm("convnext", "ConvNextLayerNorm", "layer_norm", _channels_first, channels),
    _norm("vitdet", "VitDetLayerNorm", "layer_norm", _sized, channels),
    _norm("eomt", "EomtLayerNorm2d", "layer_norm", _sized, channels),
    _norm("bit", "BitGroupNormActivation", "group_norm", _group, spatial),
    _standardised(),
)
