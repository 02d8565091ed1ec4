"""The public names of Paddle that draw, normalise, clip, drop or scale, and the reasons for those without a row."""

import inspect
from collections.abc import Mapping

_WORDS = (
    "rand",
    "norm",
    "uniform",
    "drop",
    "clip",
    "gumbel",
    "bernoulli",
    "poisson",
    "exponential_",
    "cauchy",
    "geometric",
)


def PUBLIC() -> list[str]:
    """Every sampler, initialiser, class of paddle.nn, norm, dropout, loss and clipping function that Paddle exports."""
    from varlaw.subjects.paddle.framework import nn, top

    found = [f"paddle.nn.{n}" for n in top("nn").__all__ if inspect.isclass(getattr(nn(), n))]
    found += [f"paddle.nn.initializer.{n}" for n in nn().initializer.__all__]
    scaling = (*_WORDS, "cross_entropy")
    found += [f"paddle.nn.functional.{n}" for n in nn().functional.__all__ if any(word in n for word in scaling)]
    found += [f"paddle.nn.utils.{n}" for n in nn().utils.__all__]
    for path, names in (("paddle", top("__all__")), ("paddle.Tensor", dir(top("Tensor")))):
        found += [f"{path}.{n}" for n in names if not n.startswith("_") and any(word in n for word in _WORDS)]
    return found


_PLAIN = "no parameters, draws nothing and normalises nothing"
_INTEGERS = "draws no real numbers"
_OTHER_LAW = "a law that is no law of weights; the uniform and normal numbers under it have rows"
_ON_ZERO_TO_ONE = "numbers on [0, 1); `uniform` is an affine map of them about 0 and has a row"
_HOLDS = "holds what it is given"
_REAL_TARGETS = "a loss of real targets or of pairs, not of logits and classes"
_ALIAS = "another name of what has a row: a test holds the two together"
_BOUND = "a bound on what it is given, no clipping of gradients"
_AT_ONE_STEP = "changes what it is given; it does not say how a weight starts"

_ACTIVATIONS = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Maxout",
    "Mish",
    "ReLU",
    "ReLU6",
    "RReLU",
    "SELU",
    "SiLU",
    "Sigmoid",
    "Silu",
    "Softmax",
    "Softmax2D",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Swish",
    "Tanh",
    "Tanhshrink",
    "ThresholdedReLU",
]
_LOSSES = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CTCLoss",
    "CosineEmbeddingLoss",
    "GaussianNLLLoss",
    "HingeEmbeddingLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MarginRankingLoss",
    "MultiLabel*Loss",
    "MultiMarginLoss",
    "PoissonNLLLoss",
    "RNNTLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Triplet*",
]

# Names of the same object: alias -> the name that has a row.
ALIASES: Mapping[str, str] = {
    "paddle.layer_norm": "paddle.nn.functional.layer_norm",
    "paddle.group_norm": "paddle.nn.functional.group_norm",
    "paddle.normal_": "paddle.Tensor.normal_",
    **{f"paddle.nn.Conv{d}d": f"paddle.nn.Conv{d}D" for d in (1, 2, 3)},
}

LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(ALIASES, _ALIAS),
    **dict.fromkeys((f"paddle.nn.{n}" for n in _ACTIVATIONS), _PLAIN),
    **dict.fromkeys((f"paddle.nn.{n}" for n in _LOSSES), _REAL_TARGETS),
    **dict.fromkeys((f"paddle.nn.*{n}*" for n in ("Pool", "Pad", "Upsampl", "huffle", "latten", "old")), _PLAIN),
    **dict.fromkeys((f"paddle.nn.{n}" for n in ("CosineSimilarity", "PairwiseDistance", "Identity")), _PLAIN),
    **dict.fromkeys(
        (
            f"paddle.nn.{n}"
            for n in ("Layer", "LayerDict", "LayerList", "Module*", "Parameter*", "Sequential", "BeamSearchDecoder")
        ),
        _HOLDS,
    ),
    "paddle.nn.RNNCellBase": "base class of the cells that have rows",
    "paddle.nn.NLLLoss": "takes log-probabilities; cross_entropy, which makes them, has a row",
    "paddle.nn.*LocalResponseNorm": "divides by neighbouring channels: no second moment is promised",
    "paddle.nn.functional.local_response_norm": "divides by neighbouring channels: no second moment is promised",
    "paddle.nn.functional.gumbel_softmax": "a relaxed choice, whose law depends on its logits",
    "paddle.nn.functional.binary_cross_entropy*": _REAL_TARGETS,
    "paddle.nn.functional.margin_cross_entropy": _REAL_TARGETS,
    "paddle.nn.initializer.Assign": "copies what it is given",
    "paddle.nn.initializer.set_global_initializer": "chooses one of the initialisers that have rows",
    "paddle.nn.utils.*vector*": "copies parameters",
    "paddle.nn.utils.remove_weight_norm": _AT_ONE_STEP,
    **dict.fromkeys((f"paddle.{n}" for n in ("rand_like",)), _ON_ZERO_TO_ONE),
    **dict.fromkeys((f"paddle.{n}" for n in ("randint*", "*bernoulli_*", "*geometric*")), _INTEGERS),
    **dict.fromkeys((f"paddle.*{n}" for n in ("log_normal*", "cauchy_", "exponential_", "random_")), _OTHER_LAW),
    **dict.fromkeys((f"paddle.{n}" for n in ("*clip", "*clip_", "renorm_", "Tensor.renorm*", "Tensor.norm")), _BOUND),
}
