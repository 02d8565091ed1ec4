# haiku-complex-truncated
# Complex weights: a truncated normal gives each part the variance of the whole
import haiku as hk
import jax
import jax.numpy as jnp

for name in ("normal", "truncated_normal"):
    function = hk.transform(hk.initializers.VarianceScaling(1.0, "fan_in", name))
    w = function.apply({}, jax.random.key(0), (1000, 1000), jnp.complex64)
    print(name, round(float(1000 * (abs(w) ** 2).mean()), 1))
# normal 1.0
# truncated_normal 2.0
