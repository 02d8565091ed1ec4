"""The constants of the depth recipes, as their papers give them: DeepNorm, Fixup, T-Fixup, LayerScale, muP, depth-muP.

These are conventions: nothing here can be proved, only conformed to. What each recipe does to the second moment of a
stream follows from `theory.residual`.

>>> from varlaw.theory.laws.residual_recipes import ENTRIES
>>> {law.name: law for law in ENTRIES}["deepnorm.alpha"].value(layers=8)
2.0
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from varlaw.theory.law import Domain, Kind, Law, above, at_least

_real = functools.partial(np.asarray, dtype=np.float64)
_LAYERS = at_least(1, typical=(1, 1e4))
_RATIO = above(0, typical=(1, 1e4))
_DEEPNET = "Wang et al. 2022, arXiv:2203.00555"
_MUP = "Yang et al. 2022 (Tensor Programs V), arXiv:2203.03466"
_DEPTH_MUP = "Yang et al. 2023 (Tensor Programs VI), arXiv:2310.02244"


def _recipe(
    name: str,
    title: str,
    quantity: str,
    formula: str,
    rule: Callable[..., Any],
    domain: Domain,
    hypotheses: tuple[str, ...],
    derivation: str,
    source: str,
    statistic: str,
    **more: str,
) -> Law:
    return Law(
        name=name,
        title=title,
        quantity=quantity,
        formula=formula,
        kind=Kind.CONVENTION,
        domain=domain,
        rule=rule,
        hypotheses=hypotheses,
        derivation=derivation,
        source=source,
        statistic=statistic,
        **more,
    )


_ONE_STACK = (
    "post-norm: h' = LN(alpha h + f(h))",
    "encoder-only or decoder-only: layers counts its transformer blocks",
)
_TWO_STACKS = ("post-norm: h' = LN(alpha h + f(h))", "encoder-decoder model")
_BETA_WHERE = "beta multiplies the gain of the feed-forward, value and output projections; query and key keep gain 1"
_STACKS = Domain(encoder_layers=_LAYERS, decoder_layers=_LAYERS)
_UPDATE = "Bounds the change of the function by one update to O(learning rate), whatever the depth."


def _stacks(encoder_layers: Any, decoder_layers: Any) -> Any:
    return _real(encoder_layers) * np.power(_real(decoder_layers), 0.25)  # (N^4 M)^(1/4)


def _layer_scale(layers: Any) -> Any:
    return np.where(_real(layers) <= 18, 0.1, np.where(_real(layers) <= 24, 1e-5, 1e-6))


_DEEPNORM = (
    _recipe(
        "deepnorm.alpha",
        "DeepNorm: weight of the residual stream, one stack",
        "alpha",
        "(2 * layers)**(1 / 4)",
        lambda layers: np.power(2 * _real(layers), 0.25),
        Domain(layers=_LAYERS),
        _ONE_STACK,
        _UPDATE,
        _DEEPNET,
        "value in the configuration, exactly",
    ),
    _recipe(
        "deepnorm.beta",
        "DeepNorm: gain of the branch projections, one stack",
        "factor on the Glorot gain",
        "(8 * layers)**(-1 / 4)",
        lambda layers: np.power(8 * _real(layers), -0.25),
        Domain(layers=_LAYERS),
        (*_ONE_STACK, _BETA_WHERE),
        _UPDATE,
        _DEEPNET,
        "standard deviation of the entries",
    ),
    _recipe(
        "deepnorm.encoder_alpha",
        "DeepNorm: weight of the residual stream, encoder of an encoder-decoder",
        "alpha",
        "0.81 * (encoder_layers**4 * decoder_layers)**(1 / 16)",
        lambda encoder_layers, decoder_layers: 0.81 * np.power(_stacks(encoder_layers, decoder_layers), 0.25),
        _STACKS,
        _TWO_STACKS,
        _UPDATE,
        _DEEPNET,
        "value in the configuration, exactly",
    ),
    _recipe(
        "deepnorm.encoder_beta",
        "DeepNorm: gain of the branch projections, encoder of an encoder-decoder",
        "factor on the Glorot gain",
        "0.87 * (encoder_layers**4 * decoder_layers)**(-1 / 16)",
        lambda encoder_layers, decoder_layers: 0.87 * np.power(_stacks(encoder_layers, decoder_layers), -0.25),
        _STACKS,
        (*_TWO_STACKS, _BETA_WHERE),
        _UPDATE,
        _DEEPNET,
        "standard deviation of the entries",
    ),
    _recipe(
        "deepnorm.decoder_alpha",
        "DeepNorm: weight of the residual stream, decoder of an encoder-decoder",
        "alpha",
        "(3 * decoder_layers)**(1 / 4)",
        lambda decoder_layers: np.power(3 * _real(decoder_layers), 0.25),
        Domain(decoder_layers=_LAYERS),
        _TWO_STACKS,
        _UPDATE,
        _DEEPNET,
        "value in the configuration, exactly",
    ),
    _recipe(
        "deepnorm.decoder_beta",
        "DeepNorm: gain of the branch projections, decoder of an encoder-decoder",
        "factor on the Glorot gain",
        "(12 * decoder_layers)**(-1 / 4)",
        lambda decoder_layers: np.power(12 * _real(decoder_layers), -0.25),
        Domain(decoder_layers=_LAYERS),
        (*_TWO_STACKS, _BETA_WHERE),
        _UPDATE,
        _DEEPNET,
        "standard deviation of the entries",
    ),
)

_BRANCHES = (
    _recipe(
        "fixup.scale",
        "Fixup: scale of all but the last layer of each residual branch",
        "factor on the He standard deviation",
        "branches**(-1 / (2 * branch_layers - 2))",
        lambda branches, branch_layers: np.power(_real(branches), -1 / (2 * _real(branch_layers) - 2)),
        Domain(branches=_LAYERS, branch_layers=at_least(2, typical=(2, 6))),
        (
            "no norms",
            "last layer of every branch and the classifier start at 0",
            "scalar biases and one multiplier per branch",
        ),
        "Each of the m - 1 scaled layers enters an update of the branch's output to the power 2 (m - 1) in all.",
        "Zhang et al. 2019, arXiv:1901.09321",
        "standard deviation of the entries",
    ),
    _recipe(
        "t_fixup.encoder_scale",
        "T-Fixup: factor on the encoder's projections and embeddings",
        "factor",
        "0.67 * encoder_layers**(-1 / 4)",
        lambda encoder_layers: 0.67 * np.power(_real(encoder_layers), -0.25),
        Domain(encoder_layers=_LAYERS),
        ("Glorot weights, embeddings of standard deviation dim^(-1/2)", "no norms, no warmup"),
        "Bounds the change of the function by one Adam update.",
        "Huang et al. 2020, Improving Transformer Optimization Through Better Initialization, ICML",
        "standard deviation of the entries",
    ),
    _recipe(
        "layer_scale.initial",
        "LayerScale: initial value of the learned per-channel branch gate",
        "gate",
        "0.1 if layers <= 18 else (1e-5 if layers <= 24 else 1e-6)",
        _layer_scale,
        Domain(layers=_LAYERS),
        ("h' = h + diag(gate) f(norm(h))", "layers counts blocks"),
        "Near-identity blocks; an empirical schedule.",
        "Touvron et al. 2021, arXiv:2103.17239",
        "value of the gate, exactly",
        not_to_confuse="0 (ReZero), which also stops the branch's gradient at the first step",
    ),
)

_WIDTH = Domain(width_ratio=_RATIO)
_WIDTH_HOLDS = ("Adam", "width_ratio: width / base width")
_MUP_REASON = "The only scaling under which every layer's update changes the function by O(1) as the width grows."
_SCALINGS = (
    _recipe(
        "mup.hidden_learning_rate",
        "muP: learning rate of hidden matrices under Adam",
        "factor on the base learning rate",
        "1 / width_ratio",
        lambda width_ratio: 1 / _real(width_ratio),
        _WIDTH,
        (*_WIDTH_HOLDS, "hidden weights keep variance 1 / fan_in; embeddings and biases keep their learning rate"),
        _MUP_REASON,
        _MUP,
        "learning rate of the parameter group, exactly",
    ),
    _recipe(
        "mup.output_multiplier",
        "muP: multiplier in front of the output layer",
        "factor on the logits",
        "1 / width_ratio",
        lambda width_ratio: 1 / _real(width_ratio),
        _WIDTH,
        (*_WIDTH_HOLDS, "output weights keep the initial variance of the base model, per weight"),
        _MUP_REASON,
        _MUP,
        "ratio of logits at two widths",
    ),
    _recipe(
        "mup.attention_scale",
        "muP: attention logits are divided by the head dimension, not its root",
        "factor on q.k",
        "1 / head_dim",
        lambda head_dim: 1 / _real(head_dim),
        Domain(head_dim=at_least(1, typical=(1, 1024))),
        ("after some training q and k are correlated, so q.k is of order head_dim",),
        "A sum of head_dim terms with a common sign is of order head_dim.",
        _MUP,
        "value in the configuration, exactly",
        not_to_confuse="1 / sqrt(head_dim), right for independent q and k only (attention.logit_variance)",
    ),
    _recipe(
        "mup.initial_logit_scale",
        "muP: logits at initialisation shrink with width",
        "standard deviation of a logit, relative to the base width",
        "width_ratio**(-1 / 2)",
        lambda width_ratio: 1 / np.sqrt(_real(width_ratio)),
        _WIDTH,
        (*_WIDTH_HOLDS, "output weights of the base variance, multiplier 1 / width_ratio"),
        "width_ratio times as many terms, each divided by width_ratio: sqrt(width_ratio) / width_ratio.",
        "derived",
        "standard deviation of logits over fresh weights",
    ),
    _recipe(
        "depth_mup.branch_multiplier",
        "Depth-muP: multiplier of every residual branch, and of Adam's learning rate",
        "factor",
        "(layers / base_layers)**(-1 / 2)",
        lambda layers, base_layers: np.sqrt(_real(base_layers) / _real(layers)),
        Domain(layers=_LAYERS, base_layers=_LAYERS),
        ("branches one layer deep", "Adam"),
        "Branch sums of L independent terms keep their size, and so do L aligned updates of size 1/sqrt(L) each.",
        _DEPTH_MUP,
        "ratio of branch outputs at two depths",
    ),
)

ENTRIES: tuple[Law, ...] = (*_DEEPNORM, *_BRANCHES, *_SCALINGS)
