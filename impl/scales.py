"""Scales that depend on depth or width: one number each, to be given to an initialiser or kept as a multiplier.

Each rule is its paper's, written out; none multiplies anything by itself. `layers` counts residual layers (blocks), of
two branches each where a rule says so; standard deviations are per weight.
"""

import math
from typing import NamedTuple

from varlaw.impl.arguments import choice, flag, number, positive, refuse, whole


class DeepNorm(NamedTuple):
    """x -> norm(alpha * x + branch(x)), where `beta` multiplies the gain of feed-forward, value and output weights."""

    alpha: float
    beta: float


def residual_std(std: float, layers: int) -> float:
    """GPT-2: std / sqrt(2 * layers) for the projection that ends each of the 2*layers branches.

    >>> residual_std(0.02, 8)
    0.005
    """
    return number("std", std, "residual_std", low=0.0) / math.sqrt(2 * whole("layers", layers, "residual_std", low=1))


def deepnorm(layers: int, *, other: int = 0, part: str = "only") -> DeepNorm:
    """DeepNorm (Wang et al. 2022, arXiv:2203.00555).

    `part` is "only" (encoder or decoder alone, of `layers` layers), "encoder" (`other` counts the decoder's layers) or
    "decoder" (only its own layers matter).

    >>> deepnorm(8).alpha
    2.0
    """
    where = "deepnorm"
    own = whole("layers", layers, where, low=1)
    choice("part", part, ("only", "encoder", "decoder"), where)
    if part == "only":
        return DeepNorm((2 * own) ** 0.25, (8 * own) ** -0.25)
    if part == "decoder":
        return DeepNorm((3 * own) ** 0.25, (12 * own) ** -0.25)
    both = own**4 * whole("other", other, where, low=1)
    return DeepNorm(0.81 * both ** (1 / 16), 0.87 * both ** (-1 / 16))


def depth_mup(layers: int) -> float:
    """Branch multiplier 1 / sqrt(layers), for branches of one layer (Yang et al. 2023, arXiv:2310.02244).

    >>> depth_mup(4)
    0.5
    """
    return 1 / math.sqrt(whole("layers", layers, "depth_mup", low=1))


def mup_std(std: float, fan_in: float, base_fan_in: float, *, role: str) -> float:
    """Width transfer under Adam (Yang et al. 2022, arXiv:2203.03466): the std for a width, from that of a base width.

    Hidden weights keep std**2 * fan_in. Input and output weights and biases keep their std; an output also needs the
    forward multiplier base_fan_in / fan_in, which is the caller's.

    >>> mup_std(0.02, 4096, 1024, role="hidden")
    0.01
    """
    where = "mup_std"
    choice("role", role, ("hidden", "input", "output"), where)
    size, width = number("std", std, where, low=0.0), positive("fan_in", fan_in, where)
    base = positive("base_fan_in", base_fan_in, where)
    return size * math.sqrt(base / width) if role == "hidden" else size


def fixup(branches: int, weights: int) -> float:
    """Fixup: branches**(-1 / (2*weights - 2)), by which all weights of a branch but its last (zero) are multiplied.

    `branches` counts residual branches, `weights` the weight layers in each, at least 2 (Zhang et al. 2019,
    arXiv:1901.09321).

    >>> fixup(16, 3)
    0.5
    """
    count = whole("branches", branches, "fixup", low=1)
    return float(count ** (-1 / (2 * whole("weights", weights, "fixup", low=2) - 2)))


def t_fixup(layers: int, *, part: str = "encoder") -> float:
    """T-Fixup: multiplier of the value, output and feed-forward weights (Huang et al. 2020, ICML).

    0.67 * layers**(-1/4) in an encoder, (9 * layers)**(-1/4) in a decoder.

    >>> t_fixup(16)
    0.335
    """
    count = whole("layers", layers, "t_fixup", low=1)
    choice("part", part, ("encoder", "decoder"), "t_fixup")
    return float(0.67 * count**-0.25 if part == "encoder" else (9 * count) ** -0.25)


def layer_scale(depth: int) -> float:
    """LayerScale: initial per-channel gain of each branch: 0.1 to 18 blocks, 1e-5 to 24, 1e-6 beyond.

    Touvron et al. 2021, arXiv:2103.17239. ReZero and SkipInit start the gain of a whole branch at zero instead.

    >>> layer_scale(24)
    1e-05
    """
    blocks = whole("depth", depth, "layer_scale", low=1)
    return 0.1 if blocks <= 18 else 1e-5 if blocks <= 24 else 1e-6


def lora_scale(alpha: float, rank: int, *, rank_stable: bool = False) -> float:
    """Forward multiplier of a low-rank update: alpha / rank, or alpha / sqrt(rank) (rsLoRA, arXiv:2312.03732).

    >>> lora_scale(16, 4), lora_scale(16, 4, rank_stable=True)
    (4.0, 8.0)
    """
    size, low = number("alpha", alpha, "lora_scale"), whole("rank", rank, "lora_scale", low=1)
    return size / math.sqrt(low) if flag("rank_stable", rank_stable, "lora_scale") else size / low


def head_std(logit_std: float, fan_in: float, second_moment: float = 1.0) -> float:
    """Std of a classifier's weights for logits of std `logit_std`, from features of a mean square `second_moment`.

    The loss then starts at about ln(classes) + logit_std**2 / 2; at logit_std 0 it is ln(classes) exactly.

    >>> head_std(0.1, 100)
    0.01
    """
    where = "head_std"
    size, width = number("logit_std", logit_std, where, low=0.0), positive("fan_in", fan_in, where)
    return size / math.sqrt(width * positive("second_moment", second_moment, where))


def chrono_range(longest: float, where: str = "chrono_range") -> tuple[float, float]:
    """(1, longest - 1): dependencies between which chrono gates spread; `longest` is a number of steps > 2.

    >>> chrono_range(100)
    (1.0, 99.0)
    """
    steps = number("longest", longest, where)
    if steps <= 2:
        refuse("longest", steps, "a number of steps > 2", where)
    return 1.0, steps - 1
