"""Popular claims about weights: the laws that they are drawn from, orthogonal matrices, the fans of layers."""

from varlaw.theory.folklore.claim import Claim, Finding

CLAIMS: tuple[Claim, ...] = (
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
)
