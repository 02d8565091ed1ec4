# jax-random-bfloat16
# In bfloat16 JAX draws one of 128 values
import jax
import jax.numpy as jnp

x = jax.random.normal(jax.random.key(0), (1_000_000,), jnp.bfloat16).astype(jnp.float32)
print(len(jnp.unique(x)), "values, the largest", x.max(), "mean", round(float(x.mean()), 4))
u = jax.random.uniform(jax.random.key(0), (1_000_000,), jnp.bfloat16).astype(jnp.float32)
print(len(jnp.unique(u)), "values, mean", round(float(u.mean()), 4), "share of zeros", round(float((u == 0).mean()), 4))
# 128 values, the largest 2.515625 mean -0.0121
# 128 values, mean 0.4961 share of zeros 0.0077
