"""transformers: tables of sinusoidal positions, the paper's and those that follow tensor2tensor."""

import functools
from typing import Any

from varlaw.subjects.attending import sinusoidal
from varlaw.subjects.subject import Experiment
from varlaw.subjects.transformers.attention import modeling
from varlaw.subjects.transformers.framework import TRANSFORMERS

_BASE = 10000.0
_PLACES = 32
_PADDING = 1  # the row of tensor2tensor's tables that is set to 0

_PAPER = (
    "marian.MarianSinusoidalPositionalEmbedding",
    "pegasus.PegasusSinusoidalPositionalEmbedding",
    "informer.InformerSinusoidalPositionalEmbedding",
)
_TENSOR2TENSOR = (
    "fsmt.SinusoidalPositionalEmbedding",
    "m2m_100.M2M100SinusoidalPositionalEmbedding",
    "speech_to_text.Speech2TextSinusoidalPositionalEmbedding",
    "xglm.XGLMSinusoidalPositionalEmbedding",
)


def _module(name: str) -> Any:
    family, _, of = name.partition(".")
    return getattr(modeling(family), of)


def _paper(name: str, dim: int) -> Any:
    """Of frequencies base^(-2 i / dim)."""
    return _module(name)(_PLACES, dim).create_weight()


def _tensor2tensor(name: str, dim: int) -> Any:
    """Of frequencies base^(-i / (dim/2 - 1)), the last of which is 1/base."""
    return _module(name).get_embedding(_PLACES + _PADDING + 1, dim, _PADDING)[_PADDING + 1 :]


def _other_base(dim: int) -> float:
    """The base of which the paper's frequencies are tensor2tensor's."""
    half = dim / 2
    return float(_BASE ** (half / (half - 1)))


POSITIONS: tuple[Experiment, ...] = (
    *(sinusoidal(TRANSFORMERS, n, functools.partial(_paper, n), lambda dim: _BASE) for n in _PAPER),
    *(sinusoidal(TRANSFORMERS, n, functools.partial(_tensor2tensor, n), _other_base) for n in _TENSOR2TENSOR),
)
