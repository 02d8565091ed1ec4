# torch-fused-sgd-16
# Fused SGD leaves 16-bit weights as they are
import torch

for dtype in (torch.float32, torch.bfloat16, torch.float16):
    w = torch.nn.Parameter(torch.zeros(1000, dtype=dtype))
    w.grad = torch.ones_like(w)
    torch.optim.SGD([w], lr=1.0, fused=True).step()
    print(dtype, "moved", int((w != 0).sum()), "of 1000")
# torch.float32 moved 1000 of 1000
# torch.bfloat16 moved 8 of 1000
# torch.float16 moved 8 of 1000
