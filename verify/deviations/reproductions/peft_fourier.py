# peft-fourierft-normal
# A fresh adapter that changes the layer more than the layer does
import peft
import torch

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(64, 64))
x = torch.randn(100, 64)
before = net(x).detach()
config = peft.FourierFTConfig(target_modules=["0"], n_frequency=1000)
after = peft.get_peft_model(net, config)(x).detach()
print("change over output, rms:", round(float((after - before).std() / before.std()), 1))
# change over output, rms: 11.3
