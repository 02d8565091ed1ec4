"""The public names of torch that draw, normalise, clip, drop or scale, and the reasons for those without a row."""

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

_WORDS = ("norm", "dropout", "cross_entropy", "nll_loss", "gumbel")
_SAMPLERS = ("rand", "normal", "uniform", "bernoulli", "multinomial", "poisson")
_FILLERS = (*_SAMPLERS, "exponential_", "cauchy_", "geometric_")

# Classes whose constructors do not take small numbers: they have parameters, whatever `_parametrised` finds.
_OTHER_ARGUMENTS = (
    "RNN",
    "LSTM",
    "GRU",
    "TransformerEncoder",
    "TransformerDecoder",
    "MultiheadAttention",
    "AdaptiveLogSoftmaxWithLoss",
)


def PUBLIC() -> list[str]:
    """torch.nn.init's functions, layers with parameters, dropouts, norms, losses, samplers and clipping functions."""
    import torch

    nn, utils = torch.nn, torch.nn.utils
    found = [f"torch.nn.init.{n}" for n, f in vars(nn.init).items() if _is_function(f, "torch.nn.init") and n[0] != "_"]
    found += [f"torch.nn.{n}" for n, c in vars(nn).items() if _is_module(c) and _counts(n, c)]
    found += [f"torch.nn.functional.{n}" for n in dir(nn.functional) if n[0] != "_" and _said(n, _WORDS)]
    found += [
        f"torch.nn.utils.{n}" for n in dir(utils) if _said(n, ("clip_grad", "norm")) and callable(getattr(utils, n))
    ]
    found += [
        f"torch.nn.utils.parametrizations.{n}"
        for n, f in vars(utils.parametrizations).items()
        if _is_function(f, "torch.nn.utils.parametrizations") and n[0] != "_"
    ]
    found += [f"torch.{n}" for n in dir(torch) if n[0] != "_" and _said(n, _SAMPLERS) and n not in _NO_SAMPLERS]
    return found + [
        f"torch.Tensor.{n}" for n in dir(torch.Tensor) if n[0] != "_" and n[-1] == "_" and _said(n, _FILLERS)
    ]


_NO_SAMPLERS = ("random", "quasirandom", "set_flush_denormal")


def _said(name: str, words: tuple[str, ...]) -> bool:
    return any(word in name for word in words)


def _is_function(thing: Any, home: str) -> bool:
    return inspect.isfunction(thing) and thing.__module__ == home


def _is_module(thing: Any) -> bool:
    import torch

    return inspect.isclass(thing) and issubclass(thing, torch.nn.Module)


def _counts(name: str, cls: type) -> bool:
    """Whether a class has parameters, or is named as one that drops or scores classes."""
    if name.startswith("_"):
        return False
    return name.startswith("Lazy") or name in _OTHER_ARGUMENTS or "ropout" in name or _parametrised(cls)


def _parametrised(cls: type) -> bool:
    """Whether the class, built with small numbers, has parameters of its own."""
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]  # the constructor is what is asked for
    needed = [
        p for p in list(signature.parameters.values())[1:]
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = cls(*([4] * len(needed)))
        return any(True for _ in module.parameters())
    except Exception:
        return False


_OLD = "deprecated spelling that calls the function with the underscore"
_LAZY = "becomes its eager class, with that class's initialisation, on the first call: a test holds that"
_BASE = "base class of the classes that have rows"
_LIKE = "the same numbers in the shape of another tensor"

LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys(
        (f"torch.nn.init.{n}" for n in ("uniform", "normal", "constant", "eye", "dirac", "sparse", "orthogonal")), _OLD
    ),
    "torch.nn.init.xavier_uniform": _OLD,
    "torch.nn.init.xavier_normal": _OLD,
    "torch.nn.init.kaiming_uniform": _OLD,
    "torch.nn.init.kaiming_normal": _OLD,
    "torch.nn.Lazy*": _LAZY,
    "torch.nn.RNNCellBase": _BASE,
    "torch.nn.LinearCrossEntropyLoss": "builds its matrix from a Linear layer, which has a row",
    "torch.nn.functional.binary_cross_entropy*": "a loss of real targets, not of logits and classes",
    "torch.nn.functional.linear_cross_entropy": "a matrix product and cross_entropy in one, which has a row",
    "torch.nn.functional.local_response_norm": "divides by neighbouring channels: no second moment is promised",
    "torch.nn.utils.get_total_norm": "the first half of clip_grad_norm_, which has a row",
    "torch.nn.utils.clip_grad_norm": _OLD,
    "torch.nn.utils.remove_*_norm": "puts the weight back that it finds",
    **dict.fromkeys((f"torch.{n}" for n in ("rand_like", "randint_like")), _LIKE),
    "torch.poisson_nll_loss": "a loss of real targets, not of logits and classes",
}
