# optax-normalise-zero
# An update of zeros, which a frozen layer gives, becomes NaN
import jax.numpy as jnp
import optax

for rule in (optax.contrib.normalize(), optax.normalize_by_update_norm()):
    print(rule.update([jnp.zeros(2)], rule.init([jnp.zeros(2)]))[0][0].tolist())
# [nan, nan]
# [0.0, 0.0]
