"""A way around a torchvision that was built for another torch: transformers, timm and peft import it all the same."""

import sys
from typing import Any

_kept: list[Any] = []  # a library of operators lives as long as its object


def stub_torchvision() -> None:
    """Declare the operators that torchvision asks for on import, where its own library does not load."""
    import torch

    if "torchvision" in sys.modules or _kept:
        return
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        open_library: Any = torch.library.Library
        library = open_library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)
    except ImportError:
        pass
