"""Records of what is put to the test: the framework's real layers and functions, with what their documentation says.

A subject never knows the law it will be held against. It states, in ASCII Python over the case, the distribution that
its documentation promises, and it runs the real thing. Rows of a framework live in one file, imported lazily; a new
framework is one new file and one row of `frameworks.toml`.

A framework's module holds `SUBJECTS`, and beside them `PUBLIC`, a function that lists the public names that draw,
normalise, clip, drop or scale, read off the framework's own namespaces, and `LEFT_OUT`, which gives a reason for every
such name without a row. A test holds the three against each other, so a new public name cannot pass unnoticed.

The records stand in `framework`, `drawn` and `applied`; all are imported from here.

A *case* is a flat mapping in one vocabulary for all frameworks: `in_features`, `out_features`, `in_channels`,
`out_channels`, `kernel_size`, `stride`, `groups`, `hidden_size`, `embed_dim`, ... The names `fan_in` and `fan_out` in a
promise mean the true fans (measured on the layer itself where it can be), `shape_fan_in` and `shape_fan_out` the
convention that reads them off the weight's shape.
"""

from varlaw.subjects.applied import (
    Activation,
    Adapter,
    Clipper,
    Dropout,
    Experiment,
    Gain,
    LayerSignals,
    Loss,
    Network,
    Norm,
    Normaliser,
)
from varlaw.subjects.drawn import UNPROMISED, FirstLoss, Model, Numbers, Parameter, Role, Sampler, Sharded, Tensor
from varlaw.subjects.framework import Array, Asked, Case, Draws, Floats, Framework

Subject = (
    Sampler
    | Norm
    | Clipper
    | Normaliser
    | Gain
    | Loss
    | Dropout
    | Adapter
    | Model
    | Network
    | Sharded
    | Activation
    | Numbers
    | Experiment
)

__all__ = (
    "UNPROMISED",
    "Activation",
    "Adapter",
    "Array",
    "Asked",
    "Case",
    "Clipper",
    "Draws",
    "Dropout",
    "Experiment",
    "FirstLoss",
    "Floats",
    "Framework",
    "Gain",
    "LayerSignals",
    "Loss",
    "Model",
    "Network",
    "Norm",
    "Normaliser",
    "Numbers",
    "Parameter",
    "Role",
    "Sampler",
    "Sharded",
    "Subject",
    "Tensor",
)
