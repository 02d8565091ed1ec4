# torch-randint-modulo
# Whole numbers below 3 * 2^26 that are not equally likely
import torch

torch.manual_seed(0)
x = torch.randint(3 * 2**26, (2**22,))
print([f"{64 * ((x // 2**26) == third).double().mean():.1f}" for third in range(3)])
# ['22.0', '21.0', '21.0']
