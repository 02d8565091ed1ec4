# optax-clip-shut-global optax-clip-shut-rms optax-clip-shut-ball
# A limit of 0 turns gradients of 0 into NaN
import jax.numpy as jnp
import optax

zero = [jnp.zeros(2)]
for rule in (optax.clip_by_global_norm(0.0), optax.clip_by_block_rms(0.0)):
    print(rule.update(zero, rule.init(zero))[0])
# [Array([nan, nan], dtype=float32)]
# [Array([nan, nan], dtype=float32)]
print(optax.projections.projection_l2_ball(zero, 0.0))
# [Array([nan, nan], dtype=float32)]
