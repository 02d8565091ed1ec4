# flax-conv-local
# A layer without shared weights counts its positions as inputs
import flax.linen as nn
import jax
import jax.numpy as jnp

x = jnp.zeros((1, 16, 64))
local = nn.ConvLocal(32, kernel_size=(3,)).init(jax.random.key(0), x)["params"]["kernel"]
shared = nn.Conv(32, kernel_size=(3,)).init(jax.random.key(0), x)["params"]["kernel"]
print(local.shape, round(float(local.std() * (3 * 64) ** 0.5), 3), "of the std that keeps the second moment")
print(shared.shape, round(float(shared.std() * (3 * 64) ** 0.5), 3), "of it")
# (16, 192, 32) 0.251 of the std that keeps the second moment
# (3, 64, 32) 1.003 of it
