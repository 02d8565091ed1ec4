"""Symmetry and zeros: which starting points can learn, and which stay where they are for ever.

Every law here is an exact count or an exact zero. A learned factor of zero is no obstacle (its gradient is what it
multiplies); two learned zeros in a row are, and so is a network in which all units are the same.

>>> from varlaw.theory.laws.symmetry import ENTRIES
>>> {law.name: law for law in ENTRIES}["symmetry.distinct_units"].value()
1.0
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.law import Domain, Kind, Law, at_least


def _one() -> float:
    return 1.0


def _zero() -> float:
    return 0.0


def _count(
    name: str,
    title: str,
    quantity: str,
    rule: Callable[[], float],
    hypotheses: tuple[str, ...],
    derivation: str,
    statistic: str,
    not_to_confuse: str = "",
) -> Law:
    return Law(
        name=name,
        title=title,
        quantity=quantity,
        formula=f"{rule():g}",
        kind=Kind.EXACT,
        domain=Domain(),
        rule=rule,
        hypotheses=hypotheses,
        derivation=derivation,
        source="derived",
        statistic=statistic,
        not_to_confuse=not_to_confuse,
    )


def _classes_gradient(classes: Any) -> Any:
    c = np.asarray(classes, dtype=np.float64)
    return (c - 1) / c


ENTRIES: tuple[Law, ...] = (
    _count(
        "symmetry.distinct_units",
        "Units that start equal stay equal",
        "distinct hidden units of one layer, after any number of steps",
        _one,
        (
            "all units of the layer start with the same incoming and the same outgoing weights",
            "deterministic forward pass, no dropout or per-unit noise",
            "optimiser that treats entries alike (SGD, momentum, Adam)",
        ),
        "Loss and optimiser do not change under a permutation of the units, so the orbit of a symmetric point stays "
        "symmetric.",
        "number of distinct rows of the weight matrix",
        "a layer whose units differ in their outgoing weights only: the incoming gradients then differ",
    ),
    _count(
        "zeros.hidden_gradient",
        "An all-zero net with tanh or ReLU learns its last bias and nothing else",
        "largest gradient of any parameter but the last bias, at every step",
        _zero,
        (
            "all weights and biases zero",
            "at least one hidden layer, phi(0) = 0",
            "pointwise derivative of ReLU at 0 taken as 0",
        ),
        "Every activation is 0, so weight gradients d a^T vanish; W = 0 sends nothing back, so hidden biases see 0.",
        "max |gradient| of all parameters but the last bias",
        "softmax regression, which learns from zero without trouble; and sigmoid hidden units, where phi(0) = 1/2",
    ),
    Law(
        name="zeros.last_bias_gradient",
        title="The last bias of an all-zero net does learn",
        quantity="|d loss / d bias|^2 of one sample, cross-entropy",
        formula="1 - 1 / classes",
        kind=Kind.EXACT,
        domain=Domain(classes=at_least(1, typical=(2, 1e5))),
        rule=_classes_gradient,
        hypotheses=("all parameters zero", "one-hot target"),
        derivation="The logits are equal: loss.zero_logits_gradient.",
        source="derived",
        statistic="squared norm of the bias gradient, against a rounding bound",
    ),
    _count(
        "zeros.sigmoid_hidden_rank",
        "An all-zero net with sigmoid units learns, but as if it had one hidden unit",
        "rank of the first layer's weight matrix, after any number of steps past the second",
        _one,
        ("all weights and biases zero", "one hidden layer of sigmoid units", "deterministic full-batch steps"),
        "phi(0) = 1/2 moves the last layer first, equally for all units; then all rows of the first move together.",
        "rank of the weight matrix",
        "0: such a net does learn",
    ),
    _count(
        "zeros.learned_gate_gradient",
        "A learned factor of zero has the gradient of what it multiplies",
        "d(a f)/da divided by f, at a = 0",
        _one,
        ("a is learned", "f not zero"),
        "d(a f)/da = f.",
        "ratio of the gate's gradient to <output gradient, f>",
        "a constant zero, behind which nothing learns",
    ),
    _count(
        "zeros.two_gates_gradient",
        "Two learned zeros in a row are a saddle: neither moves",
        "largest gradient of either factor",
        _zero,
        ("output a f(w) with a = 0 and f(w) = 0", "gradient methods without noise"),
        "d/da = f = 0 and d/dw = a f' = 0.",
        "max |gradient| of both factors, which must be 0",
        "one zero alone (LoRA's B, ReZero's gate), which learns at once",
    ),
)
