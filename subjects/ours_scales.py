"""The named scales of varlaw's recipes, which are numbers: no framework has a part in them."""

from collections.abc import Mapping

import numpy as np

from varlaw.impl import scales
from varlaw.subjects.subject import Case, Experiment, Floats, Framework


def _run(case: Case, dtype: str, device: str, seed: int, count: int) -> Mapping[str, Floats]:
    layers, other = case["layers"], case["other"]
    parts = {
        "": scales.deepnorm(layers),
        "encoder ": scales.deepnorm(layers, other=other, part="encoder"),
        "decoder ": scales.deepnorm(layers, part="decoder"),
    }
    found = {f"{part}{of}": getattr(norm, of) for part, norm in parts.items() for of in ("alpha", "beta")}
    found |= {
        "fixup": scales.fixup(layers, case["weights"]),
        "t-fixup": scales.t_fixup(layers),
        "layer scale": scales.layer_scale(layers),
        "gpt2": scales.residual_std(0.02, layers),
        "depth": scales.depth_mup(layers),
    }
    return {of: np.array([value]) for of, value in found.items()}


def experiments(framework: Framework) -> tuple[Experiment, ...]:
    """The rows of varlaw without a framework."""
    return (Experiment(name=f"{framework.name}.scales", framework=framework, op="scales", run=_run),)
