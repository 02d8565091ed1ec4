"""The public names of Keras that draw, normalise, clip, drop or score classes, and why some have no row."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from varlaw.subjects.keras.framework import keras

# Words that a function of `keras.ops`, `keras.losses` or `keras.constraints` has in its name if it belongs here.
_WORDS = ("norm", "moments", "dropout", "clip", "crossentropy", "dot_product_attention")


def PUBLIC() -> list[str]:
    """Initialisers, layers and samplers all; of functions and losses those whose names say so. Aliases count once."""
    k = keras()
    found = {
        "initializers": _subclasses(vars(k.initializers), k.initializers.Initializer),
        "layers": _subclasses(vars(k.layers), k.layers.Layer),
        "random": {n: f for n, f in vars(k.random).items() if callable(f)},
        "constraints": _subclasses(vars(k.constraints), k.constraints.Constraint),
        "losses": _with_words(vars(k.losses)),
        "ops": _with_words(vars(k.ops)),
        "optimizers": {"Optimizer": k.optimizers.Optimizer},
    }
    return [f"keras.{space}.{name}" for space, names in found.items() for name in _once(names)]


def _subclasses(names: Mapping[str, Any], base: type) -> dict[str, Any]:
    return {n: c for n, c in names.items() if isinstance(c, type) and issubclass(c, base) and c is not base}


def _with_words(names: Mapping[str, Any]) -> dict[str, Any]:
    return {n: f for n, f in names.items() if callable(f) and any(word in n.lower() for word in _WORDS)}


def _once(names: Mapping[str, Any]) -> Iterator[str]:
    """One name for each object: its own where it is public, else the first."""
    spellings: dict[int, list[str]] = {}
    for name, thing in sorted(names.items()):
        spellings.setdefault(id(thing), []).append(name)
    for candidates in spellings.values():
        own = getattr(names[candidates[0]], "__name__", "")
        yield own if own in candidates else candidates[0]


def _reasons(reason: str, space: str, names: Iterable[str]) -> dict[str, str]:
    return {f"keras.{space}.{name}": reason for name in names}


_MERGE = ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")
_RESHAPE = (
    "Cropping*", "Flatten", "Permute", "RepeatVector", "Reshape", "UpSampling*", "ZeroPadding*", "Identity", "Masking",
    "InputLayer", "Lambda", "CenterCrop", "Resizing", "Rescaling", "Pipeline", "Activation*", "ELU", "LeakyReLU",
    "ReLU", "Softmax",
)  # fmt: skip
_IMAGES = (
    "AugMix", "AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Equalization",
    "MaxNumBoundingBoxes", "MixUp", "Rand*", "Solarization",
)  # fmt: skip
_TABLES = ("CategoryEncoding", "Discretization", "Hash*", "IntegerLookup", "StringLookup", "TextVectorization")

LEFT_OUT: dict[str, str] = {
    **_reasons("no weights, nothing random", "layers", (*_MERGE, *_RESHAPE, "*Pool*", "ActivityRegularization")),
    **_reasons("augments images: its draws are no initialisation and no dropout", "layers", _IMAGES),
    **_reasons("a table of preprocessing, without random weights", "layers", _TABLES),
    **_reasons("fixed signal processing", "layers", ("MelSpectrogram", "STFTSpectrogram")),
    **_reasons("wraps what the user brings", "layers", ("*Layer", "TorchModuleWrapper", "Wrapper", "RNN")),
    "keras.layers.Normalization": "statistics of a data set taken by adapt(), no law of one batch",
    "keras.initializers.STFT": "fixed windows and sines: nothing random, no scale to keep",
    **_reasons("draws orders by the backend's own function", "random", ("shuffle",)),
    **_reasons("no bound on a norm", "constraints", ("NonNeg",)),
    **_reasons("takes the statistics that BatchNormalization, which has a row, gives it", "ops", ("batch_norm*",)),
    **_reasons("a part of BatchNormalization and GroupNormalization, which have rows", "ops", ("moments",)),
    **_reasons("a norm, no normalisation", "ops", ("norm",)),
    **_reasons("cuts entries: clipvalue of the optimisers, which has a row, calls it", "ops", ("clip",)),
    **_reasons("the losses over it have rows", "ops", ("*categorical_crossentropy",)),
    **_reasons("two classes or focal weights: another law than ln C", "losses", ("*inary*", "*ocal*", "*eneralized*")),
    **_reasons("two classes: another law than ln C", "ops", ("binary_crossentropy",)),
}
