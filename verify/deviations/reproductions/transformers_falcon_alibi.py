# transformers-falcon-alibi
# Falcon rounds the slopes of its linear biases to bfloat16, whatever dtype is asked for
import torch
from transformers.models.bloom.modeling_bloom import build_alibi_tensor as bloom
from transformers.models.falcon.modeling_falcon import build_alibi_tensor as falcon

seen = torch.ones(1, 1001, dtype=torch.long)
for head in (1, 9):
    biases = [float(build(seen, 12, torch.float32)[head - 1, 0, 1000]) for build in (bloom, falcon)]
    print(f"head {head} of 12 at position 1000: Bloom {biases[0]:.3f}, Falcon {biases[1]:.3f}")
# head 1 of 12 at position 1000: Bloom 500.000, Falcon 500.000
# head 9 of 12 at position 1000: Bloom 707.107, Falcon 708.000
