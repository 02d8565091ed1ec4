"""Popular claims about initial variance, each with the law that confirms, corrects or refutes it, and a number.

A claim is *corrected* when it holds under conditions that people leave out or with another constant, *refuted* when it
does not hold as a rule. `popular` is what the claim predicts for the law's number in the case given, where it predicts
one; `number()` is what the law says.

>>> row = {claim.slug: claim for claim in CLAIMS}["relu_variance"]
>>> row.finding.value, round(row.number(), 4), row.popular
('corrected', 0.3408, 0.5)
"""

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Finding(enum.Enum):
    """What a law makes of a claim."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REFUTED = "refuted"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One popular claim: what it says, what became of it, the law that decides and the case that shows it."""

    slug: str
    claim: str
    finding: Finding
    law: str  # name in the catalogue
    params: Mapping[str, Any]  # the case
    popular: float | None  # the law's number as the claim would have it
    truth: str

    def number(self) -> float:
        """What the law says in this case, computed now."""
        from varlaw.theory.catalogue import LAWS

        return float(LAWS[self.law].value(**self.params))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        slug="relu_variance",
        claim="ReLU halves the variance: Var relu(z) = Var z / 2",
        finding=Finding.CORRECTED,
        law="relu.variance",
        params={"q": 1.0},
        popular=0.5,
        truth=(
            "The second moment is halved, for any symmetric z; the variance of a normal z becomes (pi - 1)/(2 pi) "
            "of it."
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
            "It is n Var w E[x^2]. Behind a ReLU E[x^2] = 1/2 but Var x = 0.341: He's weights give 1, the popular "
            "rule 0.68."
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
            "At initialisation it causes them: this factor on the squared gradient per ReLU layer, whatever the "
            "weight variance."
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
        slug="torch_truncation",
        claim="torch's trunc_normal_(std=0.02) draws with standard deviation 0.0176",
        finding=Finding.REFUTED,
        law="truncated_normal.std",
        params={"low": -100.0, "high": 100.0},
        popular=0.88,
        truth="Its bounds are absolute, -2 and 2: at std = 0.02 that is 100 sigma, and the standard deviation is 0.02.",
    ),
    Claim(
        slug="truncation_correction",
        claim="Dividing the std by 0.8796 is always the right correction",
        finding=Finding.CORRECTED,
        law="truncated_normal.variance",
        params={"low": -2.0, "high": 2.0},
        popular=1.0,
        truth="Right for bounds at two sigma only; elsewhere it inflates the variance by up to 1 / 0.7737.",
    ),
    Claim(
        slug="complex_truncation",
        claim="The std of a complex normal cut at 2 is 0.9531",
        finding=Finding.CORRECTED,
        law="truncated_complex.variance",
        params={"cut": 2.0},
        popular=0.95311164380491208**2,
        truth="It is 0.9620: the number that stands in jax.nn.initializers is not divided by the mass that is kept.",
    ),
    Claim(
        slug="qr_haar",
        claim="QR of a Gaussian matrix gives a Haar orthogonal matrix",
        finding=Finding.REFUTED,
        law="orthogonal.qr_first_entry",
        params={"size": 64},
        popular=0.0,
        truth=(
            "Householder QR fixes signs: Q[0, 0] is never positive, and its mean is this. Multiply by the signs of "
            "diag R."
        ),
    ),
    Claim(
        slug="orthogonal_norms",
        claim="Orthogonal initialisation preserves norms",
        finding=Finding.CORRECTED,
        law="orthogonal.norm_factor",
        params={"fan_in": 256, "fan_out": 64},
        popular=1.0,
        truth="Only with at least as many outputs as inputs; a wide matrix keeps n/m of the squared norm on average.",
    ),
    Claim(
        slug="orthogonal_relu",
        claim="Orthogonal weights make a ReLU net an isometry",
        finding=Finding.REFUTED,
        law="spectra.relu_orthogonal_variance",
        params={"layers": 10},
        popular=0.0,
        truth="Half of the units are off in each layer: the squared singular values spread by the depth.",
    ),
    Claim(
        slug="clip_exact",
        claim="clip_grad_norm_ brings the norm to exactly max_norm",
        finding=Finding.CORRECTED,
        law="clip.norm_eps",
        params={"norm": 3.0, "limit": 1e-06, "eps": 1e-06},
        popular=1e-06,
        truth="The 1e-6 in its denominator leaves less.",
    ),
    Claim(
        slug="clip_idempotent",
        claim="Clipping twice is clipping once",
        finding=Finding.CORRECTED,
        law="clip.norm_eps",
        params={"norm": 1e-06, "limit": 1e-06, "eps": 1e-06},
        popular=1e-06,
        truth=(
            "True of the projection, not of torch's variant with eps: at limit 1e-6 the second call halves the "
            "gradient."
        ),
    ),
    Claim(
        slug="clip_protects",
        claim="Clipping protects against huge gradients",
        finding=Finding.CORRECTED,
        law="dtype.square_overflow",
        params={"dtype": "float32"},
        popular=2.0**128,
        truth="From this magnitude on the squares overflow in float32, the norm is inf, and all gradients become 0.",
    ),
    Claim(
        slug="clip_norm",
        claim="Clipping by global norm caps the norm and changes nothing below",
        finding=Finding.CONFIRMED,
        law="clip.norm",
        params={"norm": 3.0, "limit": 1.0},
        popular=1.0,
        truth="It is the projection on a ball, as long as no eps enters.",
    ),
    Claim(
        slug="clip_per_parameter",
        claim="Clipping each parameter's norm bounds the whole gradient by the limit",
        finding=Finding.REFUTED,
        law="clip.per_parameter_global",
        params={"parameters": 124, "limit": 1.0},
        popular=1.0,
        truth="Up to limit sqrt(parameters), and the direction changes; clipping by value changes it too.",
    ),
    Claim(
        slug="clip_unbiased",
        claim="Clipping leaves the mean gradient where it was",
        finding=Finding.REFUTED,
        law="clip.two_point_mean",
        params={"high": 9.0, "low": -1.0, "share": 0.1, "limit": 1.0},
        popular=0.0,
        truth="A gradient of mean 0 with rare large positive values has this mean behind a clip at 1.",
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
    Claim(
        slug="torch_linear_he",
        claim="torch's Linear is He-initialised by default",
        finding=Finding.REFUTED,
        law="torch_default.variance",
        params={"fan_in": 300},
        popular=2 / 300,
        truth="kaiming_uniform with a = sqrt(5) is U(+-1/sqrt(fan_in)): variance 1/(3 fan_in), a sixth of He's.",
    ),
    Claim(
        slug="grouped_fan_out",
        claim="The fan_out of a grouped convolution can be read off its weight shape",
        finding=Finding.CORRECTED,
        law="conv.shape_fan_out_excess",
        params={"groups": 32, "strides": 1},
        popular=1.0,
        truth="The shape gives this many times the true fan_out: one factor for each group (and stride).",
    ),
    Claim(
        slug="transposed_fan",
        claim="The fan_in of a transposed convolution is what the weight shape says",
        finding=Finding.REFUTED,
        law="conv_transpose.fan_in",
        params={"channels_in": 64, "groups": 1, "taps": 16, "strides": 4},
        popular=512.0,
        truth=(
            "Its first two axes are swapped: with 32 channels out, a 4x4 kernel and stride 2 each way the rule says "
            "512."
        ),
    ),
    Claim(
        slug="zero_padding",
        claim="Zero padding does not matter",
        finding=Finding.CORRECTED,
        law="padding.mean_taps",
        params={"kernel": 3, "size": 8},
        popular=3.0,
        truth="On a side of 8 a 3-tap kernel sees this many taps on average: 0.84 of the variance in two dimensions.",
    ),
    Claim(
        slug="transposed_uniform",
        claim="A strided transposed convolution has the same variance everywhere",
        finding=Finding.REFUTED,
        law="conv_transpose.taps_at",
        params={"position": 1, "kernel": 3, "stride": 2},
        popular=1.5,
        truth="Kernel 3 at stride 2 alternates between 2 taps and 1: a checkerboard.",
    ),
    Claim(
        slug="fan_out_explodes",
        claim="He's fan_out mode explodes in the forward pass",
        finding=Finding.REFUTED,
        law="he_fan_out.forward_product",
        params={"fan_in_first": 784, "fan_out_last": 10},
        popular=None,
        truth="The factors telescope to first fan_in / last fan_out, whatever the depth.",
    ),
    Claim(
        slug="packed_qkv",
        claim="Xavier on the packed qkv matrix equals Xavier on each",
        finding=Finding.REFUTED,
        law="packed_qkv.xavier_factor",
        params={"blocks": 3},
        popular=1.0,
        truth="The pack has this share of the variance of separate matrices.",
    ),
    Claim(
        slug="embedding_fan",
        claim="The fan_in of an embedding is its vocabulary, or its dimension",
        finding=Finding.REFUTED,
        law="embedding.second_moment",
        params={"variance": 1.0},
        popular=1 / 512,
        truth=(
            "A lookup multiplies by a one-hot vector: its fan_in is 1 and the output has the variance of the entries."
        ),
    ),
    Claim(
        slug="norm_unit_variance",
        claim="The output of a norm has variance 1",
        finding=Finding.CORRECTED,
        law="layer_norm.second_moment",
        params={"variance": 1e-05, "eps": 1e-05},
        popular=1.0,
        truth="v / (v + eps): half at v = eps.",
    ),
    Claim(
        slug="norm_gaussian",
        claim="Normalised values are Gaussian",
        finding=Finding.CORRECTED,
        law="norm.kurtosis",
        params={"n": 8},
        popular=3.0,
        truth="Their kurtosis is 3 (n-1)/(n+1), and none exceeds sqrt(n-1).",
    ),
    Claim(
        slug="norm_orthogonal",
        claim="Gradients behind a norm are orthogonal to its output",
        finding=Finding.CORRECTED,
        law="norm.jacobian_leak",
        params={"variance": 0.0001, "eps": 1e-05},
        popular=0.0,
        truth="Only for eps = 0; this much passes.",
    ),
    Claim(
        slug="running_variance",
        claim="Running variance estimates the variance from the first step on",
        finding=Finding.REFUTED,
        law="batch_norm.running_variance",
        params={"t": 10, "momentum": 0.1, "start": 1.0, "variance": 4.0},
        popular=4.0,
        truth="The start value weighs (1 - m)^t: 0.35 after ten batches in torch.",
    ),
    Claim(
        slug="momentum",
        claim="Momentum of batch norm means the same everywhere",
        finding=Finding.REFUTED,
        law="batch_norm.keras_momentum",
        params={"momentum": 0.1},
        popular=0.1,
        truth="torch weighs the new batch, Keras the old value.",
    ),
    Claim(
        slug="bias_before_norm",
        claim="A bias in front of batch norm is redundant",
        finding=Finding.CORRECTED,
        law="batch_norm.bias_gradient",
        params={},
        popular=None,
        truth="In training mode, where its gradient is exactly this; with frozen statistics it acts and learns.",
    ),
    Claim(
        slug="attention_variance",
        claim="Attention preserves the variance of its values",
        finding=Finding.REFUTED,
        law="attention.output_second_moment",
        params={"n": 1024, "std": 1.0, "value_variance": 1.0},
        popular=1.0,
        truth="At initialisation it averages.",
    ),
    Claim(
        slug="attention_scale",
        claim="1/sqrt(d) always gives unit logits",
        finding=Finding.CORRECTED,
        law="attention.aligned_logit",
        params={"d": 64},
        popular=1.0,
        truth="For independent q and k; aligned ones give sqrt(d).",
    ),
    Claim(
        slug="initial_loss",
        claim="The initial loss is ln C",
        finding=Finding.CORRECTED,
        law="loss.random_logits",
        params={"classes": 1000, "std": 1.0},
        popular=math.log(1000),
        truth="For equal logits; random ones add about std^2/2.",
    ),
    Claim(
        slug="zero_logits_loss",
        claim="Equal logits give a loss of exactly ln C",
        finding=Finding.CONFIRMED,
        law="loss.zero_logits",
        params={"classes": 1000},
        popular=math.log(1000),
        truth="For any label and any label smoothing.",
    ),
    Claim(
        slug="loss_small_logits",
        claim="ln C + std^2/2 is good for tiny logits only",
        finding=Finding.REFUTED,
        law="loss.random_logits_excess",
        params={"classes": 50257, "std": 2.0},
        popular=None,
        truth="With many classes it is good up to std^2 << 2 ln C: at std = 2 it says 2.",
    ),
    Claim(
        slug="zero_weights",
        claim="What is multiplied by zero cannot learn",
        finding=Finding.CORRECTED,
        law="zeros.learned_gate_gradient",
        params={},
        popular=0.0,
        truth="True of a constant zero; a learned one has the gradient of what it multiplies.",
    ),
    Claim(
        slug="all_zero",
        claim="An all-zero net never learns",
        finding=Finding.CORRECTED,
        law="zeros.last_bias_gradient",
        params={"classes": 10},
        popular=0.0,
        truth="Its last bias does, softmax regression learns whole, sigmoid units learn as one.",
    ),
    Claim(
        slug="lora_identity",
        claim="LoRA starts as the identity",
        finding=Finding.CONFIRMED,
        law="lora.initial_change",
        params={},
        popular=0.0,
        truth="B = 0 leaves the output untouched, bit for bit.",
    ),
    Claim(
        slug="lora_rank",
        claim="alpha/r makes LoRA independent of the rank",
        finding=Finding.REFUTED,
        law="lora.second_moment",
        params={"alpha": 16, "rank": 64, "out_features": 1, "variance_a": 1.0, "variance_b": 1.0},
        popular=32.0,
        truth="With rank 8 the same setting gives 32: the update fades as 1/r. alpha/sqrt(r) is independent of it.",
    ),
    Claim(
        slug="new_tokens",
        claim="Tokens at the mean embedding get the largest logit",
        finding=Finding.REFUTED,
        law="new_tokens.mean_kl_bound",
        params={"count": 10, "vocabulary": 50257},
        popular=None,
        truth="They get the mean logit, and cost at most ln(1 + k/n).",
    ),
    Claim(
        slug="forget_bias",
        claim="A forget bias of 1 gives long memory",
        finding=Finding.REFUTED,
        law="recurrent.time_constant",
        params={"bias": 1.0},
        popular=None,
        truth="This many steps.",
    ),
    Claim(
        slug="orthogonal_recurrence",
        claim="An orthogonal recurrence keeps the norm",
        finding=Finding.CONFIRMED,
        law="recurrent.orthogonal_norm",
        params={"steps": 1000},
        popular=1.0,
        truth="Linear, without bias and input.",
    ),
    Claim(
        slug="rounding",
        claim="Rounding adds u^2/12 to the variance",
        finding=Finding.CORRECTED,
        law="rounding.normal",
        params={"dtype": "bfloat16", "std": 1.0},
        popular=None,
        truth="On a fixed grid; on a floating-point grid a normal draw loses this share of its second moment.",
    ),
    Claim(
        slug="shards",
        claim="Shards with the right variance make the right layer",
        finding=Finding.REFUTED,
        law="shards.identical_rank",
        params={"out_features": 4096, "in_features": 4096, "shards": 8},
        popular=4096.0,
        truth="From one seed every variance is right and the rank is that of one shard.",
    ),
)
