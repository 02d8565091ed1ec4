# timm-sam-default
# weight_init is accepted and never applied
import torch
from timm.models.vision_transformer_sam import VisionTransformerSAM

torch.manual_seed(0)
model = VisionTransformerSAM(img_size=32, patch_size=8, embed_dim=64, depth=1, num_heads=2, weight_init="jax")
w = model.blocks[0].mlp.fc1.weight.detach()
print("std", round(float(w.std()), 3), "torch's default", round((1 / (3 * 64)) ** 0.5, 3))
# std 0.072 torch's default 0.072
