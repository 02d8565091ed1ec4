"""What plain steps along a gradient come to, with momentum, decay and averages of weights.

`moved` is the weight's displacement from 0 under a constant gradient.
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least, between
from varlaw.theory.law import Kind, Law

_GRADIENT = Interval(low=-1e30, high=1e30, typical=(-1.0, 2.0))
_RATE = Interval(low=0.0, high=1e3, open_low=True, typical=(1e-3, 1.0))
_BETA = Interval(low=0.0, high=0.99999, typical=(0.5, 0.999))
_STEPS = Interval(low=1, high=1000, whole=True, typical=(1, 8))
_WEIGHT = Interval(low=-1e30, high=1e30, typical=(-2.0, 3.0))


_exact = functools.partial(
    Law, kind=Kind.EXACT, hypotheses=("the same gradient at every step", "all running means start at 0"),
    statistic="the displacement of weights that start at 0, entry by entry",
)  # fmt: skip
_ELSEWHERE = "no optimiser of torch promises it: those of Keras, optax and MLX are held to it"


def each_step(steps: Any, one: Any) -> Any:
    """The sum of `one(t)` over t = 1, ..., steps, elementwise in `steps`."""
    most = int(np.max(steps))
    terms = [np.where(t <= np.asarray(steps), one(t), 0.0) for t in range(1, most + 1)]
    return functools.reduce(np.add, terms)


def _momentum(g: Any, rate: Any, momentum: Any, steps: Any) -> Any:
    return -rate * g * each_step(steps, lambda t: (1 - momentum**t) / (1 - momentum))


def _nesterov(g: Any, rate: Any, momentum: Any, steps: Any) -> Any:
    return -rate * g * each_step(steps, lambda t: 1 + momentum * (1 - momentum**t) / (1 - momentum))


def _dampened(g: Any, rate: Any, momentum: Any, dampening: Any, steps: Any) -> Any:
    return (1 - dampening) * _momentum(g, rate, momentum, steps)


_RANGE = "range(1, int(steps) + 1)"
ENTRIES: tuple[Law, ...] = (
    _exact(
        name="sgd.constant_gradient",
        title="Steps along a constant gradient",
        quantity="moved",
        formula="-steps * rate * g",
        domain=Domain(g=_GRADIENT, rate=_RATE, steps=_STEPS),
        rule=lambda g, rate, steps: -steps * rate * g,
        derivation="A mean of equal gradients is the gradient; RAdam divides by nothing before its sixth step, for"
        " beta2 = 0.999.",
        source="Liu et al. 2020, arXiv:1908.03265, algorithm 2",
    ),
    _exact(
        name="sgd.dampened",
        title="Steps with dampened momentum under a constant gradient",
        quantity="moved",
        formula="-rate * g * (1 - mpf(dampening)) * fsum((1 - mpf(momentum)**t) / (1 - mpf(momentum))"
        f" for t in {_RANGE})",
        domain=Domain(g=_GRADIENT, rate=_RATE, momentum=_BETA, dampening=between(0.0, 0.99), steps=_STEPS),
        rule=_dampened,
        derivation="Each gradient enters the buffer times 1 - dampening.",
        not_to_confuse="a buffer that starts at the first gradient whole: the first step is 1/(1 - dampening) as long",
    ),
    _exact(
        name="rprop.constant_gradient",
        title="Rprop's steps under a constant gradient",
        quantity="moved",
        formula=f"-rate * sign(g) * fsum(mpf(growth)**(t - 1) for t in {_RANGE})",
        domain=Domain(g=_GRADIENT, rate=_RATE, growth=between(1.0, 2.0), steps=_STEPS),
        rule=lambda g, rate, growth, steps: -rate * np.sign(g) * each_step(steps, lambda t: growth ** (t - 1.0)),
        derivation="The step grows whenever the sign is that of the step before, first at the second one.",
        source="Riedmiller & Braun 1993, A direct adaptive method for faster backpropagation learning",
    ),
    _exact(
        name="sgd.momentum",
        title="Steps with momentum under a constant gradient",
        quantity="moved",
        formula=f"-rate * g * fsum((1 - mpf(momentum)**t) / (1 - mpf(momentum)) for t in {_RANGE})",
        domain=Domain(g=_GRADIENT, rate=_RATE, momentum=_BETA, steps=_STEPS),
        rule=_momentum,
        derivation="The buffer after t steps is g (1 + momentum + ... + momentum^(t - 1)).",
        not_to_confuse="a running mean of gradients: the step grows to 1/(1 - momentum) times the first",
    ),
    _exact(
        name="sgd.nesterov",
        title="Steps with Nesterov's momentum under a constant gradient",
        quantity="moved",
        formula=f"-rate * g * fsum(1 + momentum * (1 - mpf(momentum)**t) / (1 - mpf(momentum)) for t in {_RANGE})",
        domain=Domain(g=_GRADIENT, rate=_RATE, momentum=_BETA, steps=_STEPS),
        rule=_nesterov,
        derivation="g + momentum times the buffer of sgd.momentum.",
    ),
    _exact(
        name="sign.constant_gradient",
        title="Steps by the sign of the gradient",
        quantity="moved",
        formula="-steps * rate * sign(g)",
        domain=Domain(g=_GRADIENT, rate=_RATE, steps=_STEPS),
        rule=lambda g, rate, steps: -steps * rate * np.sign(g),
        derivation="Lion interpolates between running mean and gradient, both of the gradient's sign; Adafactor divides"
        " by the root of a mean square, which is |g| (of vectors, whose rows and columns it does not average).",
        source="Chen et al. 2023, arXiv:2302.06675",
    ),
    _exact(
        name="decay.decoupled",
        title="Decoupled weight decay without a gradient",
        quantity="w after so many steps",
        formula="w * (1 - mpf(rate) * decay)**steps",
        domain=Domain(w=_WEIGHT, rate=between(1e-6, 1.0), decay=between(0.0, 0.5), steps=_STEPS),
        rule=lambda w, rate, decay, steps: w * np.exp(steps * np.log1p(-rate * decay)),
        hypotheses=("gradients are 0",),
        derivation="Each step takes rate * decay of the weight and nothing else.",
        source="Loshchilov & Hutter 2019, arXiv:1711.05101",
        statistic="weights after steps with gradient 0",
        not_to_confuse="decay alone, without the rate, and a decay that Adam divides by its own size",
    ),
    _exact(
        name="trust.step_norm",
        title="Length of a first step that is scaled by the weight's norm",
        quantity="|moved|",
        formula="rate * norm",
        domain=Domain(rate=_RATE, norm=above(0, typical=(0.1, 10.0))),
        rule=lambda rate, norm: rate * norm,
        hypotheses=("the update is scaled by |w| over its own length (LAMB, LARS with coefficient 1)",),
        derivation="The direction has length 1 after the division.",
        source="You et al. 2020, arXiv:1904.00962",
        statistic="length of the first step of a weight",
        unmeasured=_ELSEWHERE,
    ),
    _exact(
        name="average.exponential",
        title="Exponential average of weights that stand still",
        quantity="average after so many updates",
        formula="w + (mpf(start) - w) * mpf(decay)**updates",
        domain=Domain(start=_WEIGHT, w=_WEIGHT, decay=between(0.0, 1.0), updates=at_least(0, typical=(0, 20))),
        rule=lambda start, w, decay, updates: w + (start - w) * decay**updates,
        hypotheses=("the weights are w at every update",),
        derivation="Each update leaves the share decay of the distance.",
        statistic="the average, entry by entry",
        not_to_confuse="an average that starts at 0: unless debiased it is (1 - decay^updates) w",
    ),
    _exact(
        name="average.equal",
        title="Equal average of weights that rise by one step each",
        quantity="average of w, w + step, ..., w + (updates - 1) step",
        formula="w + step * (mpf(updates) - 1) / 2",
        domain=Domain(w=_WEIGHT, step=_WEIGHT, updates=_STEPS),
        rule=lambda w, step, updates: w + step * (updates - 1) / 2,
        hypotheses=("all weights count alike, the first one too",),
        derivation="The mean of 0, 1, ..., updates - 1.",
        statistic="the average, entry by entry",
    ),
)
