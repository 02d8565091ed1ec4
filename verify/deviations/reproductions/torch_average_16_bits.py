# torch-average-bfloat16 torch-average-float16
# An exponential average of 16 bits stands still
import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

for dtype in (torch.float32, torch.bfloat16, torch.float16):
    model = torch.nn.Linear(1, 1, dtype=dtype).requires_grad_(False)
    model.weight.fill_(1.0)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))  # type: ignore[no-untyped-call]
    average.update_parameters(model)
    model.weight.fill_(2.0)
    for _ in range(1000):
        average.update_parameters(model)
    print(dtype, round(next(average.parameters()).item(), 3))
# torch.float32 1.632
# torch.bfloat16 1.0
# torch.float16 1.512
