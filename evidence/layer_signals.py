"""Signals through a network's linear maps, as exact normals at every depth, forwards and backwards.

Outputs of deep layers are neither normal nor independent, but given what a layer is fed they are: for a map
y = W h + b with W_ij ~ N(0, s^2) and b_i ~ N(0, t^2), drawn afresh for one input,

* y / sqrt(s^2 |h|^2 + t^2), given h, are independent standard normals, whatever the layers below made of h;
* with v the gradient at y, W^T v taken orthogonally to h and divided by s |v| are independent standard normals, one
  fewer than inputs. The part of W that y shows is W h; what is orthogonal to h is independent of it, so of every
  mask, every layer above and v itself, as long as the gradient at the network's end does not look at the weights.

So one normal law is tested on all layers together, without a central limit theorem and without the usual assumption
that gradients are independent of the weights, which is wrong: it is only the component along h that it gets wrong.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def forward(inputs: Floats, outputs: Floats, std: float, bias_std: float = 0.0) -> Floats:
    """Outputs (m,) of a map fed `inputs` (n,), standardised; empty where the law says that all are zero.

    >>> forward(np.array([3.0, 4.0]), np.array([10.0]), std=2.0)
    array([1.])
    """
    scale = math.hypot(std * float(np.linalg.norm(inputs)), bias_std)
    return outputs / scale if scale > 0 else outputs[:0]


def backward(inputs: Floats, output_gradient: Floats, input_gradient: Floats, std: float) -> Floats:
    """The gradient (n,) at `inputs` (n,), orthogonally to them and standardised: n - 1 numbers.

    A reflection takes the inputs to the first axis, whose coordinate is then left out. Empty where the inputs or the
    `output_gradient` (m,) are zero: then W^T v says nothing of W, or y has told nothing.

    >>> backward(np.array([5.0, 0.0]), np.array([3.0, 4.0]), np.array([7.0, 10.0]), std=2.0)
    array([1.])
    """
    scale, length = std * float(np.linalg.norm(output_gradient)), float(np.linalg.norm(inputs))
    if scale == 0 or length == 0:
        return input_gradient[:0]
    axis = inputs / length
    axis[0] += math.copysign(1.0, axis[0])  # never cancels
    reflected = input_gradient - axis * (2 * float(axis @ input_gradient) / float(axis @ axis))
    return np.asarray(reflected[1:] / scale, dtype=np.float64)
