"""Do the numbers with which a network starts, and the norms and clipping that keep it stable, obey their law?

Public names are loaded when they are first used, so that `import varlaw` costs nothing.

>>> import varlaw
>>> varlaw.Uniform(1.0).variance == 1 / 3
True
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from varlaw.advising import Advice, advise, calibrate
    from varlaw.checking import check_model, check_widths, predict, watch
    from varlaw.claims.verdict import Outcome, Verdict
    from varlaw.evidence.decide import SamplerError
    from varlaw.reports.model.profile import ModelProfile
    from varlaw.reports.model.report import ModelReport
    from varlaw.reports.model.widths import WidthsReport
    from varlaw.theory.catalogue import LAWS
    from varlaw.theory.laws.schemes import (
        glorot_normal,
        glorot_uniform,
        he_normal,
        he_uniform,
        lecun_normal,
        lecun_uniform,
    )
    from varlaw.theory.variates import (
        Complex,
        Constant,
        FactorisedNoise,
        LogUniform,
        Normal,
        Orthogonal,
        Rademacher,
        RowsNormal,
        RowsOfNorm,
        RowsStandardised,
        SampleStd,
        Sparse,
        TruncatedNormal,
        Uniform,
        UniformRange,
    )
    from varlaw.verify.check import assert_law, check
    from varlaw.verify.network import assert_network, check_network
    from varlaw.verify.own.clipping import assert_clip, check_clip
    from varlaw.verify.own.dropouts import assert_dropout, check_dropout
    from varlaw.verify.own.layers import assert_layer, check_layer
    from varlaw.verify.own.losses import assert_loss, check_loss
    from varlaw.verify.own.norms import assert_norm, check_norm
    from varlaw.verify.own.shapes import assert_shapes, check_shapes

__version__ = "0.1.0"

_HOMES = {
    "LAWS": "varlaw.theory.catalogue",
    **dict.fromkeys(
        (
            *("Constant", "Normal", "Orthogonal", "TruncatedNormal", "Uniform", "UniformRange", "Rademacher"),
            *("Complex", "FactorisedNoise", "LogUniform", "RowsNormal", "RowsOfNorm", "RowsStandardised"),
            *("SampleStd", "Sparse"),
        ),
        "varlaw.theory.variates",
    ),
    **dict.fromkeys(("assert_law", "check"), "varlaw.verify.check"),
    **dict.fromkeys(("check_model", "check_widths", "predict", "watch"), "varlaw.checking"),
    **dict.fromkeys(("Advice", "advise", "calibrate"), "varlaw.advising"),
    **dict.fromkeys(("assert_network", "check_network"), "varlaw.verify.network"),
    **dict.fromkeys(("assert_clip", "check_clip"), "varlaw.verify.own.clipping"),
    **dict.fromkeys(("assert_dropout", "check_dropout"), "varlaw.verify.own.dropouts"),
    **dict.fromkeys(("assert_layer", "check_layer"), "varlaw.verify.own.layers"),
    **dict.fromkeys(("assert_loss", "check_loss"), "varlaw.verify.own.losses"),
    **dict.fromkeys(("assert_norm", "check_norm"), "varlaw.verify.own.norms"),
    "ModelProfile": "varlaw.reports.model.profile",
    **dict.fromkeys(("assert_shapes", "check_shapes"), "varlaw.verify.own.shapes"),
    **dict.fromkeys(
        ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform"),
        "varlaw.theory.laws.schemes",
    ),
    "ModelReport": "varlaw.reports.model.report",
    "WidthsReport": "varlaw.reports.model.widths",
    **dict.fromkeys(("Outcome", "Verdict"), "varlaw.claims.verdict"),
    "SamplerError": "varlaw.evidence.decide",
}

__all__ = [
    "LAWS",
    "Advice",
    "Complex",
    "Constant",
    "FactorisedNoise",
    "LogUniform",
    "ModelProfile",
    "ModelReport",
    "Normal",
    "Orthogonal",
    "Outcome",
    "Rademacher",
    "RowsNormal",
    "RowsOfNorm",
    "RowsStandardised",
    "SampleStd",
    "SamplerError",
    "Sparse",
    "TruncatedNormal",
    "Uniform",
    "UniformRange",
    "Verdict",
    "WidthsReport",
    "__version__",
    "advise",
    "assert_clip",
    "assert_dropout",
    "assert_law",
    "assert_layer",
    "assert_loss",
    "assert_network",
    "assert_norm",
    "assert_shapes",
    "calibrate",
    "check",
    "check_clip",
    "check_dropout",
    "check_layer",
    "check_loss",
    "check_model",
    "check_network",
    "check_norm",
    "check_shapes",
    "check_widths",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "predict",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    msg = f"module 'varlaw' has no attribute {name!r}"
    raise AttributeError(msg)
