"""Public names of timm without a row, each with its reason."""

from collections.abc import Mapping

_BLOCK = "puts layers together that have rows of their own"
_SWITCH = "switches, converts or looks up; draws and normalises nothing itself"
_TOKENS = "leaves tokens out: its output has another shape, and what is left is not scaled"
_LARGE = "its smallest variant has {} million parameters, and nothing makes it smaller"
LEFT_OUT: Mapping[str, str] = {
    "timm.inception_resnet_v2": _LARGE.format(54),
    "timm.inception_v4": _LARGE.format(41),
    "timm.nasnet": _LARGE.format(85),
    "timm.nextvit": _LARGE.format(31),
    "timm.pnasnet": _LARGE.format(82),
    "timm.vgg": _LARGE.format(129),
    "timm.layers.*ClassifierHead": _BLOCK,
    "timm.layers.*ConvNormAct*": _BLOCK,
    "timm.layers.GlobalResponseNormMlp": _BLOCK,
    "timm.layers.EvoNorm2d*": "divides an activation of its own by a deviation: the output has no known moment",
    "timm.layers.SimpleNorm*": "divides by the deviation about a mean that it leaves in: its moment is not known",
    "timm.layers.FrozenBatchNormAct2d": "multiplies and adds constants that were measured before",
    "timm.layers.SplitBatchNorm2d": "torch's batch norm on each part of the batch",
    "timm.layers.SyncBatchNormAct": "needs several accelerators: torch's SyncBatchNorm has no CPU kernel",
    "timm.layers.PatchDropout*": _TOKENS,
    "timm.layers.patch_dropout_forward": _TOKENS,
    "timm.layers.calculate_drop_path_rates": "a table of rates, increasing from 0",
    "timm.layers.fast_*_norm": "torch's own, taken instead of it under autocast on an accelerator",
    "timm.layers.get_condconv_initializer": "applies an initialiser that is handed to it to each expert",
    "timm.layers.is_fast_norm": _SWITCH,
    "timm.layers.set_fast_norm": _SWITCH,
    "timm.layers.*convert_*": _SWITCH,
    "timm.layers.*freeze_batch_norm_2d": _SWITCH,
    "timm.layers.create_norm*": _SWITCH,
    "timm.layers.get_norm*": _SWITCH,
}
