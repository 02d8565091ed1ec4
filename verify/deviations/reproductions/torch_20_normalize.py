# torch-normalise-zero-float16, torch-normalise-overflow, torch-normalise-overflow-float16
# normalize: zeros become NaN, large vectors 0
import torch

for x in (torch.zeros(2), torch.tensor([3e20, 4e20]), torch.full((4,), 5e4)):
    for dtype in (torch.float32, torch.float16):
        if x.to(dtype).isfinite().all():
            print(dtype, torch.nn.functional.normalize(x.to(dtype), dim=0).tolist())
# torch.float32 [0.0, 0.0]
# torch.float16 [nan, nan]
# torch.float32 [0.0, 0.0]
# torch.float32 [0.5, 0.5, 0.5, 0.5]
# torch.float16 [0.0, 0.0, 0.0, 0.0]
