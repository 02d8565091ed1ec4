"""torchvision: the blocks of its ResNet by depth, and a way around one that was built for another torch.

transformers, timm and peft import it all the same.
"""

import functools
import importlib
import sys
from typing import Any

from varlaw.subjects.subject import Case, Experiment, Subject
from varlaw.subjects.torch.experiments.stages import Block, stages
from varlaw.subjects.torch.framework import library

__all__ = ["LEFT_OUT", "PUBLIC", "SUBJECTS", "stub_torchvision"]

TORCHVISION = library("torchvision")

_EPS = 1e-12  # of the norms, beside a stream of any size

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


def _blocks(kind: str, narrow: int) -> Experiment:
    def build(t: Any, c: Case, on: dict[str, Any]) -> list[Block]:
        stub_torchvision()
        block = getattr(importlib.import_module("torchvision.models.resnet"), kind)
        norm = functools.partial(t.nn.BatchNorm2d, eps=_EPS)
        return [block(c["width"], c["width"] // narrow, norm_layer=norm).to(**on) for _ in range(c["layers"])]

    op = {"BasicBlock": "basic_block_stream", "Bottleneck": "bottleneck_stream"}[kind]
    return stages(f"models.resnet.{kind}(by depth)", op, build, TORCHVISION)


SUBJECTS: tuple[Subject, ...] = (_blocks("BasicBlock", 1), _blocks("Bottleneck", 4))


def PUBLIC() -> set[str]:
    """The modules of its models, and the blocks of its ResNet."""
    stub_torchvision()
    found = importlib.import_module("torchvision.models")
    rooms = {f"torchvision.models.{name}" for name in dir(found) if name.islower() and hasattr(found, name)}
    modules = {name for name in rooms if name in sys.modules and name != "torchvision.models.resnet"}
    return modules | {f"torchvision.models.resnet.{block}" for block in ("BasicBlock", "Bottleneck")}


_TORCHS = "its layers and initialisers are torch's, which have rows; `varlaw check` takes a whole model"
LEFT_OUT = {"torchvision.models.[!r]*": _TORCHS, "torchvision.models.regnet": _TORCHS}
