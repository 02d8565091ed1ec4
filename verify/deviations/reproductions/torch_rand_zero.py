# torch-rand-zero, torch-rand-zero-ties
# rand gives exactly 0 once in 512 draws in bfloat16, and its logarithm is -inf as often
import torch

torch.manual_seed(0)
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    x = torch.rand(1 << 22, dtype=dtype)
    print(f"{dtype}: {(x == 0).sum().item()} zeros among {len(x)}, {x.log().isinf().sum().item()} infinite logarithms")
# torch.float32: 0 zeros among 4194304, 0 infinite logarithms
# torch.float16: 1057 zeros among 4194304, 1057 infinite logarithms
# torch.bfloat16: 8197 zeros among 4194304, 8197 infinite logarithms
