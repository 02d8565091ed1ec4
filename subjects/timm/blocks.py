"""The blocks of timm's vision transformer and ResNet by depth, narrow, under their own initialisation."""

import functools
import importlib
from typing import Any

from varlaw.subjects.modules import default_dtype
from varlaw.subjects.subject import Case, Experiment
from varlaw.subjects.timm.framework import TIMM, timm
from varlaw.subjects.torch.experiments.blocks import Stack, blocks
from varlaw.subjects.torch.experiments.stages import Block, stages

_EPS = 1e-12  # of the norms, beside a stream of any size


def vit(t: Any, c: Case, on: dict[str, Any]) -> Stack:
    """The blocks of a fresh vision transformer."""
    timm()
    room = importlib.import_module("timm.models.vision_transformer")
    with default_dtype(str(on["dtype"]).removeprefix("torch.")):
        model = room.VisionTransformer(
            img_size=16, patch_size=16, embed_dim=c["width"], depth=c["layers"], num_heads=2, num_classes=0,
            norm_layer=functools.partial(t.nn.LayerNorm, eps=_EPS),
        )  # fmt: skip
    model.to(on["device"]).requires_grad_(False)
    last = [w for block in model.blocks for w in (block.attn.proj.weight, block.mlp.fc2.weight)]
    return Stack(model.blocks, last, scaled=False)


def resnet(t: Any, c: Case, on: dict[str, Any]) -> list[Block]:
    """Fresh basic blocks."""
    return _stage(t, c, on, "BasicBlock", 1)


def bottleneck(t: Any, c: Case, on: dict[str, Any]) -> list[Block]:
    """Fresh bottlenecks."""
    return _stage(t, c, on, "Bottleneck", 4)


def _stage(t: Any, c: Case, on: dict[str, Any], kind: str, narrow: int) -> list[Block]:
    timm()
    block = getattr(importlib.import_module("timm.models.resnet"), kind)
    planes = c["width"] // narrow
    return [block(c["width"], planes, norm_layer=functools.partial(t.nn.BatchNorm2d, eps=_EPS), **on)
            for _ in range(c["layers"])]  # fmt: skip


BLOCKS: tuple[Experiment, ...] = (
    blocks("models.VisionTransformer(by depth)", "vit_stream", vit, TIMM),
    stages("models.resnet.BasicBlock(by depth)", "basic_block_stream", resnet, TIMM),
    stages("models.resnet.Bottleneck(by depth)", "bottleneck_stream", bottleneck, TIMM),
)
