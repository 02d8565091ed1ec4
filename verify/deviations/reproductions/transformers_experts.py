# tf-qwen3-omni-talker-initialised tf-qwen3-omni-talker-linear tf-zero-qwen3-omni-talker tf-meta-qwen3-omni-talker
# Experts that nothing initialises
import torch
from transformers.models.qwen3_omni_moe import configuration_qwen3_omni_moe, modeling_qwen3_omni_moe

torch.use_deterministic_algorithms(True)  # torch.empty is then full of NaN
sizes = {"num_hidden_layers": 1, "hidden_size": 32, "num_experts": 4, "moe_intermediate_size": 32, "vocab_size": 100}
config = configuration_qwen3_omni_moe.Qwen3OmniMoeTalkerTextConfig(**sizes, shared_expert_intermediate_size=32)
mlp = modeling_qwen3_omni_moe.Qwen3OmniMoeTalkerModel(config).layers[0].mlp
torch.use_deterministic_algorithms(False)
print("experts that are NaN:", bool(mlp.experts.gate_up_proj.isnan().all()))
print("router, its largest entry:", float(mlp.gate.weight.detach().abs().max()))
# experts that are NaN: True
# router, its largest entry: 0.0
