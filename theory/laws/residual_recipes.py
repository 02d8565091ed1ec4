"""The constants of the depth recipes, as their papers give them: DeepNorm, Fixup, T-Fixup, LayerScale, muP, depth-muP.

These are conventions: nothing here can be proved, only conformed to. What each recipe does to the second moment of a
stream follows from `theory.residual`.

>>> from varlaw.theory.laws.residual_recipes import ENTRIES
>>> {law.name: law for law in ENTRIES}["deepnorm.alpha"].value(layers=8)
2.0
"""

import functools
from typing import Any

import numpy as np

from varlaw.theory.domain import Domain, above, at_least
from varlaw.theory.law import Kind, Law

_LAYERS = at_least(1, typical=(1, 1e4))
_RATIO = above(0, typical=(1, 1e4))
_DEEPNET = "Wang et al. 2022, arXiv:2203.00555"
_MUP = "Yang et al. 2022 (Tensor Programs V), arXiv:2203.03466"
_DEPTH_MUP = "Yang et al. 2023 (Tensor Programs VI), arXiv:2310.02244"


_recipe = functools.partial(Law, kind=Kind.CONVENTION)


_ONE_STACK = (
    "post-norm: h' = LN(alpha h + f(h))",
    "encoder-only or decoder-only: layers counts its transformer blocks",
)
_TWO_STACKS = ("post-norm: h' = LN(alpha h + f(h))", "encoder-decoder model")
_BETA_WHERE = "beta multiplies the gain of the feed-forward, value and output projections; query and key keep gain 1"
_STACKS = Domain(encoder_layers=_LAYERS, decoder_layers=_LAYERS)
_UPDATE = "Bounds the change of the function by one update to O(learning rate), whatever the depth."


def _stacks(encoder_layers: Any, decoder_layers: Any) -> Any:
    return encoder_layers * np.power(decoder_layers, 0.25)  # (N^4 M)^(1/4)


_deepnorm = functools.partial(_recipe, derivation=_UPDATE, source=_DEEPNET)
_DEEPNORM = (
    _deepnorm(
        name="deepnorm.alpha",
        title="DeepNorm: weight of the residual stream, one stack",
        quantity="alpha",
        formula="(2 * layers)**(1 / 4)",
        rule=lambda layers: np.power(2 * layers, 0.25),
        domain=Domain(layers=_LAYERS),
        hypotheses=_ONE_STACK,
        statistic="value in the configuration, exactly",
    ),
    _deepnorm(
        name="deepnorm.beta",
        title="DeepNorm: gain of the branch projections, one stack",
        quantity="factor on the Glorot gain",
        formula="(8 * layers)**(-1 / 4)",
        rule=lambda layers: np.power(8 * layers, -0.25),
        domain=Domain(layers=_LAYERS),
        hypotheses=(*_ONE_STACK, _BETA_WHERE),
        statistic="standard deviation of the entries",
    ),
    _deepnorm(
        name="deepnorm.encoder_alpha",
        title="DeepNorm: weight of the residual stream, encoder of an encoder-decoder",
        quantity="alpha",
        formula="0.81 * (encoder_layers**4 * decoder_layers)**(1 / 16)",
        rule=lambda encoder_layers, decoder_layers: 0.81 * np.power(_stacks(encoder_layers, decoder_layers), 0.25),
        domain=_STACKS,
        hypotheses=_TWO_STACKS,
        statistic="value in the configuration, exactly",
    ),
    _deepnorm(
        name="deepnorm.encoder_beta",
        title="DeepNorm: gain of the branch projections, encoder of an encoder-decoder",
        quantity="factor on the Glorot gain",
        formula="0.87 * (encoder_layers**4 * decoder_layers)**(-1 / 16)",
        rule=lambda encoder_layers, decoder_layers: 0.87 * np.power(_stacks(encoder_layers, decoder_layers), -0.25),
        domain=_STACKS,
        hypotheses=(*_TWO_STACKS, _BETA_WHERE),
        statistic="standard deviation of the entries",
    ),
    _deepnorm(
        name="deepnorm.decoder_alpha",
        title="DeepNorm: weight of the residual stream, decoder of an encoder-decoder",
        quantity="alpha",
        formula="(3 * decoder_layers)**(1 / 4)",
        rule=lambda decoder_layers: np.power(3 * decoder_layers, 0.25),
        domain=Domain(decoder_layers=_LAYERS),
        hypotheses=_TWO_STACKS,
        statistic="value in the configuration, exactly",
    ),
    _deepnorm(
        name="deepnorm.decoder_beta",
        title="DeepNorm: gain of the branch projections, decoder of an encoder-decoder",
        quantity="factor on the Glorot gain",
        formula="(12 * decoder_layers)**(-1 / 4)",
        rule=lambda decoder_layers: np.power(12 * decoder_layers, -0.25),
        domain=Domain(decoder_layers=_LAYERS),
        hypotheses=(*_TWO_STACKS, _BETA_WHERE),
        statistic="standard deviation of the entries",
    ),
)

_BRANCHES = (
    _recipe(
        name="fixup.scale",
        title="Fixup: scale of all but the last layer of each residual branch",
        quantity="factor on the He standard deviation",
        formula="branches**(-1 / (2 * branch_layers - 2))",
        rule=lambda branches, branch_layers: np.power(branches, -1 / (2 * branch_layers - 2)),
        domain=Domain(branches=_LAYERS, branch_layers=at_least(2, typical=(2, 6))),
        hypotheses=(
            "no norms",
            "last layer of every branch and the classifier start at 0",
            "scalar biases and one multiplier per branch",
        ),
        derivation=(
            "Each of the m - 1 scaled layers enters an update of the branch's output to the power 2 (m - 1) in all."
        ),
        source="Zhang et al. 2019, arXiv:1901.09321",
        statistic="standard deviation of the entries",
    ),
    _recipe(
        name="t_fixup.encoder_scale",
        title="T-Fixup: factor on the encoder's projections and embeddings",
        quantity="factor",
        formula="0.67 * encoder_layers**(-1 / 4)",
        rule=lambda encoder_layers: 0.67 * np.power(encoder_layers, -0.25),
        domain=Domain(encoder_layers=_LAYERS),
        hypotheses=("Glorot weights, embeddings of standard deviation dim^(-1/2)", "no norms, no warmup"),
        derivation="Bounds the change of the function by one Adam update.",
        source="Huang et al. 2020, Improving Transformer Optimization Through Better Initialization, ICML",
        statistic="standard deviation of the entries",
    ),
    _recipe(
        name="layer_scale.initial",
        title="LayerScale: initial value of the learned per-channel branch gate",
        quantity="gate",
        formula="0.1 if layers <= 18 else (1e-5 if layers <= 24 else 1e-6)",
        rule=lambda layers: np.where(layers <= 18, 0.1, np.where(layers <= 24, 1e-5, 1e-6)),
        domain=Domain(layers=_LAYERS),
        hypotheses=("h' = h + diag(gate) f(norm(h))", "layers counts blocks"),
        derivation="Near-identity blocks; an empirical schedule.",
        source="Touvron et al. 2021, arXiv:2103.17239",
        statistic="value of the gate, exactly",
        not_to_confuse="0 (ReZero), which also stops the branch's gradient at the first step",
    ),
)

_WIDTH = Domain(width_ratio=_RATIO)
_WIDTH_HOLDS = ("Adam", "width_ratio: width / base width")
_MUP_REASON = "The only scaling under which every layer's update changes the function by O(1) as the width grows."
_SCALINGS = (
    _recipe(
        name="mup.hidden_learning_rate",
        title="muP: learning rate of hidden matrices under Adam",
        quantity="factor on the base learning rate",
        formula="1 / width_ratio",
        rule=lambda width_ratio: 1 / width_ratio,
        domain=_WIDTH,
        hypotheses=(
            *_WIDTH_HOLDS,
            "hidden weights keep variance 1 / fan_in; embeddings and biases keep their learning rate",
        ),
        derivation=_MUP_REASON,
        source=_MUP,
        statistic="learning rate of the parameter group, exactly",
        unmeasured="a setting of a configuration: neither torch nor varlaw has a function that returns it",
    ),
    _recipe(
        name="mup.output_multiplier",
        title="muP: multiplier in front of the output layer",
        quantity="factor on the logits",
        formula="1 / width_ratio",
        rule=lambda width_ratio: 1 / width_ratio,
        domain=_WIDTH,
        hypotheses=(*_WIDTH_HOLDS, "output weights keep the initial variance of the base model, per weight"),
        derivation=_MUP_REASON,
        source=_MUP,
        statistic="ratio of logits at two widths",
        unmeasured="a setting of a configuration: neither torch nor varlaw has a function that returns it",
    ),
    _recipe(
        name="mup.attention_scale",
        title="muP: attention logits are divided by the head dimension, not its root",
        quantity="factor on q.k",
        formula="1 / head_dim",
        rule=lambda head_dim: 1 / head_dim,
        domain=Domain(head_dim=at_least(1, typical=(1, 1024))),
        hypotheses=("after some training q and k are correlated, so q.k is of order head_dim",),
        derivation="A sum of head_dim terms with a common sign is of order head_dim.",
        source=_MUP,
        statistic="value in the configuration, exactly",
        unmeasured="a setting of a configuration: neither torch nor varlaw has a function that returns it",
        not_to_confuse="1 / sqrt(head_dim), right for independent q and k only (attention.logit_variance)",
    ),
    _recipe(
        name="mup.initial_logit_scale",
        title="muP: logits at initialisation shrink with width",
        quantity="standard deviation of a logit, relative to the base width",
        formula="width_ratio**(-1 / 2)",
        rule=lambda width_ratio: 1 / np.sqrt(width_ratio),
        domain=_WIDTH,
        hypotheses=(*_WIDTH_HOLDS, "output weights of the base variance, multiplier 1 / width_ratio"),
        derivation="width_ratio times as many terms, each divided by width_ratio: sqrt(width_ratio) / width_ratio.",
        source="derived",
        statistic="standard deviation of logits over fresh weights",
    ),
    _recipe(
        name="depth_mup.branch_multiplier",
        title="Depth-muP: multiplier of every residual branch, and of Adam's learning rate",
        quantity="factor",
        formula="(layers / base_layers)**(-1 / 2)",
        rule=lambda layers, base_layers: np.sqrt(base_layers / layers),
        domain=Domain(layers=_LAYERS, base_layers=_LAYERS),
        hypotheses=("branches one layer deep", "Adam"),
        derivation=(
            "Branch sums of L independent terms keep their size, and so do L aligned updates of size 1/sqrt(L) each."
        ),
        source=_DEPTH_MUP,
        statistic="ratio of branch outputs at two depths",
    ),
)

ENTRIES: tuple[Law, ...] = (*_DEEPNORM, *_BRANCHES, *_SCALINGS)
