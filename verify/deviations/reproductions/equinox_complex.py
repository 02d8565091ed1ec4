# equinox-complex-uniform
# Complex weights: each part has the variance that the documentation promises for the weight, 1/(3 fan_in)
import equinox as eqx
import jax
import jax.numpy as jnp

for dtype in (jnp.float32, jnp.complex64):
    w = eqx.nn.Linear(1000, 1000, dtype=dtype, key=jax.random.key(0)).weight
    print(w.dtype, round(float(3000 * (abs(w) ** 2).mean()), 1))
# float32 1.0
# complex64 2.0
