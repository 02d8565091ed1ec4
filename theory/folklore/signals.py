"""Popular claims about signals and gradients: linear maps, activations and their gains, depth, residual streams."""

import math

from varlaw.theory.folklore.claim import Claim, Finding

CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="relu_variance",
        claim="ReLU halves the variance: Var relu(z) = Var z / 2",
        finding=Finding.CORRECTED,
        law="relu.variance",
        params={"q": 1.0},
        popular=0.5,
        truth=(
            "The second moment is halved, for any symmetric z; the variance of a normal z becomes (pi - 1)/(2 pi) of "
            "it."
        ),
    ),
    Claim(
        slug="linear_variance",
        claim="Var y = n Var w Var x",
        finding=Finding.CORRECTED,
        law="linear.second_moment",
        params={"fan_in": 1, "variance": 2.0, "input_second_moment": 0.5, "bias_variance": 0.0},
        popular=1 - 1 / math.pi,
        truth=(
            "It is n Var w E[x^2]. Behind a ReLU E[x^2] = 1/2 but Var x = 0.341: He's weights give 1, the popular rule "
            "0.68."
        ),
    ),
    Claim(
        slug="he_relu",
        claim="He's gain keeps the second moment through ReLU layers",
        finding=Finding.CONFIRMED,
        law="linear.second_moment",
        params={"fan_in": 256, "variance": 0.0078125, "input_second_moment": 0.5, "bias_variance": 0.0},
        popular=1.0,
        truth="Variance 2 / fan_in against E relu(z)^2 = E z^2 / 2.",
    ),
    Claim(
        slug="batch_norm_gradients",
        claim="Batch norm prevents exploding gradients",
        finding=Finding.REFUTED,
        law="batch_norm.explosion",
        params={"activation": "relu"},
        popular=1.0,
        truth=(
            "At initialisation it causes them: this factor on the squared gradient per ReLU layer, whatever the weight "
            "variance."
        ),
    ),
    Claim(
        slug="batch_norm_linear",
        claim="In a linear net batch norm is harmless to gradients",
        finding=Finding.CORRECTED,
        law="batch_norm.linear_explosion",
        params={"batch": 8},
        popular=1.0,
        truth="(B - 2)/(B - 3) per layer: harmless in large batches only.",
    ),
    Claim(
        slug="norms_preserved",
        claim="Where the variance is preserved, norms are preserved",
        finding=Finding.REFUTED,
        law="products.log_norm_drift",
        params={"n": 100, "factors": 1000},
        popular=0.0,
        truth="ln of the squared norm drifts by -1/n per linear layer; the mean is carried by rare large draws.",
    ),
    Claim(
        slug="relu_nets_alive",
        claim="A He-initialised ReLU net passes a signal at every finite width",
        finding=Finding.REFUTED,
        law="products.dead_network",
        params={"widths": (4, 4, 4, 4, 4, 4, 4, 4, 4, 4)},
        popular=0.0,
        truth="Ten layers of four units put out exactly 0 this often, so that E ln|h|^2 is -infinite.",
    ),
    Claim(
        slug="independent_outputs",
        claim="The outputs of one layer over a batch are independent samples",
        finding=Finding.REFUTED,
        law="pseudo_replication.factor",
        params={"fan_in": 64, "fan_out": 64, "batch": 64},
        popular=1.0,
        truth=(
            "They share weights and inputs: the variance of their mean square is this many times what independence "
            "gives."
        ),
    ),
    Claim(
        slug="residual_scaling",
        claim="Scaling residual branches by 1/sqrt(2L) keeps the variance at 1",
        finding=Finding.CORRECTED,
        law="residual.scaled_growth",
        params={"layers": 12},
        popular=1.0,
        truth="It bounds the growth: (1 + 1/(2L))^(2L), between 2.25 and e; behind a norm exactly 2.",
    ),
    Claim(
        slug="postnorm_vanishes",
        claim="Post-norm gradients vanish like 2^(-L/2)",
        finding=Finding.CORRECTED,
        law="residual.postnorm_gradient",
        params={"branch_gain": 1.0, "branches": 24},
        popular=2.0**-24,
        truth="That is the identity path alone; the branches carry the rest, and the mean square of the whole is kept.",
    ),
    Claim(
        slug="selu_gradients",
        claim="SELU prevents exploding gradients",
        finding=Finding.REFUTED,
        law="activation.chi",
        params={"activation": "selu", "q": 1.0},
        popular=1.0,
        truth="Its activations are attracted to (0, 1), but squared gradients grow by this factor per layer.",
    ),
    Claim(
        slug="torch_tanh_gain",
        claim="torch's gain 5/3 preserves the variance through tanh",
        finding=Finding.REFUTED,
        law="activation.forward_gain",
        params={"activation": "tanh", "q": 1.0},
        popular=5 / 3,
        truth="At unit variance the gain that does is this; with 5/3 the net settles elsewhere and gradients grow.",
    ),
    Claim(
        slug="torch_selu_gain",
        claim="torch's gain 3/4 makes SELU self-normalising",
        finding=Finding.REFUTED,
        law="activation.forward_gain",
        params={"activation": "selu", "q": 1.0},
        popular=0.75,
        truth="The gain of the SELU paper is 1.",
    ),
    Claim(
        slug="one_gain",
        claim="One gain serves the forward and the backward pass",
        finding=Finding.CORRECTED,
        law="activation.chi",
        params={"activation": "tanh", "q": 1.0},
        popular=1.0,
        truth="Only for positively homogeneous activations (the leaky ReLU family).",
    ),
    Claim(
        slug="one_gain_relu",
        claim="For ReLU one gain serves the forward and the backward pass",
        finding=Finding.CONFIRMED,
        law="activation.chi",
        params={"activation": "relu", "q": 1.0},
        popular=1.0,
        truth="E relu^2 = q/2 and E relu'^2 = 1/2.",
    ),
    Claim(
        slug="tanh_edge",
        claim="tanh with unit weight variance preserves the variance: it is at the edge of chaos",
        finding=Finding.REFUTED,
        law="activation.second_moment",
        params={"activation": "tanh", "q": 1.0},
        popular=1.0,
        truth="One layer takes q = 1 to this; deeper down q falls like 1/(2 l).",
    ),
)
