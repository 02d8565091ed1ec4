# flax-batch-norm-empty
# An empty batch leaves NaN in the running statistics for good
import flax.linen as nn
import jax
import jax.numpy as jnp

norm = nn.BatchNorm(use_running_average=False)
variables = norm.init(jax.random.key(0), jnp.ones((4, 3)))
for batch in (jnp.ones((0, 3)), jnp.ones((4, 3))):
    _, state = norm.apply(variables, batch, mutable=["batch_stats"])
    variables |= state
print(variables["batch_stats"]["mean"].tolist(), variables["batch_stats"]["var"].tolist())
# [nan, nan, nan] [nan, nan, nan]
