"""torch: vectors divided by their norm, weights of a layer that keeps their length, spectral normalisation."""

from typing import Any

from varlaw.subjects.rows import normaliser
from varlaw.subjects.subject import Normaliser
from varlaw.subjects.torch.framework import TORCH
from varlaw.subjects.torch.layers import NN


def _linear(w: Any) -> Any:
    """A linear layer that has this weight, of shape (outputs, inputs)."""
    layer = NN.find().Linear(w.shape[1], w.shape[0], bias=False, dtype=w.dtype, device=w.device)
    layer.weight.copy_(w)
    return layer


def _utility(name: str) -> Any:
    """The function of that name, in torch.nn.utils or among its parametrizations."""
    where = NN.find().utils.parametrizations if name.startswith("parametrizations") else NN.find().utils
    return getattr(where, name.rpartition(".")[2])


def _direction(name: str, **dim: int | None) -> Normaliser:
    """The weight of a layer of one output after `weight_norm`, at a length of 1; of one input for a `dim` of 1.

    Without a dim one length is that of the whole matrix: here of two rows, or of one where the entries are odd in
    number. The last dim is that of the inputs: here of two, with the same weights.
    """

    def divide(x: Any, key: Any) -> Any:
        whole = (2 if x.shape[0] % 2 == 0 else 1, -1)
        matrix = x.reshape({"": (1, -1), "1": (-1, 1), "-1": (-1, 1)}.get("".join(map(str, dim.values())), whole))
        if dim == {"dim": -1}:
            matrix = matrix.repeat(1, 2)
        layer = _utility(name)(_linear(matrix), **dim)
        length = layer.parametrizations.weight.original0 if name.startswith("p") else layer.weight_g
        length.fill_(1.0)
        layer(x.new_ones(1, matrix.shape[1]))  # what computes the weight anew
        return layer.weight.reshape(-1) if dim != {"dim": -1} else layer.weight[:, 0]

    label = "".join(f", {n}={value}" for n, value in dim.items())
    return normaliser(TORCH, f"torch.nn.utils.{name}(direction{label})", "normalise", divide)


def _spectral(name: str) -> Normaliser:
    """The weight of a linear layer after one training step."""

    def divide(x: Any, key: Any) -> Any:
        layer = _utility(name)(_linear(x))
        layer(x.new_ones(1, x.shape[1]))
        return layer.weight

    return normaliser(TORCH, f"torch.nn.utils.{name}", "spectral", divide)


NORMALISERS: tuple[Normaliser, ...] = (
    normaliser(
        TORCH,
        "torch.nn.functional.normalize",
        "normalise",
        lambda x, key: NN.find().functional.normalize(x, dim=0),
    ),
    _direction("weight_norm"),
    _direction("parametrizations.weight_norm"),
    *(_direction(name, dim=dim) for name in ("weight_norm", "parametrizations.weight_norm") for dim in (1, -1, None)),
    _spectral("spectral_norm"),
    _spectral("parametrizations.spectral_norm"),
)
