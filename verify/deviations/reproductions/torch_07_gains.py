# torch-gain-tanh, torch-gain-sigmoid, torch-gain-selu
# Recommended gains that do not keep the second moment
from torch.nn.init import calculate_gain

from varlaw.theory import LAWS

for activation in ("tanh", "sigmoid", "selu"):
    exact = LAWS["activation.forward_gain"].value(activation=activation, q=1.0)
    print(f"{activation}: recommended {calculate_gain(activation):.4f}, exact {exact:.4f}")
# tanh: recommended 1.6667, exact 1.5925
# sigmoid: recommended 1.0000, exact 1.8462
# selu: recommended 0.7500, exact 1.0000
