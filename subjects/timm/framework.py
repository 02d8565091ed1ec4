"""The one typed boundary to timm: version, architectures, and classifiers built small."""

import importlib
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Framework
from varlaw.subjects.torchvision import stub_torchvision


def version() -> str:
    """timm's own version; ImportError when it, or torch, is not installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    import torch  # noqa: F401

    try:
        return installed("timm")
    except PackageNotFoundError as error:
        raise ImportError(str(error)) from error


TIMM = Framework(name="timm", version=version, devices=lambda: ("cpu",))

CLASSES = 10


def timm() -> Any:
    """The library, which imports torchvision and may stumble over it."""
    stub_torchvision()
    import timm as library

    return library


def utils() -> Any:
    """timm.utils, where it clips gradients."""
    stub_torchvision()
    return importlib.import_module("timm.utils")


def architectures() -> list[str]:
    """Every module of timm.models that registers models."""
    return sorted(timm().list_modules())


def build(variant: str, fields: dict[str, Any], dtype: str) -> Any:
    """A fresh classifier; LookupError where this version has no such variant."""
    library = timm()
    if not library.is_model(variant):
        msg = f"timm {version()} has no model {variant}"
        raise LookupError(msg)
    with default_dtype(dtype):
        return library.create_model(variant, num_classes=CLASSES, **fields)
