"""The public names of tinygrad that draw, normalise, clip, drop or scale, and the reasons for those without a row."""

import inspect
from collections.abc import Mapping

_WORDS = ("rand", "norm", "uniform", "drop", "clip", "entropy", "loss", "multinomial")


def PUBLIC() -> list[str]:
    """Every layer of tinygrad.nn, and every method of Tensor whose source draws or whose name says that it scales."""
    import tinygrad.nn
    from tinygrad import Tensor

    layers = [n for n, c in vars(tinygrad.nn).items() if not n.startswith("_") and _makes_parameters(c)]
    methods = [n for n in dir(Tensor) if not n.startswith("_") and any(word in n for word in _WORDS)]
    return [f"tinygrad.nn.{n}" for n in layers] + [f"tinygrad.Tensor.{n}" for n in methods]


def _makes_parameters(thing: object) -> bool:
    """Whether it is one of tinygrad.nn's own classes, or a function that returns one."""
    own = getattr(thing, "__module__", "") == "tinygrad.nn"
    return own and (inspect.isclass(thing) or (inspect.isfunction(thing) and thing.__name__[0].isupper()))


_INTEGERS = "draws no real numbers"
_REAL_TARGETS = "a loss of real targets, not of logits and classes"

LEFT_OUT: Mapping[str, str] = {
    **dict.fromkeys((f"tinygrad.Tensor.{n}" for n in ("randint", "randperm", "random_bits", "multinomial")), _INTEGERS),
    **dict.fromkeys(
        (f"tinygrad.Tensor.{n}" for n in ("rand", "rand_like")),
        "numbers on [0, 1); `uniform` is an affine map of them about 0, where the law of a weight is, and has a row",
    ),
    "tinygrad.Tensor.binary_crossentropy*": _REAL_TARGETS,
    "tinygrad.Tensor.batchnorm": "applies the statistics that it is given; BatchNorm computes them and has a row",
    "tinygrad.Tensor.normalize": "divides by a p-norm: no second moment is promised",
    "tinygrad.Tensor.clip": "a bound on each entry of an activation; there is no clipping of gradients",
}
