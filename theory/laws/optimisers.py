"""What an optimiser's steps come to where they can be known: a constant gradient, none at all, an average of weights.

Under a constant gradient every running mean, once corrected for its start at 0, is the gradient itself, so that Adam
moves by the same step for ever: a wrong correction, a wrong place of eps or a momentum that is counted twice shows in
the first few steps. `moved` is the weight's displacement from 0.
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, above, at_least, between
from varlaw.theory.law import Kind, Law

_GRADIENT = Interval(low=-1e30, high=1e30, typical=(-1.0, 2.0))
_RATE = Interval(low=0.0, high=1e3, open_low=True, typical=(1e-3, 1.0))
_EPS = Interval(low=0.0, high=1.0, open_low=True, typical=(1e-8, 1e-2))
_BETA = Interval(low=0.0, high=0.99999, typical=(0.5, 0.999))
_STEPS = Interval(low=1, high=1000, whole=True, typical=(1, 8))
_WEIGHT = Interval(low=-1e30, high=1e30, typical=(-2.0, 3.0))

_exact = functools.partial(
    Law, kind=Kind.EXACT, hypotheses=("the same gradient at every step", "all running means start at 0"),
    statistic="the displacement of weights that start at 0, entry by entry",
)  # fmt: skip
_ELSEWHERE = "no optimiser of torch promises it: those of Keras, optax and MLX are held to it"


def _each_step(steps: Any, one: Any) -> Any:
    """The sum of `one(t)` over t = 1, ..., steps, elementwise in `steps`."""
    most = int(np.max(steps))
    terms = [np.where(t <= np.asarray(steps), one(t), 0.0) for t in range(1, most + 1)]
    return functools.reduce(np.add, terms)


def _momentum(g: Any, rate: Any, momentum: Any, steps: Any) -> Any:
    return -rate * g * _each_step(steps, lambda t: (1 - momentum**t) / (1 - momentum))


def _nesterov(g: Any, rate: Any, momentum: Any, steps: Any) -> Any:
    return -rate * g * _each_step(steps, lambda t: 1 + momentum * (1 - momentum**t) / (1 - momentum))


def _hat(g: Any, rate: Any, eps: Any, beta2: Any, steps: Any) -> Any:
    return -rate * g * _each_step(steps, lambda t: 1 / (np.abs(g) + eps / np.sqrt(-np.expm1(t * np.log(beta2)))))


def _adagrad(g: Any, rate: Any, eps: Any, start: Any, steps: Any) -> Any:
    return -rate * g * _each_step(steps, lambda t: 1 / (np.sqrt(start + t * g * g) + eps))


def _nadam(g: Any, rate: Any, eps: Any, beta1: Any, psi: Any, steps: Any) -> Any:
    product, total = np.asarray(1.0), np.asarray(0.0)
    for t in range(1, int(np.max(steps)) + 1):
        now, following = (beta1 * (1 - np.exp(when * psi * np.log(0.96)) / 2) for when in (t, t + 1))
        product = product * now
        one = (1 - now) / (1 - product) + following * (1 - beta1**t) / (1 - product * following)
        total = total + np.where(t <= np.asarray(steps), one, 0.0)
    return -rate * g / (np.abs(g) + eps) * total


def _dampened(g: Any, rate: Any, momentum: Any, dampening: Any, steps: Any) -> Any:
    return (1 - dampening) * _momentum(g, rate, momentum, steps)


def _ahead(g: Any, rate: Any, eps: Any, beta1: Any, steps: Any) -> Any:
    one = _each_step(steps, lambda t: beta1 * (1 - beta1**t) / (1 - beta1 ** (t + 1)) + (1 - beta1) / (1 - beta1**t))
    return -rate * g / (np.abs(g) + eps) * one


_RANGE = "range(1, int(steps) + 1)"
_MU = "beta1 * (1 - mpf(0.96)**({} * psi) / 2)"
_PRODUCT = f"fprod({_MU.format('i')} for i in range(1, t + {{}}))"
_NADAM = (
    f"-rate * g / (abs(g) + eps) * fsum((1 - {_MU.format('t')}) / (1 - {_PRODUCT.format(1)})"
    f" + {_MU.format('(t + 1)')} * (1 - mpf(beta1)**t) / (1 - {_PRODUCT.format(2)}) for t in {_RANGE})"
)
_ADAM = (
    _exact(
        name="adam.constant_gradient",
        title="Adam's steps under a constant gradient",
        quantity="moved",
        formula="-steps * rate * g / (abs(g) + eps)",
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, steps=_STEPS),
        rule=lambda g, rate, eps, steps: -steps * rate * g / (np.abs(g) + eps),
        derivation="Both corrected means are constant, g and g^2; every step is -rate g/(|g| + eps) for all betas.",
        source="Kingma & Ba 2015, arXiv:1412.6980, algorithm 1",
        not_to_confuse="-rate g: Adam's first step has the size of the rate, whatever the gradient's",
    ),
    _exact(
        name="adam.constant_gradient_eps_hat",
        title="Adam's steps under a constant gradient, eps added before the correction",
        quantity="moved",
        formula=f"-rate * g * fsum(1 / (abs(g) + eps / sqrt(1 - mpf(beta2)**t)) for t in {_RANGE})",
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, beta2=between(0.5, 0.99999), steps=_STEPS),
        rule=_hat,
        derivation="rate sqrt(1 - beta2^t) m/(sqrt(v) + eps) with v = g^2 (1 - beta2^t).",
        source="Kingma & Ba 2015, arXiv:1412.6980, before section 2.1",
        not_to_confuse="the eps of algorithm 1: this one weighs 32 times as much in the first step",
        unmeasured=_ELSEWHERE,
    ),
    _exact(
        name="adam.uncorrected_first_step",
        title="Adam's first step without bias correction",
        quantity="moved",
        formula="-rate * (1 - mpf(beta1)) * g / (sqrt(1 - mpf(beta2)) * abs(g) + eps)",
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, beta1=_BETA, beta2=_BETA),
        rule=lambda g, rate, eps, beta1, beta2: -rate * (1 - beta1) * g / (np.sqrt(1 - beta2) * np.abs(g) + eps),
        derivation="m = (1 - beta1) g and v = (1 - beta2) g^2: at 0.9 and 0.999 a step of 3.16 rates.",
        unmeasured=_ELSEWHERE,
    ),
    _exact(
        name="nadam.constant_gradient",
        title="NAdam's steps under a constant gradient",
        quantity="moved",
        formula=_NADAM,
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, beta1=_BETA, psi=between(0.0, 100.0), steps=_STEPS),
        rule=_nadam,
        derivation="mu_(t+1) m/(1 - mu_1 ... mu_(t+1)) + (1 - mu_t) g/(1 - mu_1 ... mu_t), m = g (1 - beta1^t): it is"
        " not g, because the products of mu are not the powers of beta1 that m has.",
        source="Dozat 2016, Incorporating Nesterov momentum into Adam, algorithm 2; mu_t = beta1 (1 - 0.96^(t psi)/2)",
        not_to_confuse="Adam's steps of one rate: the first of these, at beta1 = 0.9 and psi = 1, is 1.06 rates long",
    ),
    _exact(
        name="nadam.constant_momentum",
        title="NAdam's steps under a constant gradient, without a schedule of the momentum",
        quantity="moved",
        formula="-rate * g / (abs(g) + eps) * fsum(mpf(beta1) * (1 - mpf(beta1)**t) / (1 - mpf(beta1)**(t + 1))"
        f" + (1 - mpf(beta1)) / (1 - mpf(beta1)**t) for t in {_RANGE})",
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, beta1=_BETA, steps=_STEPS),
        rule=_ahead,
        derivation="beta1 m/(1 - beta1^(t + 1)) + (1 - beta1) g/(1 - beta1^t) with m = g (1 - beta1^t).",
        source="Dozat 2016, Incorporating Nesterov momentum into Adam, section 3",
        not_to_confuse="both parts over 1 - beta1^t: at beta1 = 0.9 that is a first step of 1.9 rates for 1.47",
        unmeasured=_ELSEWHERE,
    ),
    _exact(
        name="adabelief.first_step",
        title="AdaBelief's first step",
        quantity="moved",
        formula="-rate * g / (mpf(beta1) * abs(g) + eps)",
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, beta1=between(0.5, 0.999)),
        rule=lambda g, rate, eps, beta1: -rate * g / (beta1 * np.abs(g) + eps),
        derivation="The gradient differs from its own running mean, (1 - beta1) g, by beta1 g.",
        source="Zhuang et al. 2020, arXiv:2010.07468, algorithm 2",
        not_to_confuse="Adam's first step of one rate: this one is 1/beta1 rates long",
        unmeasured=_ELSEWHERE,
    ),
    _exact(
        name="rmsprop.first_step",
        title="RMSprop's first step",
        quantity="moved",
        formula="-rate * g / (sqrt(1 - mpf(decay)) * abs(g) + eps)",
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, decay=_BETA),
        rule=lambda g, rate, eps, decay: -rate * g / (np.sqrt(1 - decay) * np.abs(g) + eps),
        derivation="The mean square starts at 0 and is not corrected: (1 - decay) g^2 after one step.",
        not_to_confuse="a first step of the size of the rate: at decay 0.99 it is ten times as long",
    ),
    _exact(
        name="rmsprop.first_step_inside",
        title="RMSprop's first step, eps inside the root",
        quantity="moved",
        formula="-rate * g / sqrt(mpf(decay) * start + (1 - mpf(decay)) * mpf(g)**2 + eps)",
        domain=Domain(g=Interval(low=-1e15, high=1e15, typical=(-1.0, 2.0)), rate=_RATE, eps=_EPS, decay=_BETA,
                      start=between(0.0, 10.0)),
        rule=lambda g, rate, eps, decay, start: -rate * g / np.sqrt(decay * start + (1 - decay) * g * g + eps),
        derivation="The mean square after one step from its start, and eps, before the root is taken.",
        not_to_confuse="eps outside of the root: 1e-8 inside weighs as 1e-4 outside",
        unmeasured=_ELSEWHERE,
    ),
    _exact(
        name="rmsprop.centred_first_step",
        title="RMSprop's first step, centred",
        quantity="moved",
        formula="-rate * g / (sqrt(mpf(decay) * (1 - mpf(decay))) * abs(g) + eps)",
        domain=Domain(g=_GRADIENT, rate=_RATE, eps=_EPS, decay=between(0.5, 0.999)),
        rule=lambda g, rate, eps, decay: -rate * g / (np.sqrt(decay * (1 - decay)) * np.abs(g) + eps),
        derivation="(1 - decay) g^2 less the square of the running mean, ((1 - decay) g)^2.",
        source="Graves 2013, arXiv:1308.0850, equations 38 to 45",
    ),
    _exact(
        name="adadelta.first_step",
        title="Adadelta's first step",
        quantity="moved",
        formula="-rate * g * sqrt(mpf(eps) / ((1 - mpf(decay)) * mpf(g)**2 + eps))",
        domain=Domain(g=Interval(low=-1e15, high=1e15, typical=(-1.0, 2.0)), rate=_RATE, eps=_EPS, decay=_BETA),
        rule=lambda g, rate, eps, decay: -rate * g * np.sqrt(eps / ((1 - decay) * g * g + eps)),
        derivation="No step has been taken, so that eps alone stands for the mean square of steps.",
        source="Zeiler 2012, arXiv:1212.5701, algorithm 1",
        not_to_confuse="an eps outside of the roots, which would leave no step at all",
    ),
    _exact(
        name="adagrad.constant_gradient",
        title="Adagrad's steps under a constant gradient",
        quantity="moved",
        formula=f"-rate * g * fsum(1 / (sqrt(start + t * g * g) + eps) for t in {_RANGE})",
        domain=Domain(g=Interval(low=-1e15, high=1e15, typical=(-1.0, 2.0)), rate=_RATE, eps=_EPS,
                      start=between(0.0, 10.0), steps=_STEPS),
        rule=_adagrad,
        derivation="The sum of squares after t steps is start + t g^2.",
    ),
)  # fmt: skip

_OTHERS = (
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
        rule=lambda g, rate, growth, steps: -rate * np.sign(g) * _each_step(steps, lambda t: growth ** (t - 1.0)),
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

ENTRIES: tuple[Law, ...] = (*_ADAM, *_OTHERS)
