# optax-clip-overflow, optax-clip-inf, optax-clip-negative
# One large gradient or a negative limit, and no word of it
import jax.numpy as jnp
import optax

clip = optax.clip_by_global_norm(1.0)
for grads in ([3e20, 4e20], [float("inf"), 1.0], [3.0, 4.0]):
    clipped, _ = clip.update({"w": jnp.array(grads)}, clip.init(None))
    print(grads, "->", clipped["w"].tolist())
turned, _ = optax.clip_by_global_norm(-1.0).update({"w": jnp.array([3.0, 4.0])}, clip.init(None))
print("limit -1:", turned["w"].tolist())
# [3e+20, 4e+20] -> [0.0, 0.0]
# [inf, 1.0] -> [nan, 0.0]
# [3.0, 4.0] -> [0.6000000238418579, 0.800000011920929]
# limit -1: [-0.6000000238418579, -0.800000011920929]
