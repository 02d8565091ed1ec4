"""Nothing of torch is left out silently: every initialiser and every layer with parameters has a row, or a reason."""

import inspect
import warnings

import pytest

from varlaw.subjects.registry import subjects

torch = pytest.importorskip("torch")

_NAMES = {s.name for s in subjects("torch")}

# Public names of torch.nn.init without a row, each with its reason.
_OLD = "deprecated spelling that calls the function with the underscore"
INIT = {
    **dict.fromkeys(("uniform", "normal", "constant", "eye", "dirac", "sparse", "orthogonal"), _OLD),
    **dict.fromkeys(("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"), _OLD),
}

# Modules with parameters of their own and no row, each with its reason.
_LAZY = "becomes its eager class, with that class's initialisation, on the first call"
_BASE = "base class of the classes that have rows"
MODULES = {
    "AdaptiveLogSoftmaxWithLoss": "builds its matrices from Linear layers, which have a row",
    "LinearCrossEntropyLoss": "builds its matrix from a Linear layer, which has a row",
    "RNNBase": _BASE,
    "RNNCellBase": _BASE,
    "Container": "deprecated, holds no parameters",
    "CrossMapLRN2d": "legacy autograd function without parameters",
}


def test_every_initialiser_has_a_row() -> None:
    public = {
        n for n, f in vars(torch.nn.init).items() if inspect.isfunction(f) and not n.startswith("_")
        and f.__module__ == "torch.nn.init"
    }  # fmt: skip
    covered = {n.removeprefix("torch.nn.init.") for n in _NAMES if n.startswith("torch.nn.init.")}
    assert public - covered - set(INIT) == set()
    assert not set(INIT) & covered


def _parametrised(cls: type) -> bool:
    """Whether the class, built with small numbers, has parameters of its own."""
    signature = inspect.signature(cls.__init__)
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


# Classes whose constructors do not take small numbers; their rows or reasons are checked by name.
_OTHER_ARGUMENTS = {
    "RNN",
    "LSTM",
    "GRU",
    "TransformerEncoder",
    "TransformerDecoder",
    "MultiheadAttention",
    "AdaptiveLogSoftmaxWithLoss",
}


def test_every_layer_with_parameters_has_a_row() -> None:
    classes = {
        n: c for n, c in vars(torch.nn).items()
        if inspect.isclass(c) and issubclass(c, torch.nn.Module) and not n.startswith(("_", "Lazy"))
    }  # fmt: skip
    found = {n for n, c in classes.items() if n in _OTHER_ARGUMENTS or _parametrised(c)}
    assert {"Linear", "Conv2d", "LSTM", "PReLU", "LayerNorm"} <= found
    covered = {n.split(".")[2] for n in _NAMES if n.startswith("torch.nn.")}
    assert found - covered - set(MODULES) == set()


def test_lazy_modules_become_their_eager_class() -> None:
    lazy = [c for n, c in vars(torch.nn).items() if n.startswith("Lazy")]
    covered = {n.split(".")[2] for n in _NAMES if n.startswith("torch.nn.")}
    assert lazy, _LAZY
    assert {c.cls_to_become.__name__ for c in lazy} <= covered
