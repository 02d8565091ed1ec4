"""Symmetry and zeros: which starting points can learn, and which stay where they are for ever.

Every law here is an exact count or an exact zero. A learned factor of zero is no obstacle (its gradient is what it
multiplies); two learned zeros in a row are, and so is a network in which all units are the same.

>>> from varlaw.theory.laws.symmetry import ENTRIES
>>> {law.name: law for law in ENTRIES}["symmetry.distinct_units"].value()
1.0
"""

import functools

from varlaw.theory.domain import Domain, at_least
from varlaw.theory.law import Kind, Law

_one = functools.partial(Law, formula="1", kind=Kind.EXACT, rule=lambda: 1.0)
_zero = functools.partial(Law, formula="0", kind=Kind.EXACT, rule=lambda: 0.0)

ENTRIES: tuple[Law, ...] = (
    _one(
        name="symmetry.distinct_units",
        title="Units that start equal stay equal",
        quantity="distinct hidden units of one layer, after any number of steps",
        hypotheses=(
            "all units of the layer start with the same incoming and the same outgoing weights",
            "deterministic forward pass, no dropout or per-unit noise",
            "optimiser that treats entries alike (SGD, momentum, Adam)",
        ),
        derivation=(
            "Loss and optimiser do not change under a permutation of the units, so the orbit of a symmetric point "
            "stays symmetric."
        ),
        statistic="number of distinct rows of the weight matrix",
        not_to_confuse="a layer whose units differ in their outgoing weights only: the incoming gradients then differ",
    ),
    _zero(
        name="zeros.hidden_gradient",
        title="An all-zero net with tanh or ReLU learns its last bias and nothing else",
        quantity="largest gradient of any parameter but the last bias, at every step",
        hypotheses=(
            "all weights and biases zero",
            "at least one hidden layer, phi(0) = 0",
            "pointwise derivative of ReLU at 0 taken as 0",
        ),
        derivation=(
            "Every activation is 0, so weight gradients d a^T vanish; W = 0 sends nothing back, so hidden biases see 0."
        ),
        statistic="max |gradient| of all parameters but the last bias",
        not_to_confuse=(
            "softmax regression, which learns from zero without trouble; and sigmoid hidden units, where phi(0) = 1/2"
        ),
    ),
    Law(
        name="zeros.last_bias_gradient",
        title="The last bias of an all-zero net does learn",
        quantity="|d loss / d bias|^2 of one sample, cross-entropy",
        formula="1 - 1 / classes",
        kind=Kind.EXACT,
        domain=Domain(classes=at_least(1, typical=(2, 1e5))),
        rule=lambda classes: (classes - 1) / classes,
        hypotheses=("all parameters zero", "one-hot target"),
        derivation="The logits are equal: loss.zero_logits_gradient.",
        statistic="squared norm of the bias gradient, against a rounding bound",
    ),
    _one(
        name="zeros.sigmoid_hidden_rank",
        title="An all-zero net with sigmoid units learns, but as if it had one hidden unit",
        quantity="rank of the first layer's weight matrix, after any number of steps past the second",
        hypotheses=(
            "all weights and biases zero",
            "one hidden layer of sigmoid units",
            "deterministic full-batch steps",
        ),
        derivation=(
            "phi(0) = 1/2 moves the last layer first, equally for all units; then all rows of the first move together."
        ),
        statistic="rank of the weight matrix",
        not_to_confuse="0: such a net does learn",
    ),
    _one(
        name="zeros.learned_gate_gradient",
        title="A learned factor of zero has the gradient of what it multiplies",
        quantity="d(a f)/da divided by f, at a = 0",
        hypotheses=("a is learned", "f not zero"),
        derivation="d(a f)/da = f.",
        statistic="ratio of the gate's gradient to <output gradient, f>",
        not_to_confuse="a constant zero, behind which nothing learns",
    ),
    _zero(
        name="zeros.two_gates_gradient",
        title="Two learned zeros in a row are a saddle: neither moves",
        quantity="largest gradient of either factor",
        hypotheses=("output a f(w) with a = 0 and f(w) = 0", "gradient methods without noise"),
        derivation="d/da = f = 0 and d/dw = a f' = 0.",
        statistic="max |gradient| of both factors, which must be 0",
        not_to_confuse="one zero alone (LoRA's B, ReZero's gate), which learns at once",
    ),
)
