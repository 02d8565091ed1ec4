"""Which variant stands for each architecture of timm, how it is made smaller, what it promises, what is left out."""

from collections.abc import Mapping
from typing import Any

# Module of timm.models -> variant, and the fields that make it smaller: the smallest of what builds.
VARIANTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "beit": ("beit_base_patch16_224", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "byoanet": ("halonet_h1", {"width_factor": 0.25}),
    "byobnet": ("test_byobnet", {}),
    "cait": ("cait_xxs24_224", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "coat": ("coat_tiny", {}),
    "convit": ("convit_tiny", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "convmixer": ("convmixer_768_32", {}),
    "convnext": ("test_convnext", {"dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "cpubone": ("cpubone_nano", {}),
    "crossvit": ("crossvit_tiny_240", {}),
    "csatv2": ("csatv2", {}),
    "cspnet": ("cs3darknet_focus_s", {}),
    "cspnext": ("cspnext_tiny", {"channels": (16, 32, 48, 64)}),
    "davit": ("davit_tiny", {"embed_dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "deepseek_vit": ("deepseek_vit_412m", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "deit": ("deit_tiny_patch16_224", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "densenet": ("densenet121", {}),
    "dla": ("dla46x_c", {}),
    "dpn": ("dpn48b", {}),
    "edgenext": ("edgenext_xx_small", {"dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "efficientformer": ("efficientformer_l1", {"embed_dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "efficientformer_v2": ("efficientformerv2_s0", {"embed_dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "efficientnet": ("test_efficientnet", {"channel_multiplier": 0.25}),
    "efficientvim": ("efficientvim_m1", {}),
    "efficientvit_mit": ("efficientvit_b0", {"depths": (1, 1, 1, 1)}),
    "efficientvit_msra": ("efficientvit_m0", {"embed_dim": (32, 48, 64), "depth": (1, 1, 1), "num_heads": (2, 2, 2)}),
    "eva": ("vit_tiny_patch16_dinov3_qkvb", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "fasternet": ("fasternet_t0", {"embed_dim": 32, "depths": (1, 1, 1, 1)}),
    "fastvit": ("fastvit_t8", {"layers": (1, 1, 1, 1)}),
    "focalnet": ("focalnet_tiny_srf", {}),
    "gcvit": ("gcvit_xxtiny", {}),
    "gemma4_vit": ("gemma4_vit_167m_enc", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "ghostnet": ("ghostnet_050", {}),
    "hardcorenas": ("hardcorenas_b", {}),
    "hgnet": ("hgnetv2_b0", {}),
    "hiera": ("hiera_tiny_224", {"embed_dim": 32, "stages": (1, 1, 1, 1)}),
    "hieradet_sam2": ("sam2_hiera_tiny", {"embed_dim": 32, "stages": (1, 1, 1, 1)}),
    "hrnet": ("hrnet_w18_small", {}),
    "iformer": ("iformer_t", {}),
    "inception_next": ("inception_next_atto", {"dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "inception_v3": ("inception_v3", {}),
    "lcnetv2": ("lcnetv2_small", {"depths": (1, 1, 1, 1)}),
    "levit": ("levit_128s", {"embed_dim": (32, 48, 64), "depth": (1, 1, 1), "num_heads": (2, 2, 2)}),
    "lowformer": ("lowformer_b0", {}),
    "mambaout": ("test_mambaout", {"dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "maxxvit": ("test_coatnet", {"depths": (1, 1, 1, 1)}),
    "metaformer": ("poolformerv2_s12", {}),
    "mlp_mixer": ("gmlp_ti16_224", {}),
    "mobilenetv3": ("lcnet_035", {}),
    "mobilenetv5": ("mobilenetv5_base", {"channel_multiplier": 0.25}),
    "mobilevit": ("mobilevit_xxs", {"width_factor": 0.25}),
    "mvitv2": ("mvitv2_tiny", {}),
    "naflexvit": ("naflexvit_base_patch16_parfac_gap", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "nest": ("nest_tiny", {}),
    "nfnet": ("test_nfnet", {"width_factor": 0.25}),
    "pit": ("pit_ti_224", {}),
    "pvt_v2": ("pvt_v2_b0", {"embed_dims": (16, 32, 64, 96), "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}),
    "qwen3_vit": ("qwen3_vit_88m", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "rdnet": ("rdnet_tiny", {}),
    "regnet": ("regnetx_002", {}),
    "repghost": ("repghostnet_050", {}),
    "repvit": ("repvit_m1", {}),
    "res2net": ("res2next50", {"layers": (1, 1, 1, 1), "channels": (16, 16, 16, 16)}),
    "resnest": ("resnest14d", {"layers": (1, 1, 1, 1), "channels": (16, 16, 16, 16)}),
    "resnet": ("test_resnet", {"layers": (1, 1, 1, 1), "channels": (16, 16, 16, 16)}),
    "resnetv2": ("resnetv2_18", {"layers": (1, 1, 1, 1), "channels": (16, 16, 16, 16)}),
    "rexnet": ("rexnet_100", {"width_mult": 0.25}),
    "selecsls": ("selecsls42", {}),
    "senet": ("legacy_seresnet18", {"layers": (1, 1, 1, 1)}),
    "sequencer": ("sequencer2d_s", {"embed_dims": (16, 32, 48, 64), "layers": (1, 1, 1, 1)}),
    "shvit": ("shvit_s1", {}),
    "sknet": ("skresnet18", {"layers": (1, 1, 1, 1), "channels": (16, 16, 16, 16)}),
    "starnet": ("starnet_s050", {"depths": (1, 1, 1, 1)}),
    "swiftformer": ("swiftformer_xs", {"embed_dims": (16, 32, 48, 64), "layers": (1, 1, 1, 1)}),
    "swin_transformer": ("swin_tiny_patch4_window7_224", {"embed_dim": 32, "depths": (1, 1, 1, 1)}),
    "swin_transformer_v2": ("swinv2_tiny_window16_256", {"embed_dim": 32, "depths": (1, 1, 1, 1), "num_heads": (2, 2, 2, 2), "window_size": 7}),
    "swin_transformer_v2_cr": ("swinv2_cr_tiny_224", {"embed_dim": 32, "depths": (1, 1, 1, 1), "num_heads": (2, 2, 2, 2), "window_size": 7}),
    "tiny_vit": ("tiny_vit_5m_224", {"embed_dims": (16, 32, 64, 96), "depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}),
    "tnt": ("tnt_s_legacy_patch16_224", {"embed_dim": 48, "depth": 2}),
    "tresnet": ("tresnet_m", {"width_factor": 0.25}),
    "twins": ("twins_svt_small", {"embed_dims": (16, 32, 48, 64), "depths": (1, 1, 1, 1)}),
    "visformer": ("visformer_tiny", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "vision_transformer": ("test_vit", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "vision_transformer_hybrid": ("vit_tiny_r_s16_p8_224", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "vision_transformer_relpos": ("test_vit_relpos", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
    "vision_transformer_sam": ("samvit_base_patch16_224", {"embed_dim": 48, "depth": 2}),
    "vitamin": ("vitamin_small_224", {"depth": 2}),
    "volo": ("volo_d1_224", {}),
    "vovnet": ("ese_vovnet19b_slim_dw", {}),
    "xception": ("legacy_xception", {}),
    "xception_aligned": ("xception41p", {}),
    "xcit": ("xcit_nano_12_p8_224", {"embed_dim": 48, "depth": 2, "num_heads": 3}),
}

# What the initialisers of an architecture state: the papers' N(0, 0.02^2) of transformers, He's law by fan_out of
# convolutional networks. The fans are the true ones: groups count.
_NARROW = {"linear": "Normal(0.02)"}
_BOTH = {"linear": "Normal(0.02)", "conv": "Normal(0.02)"}
_HE_OUT = {"conv": "he_normal(fan_out)"}
PROMISES: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(
        """
        beit cait coat convit crossvit csatv2 davit deepseek_vit deit efficientformer efficientformer_v2 efficientvim eva fastvit gemma4_vit hiera iformer lowformer metaformer mvitv2 qwen3_vit starnet swiftformer swin_transformer swin_transformer_v2 tiny_vit tnt visformer vision_transformer vision_transformer_hybrid vision_transformer_sam volo xcit
        """.split(),
        _NARROW,
    ),
    **dict.fromkeys("convnext edgenext fasternet focalnet inception_next mambaout nest".split(), _BOTH),
    **dict.fromkeys(
        """
        byoanet byobnet cspnet dla efficientnet hardcorenas hgnet hrnet lcnetv2 mobilenetv3 mobilevit regnet res2net resnest resnet resnetv2 selecsls senet sknet tresnet vovnet xception
        """.split(),
        _HE_OUT,
    ),
    **dict.fromkeys(("pvt_v2", "twins"), _NARROW | _HE_OUT),
    **dict.fromkeys(("densenet", "rdnet"), {"conv": "he_normal(fan_in)"}),
}

# Residual branches whose last norm is documented to start at zero (`zero_init_last`, `bn_weight_init=0`, res-post-norm).
ZERO_LAST = frozenset(
    """
    byoanet byobnet cspnet efficientvit_msra levit mobilevit regnet repvit res2net resnest resnet shvit
    swin_transformer_v2 swin_transformer_v2_cr tiny_vit tresnet
    """.split()
)

_LARGE = "its smallest variant has {} million parameters, and nothing makes it smaller"
LEFT_OUT: Mapping[str, str] = {
    "timm.inception_resnet_v2": _LARGE.format(54),
    "timm.inception_v4": _LARGE.format(41),
    "timm.nasnet": _LARGE.format(85),
    "timm.nextvit": _LARGE.format(31),
    "timm.pnasnet": _LARGE.format(82),
    "timm.vgg": _LARGE.format(129),
}
