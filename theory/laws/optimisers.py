"""What the steps of adaptive optimisers come to under a constant gradient.

Under a constant gradient every running mean, once corrected for its start at 0, is the gradient itself, so that Adam
moves by the same step for ever: a wrong correction, a wrong place of eps or a momentum that is counted twice shows in
the first few steps. `moved` is the weight's displacement from 0.
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, Interval, between
from varlaw.theory.law import Kind, Law
from varlaw.theory.laws.descent import each_step

_GRADIENT = Interval(low=-1e30, high=1e30, typical=(-1.0, 2.0))
_RATE = Interval(low=0.0, high=1e3, open_low=True, typical=(1e-3, 1.0))
_EPS = Interval(low=0.0, high=1.0, open_low=True, typical=(1e-8, 1e-2))
_BETA = Interval(low=0.0, high=0.99999, typical=(0.5, 0.999))
_STEPS = Interval(low=1, high=1000, whole=True, typical=(1, 8))

_exact = functools.partial(
    Law, kind=Kind.EXACT, hypotheses=("the same gradient at every step", "all running means start at 0"),
    statistic="the displacement of weights that start at 0, entry by entry",
)  # fmt: skip
_ELSEWHERE = "no optimiser of torch promises it: those of Keras, optax and MLX are held to it"


def _hat(g: Any, rate: Any, eps: Any, beta2: Any, steps: Any) -> Any:
    return -rate * g * each_step(steps, lambda t: 1 / (np.abs(g) + eps / np.sqrt(-np.expm1(t * np.log(beta2)))))


def _adagrad(g: Any, rate: Any, eps: Any, start: Any, steps: Any) -> Any:
    return -rate * g * each_step(steps, lambda t: 1 / (np.sqrt(start + t * g * g) + eps))


def _nadam(g: Any, rate: Any, eps: Any, beta1: Any, psi: Any, steps: Any) -> Any:
    product, total = np.asarray(1.0), np.asarray(0.0)
    for t in range(1, int(np.max(steps)) + 1):
        now, following = (beta1 * (1 - np.exp(when * psi * np.log(0.96)) / 2) for when in (t, t + 1))
        product = product * now
        one = (1 - now) / (1 - product) + following * (1 - beta1**t) / (1 - product * following)
        total = total + np.where(t <= np.asarray(steps), one, 0.0)
    return -rate * g / (np.abs(g) + eps) * total


def _ahead(g: Any, rate: Any, eps: Any, beta1: Any, steps: Any) -> Any:
    one = each_step(steps, lambda t: beta1 * (1 - beta1**t) / (1 - beta1 ** (t + 1)) + (1 - beta1) / (1 - beta1**t))
    return -rate * g / (np.abs(g) + eps) * one


_RANGE = "range(1, int(steps) + 1)"
_MU = "beta1 * (1 - mpf(0.96)**({} * psi) / 2)"
_PRODUCT = f"fprod({_MU.format('i')} for i in range(1, t + {{}}))"
_NADAM = (
    f"-rate * g / (abs(g) + eps) * fsum((1 - {_MU.format('t')}) / (1 - {_PRODUCT.format(1)})"
    f" + {_MU.format('(t + 1)')} * (1 - mpf(beta1)**t) / (1 - {_PRODUCT.format(2)}) for t in {_RANGE})"
)
ENTRIES: tuple[Law, ...] = (
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
