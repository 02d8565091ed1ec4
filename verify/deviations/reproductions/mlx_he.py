# mlx-he-without-gain
# He's initialisation without its factor of two
import mlx.core as mx
import mlx.nn as nn

mx.random.seed(0)
weight = nn.init.he_normal()(mx.zeros((512, 512)))
print(f"std: {mx.std(weight).item():.4f}; He et al.: {(2 / 512) ** 0.5:.4f}")
# std: 0.0442; He et al.: 0.0625
