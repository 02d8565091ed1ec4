# torch-running-statistics-stop
# A running mean in bfloat16 stops before it arrives
import torch

x = torch.full((32, 4), 10.0, dtype=torch.bfloat16)
for dtype in (torch.float32, torch.bfloat16):
    layer = torch.nn.BatchNorm1d(4, momentum=0.01, dtype=dtype)
    for _ in range(2000):
        layer(x.to(dtype))
    print(round(layer.state_dict()["running_mean"][0].item(), 3))
# 10.0
# 6.688
