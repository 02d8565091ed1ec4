# torch-sgd-dampening
# The first gradient enters the momentum buffer whole, whatever the dampening
import torch

w = torch.nn.Parameter(torch.zeros(1))
sgd = torch.optim.SGD([w], lr=1.0, momentum=0.9, dampening=0.5)
for step in (1, 2):
    before = w.item()
    w.grad = torch.ones(1)
    sgd.step()
    print(f"step {step}: moved {w.item() - before:.3f}, by the formula {-0.5 * (1 + 0.9 * (step > 1)):.3f}")
# step 1: moved -1.000, by the formula -0.500
# step 2: moved -1.400, by the formula -0.950
