# equinox-dropout-gradient
# Dropout(1) has an output of 0 and a gradient of NaN
import equinox as eqx
import jax
import jax.numpy as jnp

drop, x, key = eqx.nn.Dropout(1.0), jnp.ones(2), jax.random.key(0)
print(drop(x, key=key).tolist(), jax.grad(lambda x: drop(x, key=key).sum())(x).tolist())
# [0.0, 0.0] [nan, nan]
