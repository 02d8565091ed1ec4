# flax-nnx-group-norm-axes
# A group norm over chosen axes mixes up its groups
import flax.linen as nn
import jax
from flax import nnx

x = jax.random.normal(jax.random.key(0), (4, 6, 8)) * 3 + 2
one = nn.GroupNorm(2, reduction_axes=(-1,)).init_with_output(jax.random.key(0), x)[0]
other = nnx.GroupNorm(8, 2, reduction_axes=(-1,), rngs=nnx.Rngs(0))(x)
for y in (one, other):
    groups = y.reshape(4, 6, 2, 4)
    print(f"mean of a group up to {abs(groups.mean(-1)).max():.2f}, its square up to {(groups**2).mean(-1).max():.2f}")
# mean of a group up to 0.00, its square up to 1.00
# mean of a group up to 2.91, its square up to 21.91
