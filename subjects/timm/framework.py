"""The one typed boundary to timm: version, architectures, and classifiers built small."""

import importlib
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.torch.framework import library
from varlaw.subjects.torchvision import stub_torchvision

TIMM = library("timm")

CLASSES = 10


def timm() -> Any:
    """The library, which imports torchvision and may stumble over it."""
    stub_torchvision()
    import timm as found

    return found


def utils() -> Any:
    """timm.utils, where it clips gradients."""
    stub_torchvision()
    return importlib.import_module("timm.utils")


def optim() -> Any:
    """timm.optim, where its optimisers are."""
    stub_torchvision()
    return importlib.import_module("timm.optim")


def architectures() -> list[str]:
    """Every module of timm.models that registers models."""
    return sorted(timm().list_modules())


def build(variant: str, fields: dict[str, Any], dtype: str) -> Any:
    """A fresh classifier; LookupError where this version has no such variant."""
    models = timm()
    if not models.is_model(variant):
        msg = f"timm {TIMM.version()} has no model {variant}"
        raise LookupError(msg)
    with default_dtype(dtype):
        return models.create_model(variant, num_classes=CLASSES, **fields)
