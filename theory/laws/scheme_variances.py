"""The variance that each named scheme of `schemes` gives one weight, as a law."""

import functools
from dataclasses import replace

from varlaw.theory.domain import Domain, above, at_least
from varlaw.theory.law import Kind, Law
from varlaw.theory.laws.schemes import SQRT2

_FAN = above(0, typical=(1, 65536))
_GAIN = above(0, typical=(0.1, 10))
_WEIGHTS = ("weights independent with mean zero", "fans counted by the layer's arithmetic, not read off the shape")
_STATISTIC = "mean of w^2 over all entries of fresh draws"
_HE = (
    "y = W relu(x) sums fan_in terms of variance Var[w] E[relu(x)^2], and E[relu(x)^2] = E[x^2]/2 for symmetric x: "
    "gain^2 = 2 keeps E[y^2] = E[x^2]. With mode fan_out the same holds for gradients."
)
_GLOROT = (
    "E[y^2] is kept by Var[w] = 1/fan_in and E of the squared gradient by 1/fan_out; the mean of the two fans is the "
    "compromise, whose forward factor is 2 fan_in/(fan_in + fan_out)."
)
_HE_BOUND = " A uniform on (-a, a) has the variance a^2/3, so that a = sqrt(6/fan_in)."
_GLOROT_BOUND = (
    " A uniform on (-a, a) has the variance a^2/3, so that a = sqrt(6/(fan_in + fan_out)): the 6 is 2 times 3."
)
_NOT_HALF_VARIANCE = "Var[relu(x)] = Var[x]/2, as often written: for normal x it is (pi-1)/(2 pi) = 0.341 of it"


_scheme = functools.partial(Law, quantity="Var[w]", kind=Kind.CONVENTION, hypotheses=_WEIGHTS, statistic=_STATISTIC)
_he = functools.partial(
    _scheme,
    formula="gain**2 / fan_in",
    domain=Domain(fan_in=_FAN, gain=replace(_GAIN, default=SQRT2)),
    rule=lambda fan_in, gain: gain * (gain / fan_in),
    hypotheses=(*_WEIGHTS, "mode fan_out or fan_avg puts that number in the place of fan_in"),
    derivation=_HE,
    source="He et al. 2015, arXiv:1502.01852",
    not_to_confuse=_NOT_HALF_VARIANCE,
)
_glorot = functools.partial(
    _scheme,
    formula="2 * gain**2 / (fan_in + fan_out)",
    domain=Domain(fan_in=_FAN, fan_out=_FAN, gain=replace(_GAIN, default=1.0)),
    rule=lambda fan_in, fan_out, gain: gain * (2 * (gain / (fan_in + fan_out))),
    derivation=_GLOROT,
    source="Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks",
    not_to_confuse="a law that keeps signals: its forward factor is 2 fan_in/(fan_in + fan_out)",
)
_lecun = functools.partial(
    _scheme,
    formula="1 / fan_in",
    domain=Domain(fan_in=_FAN),
    rule=lambda fan_in: 1 / fan_in,
    derivation="y = W x sums fan_in terms of variance Var[w] E[x^2], so E[y^2] = E[x^2].",
    source="LeCun, Bottou, Orr & Muller 1998, Efficient BackProp",
)

ENTRIES: tuple[Law, ...] = (
    _he(name="he_normal.variance", title="He normal"),
    _he(name="he_uniform.variance", title="He uniform", derivation=_HE + _HE_BOUND),
    _he(name="he_truncated.variance", title="He truncated normal, corrected for the cut"),
    _glorot(name="glorot_normal.variance", title="Glorot normal"),
    _glorot(name="glorot_uniform.variance", title="Glorot uniform", derivation=_GLOROT + _GLOROT_BOUND),
    _glorot(name="glorot_truncated.variance", title="Glorot truncated normal, corrected for the cut"),
    _lecun(name="lecun_normal.variance", title="LeCun normal"),
    _lecun(name="lecun_uniform.variance", title="LeCun uniform"),
    _lecun(name="lecun_truncated.variance", title="LeCun truncated normal, corrected for the cut"),
    _scheme(
        name="variance_scaling.variance",
        title="Variance scaling, any distribution",
        formula="scale / fan",
        domain=Domain(scale=above(0, typical=(0.1, 10)), fan=_FAN),
        rule=lambda scale, fan: scale / fan,
        hypotheses=(*_WEIGHTS, "fan is the one that the mode names"),
        derivation="The common form of He (scale 2), LeCun (scale 1, fan_in) and Glorot (scale 1, fan_avg).",
        source="Keras VarianceScaling; jax.nn.initializers.variance_scaling",
    ),
    _scheme(
        name="torch_default.variance",
        title="torch's default for dense and convolution layers",
        quantity="Var[w] = Var[b]",
        formula="1 / (3 * fan_in)",
        domain=Domain(fan_in=_FAN),
        rule=lambda fan_in: 1 / (3 * fan_in),
        derivation="kaiming_uniform_(a=sqrt(5)): gain^2 = 2/6, so the bound sqrt(3 gain^2/fan_in) = 1/sqrt(fan_in).",
        source="torch.nn.Linear.reset_parameters",
        not_to_confuse="He (Kaiming) initialisation, of variance 2/fan_in: six times as much",
    ),
    _scheme(
        name="residual_scaled.variance",
        title="Residual projections scaled by the depth",
        formula="std**2 / (2 * layers)",
        domain=Domain(std=above(0, typical=(1e-3, 1.0)), layers=at_least(1, typical=(1, 1000))),
        rule=lambda std, layers: std * (std / (2 * layers)),
        hypotheses=("two residual branches in each of the layers", "weights independent with mean zero"),
        derivation="The stream sums 2*layers independent branches, each at 1/(2*layers) of the variance of one.",
        source="Radford et al. 2019, Language models are unsupervised multitask learners (GPT-2)",
        statistic="mean of w^2 over the projections onto the residual stream",
        not_to_confuse="1/sqrt(layers): the number of residual branches is twice the number of transformer blocks",
    ),
)
