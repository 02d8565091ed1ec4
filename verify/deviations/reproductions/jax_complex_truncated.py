# jax-complex-truncated flax-complex-truncated
# Complex lecun_normal: a variance of 1.0187/fan_in, which is exactly 0.92537/0.90842 of what is promised
import jax
import jax.numpy as jnp

w = jax.nn.initializers.lecun_normal()(jax.random.key(0), (4000, 4000), jnp.complex64)
print(round(float(4000 * (abs(w) ** 2).mean()), 3), round((1 - 4 / (jnp.e**4 - 1)) / (1 - 5 * jnp.e**-4), 4))
# 1.018 1.0187
