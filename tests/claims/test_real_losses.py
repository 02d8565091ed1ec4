"""Losses of real numbers in NumPy as they should be, and with one mistake each."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from scipy.special import expit, xlogy

from varlaw.subjects import scoring
from varlaw.subjects.boundary import Boundary
from varlaw.subjects.subject import Experiment

from ..meta.test_teeth import outcomes


@contextlib.contextmanager
def _quiet(*_: Any) -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


NUMPY = Boundary(
    name="numpy", version=lambda: "1", devices=lambda: ("cpu",), array=lambda x, dtype, device: x.astype(dtype),
    floats=lambda x: np.asarray(x, dtype=np.float64), draws=lambda build: build, chance=_quiet, place=_quiet,
)  # fmt: skip


def _binary(z: Any, y: Any, weight: Any) -> Any:
    shares = ((weight * y, -1), (1 - y, 1))
    return sum(np.where(share == 0, 0.0, share * np.logaddexp(0, side * z)) for share, side in shares)


def _slope(function: Any, z: Any, dy: Any, at_zero: float = 0.0) -> Any:
    y, weight = (cell.cell_contents for cell in function.__closure__ if isinstance(cell.cell_contents, np.ndarray))
    y, weight = (y, weight) if y.size > 1 else (weight, y)
    return (1 - y) * expit(z) - weight * y * expit(-z) + at_zero * (z == 0)


def _made(binary: Any = _binary, slope: Any = _slope) -> Experiment:
    return scoring.binary(NUMPY, "binary", binary, slope)


def _kl(q: Any, p: Any) -> Any:
    return (xlogy(p, p) - np.where(p == 0, 0.0, p * q)).sum(axis=1)


def _huber(x: Any, t: Any, width: float) -> Any:
    d = np.abs(x - t)
    return np.where(d <= width, d * d / 2, width * (d - width / 2))


def _smooth(x: Any, t: Any, beta: float) -> Any:
    return _huber(x, t, beta) / beta if beta else np.abs(x - t)


def _gauss(x: Any, t: Any, v: Any, whole: bool, power: float = 1.0, least: float = 1e-6) -> Any:
    v = np.maximum(v, least) ** power
    return (np.log(v) + (x - t) ** 2 / v + whole * np.log(2 * np.pi)) / 2


def _poisson(z: Any, k: Any, whole: bool, always: bool = False) -> Any:
    stirling = np.where((k > 1) | always, k * np.log(k) - k + np.log(2 * np.pi * k) / 2, 0.0)
    return np.exp(z) - k * z + (stirling if whole else 0.0)


def _cosine(x: Any, y: Any, scale: Callable[[Any], Any] = lambda x: np.abs(x).max(axis=1, keepdims=True)) -> Any:
    x, y = x / scale(x), y / scale(y)
    return (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))


def _of(op: str, call: Any) -> Experiment:
    makers: Mapping[str, Any] = {
        "kl": scoring.divergence,
        "cosine": scoring.cosine,
        "gauss": scoring.gaussian,
        "poisson": scoring.poisson,
    }
    return makers[op](NUMPY, op, call) if op in makers else scoring.distance(NUMPY, op, op, call)


RIGHT = (
    _made(),
    _of("kl", _kl),
    _of("loss_huber", _huber),
    _of("loss_smooth", _smooth),
    _of("cosine", _cosine),
    _of("gauss", _gauss),
    _of("poisson", _poisson),
)
WRONG = {
    "the logarithm of a rounded sigmoid": (
        "law.loss.binary_logits", _made(lambda z, y, w: -w * y * np.log(expit(z)) - (1 - y) * np.log(1 - expit(z)))
    ),
    "weights of negatives": ("law.loss.binary_logits", _made(lambda z, y, w: w * _binary(z, y, 1.0))),
    "inf - inf": ("law.loss.binary_logits(infinite)", _made(lambda z, y, w: np.maximum(z, 0) - z * y)),
    "a kink at 0": ("law.loss.binary_logits_slope", _made(slope=lambda f, z, dy: _slope(f, z, dy, -1.0))),
    "the other divergence": ("law.loss.divergence", _of("kl", lambda q, p: _kl(np.log(p), np.exp(q)))),
    "0 times -inf": ("law.loss.divergence(0 ln 0)", _of("kl", lambda q, p: (p * (np.log(p) - q)).sum(axis=1))),
    "smooth for huber": ("law.loss.huber", _of("loss_huber", _smooth)),
    "huber for smooth": ("law.loss.smooth_l1", _of("loss_smooth", _huber)),
    "nothing at beta 0": ("law.loss.smooth_l1", _of("loss_smooth", lambda x, t, b: _smooth(x, t, b) * (b > 0))),
    "a std for a variance": ("law.loss.gaussian", _of("gauss", lambda *of: _gauss(*of, power=2.0))),
    "no bound of the variance": ("law.loss.gaussian", _of("gauss", lambda *of: _gauss(*of, least=1e-4))),
    "the constant always": ("law.loss.gaussian", _of("gauss", lambda x, t, v, whole: _gauss(x, t, v, True))),
    "stirling of counts below 1": ("law.loss.poisson_log", _of("poisson", lambda *of: _poisson(*of, always=True))),
    "a rate for its logarithm": (
        "law.loss.poisson_log", _of("poisson", lambda z, k, whole: _poisson(np.log(np.abs(z) + 1), k, whole))
    ),
    "one percent": ("law.vectors.self_cosine", _of("cosine", lambda x, y: 0.99 * _cosine(x, y))),
    "squares overflow": ("law.vectors.self_cosine(long)", _of("cosine", lambda x, y: _cosine(x, y, lambda x: 1))),
    "squares vanish": ("law.vectors.self_cosine(short)", _of("cosine", lambda x, y: _cosine(x, y, lambda x: 1))),
}  # fmt: skip


@pytest.mark.parametrize("right", RIGHT, ids=lambda row: row.name)
def test_the_truth_conforms(right: Experiment) -> None:
    from varlaw.claims.tables import claims_of

    for claim in claims_of(right):
        assert outcomes(right, claim.name) == {"CONFORMS"}, claim.name


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_violates(name: str) -> None:
    claim, wrong = WRONG[name]
    assert "VIOLATES" in outcomes(wrong, claim)
