# haiku-default-cut
# A truncated normal that is not widened again keeps 0.77 of the variance
import haiku as hk
import jax
import jax.numpy as jnp

layer = hk.transform(lambda x: hk.Linear(1000)(x))
w = layer.init(jax.random.key(0), jnp.zeros((1, 1000)))["linear"]["w"]
print(round(float(w.std() * 1000**0.5), 3), "of the std that keeps the second moment")
# 0.88 of the std that keeps the second moment
