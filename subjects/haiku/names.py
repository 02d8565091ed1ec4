"""The public names of haiku that hold parameters, draw or drop, and the reasons for those without a row."""

import inspect
from collections.abc import Iterator, Mapping


def PUBLIC() -> Iterator[str]:
    """Every module class under haiku, every initialiser, and the functions that drop or draw."""
    import haiku as hk

    for name, value in vars(hk).items():
        if inspect.isclass(value) and issubclass(value, hk.Module) and not name.startswith("_"):
            yield f"haiku.{name}"
    yield from (f"haiku.nets.{name}" for name in dir(hk.nets) if name[0].isupper())
    yield from (f"haiku.initializers.{name}" for name in dir(hk.initializers) if name[0].isupper())
    yield from (f"haiku.{name}" for name in ("dropout", "multinomial"))


_BASE = "base class of the classes that have rows"
_CONTAINER = "wraps or chains other modules, without parameters of its own"
LEFT_OUT: Mapping[str, str] = {
    "haiku.AvgPool": "holds no parameters",
    "haiku.MaxPool": "holds no parameters",
    "haiku.Flatten": "holds no parameters",
    "haiku.Reshape": "holds no parameters",
    "haiku.ConvND": _BASE,
    "haiku.ConvNDTranspose": _BASE,
    "haiku.RNNCore": _BASE,
    "haiku.Module": _BASE,
    "haiku.DeepRNN": _CONTAINER,
    "haiku.ResetCore": _CONTAINER,
    "haiku.Sequential": _CONTAINER,
    "haiku.IdentityCore": "holds no parameters",
    "haiku.EMAParamsTree": "averages parameters that other modules drew",
    "haiku.ExponentialMovingAverage": "held through haiku.BatchNorm's running statistics",
    "haiku.SNParamsTree": "divides parameters that other modules drew by their largest singular value",
    "haiku.initializers.Initializer": "the type of an initialiser",
    "haiku.nets.ResNet*": "haiku.nets.ResNet of a given depth and width",
    "haiku.nets.VectorQuantizerEMA": "keeps its embeddings as a state, drawn as VectorQuantizer draws them",
    "haiku.multinomial": "draws classes, not weights",
}
