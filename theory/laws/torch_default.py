"""torch's own initialisation of a linear layer, weights and bias U(-1/sqrt(fan_in), 1/sqrt(fan_in)), through depth.

The signal falls to a third in every layer, until the biases alone carry it.
"""

import functools

from varlaw.theory.domain import Domain, Interval, above
from varlaw.theory.law import Kind, Law

_FAN = above(0, typical=(1, 65536))
_MOMENT = Interval(low=0.0, high=1e150, typical=(1e-3, 1e3))
_TORCH = ("torch's defaults: weights and bias U(-1/sqrt(fan_in), 1/sqrt(fan_in))", "inputs independent of the weights")

_law = functools.partial(Law, kind=Kind.IN_EXPECTATION)

ENTRIES: tuple[Law, ...] = (
    _law(
        name="torch_default.linear_map",
        title="Second moment through torch's default linear layer",
        quantity="E[y^2] from q = E[x^2]",
        formula="q / mpf(3) + 1 / (3 * mpf(fan_in))",
        rule=lambda q, fan_in: (q + 1 / fan_in) / 3,
        domain=Domain(q=_MOMENT, fan_in=_FAN),
        hypotheses=_TORCH,
        derivation="Var[w] = Var[b] = 1/(3 fan_in): the signal falls to a third in every layer.",
        statistic="mean of y^2 over fresh weight draws",
        source="torch.nn.Linear.reset_parameters",
        not_to_confuse="He initialisation, which keeps the second moment through ReLU",
    ),
    _law(
        name="torch_default.relu_map",
        title="Second moment through torch's default linear layer after ReLU",
        quantity="E[y^2] from the pre-activation second moment q",
        formula="q / mpf(6) + 1 / (3 * mpf(fan_in))",
        rule=lambda q, fan_in: q / 6 + 1 / (3 * fan_in),
        domain=Domain(q=_MOMENT, fan_in=_FAN),
        hypotheses=(*_TORCH, "x = relu(z) with z symmetric, E[z^2] = q"),
        derivation="ReLU halves the second moment, the weights take a third of it.",
        statistic="mean of y^2 over fresh weight draws",
        source="torch.nn.Linear.reset_parameters",
    ),
    _law(
        name="torch_default.linear_fixed_point",
        title="Where torch's default linear stack settles",
        quantity="q with q = q/3 + 1/(3 fan_in)",
        formula="1 / (2 * mpf(fan_in))",
        rule=lambda fan_in: 0.5 / fan_in,
        domain=Domain(fan_in=_FAN),
        hypotheses=(*_TORCH, "all layers of one width"),
        derivation="Fixed point of torch_default.linear_map: the biases alone carry the signal.",
        statistic="mean of y^2 deep in a stack, fresh weight draws",
    ),
    _law(
        name="torch_default.relu_fixed_point",
        title="Where torch's default ReLU stack settles",
        quantity="q with q = q/6 + 1/(3 fan_in)",
        formula="2 / (5 * mpf(fan_in))",
        rule=lambda fan_in: 0.4 / fan_in,
        domain=Domain(fan_in=_FAN),
        hypotheses=(*_TORCH, "all layers of one width", "pre-activations symmetric"),
        derivation="Fixed point of torch_default.relu_map.",
        statistic="mean of y^2 deep in a stack, fresh weight draws",
    ),
)
